"""One layer that stacks bidirectional recurrent layers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seqkit.layers import _recurrent_arguments as recurrent


@keras.saving.register_keras_serializable(package="keras_seqkit")
class BidirectionalStack(keras.layers.Layer):
    """Stacked `keras.layers.Bidirectional` recurrent layers, as one layer.

    Layer `i` reads the whole output sequence of layer `i - 1`; `return_sequences` governs the last layer.
    Each is a plain `keras.layers.LSTM`, `GRU` or `SimpleRNN` inside `keras.layers.Bidirectional`, named
    `lstm_0`, `gru_1`, ... after its cell and its place, so Keras uses cuDNN wherever it would for that layer
    alone (default activations, `recurrent_dropout=0`, right padding), and the ONNX exporter finds it.

    Args:
        units: Width of each layer in one direction, first to last; an int makes one layer.
        cell: `"lstm"`, `"gru"` or `"simple_rnn"`; a sequence gives one for each layer.
        return_sequences: Return the last layer's output at every step, not only its final output.
        return_state: Return the final states of every layer after the output.
        merge_mode: How each layer joins its directions: `"concat"` (width `2 * units`), `"sum"`, `"mul"`,
            `"ave"` (width `units`). `None` leaves the last layer's directions apart, as two outputs; the
            layers below it then use `"concat"`.
        dropout: Fraction of each layer's inputs to drop while training; one mask serves all steps of a row.
        recurrent_dropout: Fraction of the recurrent state to drop while training. Above 0, no cuDNN.
        residual: Add each layer's input to its output. Where the widths differ, the input goes through a
            `keras.layers.Dense` without bias first (`projection_0`, ...; He et al., option B). A last layer
            that returns no sequence gets no such connection: it has no step to add to.
        layer_norm: Normalize each layer's output, after the residual sum (`norm_0`, ...; post-norm, as
            Vaswani et al.: `norm(x + layer(x))`).
        **kwargs: Any other argument of the recurrent layers (`kernel_initializer`, `recurrent_regularizer`,
            `activation`, `use_bias`, `unroll`, `use_cudnn`, `reset_after`, ...), given to every layer whose
            cell knows it; `seed` becomes `seed + i` for layer `i`, so that layers drop different inputs. And
            those of `keras.layers.Layer`: `name`, `dtype`, `trainable`, `autocast`, `activity_regularizer`
            (on the stack's outputs).

    Call arguments:
        sequences: Float tensor `(batch, time, dim)`.
        initial_state: Optional sequence of float tensors `(batch, units)`, in the order that `return_state`
            returns them.
        mask: Optional boolean tensor `(batch, time)`, `False` where a step is padding. Taken from `sequences`
            when left out, with `initial_state` too.
        training: Whether dropout is active.

    Returns:
        `(batch, time, width)` with `return_sequences`, else `(batch, width)`; two such tensors, forward then
        backward, with `merge_mode=None`. With `return_state`, a tuple: the output (or both), then every state
        `(batch, units)`: layer by layer, in each the forward states, then the backward states; an LSTM has
        `h, c` in each direction, the others `h`. For one layer that is the order of
        `keras.layers.Bidirectional`. All in the compute dtype.

    Masking:
        Masked steps change no state and no other step's output, wherever they lie. The output is zero there,
        also with `residual` and `layer_norm`; a row that is all masked keeps its initial state. The mask goes
        on to the next layer with `return_sequences`, and ends here otherwise.

    Raises:
        ValueError: An argument is out of range, is unknown to every chosen cell, or is `stateful` or
            `go_backwards`; `initial_state` has not one tensor for each state; `unroll=True` meets a mask.

    Example:
        >>> import numpy as np
        >>> from keras_seqkit.layers import BidirectionalStack
        >>> encoder = BidirectionalStack((8, 4), cell=("lstm", "gru"), return_state=True)
        >>> output, *states = encoder(np.ones((2, 5, 3), "float32"))
        >>> tuple(output.shape)
        (2, 8)
        >>> [tuple(state.shape) for state in states]
        [(2, 8), (2, 8), (2, 8), (2, 8), (2, 4), (2, 4)]
        >>> [layer.name for layer in encoder.recurrent_layers]
        ['lstm_0', 'gru_1']

    References:
        - Schuster and Paliwal, 1997, Bidirectional recurrent neural networks.
        - Wu et al., 2016, arXiv:1609.08144, section 3.1 (residual connections between stacked LSTM layers).
        - He et al., 2016, arXiv:1512.03385 (projection where widths differ).
        - Ba et al., 2016, arXiv:1607.06450; Vaswani et al., 2017, arXiv:1706.03762 (norm after the sum).
    """

    def __init__(
        self,
        units: int | Sequence[int] = (128, 64),
        cell: str | Sequence[str] = "lstm",
        return_sequences: bool = False,
        return_state: bool = False,
        merge_mode: str | None = "concat",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**{k: v for k, v in kwargs.items() if k in recurrent.LAYER_ARGUMENTS})
        self.units = recurrent.checked_units(units)
        self.cell = recurrent.checked_cells(cell, len(self.units))
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.merge_mode = merge_mode
        self.dropout = recurrent.checked_fraction("dropout", dropout)
        self.recurrent_dropout = recurrent.checked_fraction("recurrent_dropout", recurrent_dropout)
        self.residual = residual
        self.layer_norm = layer_norm
        recurrent.checked_combination(merge_mode, residual or layer_norm, residual, self._returns_sequences(0))
        self.recurrent_arguments = recurrent.checked_recurrent_arguments(kwargs, self.cell)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

        count = len(self.units)
        self.recurrent_layers = [self._make_recurrent_layer(index) for index in range(count)]
        self.norms = [
            keras.layers.LayerNormalization(name=f"norm_{index}", **self._inherited)
            for index in range(count if layer_norm else 0)
        ]
        self.projections: list[Any] = []  # one place for each layer, filled in build() where widths differ

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build every layer, so that saved weights find their places."""
        shape = tuple(sequences_shape)
        projections = []
        for index, layer in enumerate(self.recurrent_layers):
            layer.build(shape)
            width = self._width(index)
            projection = None
            if self._has_residual(index) and shape[-1] != width:
                projection = keras.layers.Dense(width, use_bias=False, name=f"projection_{index}", **self._inherited)
                projection.build(shape)
            projections.append(projection)
            shape = (*shape[:-1], width)
            if self.layer_norm:
                self.norms[index].build(shape if self._returns_sequences(index) else (shape[0], width))
        self.projections = projections
        super().build(sequences_shape)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        sequences_mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Run the stack; the class docstring says what goes in and out."""
        # Keras fills `mask` from the input only when that is the one tensor; beside `initial_state` it looks
        # for an argument called `sequences_mask`.
        mask = sequences_mask if mask is None else mask
        if mask is not None and self.recurrent_arguments.get("unroll") and self._returns_sequences(0):
            raise ValueError(
                "BidirectionalStack: unroll=True received a mask, and Keras's unrolled backward layers zero the "
                "wrong steps of a masked sequence. Pass unroll=False, or sequences without padding."
            )
        starts = self._states_by_layer(initial_state)
        x, other, states = sequences, [], []  # (batch, time, dim)
        for index, layer in enumerate(self.recurrent_layers):
            result = layer(x, initial_state=starts[index], mask=mask, training=training)
            output, other, new_states = self._split(index, result)
            states += new_states
            if self._has_residual(index):
                projection = self.projections[index]
                output = output + (x if projection is None else projection(x))  # (batch, time, width)
            if self.layer_norm:
                output = self.norms[index](output)
            x = output  # (batch, time, width); (batch, width) after a last layer that returns no sequence
        if mask is not None and self.return_sequences and (self.residual or self.layer_norm):
            keep = ops.expand_dims(ops.cast(mask, "bool"), -1)  # (batch, time, 1)
            x = ops.where(keep, x, ops.zeros_like(x))
        outputs = (x, *other, *states) if self.return_state else (x, *other)
        return outputs if len(outputs) > 1 else x

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Mask of each output: the input's for a sequence, `None` for a final output or a state."""
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        masks = [mask if self.return_sequences else None] * self._number_of_outputs
        if self.return_state:
            return masks + [None] * sum(self._number_of_states(index) for index in range(len(self.units)))
        return masks if len(masks) > 1 else masks[0]

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Shape of each output, in the order that `call` returns them."""
        batch, time, _ = sequences_shape
        width = self._width(len(self.units) - 1)
        outputs = [(batch, time, width) if self.return_sequences else (batch, width)]
        outputs *= self._number_of_outputs
        if self.return_state:
            for index, units in enumerate(self.units):
                outputs += [(batch, units)] * self._number_of_states(index)
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as plain data."""
        return {
            **super().get_config(),
            "units": list(self.units),
            "cell": list(self.cell),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "merge_mode": self.merge_mode,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            **self.recurrent_arguments,
        }

    @property
    def _inherited(self) -> dict[str, Any]:
        return {"dtype": self.dtype_policy, "trainable": self.trainable}

    @property
    def _number_of_outputs(self) -> int:
        return 2 if self.merge_mode is None else 1

    def _number_of_states(self, index: int) -> int:
        return 2 * len(recurrent.STATE_NAMES[self.cell[index]])

    def _returns_sequences(self, index: int) -> bool:
        return self.return_sequences or index < len(self.units) - 1

    def _has_residual(self, index: int) -> bool:
        return self.residual and self._returns_sequences(index)

    def _merge_mode_of(self, index: int) -> Any:
        return self.merge_mode if self.merge_mode or index == len(self.units) - 1 else "concat"

    def _width(self, index: int) -> int:
        return self.units[index] * (2 if self._merge_mode_of(index) == "concat" else 1)

    def _make_recurrent_layer(self, index: int) -> keras.layers.Bidirectional:
        cell, name = self.cell[index], f"{self.cell[index]}_{index}"
        arguments: dict[str, Any] = {
            k: v for k, v in self.recurrent_arguments.items() if k in recurrent.arguments_of(cell)
        }
        if arguments.get("seed") is not None:
            arguments["seed"] += index
        layer = recurrent.RECURRENT_LAYERS[cell](
            self.units[index],
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            return_sequences=self._returns_sequences(index),
            return_state=self.return_state,
            name=name,
            **self._inherited,
            **arguments,
        )
        merge_mode = self._merge_mode_of(index)
        return keras.layers.Bidirectional(layer, merge_mode, name=name, **self._inherited)

    def _split(self, index: int, result: Any) -> tuple[Any, list, list]:
        """Part what a layer returned: its output, the backward one if they are apart, and its states."""
        first, *rest = result if isinstance(result, (list, tuple)) else [result]
        others = 1 if self._merge_mode_of(index) is None else 0
        return first, rest[:others], rest[others:]

    def _states_by_layer(self, initial_state: Any) -> list[list | None]:
        counts = [self._number_of_states(index) for index in range(len(self.units))]
        if initial_state is None:
            return [None] * len(counts)
        got = len(initial_state) if isinstance(initial_state, (list, tuple)) else "no list"
        if got != sum(counts):
            raise ValueError(
                f"BidirectionalStack: initial_state must list {sum(counts)} tensors (batch, units), {counts} "
                f"for the layers {[layer.name for layer in self.recurrent_layers]}; received {got}. Pass the "
                "states that a stack of the same cells and units returns with return_state=True, in order."
            )
        states = iter(initial_state)
        return [[next(states) for _ in range(count)] for count in counts]

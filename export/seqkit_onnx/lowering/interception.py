"""While a model is traced, its recurrent layers leave a placeholder where their loop would be."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import keras
import tensorflow as tf

from seqkit_onnx.lowering.activations import NoNativeOperator
from seqkit_onnx.lowering.native_layers import cells_of, native_cells, native_pair, starts_at_zero
from seqkit_onnx.lowering.placeholder import add_placeholder
from seqkit_onnx.lowering.recurrence import Recurrence


class UnsupportedLayerError(ValueError):
    """A layer cannot be exported; the message names it and says what to do."""


@contextmanager
def intercepted_recurrence(model_name: str) -> Iterator[dict[bytes, Recurrence]]:
    """Replaces what recurrent layers do when they are called, until the block ends.

    Args:
        model_name: the prefix that names of layers lose.

    Yields:
        The recurrences of the model, by the token of their placeholder; filled while a model is traced.
    """
    interceptor = _Interceptor(model_name)
    call_embedding = keras.layers.Embedding.call

    def embedding_call(layer: Any, inputs: Any) -> Any:
        if layer.quantization_mode is not None:
            return call_embedding(layer, inputs)
        # ONNX's Gather counts negative ids from the end, as Keras does with seven more nodes.
        ids = tf.cast(inputs, "int32") if not tf.as_dtype(inputs.dtype).is_integer else inputs
        return tf.cast(tf.gather(tf.convert_to_tensor(layer.embeddings), ids), layer.compute_dtype)

    def rnn_call(layer: Any, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False):
        return interceptor.call_rnn(layer, sequences, initial_state, mask)

    def bidirectional_call(layer: Any, sequences: Any, initial_state: Any = None, mask: Any = None, training=None):
        return interceptor.call_bidirectional(layer, sequences, initial_state, mask)

    def time_distributed_call(layer: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return interceptor.call_time_distributed(layer, inputs, mask)

    try:
        with (
            patch.object(keras.layers.RNN, "call", rnn_call),
            patch.object(keras.layers.Bidirectional, "call", bidirectional_call),
            patch.object(keras.layers.TimeDistributed, "call", time_distributed_call),
            patch.object(keras.layers.Embedding, "call", embedding_call),
        ):
            yield interceptor.recurrences
    finally:
        if interceptor.refused:  # what was raised inside the trace comes out wrapped by TensorFlow and Keras
            raise interceptor.refused[0]


class _Interceptor:
    """What layers do instead of running; it must be made before their methods are replaced."""

    def __init__(self, model_name: str):
        self.recurrences: dict[bytes, Recurrence] = {}
        self.refused: list[UnsupportedLayerError] = []
        self.namer = _Namer(model_name)
        self.stateful_layers: set[str] = set()
        self.inside_time_distributed = 0
        self.keras_rnn, self.keras_bidirectional = keras.layers.RNN.call, keras.layers.Bidirectional.call

    def call_rnn(self, layer: Any, sequences: Any, initial_state: Any, mask: Any) -> Any:
        try:
            operators = native_cells(layer)
        except NoNativeOperator as reason:
            self._check_stateless(layer, str(reason))
            _warn_of_loop(layer, str(reason))
            return self.keras_rnn(layer, sequences, initial_state=initial_state, mask=mask, training=False)
        mask = self._two_axes(layer, mask)
        if initial_state is None and not starts_at_zero(layer):
            self._check_stateless(layer, "it begins with a state of its own making")
            initial_state = layer.get_initial_state(batch_size=tf.shape(sequences)[0])
        states = tf.nest.flatten(initial_state) if initial_state is not None else []
        stateful = self._is_stateful(layer, states)
        x, finals = sequences, []  # (batch, time, dim)
        for index, (cell, operator) in enumerate(zip(cells_of(layer), operators, strict=True)):
            top = index == len(operators) - 1
            own = states[: len(operator.state_names)]
            states = states[len(own) :]
            recurrence = Recurrence(
                self.namer.name(cell, levels=1 if len(operators) == 1 else 0),
                (operator,),
                go_backwards=layer.go_backwards,
                return_sequences=layer.return_sequences or not top,
                return_state=layer.return_state,
                zero_output_for_mask=layer.zero_output_for_mask,
                has_mask=mask is not None,
                has_initial_state=bool(own),
                unrolled=layer.unroll,
                keeps_time_order=not top,
                stateful=stateful,
            )
            x, *new = add_placeholder(recurrence, self.recurrences, layer.compute_dtype, x, mask, own)
            finals += new
        return (x, *_in_order_of_cells(layer, initial_state, finals)) if layer.return_state else x

    def call_bidirectional(self, layer: Any, sequences: Any, initial_state: Any, mask: Any) -> Any:
        pair = native_pair(layer, mask is not None)
        if pair is None:
            return self.keras_bidirectional(layer, sequences, initial_state=initial_state, mask=mask, training=False)
        forward = layer.forward_layer
        mask = self._two_axes(layer, mask)
        states = tf.nest.flatten(initial_state) if initial_state is not None else []
        recurrence = Recurrence(
            self.namer.name(forward.cell, levels=2),
            pair,
            return_sequences=layer.return_sequences,
            return_state=layer.return_state,
            merge_mode=layer.merge_mode,
            zero_output_for_mask=forward.zero_output_for_mask,
            has_mask=mask is not None,
            has_initial_state=bool(states),
            stateful=self._is_stateful(forward, states),
        )
        outputs = add_placeholder(recurrence, self.recurrences, layer.compute_dtype, sequences, mask, states)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def call_time_distributed(self, layer: Any, inputs: Any, mask: Any) -> Any:
        """Runs the inner layer once, all steps of all rows as the rows of one batch."""
        inner = layer.layer
        accepted = inspect.signature(inner.call).parameters
        arguments: dict[str, Any] = {"training": False} if "training" in accepted else {}
        if mask is not None and "mask" in accepted:
            arguments["mask"] = _fold_time(mask)
        self.inside_time_distributed += 1
        outputs = inner.call(_fold_time(inputs), **arguments)  # (batch * time, ...)
        self.inside_time_distributed -= 1
        batch_and_time = tf.shape(inputs)[:2]
        unfolded = tf.reshape(outputs, tf.concat([batch_and_time, tf.shape(outputs)[1:]], axis=0))
        return tf.ensure_shape(unfolded, [*inputs.shape[:2], *outputs.shape[1:]])

    def _two_axes(self, layer: Any, mask: Any) -> Any:
        """Returns a mask as bool (batch, time)."""
        if mask is None:
            return None
        mask = tf.cast(mask, tf.bool)
        if len(mask.shape) == 3 and mask.shape[2] == 1:
            mask = tf.squeeze(mask, 2)
        if len(mask.shape) != 2:
            self._refuse(
                f"layer {layer.name!r} received a mask of shape {tuple(mask.shape)}, and one value for each step, "
                "(batch, time), is expected. Pass mask= to the layer, or mask_zero=False to the embedding."
            )
        return mask

    def _is_stateful(self, layer: Any, states: list[Any]) -> bool:
        """Whether the layer's states become inputs and outputs of the file."""
        if not layer.stateful or states:  # a state that is passed takes the place of the kept one
            return False
        if self.inside_time_distributed:
            self._check_stateless(layer, "TimeDistributed runs it once for each step")
        if layer.path in self.stateful_layers:
            self._check_stateless(layer, "it is called twice")
        self.stateful_layers.add(layer.path)
        return True

    def _check_stateless(self, layer: Any, reason: str) -> None:
        if layer.stateful:
            self._refuse(
                f"layer {layer.name!r} is stateful, and its state cannot be carried: {reason}. Build it with "
                "stateful=False and return_state=True, and pass initial_state."
            )

    def _refuse(self, message: str) -> None:
        error = UnsupportedLayerError(f"export: {message}")
        self.refused.append(error)
        raise error


class _Namer:
    """Names recurrences after their layers' paths, each name once."""

    def __init__(self, model_name: str):
        self.prefix = f"{model_name}/"
        self.used: set[str] = set()

    def name(self, cell: Any, levels: int) -> str:
        """Returns the cell's path without its last `levels` parts, with a number where it was given out before."""
        path = cell.path.removeprefix(self.prefix).split("/")
        base = "/".join(path[: len(path) - levels]) or path[0]
        name, count = base, 1
        while name in self.used:  # a layer that is called twice
            name, count = f"{base}_call_{count}", count + 1
        self.used.add(name)
        return name


def _in_order_of_cells(layer: Any, initial_state: Any, finals: list[Any]) -> list[Any]:
    """Gives final states the structure in which Keras returns them."""
    if type(layer.cell) is not keras.layers.StackedRNNCells:
        return finals
    structure = list(initial_state) if initial_state is not None else layer.get_initial_state(batch_size=1)
    return tf.nest.pack_sequence_as(structure, finals)


def _fold_time(x: Any) -> Any:
    """(batch, time, ...) to (batch * time, ...)."""
    folded = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], axis=0))
    return tf.ensure_shape(folded, [None, *x.shape[2:]])


def _warn_of_loop(layer: Any, reason: str) -> None:
    warnings.warn(
        f"export: layer {layer.name!r} is exported as a loop, not as a native operator: {reason}.", stacklevel=6
    )

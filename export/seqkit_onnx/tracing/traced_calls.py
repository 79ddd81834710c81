"""What the layers of a model do while it is traced: recurrent ones leave a placeholder where their loop would be."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import keras
import tensorflow as tf

from seqkit_onnx.cells.activations import NoNativeOperator
from seqkit_onnx.cells.recurrence import Recurrence
from seqkit_onnx.cells.token_table import TokenTable
from seqkit_onnx.tracing.hooks import plainly
from seqkit_onnx.tracing.native_layers import cells_of, has_own_call, native_cells, native_pair, starts_at_zero
from seqkit_onnx.tracing.placeholder import add_placeholder
from seqkit_onnx.tracing.refusals import UnsupportedLayerError
from seqkit_onnx.tracing.row_mixing import mixes_rows
from seqkit_onnx.tracing.text_layers import call_lookup, call_vectorization, refuse_hashing


class LoopState:
    """A state of a stateful layer that is exported as a loop.

    Args:
        name: of the graph's input.
        initial: the placeholder that it begins with, (batch, ...).
        final: the tensor that it ends with.
    """

    def __init__(self, name: str, initial: Any, final: Any):
        self.name = name
        self.initial = initial
        self.final = final

    @property
    def final_name(self) -> str:
        """The name of the graph's output."""
        head, _, last = self.name.rpartition("/")
        return f"{head}/{last.replace('initial', 'final', 1)}"


class TracedCalls:
    """What layers do instead of running.

    Attributes:
        repeats_earlier: whether a masked step may repeat an output of an earlier call.
    """

    repeats_earlier = False

    def __init__(self, model_name: str):
        self.recurrences: dict[bytes, Recurrence] = {}
        self.tables: dict[bytes, TokenTable] = {}
        self.loop_states: list[LoopState] = []
        self.embedded: list[Any] = []  # what is looked up in embeddings
        self.refused: list[UnsupportedLayerError] = []
        self.graph: Any = None  # in which the model is traced
        self.namer = _Namer(model_name)
        self.stateful_layers: set[str] = set()
        self.inside_time_distributed = 0

    def raise_refusal(self) -> None:
        """Raises what was refused, if anything was: Keras makes another error of it on the way."""
        if self.refused:
            raise self.refused[0] from None

    def begin(self) -> None:
        """Notes in which graph the model is traced, and forgets an earlier trace."""
        self.graph = tf.compat.v1.get_default_graph()
        self.recurrences.clear()
        self.tables.clear()
        for seen in (self.loop_states, self.embedded, self.stateful_layers, self.namer.used):
            seen.clear()

    def call_embedding(self, layer: Any, own: Callable, inputs: Any, **kwargs: Any) -> Any:
        """Looks ids up."""
        self.embedded.append(inputs)
        if layer.quantization_mode is not None:
            return own(inputs, **kwargs)
        # ONNX's Gather counts negative ids from the end, as Keras does with seven more nodes.
        ids = inputs if tf.as_dtype(inputs.dtype) in (tf.int32, tf.int64) else tf.cast(inputs, "int32")
        return tf.cast(tf.gather(tf.convert_to_tensor(layer.embeddings), ids), layer.compute_dtype)

    def call_vectorization(self, layer: Any, own: Callable, inputs: Any) -> Any:
        """Splits texts and looks their tokens up."""
        return self._looked_up(call_vectorization, layer, own, inputs)

    def call_lookup(self, layer: Any, own: Callable, inputs: Any) -> Any:
        """Looks strings or integers up."""
        return self._looked_up(call_lookup, layer, own, inputs)

    def call_hashing(self, layer: Any, own: Callable, *inputs: Any) -> Any:
        """Refuses a layer that hashes."""
        return self._looked_up(lambda *_: refuse_hashing(layer), layer, own, inputs)

    def _looked_up(self, call: Callable, layer: Any, own: Callable, inputs: Any) -> Any:
        try:
            return call(layer, own, inputs, self.tables, self.namer.unique(layer.path or layer.name))
        except UnsupportedLayerError as error:
            self.refused.append(error)
            raise

    def call_rnn(
        self, layer: Any, own: Callable, sequences: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Runs a recurrent layer."""
        kwargs["training"] = False
        try:
            operators = native_cells(layer)
        except NoNativeOperator as reason:
            _warn_of_loop(layer, str(reason))
            if self._is_stateful(layer, tf.nest.flatten(initial_state)):
                return self._stateful_loop(layer, sequences, mask, kwargs)
            return own(sequences, initial_state=initial_state, mask=mask, **kwargs)
        if has_own_call(layer):  # its loop is intercepted
            if self._is_stateful(layer, tf.nest.flatten(initial_state)):
                _warn_of_loop(layer, f"{type(layer).__name__} has a call of its own and keeps states")
                return self._stateful_loop(layer, sequences, mask, kwargs)
            return own(sequences, initial_state=initial_state, mask=mask, **kwargs)
        if initial_state is None and not starts_at_zero(layer):
            self._check_stateless(layer, "it begins with a state of its own making")
            initial_state = layer.get_initial_state(batch_size=tf.shape(sequences)[0])
        stateful = self._is_stateful(layer, tf.nest.flatten(initial_state))
        x, finals = self._placeholders(layer, operators, sequences, initial_state, mask, stateful, layer.return_state)
        return (x, *_in_order_of_cells(layer, initial_state, finals)) if layer.return_state else x

    def call_loop(
        self, layer: Any, own: Callable, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> Any:
        """Runs the loop of a recurrent layer with a call of its own: returns last output, outputs and states."""
        try:
            operators = native_cells(layer)
        except NoNativeOperator:  # call_rnn has warned
            return own(sequences, initial_state, mask, training)
        x, finals = self._placeholders(layer, operators, sequences, initial_state, mask, False, True)
        return x, x, _in_order_of_cells(layer, initial_state, finals)  # Keras reads one of the two

    def _placeholders(
        self,
        layer: Any,
        operators: tuple,
        sequences: Any,
        initial_state: Any,
        mask: Any,
        stateful: bool,
        return_state: bool,
    ) -> tuple[Any, list[Any]]:
        """Adds a placeholder for each cell; returns the layer's output and the final states."""
        mask = self._two_axes(layer, mask)
        states = tf.nest.flatten(initial_state) if initial_state is not None else []
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
                return_state=return_state,
                zero_output_for_mask=layer.zero_output_for_mask,
                has_mask=mask is not None,
                has_initial_state=bool(own),
                unrolled=layer.unroll,
                keeps_time_order=not top,
                stateful=stateful,
                repeats_earlier=stateful and self.repeats_earlier,
            )
            x, *new = add_placeholder(recurrence, self.recurrences, layer.compute_dtype, x, mask, own)
            finals += new
        return x, finals

    def call_bidirectional(
        self, layer: Any, own: Callable, sequences: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Runs both directions, in one operator where it can hold them."""
        pair = native_pair(layer, mask is not None)
        if pair is None:
            return own(sequences, initial_state=initial_state, mask=mask, training=False)
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

    def call_time_distributed(self, layer: Any, own: Callable, inputs: Any, mask: Any = None, **kwargs: Any) -> Any:
        """Runs the inner layer once, all steps of all rows as the rows of one batch."""
        inner = layer.layer
        with plainly():
            mixing = mixes_rows(inner, inputs)
        if mixing:
            if inputs.shape[1] is not None:  # step by step, as Keras does
                return own(inputs, mask=mask, training=False)
            self.refuse(
                f"layer {layer.name!r} runs {inner.name!r} in each step, and that layer mixes the rows of a "
                "batch, which cannot be exported for any number of steps. Give the input a fixed number of steps, or "
                "write the layer so that each row is treated apart."
            )
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

    def _stateful_loop(self, layer: Any, sequences: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        """Runs a stateful layer as Keras does, with states that come in and go out of the graph."""
        if tf.compat.v1.get_default_graph() is not self.graph:
            self._check_stateless(layer, "it is called inside a loop or a condition")
        name = self.namer.name(layer, levels=0)
        output, finals = self._loop_with_states(layer, name, layer.states, sequences, mask, kwargs)
        return (output, *finals) if layer.return_state else output

    def _loop_with_states(
        self, layer: Any, name: str, shaped: Any, sequences: Any, mask: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, list[Any]]:
        """Runs a layer as Keras does, its states inputs and outputs of the graph.

        Args:
            layer: the recurrent layer.
            name: of the states.
            shaped: something of the shape of each state, in the structure in which Keras keeps them.
            sequences: (batch, time, ...).
            mask: bool (batch, time), or `None`.
            kwargs: what else the layer was called with.

        Returns:
            The output, and the final states.
        """
        twin = twin_of(layer, stateful=False, return_state=True)
        states = [self._state(sequences, each.shape[1:]) for each in tf.nest.flatten(shaped)]
        packed = tf.nest.pack_sequence_as(shaped, states)
        output, *finals = type(layer).call(twin, sequences, initial_state=packed, mask=mask, **kwargs)
        labels = [""] if len(states) == 1 else [f"_{index}" for index in range(len(states))]
        for label, state, final in zip(labels, states, tf.nest.flatten(finals), strict=True):
            self.loop_states.append(LoopState(f"{name}/initial_state{label}", state, tf.cast(final, tf.float32)))
        return output, finals

    def _state(self, sequences: Any, shape: Any) -> Any:
        """Makes a state that comes into the graph: (batch, ...)."""
        return tf.compat.v1.placeholder(tf.float32, [sequences.shape[0], *shape])

    def _two_axes(self, layer: Any, mask: Any) -> Any:
        """Returns a mask as bool (batch, time)."""
        if mask is None:
            return None
        mask = tf.cast(mask, tf.bool)
        if len(mask.shape) == 3 and mask.shape[2] == 1:
            mask = tf.squeeze(mask, 2)
        if len(mask.shape) != 2:
            self.refuse(
                f"layer {layer.name!r} received a mask of shape {tuple(mask.shape)}, and one value for each "
                "step, (batch, time), is expected. Pass mask= to the layer, or mask_zero=False to the embedding."
            )
        return mask

    def _is_stateful(self, layer: Any, states: list[Any]) -> bool:
        """Whether the layer's states become inputs and outputs of the file."""
        if not layer.stateful or any(state is not None for state in states):  # a state that is passed takes its place
            return False
        if self.inside_time_distributed:
            self._check_stateless(layer, "TimeDistributed runs it once for each step")
        if layer.path in self.stateful_layers:
            self._check_stateless(layer, "it is called twice")
        self.stateful_layers.add(layer.path)
        return True

    def _check_stateless(self, layer: Any, reason: str) -> None:
        if layer.stateful:
            self.refuse(
                f"layer {layer.name!r} is stateful, and its state cannot be carried: {reason}. Build it with "
                "stateful=False and return_state=True, and pass initial_state."
            )

    def refuse(self, message: str) -> NoReturn:
        """Ends the export: what Keras makes of the error on its way is not shown."""
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
        return self.unique("/".join(path[: len(path) - levels]) or path[0])

    def unique(self, path: str) -> str:
        """Returns a path without the model's name, with a number where it was given out before."""
        base = path.removeprefix(self.prefix)
        name, count = base, 1
        while name in self.used:  # a layer that is called twice
            name, count = f"{base}_call_{count}", count + 1
        self.used.add(name)
        return name


def twin_of(layer: Any, **changed: Any) -> Any:
    """Returns a layer with the same weights and other attributes; others may be using the layer itself."""
    twin = object.__new__(type(layer))
    vars(twin).update(vars(layer), **changed)
    for hook in ("call", "inner_loop"):
        vars(twin).pop(hook, None)
    return twin


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

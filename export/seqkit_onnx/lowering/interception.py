"""While a model is traced, its recurrent layers leave a placeholder where their loop would be."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import keras
import tensorflow as tf

from seqkit_onnx.lowering.activations import NoNativeOperator
from seqkit_onnx.lowering.operators import CellOperator, lowering_of
from seqkit_onnx.lowering.recurrence import Recurrence

PLACEHOLDER_OP = "PyFunc"
TOKEN_ATTRIBUTE = "token"  # noqa: S105  # the attribute by which TensorFlow finds the function again


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
    recurrences: dict[bytes, Recurrence] = {}
    refused: list[UnsupportedLayerError] = []
    namer = _Namer(model_name)
    call_rnn, call_bidirectional = keras.layers.RNN.call, keras.layers.Bidirectional.call
    call_embedding = keras.layers.Embedding.call

    def rnn_call(layer: Any, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False):
        _refuse_state(layer, refused)
        cell = _native_cell(layer)
        if cell is None:
            return call_rnn(layer, sequences, initial_state=initial_state, mask=mask, training=training)
        recurrence = Recurrence(
            namer.name(layer.cell),
            (cell,),
            layer.go_backwards,
            layer.return_sequences,
            layer.return_state,
            None,
            layer.zero_output_for_mask,
            mask is not None,
            initial_state is not None,
        )
        return _placeholder(recurrence, recurrences, layer.compute_dtype, sequences, mask, initial_state)

    def bidirectional_call(layer: Any, sequences: Any, initial_state: Any = None, mask: Any = None, training=None):
        pair = _native_pair(layer)
        if pair is None:
            return call_bidirectional(layer, sequences, initial_state=initial_state, mask=mask, training=training)
        recurrence = Recurrence(
            namer.name(layer.forward_layer.cell, levels=2),
            pair,
            False,
            layer.return_sequences,
            layer.return_state,
            layer.merge_mode,
            layer.forward_layer.zero_output_for_mask,
            mask is not None,
            initial_state is not None,
        )
        return _placeholder(recurrence, recurrences, layer.compute_dtype, sequences, mask, initial_state)

    def embedding_call(layer: Any, inputs: Any) -> Any:
        if layer.quantization_mode is not None:
            return call_embedding(layer, inputs)
        # ONNX's Gather counts negative ids from the end, as Keras does with seven more nodes.
        ids = tf.cast(inputs, "int32") if not tf.as_dtype(inputs.dtype).is_integer else inputs
        return tf.cast(tf.gather(tf.convert_to_tensor(layer.embeddings), ids), layer.compute_dtype)

    try:
        with (
            patch.object(keras.layers.RNN, "call", rnn_call),
            patch.object(keras.layers.Bidirectional, "call", bidirectional_call),
            patch.object(keras.layers.Embedding, "call", embedding_call),
        ):
            yield recurrences
    finally:
        if refused:  # what was raised inside the trace comes out wrapped by TensorFlow and Keras
            raise refused[0]


class _Namer:
    """Names recurrences after their layers' paths, each name once."""

    def __init__(self, model_name: str):
        self.prefix = f"{model_name}/"
        self.used: set[str] = set()

    def name(self, cell: Any, levels: int = 1) -> str:
        path = cell.kernel.path.removeprefix(self.prefix)
        base = "/".join(path.split("/")[: -1 - levels]) or path.split("/")[0]
        name, count = base, 1
        while name in self.used:  # a layer that is called twice
            name, count = f"{base}_call_{count}", count + 1
        self.used.add(name)
        return name


def _refuse_state(layer: Any, refused: list[UnsupportedLayerError]) -> None:
    if layer.stateful:
        error = UnsupportedLayerError(
            f"export: layer {layer.name!r} is stateful, and its state would be lost in the file. Build it with "
            "stateful=False and return_state=True, and pass initial_state."
        )
        refused.append(error)
        raise error


def _native_cell(layer: Any) -> CellOperator | None:
    """Returns the operator of a layer, or `None` with a warning where TensorFlow's loop is converted instead."""
    lowering = lowering_of(layer.cell)
    if lowering is None:
        _warn_of_loop(layer, f"cell {type(layer.cell).__name__} has no ONNX operator")
        return None
    try:
        with tf.init_scope():  # the weights are read outside the graph that is being traced
            return lowering(layer.cell)
    except NoNativeOperator as reason:
        _warn_of_loop(layer, str(reason))
        return None


def _warn_of_loop(layer: Any, reason: str) -> None:
    warnings.warn(
        f"export: layer {layer.name!r} is exported as a loop, not as a native operator: {reason}.", stacklevel=5
    )


def _native_pair(layer: Any) -> tuple[CellOperator, CellOperator] | None:
    """Returns the operators of both directions where one ONNX operator can hold them."""
    forward, backward = layer.forward_layer, layer.backward_layer
    both = (forward, backward)
    if not all(isinstance(each, keras.layers.RNN) for each in both) or forward.go_backwards:
        return None
    if any(each.stateful or lowering_of(each.cell) is None for each in both):
        return None  # each direction by itself says what is wrong
    if forward.zero_output_for_mask != backward.zero_output_for_mask:
        return None
    first, second = _native_cell(forward), _native_cell(backward)
    if first is None or second is None or not first.pairs_with(second):
        return None
    return first, second


def _placeholder(
    recurrence: Recurrence,
    recurrences: dict[bytes, Recurrence],
    dtype: str,
    sequences: Any,
    mask: Any,
    initial_state: Any,
) -> Any:
    """Adds the node that stands for the recurrence, and gives its outputs the shapes they will have."""
    sequences = tf.cast(sequences, tf.float32)  # (batch, time, dim)
    inputs = [sequences]
    if mask is not None:
        inputs.append(tf.cast(mask, tf.bool))
    if initial_state is not None:
        inputs += [tf.cast(state, tf.float32) for state in tf.nest.flatten(initial_state)]
    states = recurrence.state_count if recurrence.return_state else 0
    count = recurrence.output_count + states
    results = tf.numpy_function(_never_called, inputs, [tf.float32] * count, name="recurrence")
    recurrences[results[0].op.get_attr(TOKEN_ATTRIBUTE)] = recurrence
    batch, time = sequences.shape[:2]
    units = recurrence.directions[0].units
    shape = [batch, time, recurrence.width] if recurrence.return_sequences else [batch, recurrence.width]
    shapes = [shape] * recurrence.output_count + [[batch, units]] * states
    outputs = [tf.cast(tf.ensure_shape(result, shape), dtype) for result, shape in zip(results, shapes, strict=True)]
    return outputs[0] if count == 1 else tuple(outputs)


def _never_called(*_: Any) -> None:
    raise RuntimeError("a placeholder stands in a graph that is converted, and is never run")

"""The node that stands for a recurrence while TensorFlow and tf2onnx have the graph."""

from typing import Any

import tensorflow as tf

from seqkit_onnx.cells.recurrence import Recurrence

PLACEHOLDER_OP = "PyFunc"
TOKEN_ATTRIBUTE = "token"  # noqa: S105  # the attribute by which TensorFlow finds the function again


def add_placeholder(
    recurrence: Recurrence,
    recurrences: dict[bytes, Recurrence],
    dtype: str,
    sequences: Any,
    mask: Any,
    initial_state: list[Any],
) -> list[Any]:
    """Adds the node, and gives its outputs the shapes they will have.

    Args:
        recurrence: what the node stands for.
        recurrences: where that is kept, by the node's token.
        dtype: of the outputs.
        sequences: (batch, time, dim).
        mask: bool (batch or 1, time), or `None`.
        initial_state: (batch or 1, units) each, direction by direction; may be empty.

    Returns:
        The outputs, and the final states where they are wanted.
    """
    sequences = tf.cast(sequences, tf.float32)  # (batch, time, dim)
    inputs = [sequences]
    if mask is not None:
        inputs.append(_for_each_row(mask, sequences))
    inputs += [_for_each_row(tf.cast(state, tf.float32), sequences) for state in initial_state]
    states = recurrence.state_count if recurrence.return_state else 0
    count = recurrence.output_count + states
    results = tf.numpy_function(never_called, inputs, [tf.float32] * count, name="recurrence")
    recurrences[results[0].op.get_attr(TOKEN_ATTRIBUTE)] = recurrence
    batch, time = sequences.shape[:2]
    shape = [batch, time, recurrence.width] if recurrence.return_sequences else [batch, recurrence.width]
    shapes = [shape] * recurrence.output_count + [[batch, recurrence.units]] * states
    return [tf.cast(tf.ensure_shape(result, shape), dtype) for result, shape in zip(results, shapes, strict=True)]


def _for_each_row(each: Any, sequences: Any) -> Any:
    """Gives each row a state or mask of its own where there is one for all: Keras takes both, ONNX does not."""
    if each.shape[0] != 1 or sequences.shape[0] == 1:
        return each
    return tf.broadcast_to(each, [tf.shape(sequences)[0], tf.shape(each)[1]])  # (batch, units), or (batch, time)


def never_called(*_: Any) -> None:
    """What a placeholder would call."""
    raise RuntimeError("a placeholder stands in a graph that is converted, and is never run")

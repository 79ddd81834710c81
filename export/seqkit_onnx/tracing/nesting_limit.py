"""How deep conditions, loops and functions may stand inside each other in a graph that is traced."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

DEEPEST = 16


@contextmanager
def limited_nesting(refuse: Callable[[str], Any]) -> Iterator[None]:
    """Refuses what takes minutes: Keras nests 48 conditions for an `associative_scan` over an axis of unknown size.

    Args:
        refuse: what raises the error, given its message.
    """

    def device(operation: Any) -> str:  # TensorFlow asks for the device of each operation that is put into a graph
        if _depth(operation.graph) > DEEPEST:
            layer = _layer_that_runs()
            what = f"layer {layer.name!r}" if layer is not None else "the model"
            refuse(
                f"{what} nests more than {DEEPEST} conditions, loops or functions, as keras.ops.associative_scan does "
                "along an axis whose size is not known. Give that axis a size, in keras.Input or by input_signature=, "
                "or use keras.ops.scan."
            )
        return operation.device

    with tf.compat.v1.device(device):
        yield


def _depth(graph: Any) -> int:
    outer = getattr(graph, "outer_graph", None)
    return 0 if outer is None else 1 + _depth(outer)


def _layer_that_runs() -> Any:
    """Returns the innermost layer, or model, whose code has called this function."""
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.Layer):
            return owner
        frame = frame.f_back
    return None

"""Inputs without defaults in place of those that have one."""

from typing import Any

from onnx import GraphProto, numpy_helper


def require_settings(graph: GraphProto) -> dict[str, Any]:
    """Takes the defaults of a graph's inputs out of it: JavaScript and Java cannot feed an input that has one.

    Args:
        graph: changed in place.

    Returns:
        The defaults that were there, scalars, by the inputs' names.
    """
    inputs = {value.name for value in graph.input}
    defaults = {
        tensor.name: numpy_helper.to_array(tensor).item() for tensor in graph.initializer if tensor.name in inputs
    }
    rest = [tensor for tensor in graph.initializer if tensor.name not in inputs]
    del graph.initializer[:]
    graph.initializer.extend(rest)
    return defaults

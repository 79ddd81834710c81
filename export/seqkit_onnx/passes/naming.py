"""Names that a reader of the file knows from the Keras model."""

import re

import keras
import numpy as np
from onnx import GraphProto, numpy_helper

from seqkit_onnx.layer_walk import all_layers, array_of
from seqkit_onnx.passes.passes import rename_values

_COUNTER = re.compile(r"__\d+$")  # of all that tf2onnx made in this process
_ADDED_BY_TENSORFLOW = {"ReadVariableOp", "resource", ""}


def give_readable_names(graph: GraphProto, model: keras.Model) -> None:
    """Renames weights after Keras's variables, and nodes and values after Keras's layers.

    Args:
        graph: the graph; its inputs and outputs keep their names.
        model: the model that it came from.
    """
    layers = {layer.name for layer in all_layers(model)}
    weights = _weight_names(graph, model)
    taken = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {name: name for name in taken}
    values = [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
    for old in filter(None, values):
        if old not in names:
            names[old] = _unique(weights.get(old) or _readable(old, model.name, layers), taken)
    rename_values(graph, names)
    used: set[str] = set()
    for node in graph.node:
        node.name = _unique(_readable(node.name, model.name, layers), used)


def _readable(name: str, model_name: str, layers: set[str]) -> str:
    """Strips the model's name, what TensorFlow adds, and the numbers by which it tells calls of a layer apart."""
    parts = [part for part in name.removesuffix(":0").split("/") if part not in _ADDED_BY_TENSORFLOW]
    if len(parts) > 1 and parts[0] in (model_name, f"{model_name}_1"):
        parts = parts[1:]
    return "/".join(_layer_name(_COUNTER.sub("", part), layers) for part in parts) or name


def _layer_name(part: str, layers: set[str]) -> str:
    base = part.removesuffix("_1")
    return base if base in layers and part not in layers else part


def _unique(name: str, taken: set[str]) -> str:
    new, count = name, 1
    while new in taken:
        new, count = f"{name}_{count}", count + 1
    taken.add(new)
    return new


def _weight_names(graph: GraphProto, model: keras.Model) -> dict[str, str]:
    """Finds which initializer is which of Keras's variables, by shape and content."""
    paths: dict[tuple, list[str]] = {}
    for variable in model.variables:
        array = array_of(variable)
        paths.setdefault((array.shape, array.tobytes()), []).append(variable.path)
    names = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor) if tensor.data_type != tensor.STRING else np.zeros(0)
        found = paths.get((array.shape, array.tobytes()), [])
        if array.size > 1 and np.any(array) and len(found) == 1:  # fresh biases are zeros, whose ever they are
            names[tensor.name] = found[0].removeprefix(f"{model.name}/")
    return names

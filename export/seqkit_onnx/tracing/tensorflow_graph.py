"""A Keras model as a TensorFlow graph without variables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


@dataclass(frozen=True)
class TensorflowGraph:
    """A graph of TensorFlow's operations, weights written as constants.

    Args:
        definition: the graph, a `GraphDef`.
        inputs: the names of the tensors that go in.
        outputs: the names of the tensors that come out.
    """

    definition: Any
    inputs: list[str]
    outputs: list[str]


def trace(function: Callable[..., list[Any]], specs: Sequence[tf.TensorSpec]) -> Any:
    """Traces a function once, for any values of its arguments.

    Args:
        function: takes a tensor for each spec, and returns a list of tensors.
        specs: shapes and dtypes; their names are not looked at.

    Returns:
        TensorFlow's wrapped function. It has no order of its own among its operations, as `tf.function` has.
    """
    unnamed = [tf.TensorSpec(spec.shape, spec.dtype, f"input_{index}") for index, spec in enumerate(specs)]
    return tf.compat.v1.wrap_function(function, unnamed)


def freeze(traced: Any, more_inputs: Sequence[Any] = ()) -> TensorflowGraph:
    """Writes all that a traced function reads from outside into its graph, and leaves out what no output needs.

    Args:
        traced: what `trace` returned.
        more_inputs: placeholders that were made while it was traced.
    """
    inner = {id(tensor) for _, tensor in traced.graph.captures}
    own = [tensor for tensor in traced.inputs if id(tensor) not in inner]
    pruned = traced.prune([*own, *more_inputs], list(traced.outputs))
    frozen = convert_variables_to_constants_v2(pruned, lower_control_flow=False, aggressive_inlining=True)
    captured = {
        inside.op.name: outside.numpy()
        for outside, inside in pruned.graph.captures
        if outside.dtype not in (tf.resource, tf.variant) and hasattr(outside, "numpy")
    }
    definition = frozen.graph.as_graph_def(add_shapes=True)
    for node in definition.node:
        if node.op == "Placeholder" and node.name in captured:
            _make_constant(node, captured[node.name])
    for nodes in (definition.node, *(function.node_def for function in definition.library.function)):
        for node in nodes:  # what is only to be run before something else changes no answer
            data = [name for name in node.input if not name.startswith("^")]
            del node.input[:]
            node.input.extend(data)
    outside = [tensor for tensor in pruned.inputs if tensor.dtype != tf.resource and tensor.op.name not in captured]
    inputs = [tensor.name for tensor in outside]
    outputs = [tensor.name for tensor in frozen.outputs]
    _keep_what_is_read(definition, [_node_of(name) for name in inputs + outputs])
    return TensorflowGraph(definition, inputs, outputs)


def _keep_what_is_read(definition: Any, wanted: list[str]) -> None:
    """Removes the nodes that none of the wanted ones reads."""
    by_name = {node.name: node for node in definition.node}
    kept: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept.add(name)
            wanted += [_node_of(read) for read in by_name[name].input]
    nodes = [node for node in definition.node if node.name in kept]
    del definition.node[:]
    definition.node.extend(nodes)


def _node_of(tensor: str) -> str:
    return tensor.split(":")[0]


def _make_constant(node: Any, value: np.ndarray) -> None:
    """Turns a placeholder into a constant."""
    dtype = node.attr["dtype"].type
    shapes = node.attr["_output_shapes"]
    node.op = "Const"
    node.attr.clear()
    node.attr["dtype"].type = dtype
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype, np.shape(value)))
    node.attr["_output_shapes"].CopyFrom(shapes)

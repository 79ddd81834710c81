"""Conditions whose answer is known before a model runs: the branch that is taken stands in their place."""

from typing import Any

import numpy as np
import tensorflow as tf

CONDITIONS = {"If": "StatefulPartitionedCall", "StatelessIf": "PartitionedCall"}  # and what calls one of the branches


def choose_branches(definition: Any) -> bool:
    """Puts a call of the branch that is taken in the place of each condition whose answer is a constant.

    Args:
        definition: a graph, changed in place.

    Returns:
        Whether something has changed, so that TensorFlow's own folding of constants may find the answers of others.
    """
    if not any(node.op in CONDITIONS for node in definition.node):
        return False
    constants = {node.name: node for node in definition.node if node.op == "Const"}
    changed = _write_known_sizes(definition)
    for node in definition.node:
        asked = constants.get(node.input[0].split(":")[0]) if node.op in CONDITIONS else None
        if asked is not None:
            _call_branch(node, bool(np.any(tf.make_ndarray(asked.attr["value"].tensor))))
            changed = True
    return changed


def _write_known_sizes(definition: Any) -> bool:
    """Makes constants of the sizes of axes that do not vary, though others of the same tensor do."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        sizes = {each.name: _known_size(each) for each in graph.get_operations() if each.type == "StridedSlice"}
    known = [node for node in definition.node if sizes.get(node.name) is not None]
    for node in known:
        dtype, size = node.attr["T"].type, sizes[node.name]
        node.op = "Const"
        del node.input[:]
        node.attr.clear()
        node.attr["dtype"].type = dtype
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(size, dtype, []))
    return bool(known)


def _known_size(operation: Any) -> int | None:
    """Returns the size that `tf.shape(x)[axis]` is, where it is one and known."""
    shape, begin = operation.inputs[0].op, tf.get_static_value(operation.inputs[1])
    if shape.type != "Shape" or begin is None or len(begin) != 1 or operation.get_attr("shrink_axis_mask") != 1:
        return None
    sizes = shape.inputs[0].shape
    return sizes[int(begin[0])] if sizes.rank is not None else None


def _call_branch(node: Any, answer: bool) -> None:
    branch = node.attr["then_branch" if answer else "else_branch"].func
    node.op = CONDITIONS[node.op]
    node.attr["f"].func.CopyFrom(branch)
    del node.input[0]
    for name in list(node.attr):
        if name not in ("f", "Tin", "Tout"):
            del node.attr[name]

"""Probabilities to a label inside the graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, helper

from seqkit_onnx.lowering.graph_builder import GraphBuilder


def add_labels(
    graph: GraphProto,
    labels: Sequence[str],
    scores: str,
    columns: int,
    probabilities: str,
    label: str,
    logits: bool = False,
) -> list[NodeProto]:
    """Adds what turns a network's output into the probability of each class, and the most probable one's name.

    Args:
        graph: where constants go.
        labels: the names of the classes.
        scores: the network's output, float32 (batch, columns).
        columns: how many there are: one for each class, or, for two classes, the probability of the second alone.
        probabilities: the name of the result, float32 (batch, classes).
        label: the name of the other result, string (batch,).
        logits: whether the output is not yet probabilities: a sigmoid makes them of one column, a softmax of several.

    Returns:
        The nodes, in order.
    """
    builder = GraphBuilder(graph, "labels")
    if logits:
        kind: dict[str, Any] = {"op_type": "Sigmoid"} if columns == 1 else {"op_type": "Softmax", "axis": -1}
        scores = builder.node(kind.pop("op_type"), [scores], "of_logits", **kind)
    if columns == 1:
        complement = builder.node("Sub", [builder.constant(1.0, np.float32, "labels_one"), scores], "first")
        builder.nodes.append(
            helper.make_node("Concat", [complement, scores], [probabilities], name="labels/both", axis=1)
        )
    else:
        builder.nodes.append(helper.make_node("Identity", [scores], [probabilities], name="labels/probabilities"))
    best = builder.node("ArgMax", [probabilities], "best", axis=1, keepdims=0)  # (batch,)
    names = builder.constant(list(labels), object, "labels_names")
    builder.nodes.append(helper.make_node("Gather", [names, best], [label], name="labels/label"))
    return builder.nodes

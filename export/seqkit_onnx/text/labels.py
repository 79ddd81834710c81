"""Probabilities to a label inside the graph, or to several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.runtime.multi_label_classifier import THRESHOLD


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


def add_several_labels(graph: GraphProto, labels: Sequence[str], probabilities: str) -> None:
    """Adds what names each class whose probability is above a threshold, which the caller may choose.

    The graph then has the input `threshold`, float32 (), 0.5 where it is left out, and the outputs `labels`, string
    (batch, classes), with an empty string where a class is not given, and `probabilities`, float32 (batch, classes).

    Args:
        graph: changed in place.
        labels: the names of the classes.
        probabilities: the network's output, float32 (batch, classes).
    """
    builder = GraphBuilder(graph, "labels")
    graph.input.append(helper.make_tensor_value_info("threshold", TensorProto.FLOAT, []))
    graph.initializer.append(numpy_helper.from_array(np.array(THRESHOLD, np.float32), "threshold"))
    given = builder.node("Greater", [probabilities, "threshold"], "given")  # (batch, classes)
    names = builder.constant(list(labels), object, "labels_names")
    nothing = builder.constant([""], object, "labels_nothing")
    # onnxruntime's Where takes strings; each class's name, or nothing.
    builder.nodes.append(helper.make_node("Where", [given, names, nothing], ["labels"], name="labels/labels"))
    builder.nodes.append(helper.make_node("Identity", [probabilities], ["probabilities"], name="labels/probabilities"))
    graph.node.extend(builder.nodes)
    del graph.output[:]
    graph.output.extend(
        [
            helper.make_tensor_value_info("labels", TensorProto.STRING, ["batch", len(labels)]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(labels)]),
        ]
    )

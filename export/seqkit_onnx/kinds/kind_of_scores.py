"""Finds out whether what a classifier answers are probabilities or logits."""

from collections.abc import Iterator
from typing import Any

import keras
from onnx import GraphProto, NodeProto

from seqkit_onnx.layer_walk import owner_of_node

SCORES = ("probabilities", "logits")
_MAKES_PROBABILITIES = {"Softmax", "Sigmoid", "HardSigmoid"}
_GIVES_ON = {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze"}


def kind_of_scores(model: keras.Model, graph: GraphProto, given: str | None) -> str:
    """Says what the one output of a graph is.

    A softmax over the classes or a sigmoid at the end gives probabilities; a dense layer without activation gives
    logits, unless the model was compiled with a loss that wants something else.

    Args:
        model: the model that it came from; how it was compiled is looked at.
        graph: a converted graph with one output.
        given: what the user says: ``"probabilities"``, ``"logits"`` or `None`.

    Returns:
        ``"probabilities"`` or ``"logits"``.

    Raises:
        ValueError: it cannot be known, or `given` is none of the two.
    """
    if given is not None:
        if given not in SCORES:
            raise ValueError(f"export: scores must be one of {SCORES}; received {given!r}.")
        return given
    maker = _maker_of(graph, graph.output[0].name)
    if maker is not None and maker.op_type in _MAKES_PROBABILITIES and _over_classes(maker):
        return "probabilities"
    from_logits = list(_losses_from_logits(getattr(model, "loss", None)))
    if any(from_logits):
        return "logits"
    if _is_dense(graph, maker) and not from_logits and not getattr(model, "loss", None):
        return "logits"
    raise ValueError(
        f"export: whether model {model.name!r} answers with probabilities or with logits cannot be known: it ends in "
        f"{owner_of_node(maker.name, model) if maker is not None else 'an input'}"
        f"{' and was compiled with ' + repr(_loss_name(model.loss)) if getattr(model, 'loss', None) else ''}. Pass "
        "scores='logits', and the file takes their sigmoid or softmax, or scores='probabilities'."
    )


def _maker_of(graph: GraphProto, name: str) -> NodeProto | None:
    makers = {output: node for node in graph.node for output in node.output}
    node = makers.get(name)
    while node is not None and node.op_type in _GIVES_ON:
        node = makers.get(node.input[0])
    return node


def _is_dense(graph: GraphProto, node: NodeProto | None) -> bool:
    """Whether a node ends a dense layer without activation, of what are no probabilities: weights, and biases."""
    weights = {tensor.name for tensor in graph.initializer}
    if node is not None and node.op_type == "Add":
        data = [name for name in node.input if name not in weights]
        node = _maker_of(graph, data[0]) if len(data) == 1 else None
    if node is None or node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights:
        return False
    before = _maker_of(graph, node.input[0])
    return before is None or before.op_type != "Softmax"


def _over_classes(node: NodeProto) -> bool:
    """Whether a softmax is one over the last of two axes; a sigmoid needs no axis."""
    return node.op_type != "Softmax" or all(each.i in (-1, 1) for each in node.attribute if each.name == "axis")


def _losses_from_logits(loss: Any) -> Iterator[bool]:
    """Yields of each loss that says so whether it takes logits."""
    for each in keras.tree.flatten(loss):
        config = each.get_config() if isinstance(each, keras.losses.Loss) else {}
        found = config.get("from_logits", (config.get("fn_kwargs") or {}).get("from_logits"))
        if found is not None:
            yield bool(found)


def _loss_name(loss: Any) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", repr(loss))

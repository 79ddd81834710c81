"""Which nodes of a file onnxruntime's CUDA provider leaves on the CPU, and why.

The rules are those by which onnxruntime assigns nodes (`CUDAExecutionProvider::GetCapability`), for the operators that
this exporter writes. cuDNN computes the recurrent operators, so what it does not know stays on the CPU.
"""

from collections.abc import Iterator
from typing import NamedTuple

from onnx import GraphProto, ModelProto, NodeProto, helper

_CUDNN_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_CONTROL_FLOW = {"Loop", "Scan", "If"}
_ON_STRINGS = {
    "StringNormalizer",
    "StringConcat",
    "StringSplit",
    "RegexFullMatch",
    "Tokenizer",
    "LabelEncoder",
}
_INT8 = {"DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "DynamicQuantizeLinear", "MatMulInteger"}


class KeptOnCpu(NamedTuple):
    """A node that CUDA does not run.

    Args:
        name: the node's name, after its layer.
        op_type: its operator.
        reason: why.
    """

    name: str
    op_type: str
    reason: str


def nodes_kept_on_cpu(model: ModelProto) -> tuple[KeptOnCpu, ...]:
    """Lists the nodes that stay on the CPU under `CUDAExecutionProvider`, those of a text part among them.

    Args:
        model: an exported model.

    Returns:
        The nodes of the main graph with a reason each; small nodes on shapes and lengths, which onnxruntime places
        as it sees fit, are not listed.
    """
    return tuple(_kept(model.graph))


def _kept(graph: GraphProto) -> Iterator[KeptOnCpu]:
    for node in graph.node:
        reason = _reason(node)
        if reason:
            yield KeptOnCpu(node.name, node.op_type, reason)


def _reason(node: NodeProto) -> str:
    if node.op_type in _CUDNN_ACTIVATIONS:
        return _recurrent_reason(node)
    if node.op_type in _CONTROL_FLOW:
        return "control flow runs on the host, which waits for the GPU in each round"
    if node.op_type in _ON_STRINGS:
        return "strings stay on the host"
    return "the int8 operators of a quantized file run on the CPU" if node.op_type in _INT8 else ""


def _recurrent_reason(node: NodeProto) -> str:
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    known = _CUDNN_ACTIVATIONS[node.op_type]
    activations = tuple(each.decode() for each in attributes.get("activations", []))
    if activations and activations != known * (len(activations) // len(known)):
        return f"cuDNN computes {node.op_type} with {', '.join(known)} only; this one has {', '.join(activations)}"
    if node.op_type == "GRU" and not attributes.get("linear_before_reset"):
        return "cuDNN computes GRU with reset_after=True only"
    return "cuDNN knows no clip" if "clip" in attributes else ""

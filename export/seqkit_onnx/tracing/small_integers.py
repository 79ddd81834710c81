"""Integers for which onnxruntime has no kernels are computed as larger ones, and cast back: what overflows wraps."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper

WIDE: dict[int, int] = {
    **dict.fromkeys(
        (TensorProto.INT8, TensorProto.INT16, TensorProto.UINT8, TensorProto.UINT16), int(TensorProto.INT32)
    ),
    TensorProto.UINT32: TensorProto.INT64,
}
# ONNX pools floats alone; float64 holds each integer up to 2 ** 53.
_POOLED: dict[int, int] = dict.fromkeys((*WIDE, TensorProto.INT32, TensorProto.INT64), int(TensorProto.DOUBLE))
_ARITHMETIC = (
    "Abs", "Add", "AddN", "AddV2", "ArgMax", "ArgMin", "BatchMatMulV2", "BatchMatMulV3", "ClipByValue", "Cross",
    "Cumprod", "Cumsum", "Einsum", "Equal", "FloorDiv", "FloorMod", "MatMul", "Max", "Maximum", "Mean", "Min",
    "Minimum", "MirrorPad", "Mod", "Mul", "Neg", "NotEqual", "Pad", "PadV2", "Pow", "Prod", "Relu", "Relu6",
    "Select", "SelectV2", "Sign", "Square", "SquaredDifference", "Sub", "Sum", "TensorScatterAdd", "TensorScatterMax",
    "TensorScatterMin", "TensorScatterSub", "TruncateDiv", "TruncateMod", "UnsortedSegmentProd", "UnsortedSegmentSum",
)  # fmt: skip
_NUMBERS: dict[str, tuple[int, ...]] = {  # of other inputs: axes, indices and sizes stay as they are
    **dict.fromkeys(("ArgMax", "ArgMin", "Cumprod", "Cumsum", "Max", "Mean", "Min", "Prod", "Sum"), (0,)),
    **dict.fromkeys([name for name in _ARITHMETIC if name.startswith("UnsortedSegment")], (0,)),
    **dict.fromkeys([name for name in _ARITHMETIC if name.startswith("TensorScatter")], (0, 2)),
    **dict.fromkeys(("MaxPoolV2", "MirrorPad", "Pad"), (0,)),
    "PadV2": (0, 2),
    **dict.fromkeys(("Select", "SelectV2"), (1, 2)),
}
_WIDER: dict[str, dict[int, int]] = {
    **dict.fromkeys(_ARITHMETIC, WIDE),
    **dict.fromkeys(("MaxPool", "MaxPool3D", "MaxPoolV2"), _POOLED),
}


def widened(graph: Any, node: Any) -> Any:
    """Returns a node of TensorFlow that computes in larger integers, between two casts, where it must.

    Args:
        graph: tf2onnx's graph, in which it stands.
        node: the node; it is replaced where its integers are small.

    Returns:
        The node that is to be converted.
    """
    wider = _WIDER.get(node.type)
    if wider is None:
        return node
    numbers = _NUMBERS.get(node.type, range(len(node.input)))
    dtype = graph.get_dtype(node.input[numbers[0]])
    if dtype not in wider:
        return node
    wide, operation, attributes, inputs = wider[dtype], node.type, node.attr, list(node.input)
    for index in numbers:
        types = {"shapes": [graph.get_shape(inputs[index])], "dtypes": [wide]}
        inputs[index] = graph.make_node("Cast", [inputs[index]], attr={"to": wide}, **types).output[0]
    name, outputs, shapes, own = node.name, list(node.output), node.output_shapes, list(node.output_dtypes)
    graph.remove_node(name)
    inner = [f"{output}/wide" if each == dtype else output for output, each in zip(outputs, own, strict=True)]
    new = graph.make_node(
        operation, inputs, attr=attributes, outputs=inner, name=name, shapes=shapes, skip_conversion=False,
        dtypes=[wide if each == dtype else each for each in own],
    )  # fmt: skip
    for output, wide_output, shape in zip(outputs, inner, shapes, strict=True):
        if wide_output != output:  # tf2onnx takes the first of two casts away, and with it what it cuts off
            zero = graph.make_const(f"{output}/dtype", np.zeros((), helper.tensor_dtype_to_np_dtype(dtype))).output[0]
            graph.make_node("CastLike", [wide_output, zero], outputs=[output], shapes=[shape], dtypes=[dtype])
    return new

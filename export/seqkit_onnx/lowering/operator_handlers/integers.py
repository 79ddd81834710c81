"""Comparisons, sorting and sums of integers, which tf2onnx or onnxruntime take through floats, and angles."""

from typing import Any

import numpy as np
from onnx import TensorProto
from tf2onnx.handler import tf_op

from seqkit_onnx.lowering.operator_handlers.node_writer import NodeWriter, written_by
from seqkit_onnx.lowering.tf2onnx_driver import Handler

_SMALL = {TensorProto.INT8, TensorProto.INT16, TensorProto.UINT8, TensorProto.UINT16}
_LARGE = {TensorProto.INT32, TensorProto.INT64, TensorProto.UINT32}


def _as_tf2onnx_does(ctx: Any, node: Any) -> None:
    operation = node.type
    found: Any = tf_op.find_effective_op(operation)
    function, arguments = found
    node.type = arguments.get("onnx_op", operation)
    function(ctx, node, **{**arguments, "tf_op": operation})


def _comparison(op_type: str) -> Handler:
    """Compares integers as they are; floats as tf2onnx does."""

    def handler(ctx: Any, node: Any, name: str, args: list) -> None:
        dtype = ctx.get_dtype(node.input[0])
        if dtype not in _SMALL | _LARGE:
            _as_tf2onnx_does(ctx, node)
            return
        # tf2onnx makes int64 of the counters of loops, and does not say so.
        compared = written_by(lambda write: write(op_type, _wide(write, 0), _wide(write, 1)))
        compared(ctx, node, name, args)

    return handler


def _wide(write: NodeWriter, index: int) -> str:
    known = write.known(index)
    if known is not None:
        return write.constant(known.astype(np.int64))
    return write("Cast", write.inputs[index], to=TensorProto.INT64)


def _largest(ctx: Any, node: Any, name: str, args: list) -> None:
    """The largest numbers of each row; tf2onnx makes floats of integers."""
    dtype = ctx.get_dtype(node.input[0])
    if dtype not in _SMALL | _LARGE:
        _as_tf2onnx_does(ctx, node)
        return

    def write_largest(write: NodeWriter) -> list[str]:
        wide = TensorProto.INT32 if dtype in _SMALL else TensorProto.INT64
        count = write("Reshape", write.cast(write.inputs[1], TensorProto.INT64), write.integers(-1))
        found, places = write.several("TopK", 2, write.cast(write.inputs[0], wide), count, sorted=1)
        return [write("Cast", found, to=write.dtypes[0]), write("Cast", places, to=write.dtypes[1])]

    written_by(write_largest)(ctx, node, name, args)


def _sum(ctx: Any, node: Any, name: str, args: list) -> None:
    """A sum; onnxruntime's of int32 stops at the largest number, where TensorFlow's begins again."""
    if ctx.get_dtype(node.input[0]) != TensorProto.INT32:
        _as_tf2onnx_does(ctx, node)
        return

    def write_sum(write: NodeWriter) -> str:
        axes = write("Reshape", write.cast(write.inputs[1], TensorProto.INT64), write.integers(-1))
        wide = write.cast(write.inputs[0], TensorProto.INT64)
        keep = int(write.attribute("keep_dims", 0))
        total = write("ReduceSum", wide, axes, keepdims=keep, noop_with_empty_axes=1)
        return write("Cast", total, to=write.dtypes[0])

    written_by(write_sum)(ctx, node, name, args)


def _angle(write: NodeWriter) -> str:
    """The angle of a point (x, y), zeros with a sign included."""
    y, x = write.inputs
    zero, pi = write.like(x, 0), write.like(x, np.pi)

    def is_negative(value: str) -> str:  # 1 / -0.0 is -infinity
        of_zero = write("And", write("Equal", value, zero), write("Less", write("Reciprocal", value), zero))
        return write("Or", write("Less", value, zero), of_zero)

    angle = write("Atan", write("Div", write("Abs", y), write("Abs", x)))
    angle = write("Where", write("Equal", y, zero), write("Abs", y), angle)  # 0 / 0 is no number
    left = is_negative(x)
    angle = write("Where", left, write("Sub", pi, angle), angle)
    angle = write("Where", is_negative(y), write("Neg", angle), angle)
    ahead = write("And", write("Equal", y, zero), write("Not", left))
    return write("Where", ahead, y, angle)


HANDLERS: dict[str, Handler] = {
    "Greater": _comparison("Greater"),
    "Less": _comparison("Less"),
    "GreaterEqual": _comparison("GreaterOrEqual"),
    "LessEqual": _comparison("LessOrEqual"),
    "TopKV2": _largest,
    "Sum": _sum,
    "Atan2": written_by(_angle),
}

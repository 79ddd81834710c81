"""Comparisons, sums and places of numbers: integers that onnxruntime takes through floats, NaN, and angles."""

from typing import Any

import numpy as np
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import FLOATS, NodeWriter, as_tf2onnx_does, written_by
from seqkit_onnx.tracing.tf2onnx_driver import Handler

_SMALL = {TensorProto.INT8, TensorProto.INT16, TensorProto.UINT8, TensorProto.UINT16}
_LARGE = {TensorProto.INT32, TensorProto.INT64, TensorProto.UINT32}


def _comparison(op_type: str) -> Handler:
    """Compares integers as they are; floats as tf2onnx does."""

    def handler(ctx: Any, node: Any, name: str, args: list) -> None:
        dtype = ctx.get_dtype(node.input[0])
        if dtype not in _SMALL | _LARGE:
            as_tf2onnx_does(ctx, node)
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
        as_tf2onnx_does(ctx, node)
        return

    def write_largest(write: NodeWriter) -> list[str]:
        wide = TensorProto.INT32 if dtype in _SMALL else TensorProto.INT64
        count = write("Reshape", write.cast(write.inputs[1], TensorProto.INT64), write.integers(-1))
        found, places = write.several("TopK", 2, write.cast(write.inputs[0], wide), count, sorted=1)
        return [write("Cast", found, to=write.dtypes[0]), write("Cast", places, to=write.dtypes[1])]

    written_by(write_largest)(ctx, node, name, args)


def _sum(ctx: Any, node: Any, name: str, args: list) -> None:
    """A sum; onnxruntime's of integers stops at the largest number, where TensorFlow's begins again."""
    handler = written_by(_sum_of_integers) if ctx.get_dtype(node.input[0]) in _LARGE else as_tf2onnx_does
    handler(ctx, node, name, args)


def _sum_of_integers(write: NodeWriter) -> str:
    """A sum modulo 2 ** 64; onnxruntime adds as float64, which holds the sum of two million integers of 32 bits."""
    x, axes = write.inputs[0], write("Reshape", write.cast(write.inputs[1], TensorProto.INT64), write.integers(-1))
    how = {"keepdims": int(write.attribute("keep_dims", 0)), "noop_with_empty_axes": 1}
    if write.dtype == TensorProto.INT64 and not _was_small(write.ctx, x):
        unit = write.constant(np.int64(2**32))
        low = write("Mod", x, unit)
        high = write("Div", write("Sub", x, low), unit)
        low, high = (write("ReduceSum", each, axes, **how) for each in (low, high))
        return write("Add", write("Mul", high, unit), low)
    total = write("ReduceSum", write.cast(x, TensorProto.INT64), axes, **how)
    return write("Cast", total, to=write.dtypes[0])


def _was_small(ctx: Any, value: str) -> bool:
    """Whether a value was cast to int64 from fewer bits."""
    source = ctx.get_node_by_output(value)
    while source is not None and source.type == "Identity":
        source = source.inputs[0]
    if source is None or source.type != "Cast":
        return False
    return ctx.get_dtype(source.input[0]) in {*_SMALL, TensorProto.INT32, TensorProto.UINT32, TensorProto.BOOL}


def _relu(ctx: Any, node: Any, name: str, args: list) -> None:
    """A Relu, of int64 too, of which onnxruntime has none."""
    of_integers = written_by(lambda write: write("Max", write.inputs[0], write.like(write.inputs[0], 0)))
    handler = of_integers if ctx.get_dtype(node.input[0]) == TensorProto.INT64 else as_tf2onnx_does
    handler(ctx, node, name, args)


def _best_place(worst: float) -> Handler:
    """The place of the largest or smallest number; NaN is never it, but in onnxruntime where it stands first."""

    def handler(ctx: Any, node: Any, name: str, args: list) -> None:
        x = node.input[0]
        if ctx.get_dtype(x) in FLOATS:
            write = NodeWriter(ctx, node)
            numbers = write("Where", write("IsNaN", x), write.like(x, worst), x)
            ctx.set_shape(numbers, ctx.get_shape(x))
            ctx.replace_input(node, x, numbers, 0)
        as_tf2onnx_does(ctx, node)

    return handler


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
    "Relu": _relu,
    "ArgMax": _best_place(-np.inf),
    "ArgMin": _best_place(np.inf),
    "Atan2": written_by(_angle),
}

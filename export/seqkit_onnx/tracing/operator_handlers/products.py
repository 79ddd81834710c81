"""Products and powers. Those of integers wrap where they overflow, as TensorFlow's; onnxruntime's stop."""

from typing import Any

import numpy as np
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, as_tf2onnx_does, written_by
from seqkit_onnx.tracing.tf2onnx_driver import Handler

# What takes parts of a shape and puts them together, as TensorFlow and ONNX call it.
_REARRANGES = {"Concat", "ConcatV2", "Gather", "GatherV2", "Pack", "Slice", "StridedSlice"}
_REARRANGES |= {"Cast", "ExpandDims", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
_INTEGERS = (TensorProto.INT32, TensorProto.INT64)  # all others have been made one of them


def _product(ctx: Any, node: Any, name: str, args: list) -> None:
    """A product over axes; onnxruntime takes that of integers through float64, which is exact for sizes of arrays."""
    wraps = ctx.get_dtype(node.input[0]) in _INTEGERS and not _are_sizes(ctx, node.input[0])
    (written_by(_product_of_integers) if wraps else as_tf2onnx_does)(ctx, node, name, args)


def _are_sizes(ctx: Any, name: str) -> bool:
    """Whether a value is made of sizes of arrays, constants and nothing else."""
    waiting, seen = [name], set()
    while waiting:
        each = waiting.pop()
        maker = ctx.get_node_by_output(each)
        if each in seen or (maker is not None and maker.type in ("Shape", "Size", "Const")):
            continue
        if maker is None or maker.type not in _REARRANGES:
            return False
        seen.add(each)
        waiting += maker.input
    return True


def _product_of_integers(write: NodeWriter) -> str:
    """A loop over each axis."""
    x, rank = write.inputs[0], write.rank_of(write.inputs[0])
    axes = sorted({int(axis) % rank for axis in np.ravel(write.needs(1, "axes"))})
    for count, axis in enumerate(axes):
        x = _products(write, x, axis - count, rank - count)[0]
    return write.unsqueeze(x, *axes) if axes and write.attribute("keep_dims", 0) else x


def _products(write: NodeWriter, x: str, axis: int, rank: int) -> list[str]:
    """Returns the product along an axis, which goes, and the products of what stands before each place."""
    shape = write("Shape", x)
    rest = write.joined(write.part(shape, 0, axis), write.part(shape, axis + 1, rank))
    begin = write.filled(rest, 1, write.dtype_of(x))
    body = write.body({"before": (write.dtype_of(x), rank - 1), "factor": (write.dtype_of(x), rank - 1)})
    product = body("Mul", *body.inputs)
    return write.loop(
        body, [product, product], begin, x, num_scan_inputs=1, scan_input_axes=[axis], scan_output_axes=[axis]
    )


def _running_product(write: NodeWriter) -> str:
    """A product of all numbers up to each place, or from there on, with its own number or without."""
    x = write.inputs[0]
    axis, shape = int(write.needs(1, "axis")), write.shape_of(x)
    if shape is None:
        raise write.refusal("the number of its axes is not known")
    axis = axis % len(shape)
    reverse, exclusive = write.attribute("reverse", 0), write.attribute("exclusive", 0)
    x = _flipped(write, x, axis) if reverse else x
    if exclusive:  # what stands before each place, 1 before the first
        one = write.filled(write("Shape", write.part(x, 0, 1, axis)), 1, write.dtype)
        x = write.joined(one, write.part(x, 0, -1, axis), axis=axis)
    x = _products_up_to_each(write, x, axis, shape)
    return _flipped(write, x, axis) if reverse else x


def _flipped(write: NodeWriter, x: str, axis: int) -> str:
    start, end = write.integers(-1), write.integers(np.iinfo(np.int64).min)
    return write("Slice", x, start, end, write.integers(axis), write.integers(-1))


def _products_up_to_each(write: NodeWriter, x: str, axis: int, shape: list[int]) -> str:
    """Products of twice as many numbers in each step, where the size of the axis is known."""
    if shape[axis] < 0 and write.dtype in _INTEGERS:
        return _products(write, x, axis, len(shape))[1]
    if shape[axis] < 0:
        return _products_of_all(write, x, axis, len(shape))
    reach = 1
    while reach < shape[axis]:
        first, others = write.part(x, 0, reach, axis), write.part(x, reach, shape[axis], axis)
        before = write.part(x, 0, shape[axis] - reach, axis)
        x = write.joined(first, write("Mul", others, before), axis=axis)
        reach *= 2
    return x


def _products_of_all(write: NodeWriter, x: str, axis: int, rank: int) -> str:
    """A product over what stands before, for each place; no Loop, but the square of the axis."""
    count = TensorProto.INT64
    size = write("Squeeze", write.size(x, axis))
    places = write("Range", write.constant(0, count), size, write.constant(1, count))
    before = write("LessOrEqual", places, write.unsqueeze(places, 1))  # (place, other)
    for _ in range(rank - axis - 1):
        before = write.unsqueeze(before, -1)
    factors = write("Where", before, write.unsqueeze(x, axis), write.like(x, 1))  # (..., place, other, ...)
    return write("ReduceProd", factors, write.integers(axis + 1), keepdims=0)


def _power(ctx: Any, node: Any, name: str, args: list) -> None:
    """A power; onnxruntime takes that of integers through float64."""
    handler = written_by(_power_of_integers) if ctx.get_dtype(node.input[0]) in _INTEGERS else as_tf2onnx_does
    handler(ctx, node, name, args)


def _power_of_integers(write: NodeWriter) -> str:
    """The product of x, x ** 2, x ** 4 ... for the bits of the exponent."""
    exponent = write.known(1)
    if exponent is None or np.size(exponent) != 1 or np.any(exponent < 0):
        return _power_by_bits(write)
    x, bits = write.inputs[0], int(np.ravel(exponent)[0])
    result = write("Expand", write.like(x, 1), write("Shape", write("Add", x, write.inputs[1])))
    while bits:
        result = write("Mul", result, x) if bits & 1 else result
        bits >>= 1
        x = write("Mul", x, x) if bits else x
    return result


def _power_by_bits(write: NodeWriter) -> str:
    x, exponent = write.inputs
    dtype = write.dtype
    shape = write("Shape", write("Add", x, exponent))
    rank = max(write.rank_of(x), write.rank_of(exponent))
    one, zero = write.like(x, 1), write.like(x, 0)
    body = write.body(dict.fromkeys(("result", "base", "exponent"), (dtype, rank)) | {"bit": (dtype, 0)})
    result, base, own_exponent, bit = body.inputs
    is_set = body("Not", body("Equal", body("BitwiseAnd", own_exponent, bit), body.constant(0, dtype)))
    result = body("Where", is_set, body("Mul", result, base), result)
    bits = write.constant(2 ** np.arange(31 if dtype == TensorProto.INT32 else 63, dtype=np.int64), dtype)
    begin = [write("Expand", each, shape) for each in (one, x, exponent)]
    answers = write.loop(body, [result, body("Mul", base, base), own_exponent], *begin, bits, num_scan_inputs=1)
    # Integers have no negative powers: TensorFlow raises, or answers something.
    return write("Where", write("Less", exponent, zero), zero, answers[0])


HANDLERS: dict[str, Handler] = {
    "Prod": _product,
    "Cumprod": written_by(_running_product),
    "Pow": _power,
}

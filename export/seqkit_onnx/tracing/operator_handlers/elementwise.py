"""Elementwise functions that tf2onnx lacks, or writes in a way that is wrong for some numbers."""

import numpy as np
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import FLOATS, NodeWriter, written_by
from seqkit_onnx.tracing.tf2onnx_driver import TO_BFLOAT16


def _erfc(write: NodeWriter) -> str:
    """1 - Erf(x)."""
    x = write.inputs[0]
    return write("Sub", write.like(x, 1), write("Erf", x))


def _expm1(write: NodeWriter) -> str:
    """tanh(x / 2) (exp(x) + 1), which is exact near zero where exp(x) - 1 is not."""
    x = write.inputs[0]
    half = write("Tanh", write("Mul", x, write.like(x, 0.5)))
    return write("Mul", half, write("Add", write("Exp", x), write.like(x, 1)))


def _log1p(write: NodeWriter) -> str:
    """Kahan's log(1 + x): what rounding took from 1 + x is put back by x / ((1 + x) - 1)."""
    x = write.inputs[0]
    one = write.like(x, 1)
    sum_ = write("Add", x, one)
    rest = write("Sub", sum_, one)
    logarithm = write("Log", sum_)
    corrected = write("Mul", logarithm, write("Div", x, rest))
    # x alone where 1 + x is 1, and the logarithm alone where x / (1 + x - 1) is of infinities.
    small = write("Where", write("Equal", sum_, one), x, corrected)
    return write("Where", write("Equal", rest, x), logarithm, small)


def _select(write: NodeWriter) -> str:
    """A Where: tf2onnx multiplies by 0 and 1 in some cases, which makes NaN of infinity."""
    condition, x, y = write.inputs
    if write.dtype_of(x) != TensorProto.BOOL:
        return write("Where", condition, x, y)
    # onnxruntime has no Where of bool.
    return write("Or", write("And", condition, x), write("And", write("Not", condition), y))


def _select_of_rows(write: NodeWriter) -> str:
    """The older Select: a condition of one axis chooses whole rows."""
    condition, x, y = write.inputs
    rank, rank_of_condition = write.rank_of(x), write.rank_of(condition)
    if rank_of_condition == 1 and rank > 1:
        condition = write.unsqueeze(condition, *range(1, rank))
    write.inputs = [condition, x, y]
    return _select(write)


def _floor_mod(write: NodeWriter) -> str:
    """The remainder with the divisor's sign, as TensorFlow computes it."""
    x, y = write.inputs
    if write.dtype not in FLOATS:
        safe, is_zero = _without_zero(write, y)
        remainder = write("Mod", x, safe)
        # XLA, with which Keras compiles `predict`, answers x where y is 0; onnxruntime would end the process.
        return remainder if is_zero is None else write("Where", is_zero, x, remainder)
    remainder = write("Mod", x, y, fmod=1)
    zero = write.like(x, 0)
    other_sign = write("Xor", write("Less", remainder, zero), write("Less", y, zero))
    apart = write("And", other_sign, write("Not", write("Equal", remainder, zero)))
    return write("Where", apart, write("Add", remainder, y), remainder)


def _floor_div(write: NodeWriter) -> str:
    """The quotient rounded down; ONNX rounds one of integers toward zero."""
    x, y = write.inputs
    if write.dtype in FLOATS:
        return write("Floor", write("Div", x, y))
    safe, is_zero = _without_zero(write, y)
    quotient = write("Div", x, safe)
    rest = write("Sub", x, write("Mul", quotient, safe))
    rounded_up = write("Not", write("Equal", rest, write("Mod", x, safe)))
    quotient = write("Sub", quotient, write("Cast", rounded_up, to=write.dtype))
    if is_zero is None:
        return quotient
    # XLA, with which Keras compiles `predict`, divides by 0 too, to -1, and rounds it down as any other quotient.
    of_zero = write("Sub", write.like(x, -1), write("Cast", write("Less", x, write.like(x, 0)), to=write.dtype))
    return write("Where", is_zero, of_zero, quotient)


def _truncate_div(write: NodeWriter) -> str:
    """The quotient of integers, rounded toward zero."""
    x, y = write.inputs
    safe, is_zero = _without_zero(write, y)
    quotient = write("Div", x, safe)
    return quotient if is_zero is None else write("Where", is_zero, write.like(x, -1), quotient)


def _without_zero(write: NodeWriter, y: str) -> tuple[str, str | None]:
    """Returns a divisor that is never 0, and where it was: dividing integers by 0 ends onnxruntime's process."""
    known = write.known(1)
    if known is not None and np.all(known != 0):
        return y, None
    is_zero = write("Equal", y, write.like(y, 0))
    return write("Where", is_zero, write.like(y, 1), y), is_zero


def _erfinv(write: NodeWriter) -> str:
    """The polynomials of M. Giles, "Approximating the erfinv function" (2012), for single precision."""
    x = write.inputs[0]
    if write.dtype != TensorProto.FLOAT:
        raise write.refusal("its polynomials are for float32 alone")
    one = write.like(x, 1)
    w = write("Neg", write("Log", write("Mul", write("Sub", one, x), write("Add", one, x))))
    near = _polynomial(write, write("Sub", w, write.like(x, 2.5)), ERFINV_NEAR)
    far = _polynomial(write, write("Sub", write("Sqrt", w), write.like(x, 3.0)), ERFINV_FAR)
    inside = write("Mul", write("Where", write("Less", w, write.like(x, 5.0)), near, far), x)
    return write("Where", write("Equal", write("Abs", x), one), write("Mul", x, write.like(x, np.inf)), inside)


UNSIGNED = {TensorProto.UINT8, TensorProto.UINT32, TensorProto.UINT64}  # of which onnxruntime has a BitShift
COMPLEX = {TensorProto.COMPLEX64, TensorProto.COMPLEX128}
ERFINV_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
ERFINV_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip


def _polynomial(write: NodeWriter, x: str, coefficients: tuple[float, ...]) -> str:
    value = write.like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = write("Add", write("Mul", value, x), write.like(x, coefficient))
    return value


def _bitcast(write: NodeWriter) -> str:
    """The sign bit of a float32 alone: ONNX cannot look into a number, and Keras asks for nothing else."""
    x = write.inputs[0]
    if write.dtype == write.dtypes[0]:
        return x
    readers = write.ctx.find_output_consumers(write.outputs[0])
    of_sign = all(reader.type == "BitwiseAnd" and _is_sign_bit(reader.inputs[1]) for reader in readers)
    if not of_sign or (write.dtype, write.dtypes[0]) != (TensorProto.FLOAT, TensorProto.INT32):
        raise write.refusal("the bits of a number cannot be read")
    zero = write.like(x, 0)
    # 1 / -0.0 is -infinity.
    negative = write("Or", write("Less", x, zero), write("Less", write("Reciprocal", x), zero))
    return write("Mul", write("Cast", negative, to=TensorProto.INT32), write.constant(np.int32(-(2**31))))


def _is_sign_bit(node: object) -> bool:
    return node.is_const() and node.get_tensor_value() == -(2**31)  # type: ignore[attr-defined]


def _cast(write: NodeWriter) -> str:
    """A cast; one that rounds in front of another is a CastLike, since tf2onnx takes a first of two casts away."""
    x, dtype = write.inputs[0], write.dtypes[0]
    if COMPLEX & {dtype, write.dtype}:
        raise write.refusal("to or from complex numbers")
    if write.attribute(TO_BFLOAT16, 0):
        dtype = write.dtypes[0] = TensorProto.BFLOAT16
    readers = write.ctx.find_output_consumers(write.outputs[0])
    if dtype != write.dtype and any(reader.type in ("Cast", "CastLike") for reader in readers):
        return write("CastLike", x, write.constant(0, dtype))
    return write("Cast", x, to=dtype)


def _shift(op_type: str) -> object:
    """A shift of integers; ONNX's is of unsigned ones."""

    def write_shift(write: NodeWriter) -> str:
        x, places = write.inputs
        direction = "LEFT" if op_type == "LeftShift" else "RIGHT"
        if write.dtype in UNSIGNED:
            return write("BitShift", x, places, direction=direction)
        if write.dtype == TensorProto.INT32:  # the sign fills what the shift brings into the lower half
            x, places = (write.cast(each, TensorProto.UINT64) for each in (x, places))
            return write.cast(write("BitShift", x, places, direction=direction), write.dtypes[0])
        wide = TensorProto.INT64
        factor = write("Pow", write.constant(np.int64(2)), write.cast(places, wide))
        if op_type == "LeftShift":
            return write.cast(write("Mul", write.cast(x, wide), factor), write.dtypes[0])
        x = write.cast(x, wide)
        # Toward minus infinity: what remains is taken away first.
        return write.cast(write("Div", write("Sub", x, write("Mod", x, factor)), factor), write.dtypes[0])

    return write_shift


HANDLERS = {
    "Erfc": written_by(_erfc),
    "Expm1": written_by(_expm1),
    "Log1p": written_by(_log1p),
    "Erfinv": written_by(_erfinv),
    "SelectV2": written_by(_select),
    "Select": written_by(_select_of_rows),
    "FloorMod": written_by(_floor_mod),
    "FloorDiv": written_by(_floor_div),
    "TruncateDiv": written_by(_truncate_div),
    "Bitcast": written_by(_bitcast),
    "Cast": written_by(_cast),
    "LeftShift": written_by(_shift("LeftShift")),  # type: ignore[arg-type]
    "RightShift": written_by(_shift("RightShift")),  # type: ignore[arg-type]
}

"""How to draw a case of each elementwise function of `keras.ops`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tests.fuzzing_operations.draws import ABOVE_ONE, INTEGERS, POSITIVE, REAL, UNIT, Draw

OF_REAL = [
    "abs", "absolute", "fabs", "negative", "sign", "square", "exp", "exp2", "expm1", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "arctan", "arcsinh", "sigmoid", "relu", "relu6", "silu", "swish", "elu", "selu", "celu", "gelu",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "hard_shrink", "soft_shrink", "leaky_relu",
    "log_sigmoid", "softplus", "softsign", "tanh_shrink", "threshold", "squareplus", "sparse_plus",
    "sparse_sigmoid", "erf", "ceil", "floor", "round", "trunc", "cbrt", "deg2rad", "rad2deg", "sinc", "i0", "erfc",
]  # fmt: skip
OF_POSITIVE = ["log", "log10", "log1p", "log2", "sqrt", "rsqrt", "reciprocal"]
OF_UNIT = ["arccos", "arcsin", "arctanh", "erfinv"]
OF_ABOVE_ONE = ["arccosh"]
OF_SPECIAL = [
    "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "nan_to_num", "signbit", "real", "imag", "conj",
    "conjugate", "angle",
]  # fmt: skip
OF_TWO = [
    "add", "subtract", "multiply", "maximum", "minimum", "equal", "not_equal", "greater", "greater_equal", "less",
    "less_equal", "fmax", "fmin", "isclose", "heaviside",
]  # fmt: skip
OF_TWO_FLOATS = ["logaddexp", "logaddexp2", "arctan2", "hypot", "nextafter"]
OF_TWO_DIVIDED = ["divide", "true_divide", "divide_no_nan", "floor_divide", "mod", "fmod"]
OF_TWO_INTEGERS = ["bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"]
SHIFTS = ["bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift"]
OF_FLOATS_ALONE = [
    "erf", "erfc", "hard_silu", "hard_swish", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink",
    "log_sigmoid", "hard_sigmoid", "selu", "elu", "celu", "gelu", "sigmoid", "silu", "swish", "softplus",
    "softsign", "sparse_sigmoid", "sparse_plus", "relu6", "leaky_relu", "threshold", "squareplus",
]  # fmt: skip
SMOOTH = (  # what any float may go through afterwards
    ops.tanh, ops.sigmoid, ops.sin, ops.softplus, ops.gelu, ops.expand_dims, ops.silu, ops.arctan, ops.negative,
)  # fmt: skip


def _of(name: str, between: tuple[float, float], kind: str = "plain") -> Callable[[Draw], Any]:
    function = getattr(ops, name)
    return lambda draw: function(draw.floats(between=between, kind="special" if draw.chance(0.2) else kind))


def _of_real(name: str) -> Callable[[Draw], Any]:
    function = getattr(ops, name)
    kind = "special" if name not in NOT_OF_INFINITY else "plain"
    return lambda draw: function(draw.floats(kind=kind) if name in OF_FLOATS_ALONE else draw.numbers(kind=kind))


# what NumPy, TensorFlow and onnxruntime each answer in their own way at infinity, or round apart from each other
NOT_OF_INFINITY = [
    "sin", "cos", "tan", "tanh_shrink", "sinc", "sparse_plus", "squareplus", "i0", "gelu", "silu", "swish",
    "log_sigmoid", "sinh", "cosh",
]  # fmt: skip


def _of_positive(name: str, between: tuple[float, float]) -> Callable[[Draw], Any]:
    return lambda draw: getattr(ops, name)(draw.floats(between=between))


def _of_two(name: str, kind: str = "plain") -> Callable[[Draw], Any]:
    return lambda draw: getattr(ops, name)(*draw.pair(draw.numbers, kind))


def _cast(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        x = draw.anything()
        for _ in range(draw.integer(1, 3)):
            x = getattr(ops, name)(
                x, draw.choose("float32", "int32", "float16", "bfloat16", "int64", "bool", "float32")
            )
        return ops.cast(x, "float32")

    return case


def _clip(draw: Draw) -> Any:
    low, high = sorted([draw.integer(-3, 3), draw.integer(-3, 3)])
    return ops.clip(draw.numbers(), low, high)


def _where(draw: Draw) -> Any:
    shape = draw.shape()
    first = draw.anything(shape)
    other = draw.input(draw.given[first.name])
    return ops.where(draw.bools(shape), first, other)


def _logical(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape()
        return getattr(ops, name)(draw.bools(shape), draw.anything(shape))

    return case


def _shift(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape, dtype = draw.shape(), draw.choose("int32", "int64", "uint8")
        x = draw.integers(shape, 0 if dtype == "uint8" else -90, 100, dtype)
        return getattr(ops, name)(x, draw.integers(shape, 0, 5, dtype))

    return case


def _integers(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        if name not in ("gcd", "lcm"):
            shape, dtype = draw.shape(), draw.choose(*INTEGERS)
            return getattr(ops, name)(draw.integers(shape, dtype=dtype), draw.integers(shape, dtype=dtype))
        shape, dtype = draw.shape(1, 2, varying=False), draw.choose(*INTEGERS)  # Keras must know the batch
        return getattr(ops, name)(draw.integers(shape, dtype=dtype)[0], draw.integers(shape, dtype=dtype)[0])

    return case


def _power(draw: Draw) -> Any:
    shape = draw.shape()
    if draw.chance():
        return ops.power(draw.floats(shape), draw.choose(2, 3, 2.0, 0))
    if draw.chance(0.3):
        return ops.power(draw.integers(shape), draw.choose(0, 1, 2, 3))
    return ops.power(draw.floats(shape, POSITIVE), draw.floats(shape))


def _hard_choice(function: Callable[..., Any], **choices: tuple) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        arguments = {name: draw.choose(*values) for name, values in choices.items()}
        return function(draw.floats(), **arguments)

    return case


def _digitize(draw: Draw) -> Any:
    return ops.digitize(draw.numbers(), np.sort(draw.constant((draw.size(),))))


def _allclose(draw: Draw) -> Any:
    x = draw.floats((2,))
    return ops.allclose(x, x + draw.choose(0.0, 1e-9, 1.0))


TABLE: dict[str, Callable[[Draw], Any]] = {
    **{name: _of_real(name) for name in OF_REAL},
    **{name: _of_positive(name, POSITIVE) for name in OF_POSITIVE},
    **{name: _of_positive(name, UNIT) for name in OF_UNIT},
    **{name: _of_positive(name, ABOVE_ONE) for name in OF_ABOVE_ONE},
    **{name: (lambda draw, name=name: getattr(ops, name)(draw.floats(kind="nan"))) for name in OF_SPECIAL},
    "copy": lambda draw: ops.copy(draw.anything()),
    "stop_gradient": lambda draw: ops.stop_gradient(draw.anything()),
    "ones_like": lambda draw: ops.ones_like(draw.anything()),
    "zeros_like": lambda draw: ops.zeros_like(draw.anything()),
    "full_like": lambda draw: ops.full_like(draw.numbers(), draw.choose(0, 1, -3)),
    "empty_like": lambda draw: ops.zeros_like(ops.empty_like(draw.numbers())),
    "logical_not": lambda draw: ops.logical_not(draw.anything()),
    "cast": _cast("cast"),
    "saturate_cast": lambda draw: ops.saturate_cast(
        draw.floats(between=(-300, 300)), draw.choose("int8", "uint8", "int32")
    ),
    **{name: _of_two(name) for name in OF_TWO},
    **{name: (lambda draw, name=name: getattr(ops, name)(*draw.pair(draw.floats))) for name in OF_TWO_FLOATS},
    **{name: _of_two(name, "nonzero") for name in OF_TWO_DIVIDED},
    **{name: _integers(name) for name in OF_TWO_INTEGERS},
    **{name: _shift(name) for name in SHIFTS},
    # Keras 3.15 takes (1, 1, n, 1) for a bias, and adds it to the last axis.
    "add": lambda draw: ops.add(*draw.pair(draw.numbers, axes=2)),
    "heaviside": lambda draw: ops.heaviside(draw.numbers((3,)), draw.floats((3,))),  # Keras takes no plain number
    "hypot": lambda draw: ops.hypot(draw.floats((3,)), draw.floats((3,))),
    "bitwise_not": lambda draw: ops.bitwise_not(draw.integers()),
    "bitwise_invert": lambda draw: ops.bitwise_invert(draw.integers()),
    "logical_and": _logical("logical_and"),
    "logical_or": _logical("logical_or"),
    "logical_xor": _logical("logical_xor"),
    "ldexp": lambda draw: ops.ldexp(draw.floats((3,)), draw.integers((3,), -3, 4, "int32")),
    "power": _power,
    "clip": _clip,
    "where": _where,
    "select": lambda draw: ops.select(
        [draw.bools((2,)), draw.bools((2,))], [draw.floats((2,)), draw.floats((2,))], draw.choose(0, 1)
    ),
    "digitize": _digitize,
    "allclose": _allclose,
    "nan_to_num": lambda draw: ops.nan_to_num(draw.floats(kind="nan"), draw.choose(0.0, 1.0), draw.choose(None, 9.0)),
    "gelu": lambda draw: ops.gelu(draw.floats(), approximate=draw.chance()),
    "celu": _hard_choice(ops.celu, alpha=(0.5, 1.0, 2.0)),
    "elu": _hard_choice(ops.elu, alpha=(0.5, 1.0)),
    "leaky_relu": _hard_choice(ops.leaky_relu, negative_slope=(0.0, 0.1, 0.3)),
    "hard_shrink": _hard_choice(ops.hard_shrink, threshold=(0.5, 1.0)),
    "soft_shrink": _hard_choice(ops.soft_shrink, threshold=(0.5, 1.0)),
    "threshold": lambda draw: ops.threshold(draw.floats(), draw.choose(0.5, -1.0), draw.choose(0.0, 9.0)),
    "polar": lambda draw: ops.real(ops.polar(draw.floats((3,), POSITIVE), draw.floats((3,)))),
    "round": lambda draw: ops.round(draw.floats(between=(-30, 30)), draw.choose(0, 0, 1, -1)),
    "psnr": lambda draw: ops.psnr(draw.floats((3,)), draw.floats((3,)), max_val=2.0),
}


def after(draw: Draw, x: Any) -> Any:
    """Puts none, one or two smooth functions behind a result."""
    if keras.backend.standardize_dtype(x.dtype) != "float32":
        return x
    for _ in range(draw.choose(0, 0, 1, 2)):
        function = draw.choose(*SMOOTH)
        x = function(x, -1) if function is ops.expand_dims else function(x)
    return x


__all__ = ["REAL", "TABLE", "after"]

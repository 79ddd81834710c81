"""How to draw a case of each function of `keras.ops` that reduces, reorders, cuts or joins arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import layers, ops

from tests.fuzzing_operations.draws import POSITIVE, REAL, Draw

REDUCTIONS = ["sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "ptp", "logsumexp", "count_nonzero"]
NAN_REDUCTIONS = ["nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanstd", "nanvar"]
INDEX_REDUCTIONS = ["argmax", "argmin", "nanargmax", "nanargmin"]
RUNNING = ["cumsum", "cumprod", "nancumsum", "nancumprod"]
STACKS = ["hstack", "vstack", "dstack"]
SPLITS = {"hsplit": 1, "vsplit": 0, "dsplit": 2}
WINDOWS = ["bartlett", "blackman", "hamming", "hanning"]


def _reduction(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3)
        kind = "nan" if name in NAN_REDUCTIONS and draw.chance() else "plain"
        x = draw.floats(shape, kind=kind) if kind == "nan" or name == "logsumexp" else draw.numbers(shape)
        axis = draw.axes(len(shape) + 1)
        return getattr(ops, name)(x, axis=axis, **({} if name == "count_nonzero" else {"keepdims": draw.chance(0.3)}))

    return case


def _index_reduction(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3)
        axis = draw.axis(len(shape) + 1, 1)
        if draw.chance(0.2):
            x = draw.integers(shape)  # the first of equal ones wins
        elif draw.chance(0.3):
            x = ops.reshape(draw.floats((4,)), (-1, 2, 2))
            axis = draw.choose(1, 2, -1)
        else:
            x = draw.floats(shape, kind="distinct" if None not in shape else "plain")
        answer = getattr(ops, name)(x, axis=axis, keepdims=draw.chance(0.3))
        return ops.one_hot(answer, 4) if draw.chance(0.3) else answer

    return case


def _running(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3)
        return getattr(ops, name)(draw.numbers(shape), axis=draw.axis(len(shape) + 1, 1))

    return case


def _truth(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3)
        return getattr(ops, name)(draw.anything(shape), axis=draw.axes(len(shape) + 1), keepdims=draw.chance(0.3))

    return case


def _ordered(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        if "median" in name:  # Keras must know the batch
            return getattr(ops, name)(draw.floats((3, draw.integer(2, 4)))[0], axis=draw.choose(0, 1, -1))
        shape = draw.shape(1, 3)
        x = draw.integers(shape) if draw.chance(0.2) and name == "sort" else draw.floats(shape)
        return getattr(ops, name)(x, axis=draw.axis(len(shape) + 1, 1))

    return case


def _quantile(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        q = draw.choose(0.0, 0.3, 0.5, 1.0, [0.1, 0.9])
        method = draw.choose("linear", "lower", "higher", "nearest", "midpoint")
        scale = 100 if "percentile" in name else 1
        q = [scale * each for each in q] if isinstance(q, list) else scale * q
        x = draw.floats((3, draw.integer(2, 4)))
        return getattr(ops, name)(x, q, axis=draw.choose(1, -1), method=method)

    return case


def _joined(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3, varying=False)
        tensors = [draw.floats(shape) for _ in range(draw.integer(1, 3))]
        if name in STACKS:
            return getattr(ops, name)(tensors)
        if name == "append":
            return ops.append(tensors[0], tensors[-1], axis=draw.axis(len(shape) + 1, 1))
        return getattr(ops, name)(tensors, axis=draw.axis(len(shape) + 1, 1))

    return case


def _reshaped(draw: Draw) -> Any:
    x = draw.numbers((2, 3, 2))
    return ops.reshape(x, draw.choose((-1, 6, 2), (-1, 12), (-1, 2), (-1, 1, 3, 4), (-1,)))


def _transposed(draw: Draw) -> Any:
    shape = draw.shape(1, 3)
    return ops.transpose(draw.anything(shape), [0, *(1 + int(axis) for axis in draw.random.permutation(len(shape)))])


def _padded(draw: Draw) -> Any:
    mode = draw.choose("constant", "reflect", "symmetric")
    if mode == "constant":
        x = draw.numbers((2, 3))
        return ops.pad(x, ((0, 0), (draw.integer(0, 2), 1), (1, draw.integer(0, 2))), mode, draw.choose(0, 1, -2))
    return ops.pad(draw.numbers((3, 4)), ((0, 0), (draw.integer(0, 2), 1), (1, draw.integer(0, 2))), mode)


def _sliced(draw: Draw) -> Any:
    x = draw.anything((4, 3))
    key = draw.choose(
        (slice(None), 0), (slice(None), slice(None, None, -1)), (Ellipsis, slice(1, 3)), (slice(None), -1, 2),
        (slice(None), None, slice(0, 4, 2)), (slice(None), slice(-3, -1)), (Ellipsis, None, 1),
    )  # fmt: skip
    return ops.get_item(x, key) if draw.chance() else x[key]


def _taken(draw: Draw) -> Any:
    x = draw.anything((4, 3))
    axis = draw.choose(1, 2, -1)
    low = draw.choose(0, -3)
    return ops.take(x, draw.integers((2,), low, 3) if draw.chance() else [0, 2, 1, -1], axis=axis)


def _taken_along(draw: Draw) -> Any:
    shape = draw.shape(1, 3, varying=False)
    low = draw.choose(0, -1)
    return ops.take_along_axis(draw.numbers(shape), draw.integers(shape, low, 1), axis=draw.axis(len(shape) + 1, 1))


def _repeated(draw: Draw) -> Any:
    shape = draw.shape(1, 2, varying=False)
    axis = draw.axis(len(shape) + 1, 1)
    return ops.repeat(draw.anything(shape), draw.integer(1, 3), axis=axis)


def _segment(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        x = draw.floats((2,))
        ids = ops.cast(ops.cumsum(ops.ones_like(x[:, 0])) - 1, "int32") % 3
        return getattr(ops, name)(x, ids, num_segments=3)

    return case


def _scattered(draw: Draw) -> Any:
    x = draw.floats((3,))
    indices = ops.cast(ops.stack([ops.zeros_like(x[:, 0]), x[:, 0] > 0], axis=-1), "int32")
    return ops.scatter(indices, x[:, 1:], (2, 2, 2))


def _scatter_updated(draw: Draw) -> Any:
    reduction = draw.choose(None, "add", "max", "min")
    indices = [[0], [2]] if reduction is None else [[0], [0]]
    return ops.scatter_update(draw.floats((3, 2))[0], np.array(indices), draw.constant((2, 2)), reduction)


def _slice_updated(draw: Draw) -> Any:
    x = draw.floats((3, 4))
    return ops.slice_update(x, (0, draw.integer(0, 1), draw.integer(0, 2)), draw.constant((1, 2, 2)))


def _searched(draw: Draw) -> Any:
    values = draw.floats((3,))[0]
    return ops.searchsorted(np.sort(draw.constant((4,))), values, draw.choose("left", "right"))


def _binned(draw: Draw) -> Any:
    x = draw.integers((draw.size(),), 0, 5, "int32")
    return ops.bincount(x, minlength=6)


def _one_hot(draw: Draw) -> Any:
    shape = draw.shape(0, 2)
    x = draw.integers(shape, -1, 4)
    return ops.one_hot(
        x, draw.choose(3, 5), axis=draw.choose(-1, 1) if shape else -1, dtype=draw.choose(None, "int32", "bool")
    )


def _averaged(draw: Draw) -> Any:
    x = draw.floats((3, 2))
    axis = draw.choose(1, 2, -1)
    return ops.average(x, axis=axis, weights=draw.floats((3, 2), POSITIVE) if draw.chance() else None)


def _inside(function: Callable[[Any], Any]) -> Any:
    """Puts into a layer what Keras cannot do with symbolic tensors."""
    return layers.Lambda(function)


def _trapezoid(draw: Draw) -> Any:
    return ops.trapezoid(draw.floats((4,)), dx=draw.choose(0.5, 1.0), axis=1)


TABLE: dict[str, Callable[[Draw], Any]] = {
    **{name: _reduction(name) for name in (*REDUCTIONS, *NAN_REDUCTIONS)},
    **{name: _index_reduction(name) for name in INDEX_REDUCTIONS},
    **{name: _running(name) for name in RUNNING},
    **{name: _truth(name) for name in ("all", "any")},
    **{name: _ordered(name) for name in ("sort", "argsort", "median")},
    **{name: _quantile(name) for name in ("quantile", "percentile")},
    **{name: _joined(name) for name in ("concatenate", "stack", "append", *STACKS)},
    **{name: (lambda draw, name=name: getattr(ops, name)(draw.floats((2, 4)), 2) if name != "vsplit"
              else ops.vsplit(draw.floats((2, 4)), 1)) for name in SPLITS},
    **{name: (lambda draw, name=name: draw.floats((3,)) * getattr(ops, name)(3)) for name in WINDOWS},
    **{name: _segment(name) for name in ("segment_sum", "segment_max", "segment_min", "segment_prod")},
    "dsplit": lambda draw: ops.dsplit(draw.floats((2, 4)), draw.choose(2, [1, 3])),
    "split": lambda draw: ops.split(draw.anything((4, 2)), draw.choose(2, [1, 3]), axis=1),
    "array_split": lambda draw: ops.array_split(draw.floats((5,)), draw.choose(2, 3), axis=1),
    "unstack": lambda draw: ops.unstack(draw.floats((3, 2)), axis=draw.choose(1, 2, -1)),
    "arange": lambda draw: draw.floats((3,)) + ops.arange(draw.choose(3, 3.0)),
    "linspace": lambda draw: ops.linspace(draw.floats((2,)), draw.floats((2,)), draw.integer(1, 4), draw.chance()),
    "logspace": lambda draw: ops.logspace(draw.floats((2,)), draw.floats((2,)), draw.integer(1, 4)),
    "geomspace": lambda draw: ops.geomspace(draw.floats((2,), POSITIVE), draw.floats((2,), POSITIVE), 3),
    "eye": lambda draw: draw.floats((3, 2)) + ops.eye(3, 2, k=draw.choose(-1, 0, 1)),
    "identity": lambda draw: ops.matmul(draw.floats((2, 3)), ops.identity(3)),
    "tri": lambda draw: draw.floats((3, 2)) * ops.tri(3, 2, k=draw.choose(-1, 0, 1)),
    "zeros": lambda draw: draw.numbers((3,)) + ops.zeros((3,)),
    "ones": lambda draw: draw.numbers((3,)) + ops.ones((3,)),
    "full": lambda draw: draw.floats((3,)) * ops.full((3,), 2.5),
    "empty": lambda draw: draw.floats((3,)) + 0 * ops.zeros_like(ops.empty((3,))),
    "array": lambda draw: draw.floats((3,)) + ops.array([1.0, 2.0, 3.0]),
    "convert_to_tensor": lambda draw: ops.convert_to_tensor(draw.floats((3,))),
    "kaiser": lambda draw: draw.floats((3,)) * ops.kaiser(3, 14.0),
    "reshape": _reshaped,
    "ravel": lambda draw: ops.ravel(draw.numbers((2, 2))),
    "transpose": _transposed,
    "swapaxes": lambda draw: ops.swapaxes(draw.anything((2, 3)), 1, draw.choose(2, -1)),
    "moveaxis": lambda draw: ops.moveaxis(draw.floats((2, 3, 4)), draw.choose(1, -1), draw.choose(2, 1)),
    "expand_dims": lambda draw: ops.expand_dims(draw.anything((2, 3)), draw.choose(1, 2, -1, (1, 3))),
    "squeeze": lambda draw: ops.squeeze(draw.anything((2, 1, 1)), draw.choose(2, -1, (2, 3))),
    "flip": lambda draw: ops.flip(draw.anything((3, 2)), draw.choose(1, -1, (1, 2))),
    "fliplr": lambda draw: ops.fliplr(draw.numbers((3, 2))),
    "flipud": lambda draw: ops.flipud(draw.numbers((3, 2))),
    "rot90": lambda draw: ops.rot90(draw.floats((3, 2)), draw.integer(-1, 3), (1, 2)),
    "roll": lambda draw: ops.roll(draw.anything((4, 3)), draw.integer(-5, 5), draw.choose(1, 2, -1)),
    "tile": lambda draw: ops.tile(draw.anything((2, 3)), draw.choose((1, 2, 1), (1, 1, 3), (1, 2, 2))),
    "repeat": _repeated,
    "broadcast_to": lambda draw: ops.broadcast_to(draw.floats((1,))[0], (3, draw.size())),
    "pad": _padded,
    "get_item": _sliced,
    "slice": lambda draw: ops.slice(draw.floats((4, 3)), (0, draw.integer(0, 2), 1), (1, 2, 2)),
    "slice_update": _slice_updated,
    "take": _taken,
    "take_along_axis": _taken_along,
    "scatter": _scattered,
    "scatter_update": _scatter_updated,
    "searchsorted": _searched,
    "bincount": _binned,
    "one_hot": _one_hot,
    "multi_hot": lambda draw: ops.multi_hot(draw.integers((3,), 0, 4), 4, dtype=draw.choose(None, "int32")),
    "top_k": lambda draw: ops.top_k(draw.floats((4,), kind="distinct"), draw.integer(1, 4)),
    "in_top_k": lambda draw: ops.in_top_k(
        ops.argmax(draw.floats((4,)), axis=-1), draw.floats((4,), kind="distinct"), draw.integer(1, 4)),
    "tril": lambda draw: ops.tril(draw.numbers((3, 4)), draw.integer(-1, 2)),
    "triu": lambda draw: ops.triu(draw.numbers((3, 4)), draw.integer(-1, 2)),
    "diag": lambda draw: ops.diag(draw.floats((3,))[0], draw.integer(-1, 1)),
    "diagflat": lambda draw: ops.diagflat(draw.floats((3,))[0], draw.integer(-1, 1)),
    "diagonal": lambda draw: ops.diagonal(draw.floats((3, 4)), draw.integer(-1, 1), 1, 2),
    "trace": lambda draw: ops.trace(draw.numbers((3, 4)), draw.integer(-1, 1), 1, 2),
    "diff": lambda draw: ops.diff(draw.numbers((4,)), draw.integer(1, 2), axis=draw.choose(1, -1)),
    "average": _averaged,
    "trapezoid": _trapezoid,
    "vander": lambda draw: ops.vander(draw.floats((3,))[0], draw.choose(None, 4), draw.chance()),
    "meshgrid": lambda draw: ops.meshgrid(
        draw.floats((3,))[0], draw.floats((2,))[0], indexing=draw.choose("xy", "ij")),
    "cross": lambda draw: ops.cross(draw.floats((3,)), draw.floats((3,))),
    "correlate": lambda draw: ops.correlate(
        draw.floats((4,))[0], draw.floats((2,))[0], draw.choose("valid", "same", "full")),
    "unravel_index": lambda draw: ops.unravel_index(draw.integers((3,), 0, 6)[0], (2, 3)),
    "shape": lambda draw: ops.reshape(draw.floats((3, 2)), (-1, ops.shape(draw.floats((3, 2)))[1] * 2)),
    "size": lambda draw: draw.floats((3,)) * 2,
    "nonzero": lambda draw: ops.nonzero(draw.floats((3,)) > 0),
    "moments": lambda draw: ops.moments(draw.floats((3, 2)), draw.choose((1,), (1, 2)), keepdims=draw.chance()),
    "depth_to_space": lambda draw: ops.depth_to_space(draw.floats((2, 3, 8)), 2),
    "space_to_depth": lambda draw: ops.space_to_depth(draw.floats((4, 2, 3)), 2),
    "rearrange": lambda draw: ops.rearrange(draw.floats((2, 3))[0], "h w -> (w h)"),
    "extract_sequences": lambda draw: ops.extract_sequences(draw.floats((6,)), draw.integer(2, 4), draw.integer(1, 3)),
    "view": lambda draw: ops.view(draw.floats((3,)), "int32"),
    "view_as_real": lambda draw: _inside(lambda x: ops.view_as_real(ops.view_as_complex(x)))(draw.floats((3, 2))),
    "view_as_complex": lambda draw: _inside(lambda x: ops.real(ops.view_as_complex(x)))(draw.floats((3, 2))),
    "unique": lambda draw: ops.unique(ops.ravel(draw.integers((3,)))),
}  # fmt: skip


__all__ = ["REAL", "TABLE"]

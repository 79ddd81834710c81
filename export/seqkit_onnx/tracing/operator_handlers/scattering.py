"""Numbers written to places that indices name, several to one place too."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper

from seqkit_onnx.tracing.operator_handlers.node_writer import FLOATS, NodeWriter, written_by
from seqkit_onnx.tracing.small_integers import WIDE


def _scatter(reduction: str | None) -> Callable[[NodeWriter], str]:
    def write_scatter(write: NodeWriter) -> str:
        tensor, indices, updates = write.inputs
        if reduction == "sub":
            updates, kind = write("Neg", updates), "add"
        else:
            kind = reduction or "none"
        return write("ScatterND", tensor, write.cast(indices, TensorProto.INT64), updates, reduction=kind)

    return write_scatter


def _scatter_into_zeros(write: NodeWriter) -> str:
    """What falls on one place is added up."""
    indices, updates, shape = write.inputs
    zeros = write.filled(write.cast(shape, TensorProto.INT64), 0, write.dtype_of(updates))
    return write("ScatterND", zeros, write.cast(indices, TensorProto.INT64), updates, reduction="add")


def _count(write: NodeWriter) -> str:
    """How often each integer is there, in all or in each row; tf2onnx sorts pairs of row and integer for it."""
    values, size, weights = write.inputs
    values = write.cast(values, TensorProto.INT64)
    size = write("Reshape", write.cast(size, TensorProto.INT64), write.integers(1))
    rank, dtype = write.rank_of(values), write.dtypes[0]
    weighted = 0 not in (write.shape_of(weights) or [])
    ones = write.filled(write("Shape", values), 1, dtype)
    rows = [write.size(values, 0)] if rank == 2 else []
    empty = write.filled(write.joined(*rows, write("Add", size, write.integers(1))), 0, dtype)
    # What is too large counts in one more place, which is cut off.
    places, how = write("Min", values, size), "none" if write.attribute("binary_output", False) else "add"
    counts = write("ScatterElements", empty, places, weights if weighted else ones, axis=rank - 1, reduction=how)
    return write("Slice", counts, write.integers(0), size, write.integers(rank - 1))


def _segments(reduction: str) -> Callable[[NodeWriter], str]:
    def write_segments(write: NodeWriter) -> str:
        """Rows without a segment, whose id is negative, go to one more, which is cut off."""
        data, ids, count = write.inputs
        ids, count = (write.cast(value, TensorProto.INT64) for value in (ids, count))
        rank = write.rank_of(ids)
        ids = write("Where", write("Less", ids, write.constant(0, TensorProto.INT64)), count, ids)
        count = write("Reshape", count, write.integers(1))
        rest = write("Slice", write("Shape", data), write.integers(rank), write.integers(np.iinfo(np.int64).max))
        shape = write.joined(write("Add", count, write.integers(1)), rest)
        dtype = write.dtype_of(data)
        wide = WIDE.get(dtype, dtype)
        empty = write.filled(shape, _of_nothing(reduction, dtype), wide)
        scattered = write("ScatterND", empty, write.unsqueeze(ids, rank), write.cast(data, wide), reduction=reduction)
        return write.cast(write("Slice", scattered, write.integers(0), count, write.integers(0)), dtype)

    return write_segments


def _of_nothing(reduction: str, dtype: int) -> float:
    """What TensorFlow gives for a segment without rows."""
    if reduction in ("add", "mul"):
        return 0 if reduction == "add" else 1
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    limits = np.finfo(kind) if dtype in FLOATS else np.iinfo(kind)
    return limits.min if reduction == "max" else limits.max


def _update_slice(write: NodeWriter) -> str:
    """XLA's update of a part: it begins so early that it has room."""
    tensor, update, start = write.inputs
    start = write.cast(start, TensorProto.INT64)
    room = write("Sub", write("Shape", tensor), write("Shape", update))
    start = write("Min", write("Max", start, write.integers(0)), room)
    pads = write.joined(start, write("Sub", room, start))
    inside = write("Pad", write.filled(write("Shape", update), 1, TensorProto.FLOAT), pads)
    inside = write("Greater", inside, write.constant(0.5, TensorProto.FLOAT))
    if write.dtype_of(tensor) == TensorProto.BOOL:
        raise write.refusal("its dtype is bool")
    return write("Where", inside, write("Pad", update, pads), tensor)


def _reverse(write: NodeWriter) -> str:
    """A slice with a step of -1."""
    axes = np.ravel(write.needs(1, "axes"))
    if not len(axes):
        return write.inputs[0]
    ones = np.ones(len(axes), np.int64)
    ends = write.constant(ones * np.iinfo(np.int64).min)
    return write("Slice", write.inputs[0], write.constant(-ones), ends, write.constant(axes.astype(np.int64)),
                 write.constant(-ones))  # fmt: skip


def _cross(write: NodeWriter) -> str:
    """The cross product along a last axis of 3."""
    first, second = ([write.part(x, place, place + 1, -1) for place in range(3)] for x in write.inputs)
    parts = (
        write("Sub", write("Mul", first[one], second[other]), write("Mul", first[other], second[one]))
        for one, other in ((1, 2), (2, 0), (0, 1))
    )
    return write.joined(*parts, axis=-1)


HANDLERS = {
    "Bincount": written_by(_count),
    "DenseBincount": written_by(_count),
    "ScatterNd": written_by(_scatter_into_zeros),
    **{
        f"TensorScatter{name}": written_by(_scatter(reduction))
        for name, reduction in (("Update", None), ("Add", "add"), ("Sub", "sub"), ("Min", "min"), ("Max", "max"))
    },
    **{
        f"UnsortedSegment{name}": written_by(_segments(reduction))
        for name, reduction in (("Sum", "add"), ("Prod", "mul"), ("Min", "min"), ("Max", "max"))
    },
    "XlaDynamicUpdateSlice": written_by(_update_slice),
    "ReverseV2": written_by(_reverse),
    "Cross": written_by(_cross),
}

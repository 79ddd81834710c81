"""Where a number stands among others, and classes as vectors."""

import numpy as np
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, written_by


def _bucketize(write: NodeWriter) -> str:
    """How many boundaries a number is not below; NaN is above all."""
    x = write.inputs[0]
    boundaries = np.array(write.attribute("boundaries", []), np.float32)
    dtype = TensorProto.DOUBLE if write.dtype == TensorProto.DOUBLE else TensorProto.FLOAT
    below = write("Less", write.unsqueeze(write.cast(x, dtype), -1), write.constant(boundaries, dtype))
    return _count(write, write("Not", below))


def _upper_bound(write: NodeWriter) -> str:
    """How many of a sorted row are not above a number."""
    row, x = _rows_and_columns(write)
    return _count(write, write("Not", write("Less", x, row)))


def _lower_bound(write: NodeWriter) -> str:
    """How many of a sorted row are below a number."""
    row, x = _rows_and_columns(write)
    return _count(write, write("Less", row, x))


def _rows_and_columns(write: NodeWriter) -> tuple[str, str]:
    sorted_rows, values = write.inputs  # (rows, n), (rows, m)
    return write.unsqueeze(sorted_rows, 1), write.unsqueeze(values, 2)  # (rows, 1, n), (rows, m, 1)


def _count(write: NodeWriter, found: str) -> str:
    """Counts along the last axis."""
    return write.cast(_count_of(write, found), write.dtypes[0])


def _one_hot(write: NodeWriter) -> str:
    """Compares with all classes: ONNX's OneHot counts negative ones from the end, TensorFlow knows none of them."""
    indices = write.cast(write.inputs[0], TensorProto.INT64)
    rank, axis = write.rank_of(write.inputs[0]), write.attribute("axis", -1)
    place = rank if axis == -1 else axis
    depth = write.cast(write.inputs[1], TensorProto.INT64)
    classes = write("Range", write.constant(np.int64(0)), depth, write.constant(np.int64(1)))
    if place < rank:
        classes = write.unsqueeze(classes, *range(1, rank - place + 1))
    chosen = write("Equal", write.unsqueeze(indices, place), classes)
    on, off = write.known(2), write.known(3)
    if on is not None and off is not None and on == 1 and off == 0:
        return write.cast(chosen, write.dtypes[0])
    if write.dtypes[0] == TensorProto.BOOL:  # onnxruntime has no Where of bool
        chosen_on = write("And", chosen, write.inputs[2])
        return write("Or", chosen_on, write("And", write("Not", chosen), write.inputs[3]))
    return write("Where", chosen, write.inputs[2], write.inputs[3])


def _in_top_k(write: NodeWriter) -> str:
    """Whether fewer than k classes have a higher score than the target; never where a score is not finite."""
    scores, targets, k = write.inputs  # (batch, classes), (batch,), ()
    count = TensorProto.INT64
    classes = write(
        "Range", write.constant(0, count), write("Squeeze", write.size(scores, 1)), write.constant(1, count)
    )
    chosen = write("Equal", write.unsqueeze(write.cast(targets, count), 1), classes)
    score = write.total(write("Where", chosen, scores, write.like(scores, 0)), 1)  # (batch,)
    higher = _count_of(write, write("Greater", scores, write.unsqueeze(score, 1)))
    fits = write("Less", higher, write.cast(k, count))
    exists = write("Greater", _count_of(write, chosen), write.constant(0, count))
    not_finite = _count_of(write, write("Or", write("IsInf", scores), write("IsNaN", scores)))
    return write("And", write("And", fits, exists), write("Equal", not_finite, write.constant(0, count)))


def _count_of(write: NodeWriter, found: str) -> str:
    return write.total(write.cast(found, TensorProto.INT64), -1)


def _broadcast_args(write: NodeWriter) -> str:
    """The shape that two shapes are broadcast to."""
    first, second = (write.cast(value, TensorProto.INT64) for value in write.inputs)
    lengths = [write.shape_of(value) for value in write.inputs]
    if any(length is None or length[0] < 0 for length in lengths):
        raise write.refusal("it joins shapes whose number of axes is not known")
    longest = max(length[0] for length in lengths if length)
    first, second = (
        write.joined(write.integers(*[1] * (longest - length[0])), value) if length and length[0] < longest else value
        for value, length in zip((first, second), lengths, strict=True)
    )
    is_one = write("Equal", first, write.constant(np.int64(1)))
    return write.cast(write("Where", is_one, second, first), write.dtypes[0])


HANDLERS = {
    "Bucketize": written_by(_bucketize),
    "UpperBound": written_by(_upper_bound),
    "LowerBound": written_by(_lower_bound),
    "OneHot": written_by(_one_hot),
    "InTopKV2": written_by(_in_top_k),
    "BroadcastArgs": written_by(_broadcast_args),
}

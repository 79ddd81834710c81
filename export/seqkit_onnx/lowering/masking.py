"""Masks around a native recurrent operator.

The operator knows one mask only: the first `sequence_lens` steps of a row are real. So each row's real steps are
gathered to the front, the operator runs, and the outputs are gathered back. Where a mask is known to be on the
right, that is what it is already, and nothing is moved.
"""

from dataclasses import dataclass

import numpy as np

from seqkit_onnx.lowering.graph_builder import INT64, GraphBuilder


@dataclass(frozen=True)
class Mask:
    """A mask with what was computed from it, so that it is computed once for all layers.

    Args:
        name: bool (batch, time).
        lengths: int32 (batch,), the real steps of each row.
        order: int64 (batch, time, 1): the real steps of each row, in order, then the others; empty where the
            mask is known to be on the right.
        count: int64 (batch, time): the real steps up to each step, itself included; empty likewise.
    """

    name: str
    lengths: str
    order: str = ""
    count: str = ""

    @property
    def on_the_right(self) -> bool:
        """Whether each row's real steps are known to stand in front."""
        return not self.order


def make_mask(builder: GraphBuilder, name: str, on_the_right: bool) -> Mask:
    """Adds what a recurrent operator needs of a mask."""
    axis = builder.constant([1], name="axes")
    if on_the_right:
        real32 = builder.node("Cast", [name], "mask_int32", to=6)  # (batch, time)
        return Mask(name, builder.node("ReduceSum", [real32, axis], "lengths", keepdims=0))
    real = builder.node("Cast", [name], "mask_int64", to=7)  # (batch, time)
    count = builder.node("CumSum", [real, builder.constant(1, name="axis")], "real_steps_so_far")  # (batch, time)
    total = builder.node("ReduceSum", [real, axis], "length", keepdims=0)  # (batch,)
    lengths = builder.node("Cast", [total], "lengths", to=6)
    # Real steps sort before masked ones, each kind by time: the key falls with time, and masked steps are far below.
    shape = builder.node("Shape", [name], "shape", start=1, end=2)  # (1,)
    time = builder.squeeze(shape, 0)  # ()
    steps = builder.node("Range", [builder.constant(0, name="zero"), time, builder.constant(1, name="one")], "steps")
    bonus = builder.node("Mul", [real, time], "bonus")
    key = builder.node("Sub", [bonus, steps], "key")  # (batch, time)
    order = builder.node_with(2, "TopK", [key, shape], "order", axis=1)[1]  # (batch, time)
    return Mask(name, lengths, builder.unsqueeze(order, 2), count)


def has_steps(builder: GraphBuilder, mask: Mask) -> str:
    """Adds which rows have a real step: bool (batch,)."""
    return builder.node("Greater", [mask.lengths, builder.constant(0, np.int32, "zero_int32")], "has_steps")


def gather_front(builder: GraphBuilder, x: str, mask: Mask) -> str:
    """Moves each row's real steps to the front: (batch, time, dim) to the same."""
    if mask.on_the_right:
        return x
    return builder.node("GatherND", [x, mask.order], "real_steps_first", batch_dims=1)


def restore_zeros(builder: GraphBuilder, y: str, mask: Mask) -> str:
    """Puts outputs back where their steps were; masked steps are zeros."""
    if mask.on_the_right:
        return y
    return _gather_back(builder, y, mask, _previous(builder, mask), mask.name)


def restore_repeating(builder: GraphBuilder, y: str, last: str, mask: Mask, backwards: bool) -> str:
    """Puts outputs back where their steps were; a masked step repeats the output of the step run before it.

    Args:
        builder: where nodes go.
        y: (batch, time, units), real steps first.
        last: (batch, units), the last output of each row.
        mask: the mask.
        backwards: whether the operator ran from the end.

    Returns:
        (batch, time, units); zeros where no real step was run before.
    """
    if mask.on_the_right:
        if backwards:
            return y  # the masked steps are run first, and the operator leaves zeros there
        real = builder.unsqueeze(mask.name, 2)  # (batch, time, 1)
        some = has_steps(builder, mask)
        zero = builder.constant(0.0, np.float32, "zero_output")
        last = builder.where(builder.unsqueeze(some, 1), last, zero)
        return builder.where(real, y, builder.unsqueeze(last, 1))
    if not backwards:
        index = _previous(builder, mask)
        known = builder.node("GreaterOrEqual", [index, builder.constant(0, name="zero")], "has_previous")
    else:
        real = builder.node("Cast", [mask.name], "mask_int64", to=7)
        index = builder.node("Sub", [mask.count, real], "next_real_step")  # (batch, time)
        length = builder.node("Cast", [builder.unsqueeze(mask.lengths, 1)], "length", to=7)  # (batch, 1)
        known = builder.node("Less", [index, length], "has_next")
    return _gather_back(builder, y, mask, index, known)


def _previous(builder: GraphBuilder, mask: Mask) -> str:
    """The place, among the real steps, of the last one up to each step; -1 where there is none."""
    return builder.node("Sub", [mask.count, builder.constant(1, name="one")], "last_real_step")  # (batch, time)


def _gather_back(builder: GraphBuilder, y: str, mask: Mask, index: str, known: str) -> str:
    index = builder.where(known, index, builder.constant(0, INT64, "zero"))
    gathered = builder.node("GatherND", [y, builder.unsqueeze(index, 2)], "restored", batch_dims=1)
    zero = builder.constant(0.0, np.float32, "zero_output")
    return builder.where(builder.unsqueeze(known, 2), gathered, zero)  # (batch, time, units)

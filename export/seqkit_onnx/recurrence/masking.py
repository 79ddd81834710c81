"""Masks around a native recurrent operator.

The operator knows one mask only: the first `sequence_lens` steps of a row are real. So each row's real steps are
gathered to the front, the operator runs, and the outputs are gathered back. Both gathers read whole rows by one flat
index, and change between batch-major and time-major on the way. Where a mask is known to be on the right, nothing is
moved.
"""

from dataclasses import dataclass

import numpy as np

from seqkit_onnx.graph_builder import GraphBuilder


@dataclass(frozen=True)
class Mask:
    """A mask with what was computed from it, so that it is computed once for all layers.

    Args:
        name: bool (batch, time).
        lengths: int32 (batch,), the real steps of each row.
        order: int64 (batch, time): each row's real steps, in order, then the others; empty where the mask is known to
            be on the right.
        front: int64 (time, batch): where those are in rows * time; empty likewise.
        count: int64 (batch, time): the real steps up to each step, itself included; empty likewise.
        batch: int64 (1,), the number of rows; empty likewise.
        rows: int64 (batch, 1), the number of each row; empty likewise.
    """

    name: str
    lengths: str
    order: str = ""
    front: str = ""
    count: str = ""
    batch: str = ""
    rows: str = ""

    @property
    def on_the_right(self) -> bool:
        """Whether each row's real steps are known to stand in front."""
        return not self.order


@dataclass(frozen=True)
class Place:
    """Where the output of each step of a row is found among the outputs of its real steps.

    Args:
        index: int64 (batch, time), never below 0.
        known: bool (batch, time): whether there is such an output; else the step gives zeros.
    """

    index: str
    known: str


def make_mask(builder: GraphBuilder, name: str, on_the_right: bool) -> Mask:
    """Adds what a recurrent operator needs of a mask."""
    axis = builder.constant([1], name="axes")
    if on_the_right:
        real32 = builder.node("Cast", [name], "mask_int32", to=6)  # (batch, time)
        return Mask(name, builder.node("ReduceSum", [real32, axis], "lengths", keepdims=0))
    real = _real(builder, name)  # (batch, time)
    count = builder.node("CumSum", [real, builder.constant(1, name="axis")], "real_steps_so_far")  # (batch, time)
    total = builder.node("ReduceSum", [real, axis], "length", keepdims=0)  # (batch,)
    lengths = builder.node("Cast", [total], "lengths", to=6)
    batch = builder.node("Shape", [name], "batch", end=1)  # (1,)
    time = builder.node("Shape", [name], "time", start=1, end=2)  # (1,)
    # Real steps sort before masked ones, each kind by time: the key falls with time, and masked steps are far below.
    bonus = builder.node("Mul", [real, time], "bonus")
    key = builder.node("Sub", [bonus, count_up(builder, time, "steps")], "key")  # (batch, time)
    order = builder.node_with(2, "TopK", [key, time], "order", axis=1)[1]  # (batch, time)
    rows = builder.unsqueeze(count_up(builder, batch, "rows"), 1)  # (batch, 1)
    starts = builder.node("Mul", [rows, time], "starts")  # (batch, 1)
    front = builder.transpose(builder.node("Add", [order, starts], "real_steps_first"), 1, 0)  # (time, batch)
    return Mask(name, lengths, order, front, count, batch, rows)


def _real(builder: GraphBuilder, mask: str) -> str:
    return builder.node("Cast", [mask], "mask_int64", to=7)


def count_up(builder: GraphBuilder, size: str, name: str) -> str:
    """Counts from 0: (size,)."""
    bounds = [builder.constant(0, name="zero"), builder.squeeze(size, 0), builder.constant(1, name="one")]
    return builder.node("Range", bounds, name)


def last_steps(builder: GraphBuilder, lengths: str, steps: str) -> str:
    """Adds where each row's last real step is, where those stand in front; where it has none, its first step.

    Args:
        builder: where nodes go.
        lengths: int64 (batch,), the real steps of each row.
        steps: (time, batch, ..).

    Returns:
        int64 (batch,): places in time * batch.
    """
    last = builder.node("Sub", [lengths, builder.constant(1, name="one")], "last_step")
    last = builder.node("Max", [last, builder.constant(0, name="zero")], "last_step_or_first")
    return _places(builder, last, steps)


def reversed_steps(builder: GraphBuilder, lengths: str, steps: str) -> str:
    """Adds where each step is found if each row's real steps, which stand in front, are reversed.

    This is what ONNX's ReverseSequence is for, of which onnxruntime 1.17 and 1.19 leave steps behind the longest row
    unwritten; 1.32 does not.

    Args:
        builder: where nodes go.
        lengths: int64 (batch,), the real steps of each row.
        steps: (time, batch, ..).

    Returns:
        int64 (time, batch): places in time * batch; behind the real steps, negative ones that Gather takes as well.
    """
    index = count_up(builder, builder.node("Shape", [steps], "time", end=1), "steps")  # (time,)
    last = builder.node("Sub", [lengths, builder.constant(1, name="one")], "last_step")
    return _places(builder, builder.node("Sub", [last, builder.unsqueeze(index, 1)], "mirrored"), steps)


def real_steps(builder: GraphBuilder, lengths: str, steps: str) -> str:
    """Adds which steps are real, where those stand in front: bool (time, batch)."""
    index = count_up(builder, builder.node("Shape", [steps], "time", end=1), "steps")  # (time,)
    return builder.node("Less", [builder.unsqueeze(index, 1), lengths], "is_real")


def _places(builder: GraphBuilder, index: str, steps: str) -> str:
    """The places in time * batch of one step of each row: (.., batch)."""
    batch = builder.node("Shape", [steps], "batch", start=1, end=2)  # (1,)
    starts = builder.node("Mul", [index, batch], "starts")
    return builder.node("Add", [starts, count_up(builder, batch, "rows")], "places")


def has_steps(builder: GraphBuilder, mask: Mask) -> str:
    """Adds which rows have a real step: bool (batch,)."""
    return builder.node("Greater", [mask.lengths, builder.constant(0, np.int32, "zero_int32")], "has_steps")


def gather_front(builder: GraphBuilder, x: str, mask: Mask, width: int) -> str:
    """Moves each row's real steps to the front: (batch, time, width) to (time, batch, width)."""
    steps = builder.reshape(x, -1, width)  # (batch * time, width)
    return builder.node("Gather", [steps, mask.front], "real_steps", axis=0)


def gather_ids_front(builder: GraphBuilder, ids: str, mask: Mask) -> str:
    """The same for ids: (batch, time) to (time, batch)."""
    return builder.transpose(builder.node("GatherElements", [ids, mask.order], "real_ids", axis=1), 1, 0)


def own_place(builder: GraphBuilder, mask: Mask) -> Place:
    """Each real step has its own output, and masked steps have none."""
    return Place(_not_negative(builder, _previous(builder, mask)), mask.name)


def repeating_place(builder: GraphBuilder, mask: Mask, backwards: bool) -> Place:
    """A masked step has the output of the real step that was run before it; none where there was none."""
    if not backwards:
        index = _previous(builder, mask)
        known = builder.node("GreaterOrEqual", [index, builder.constant(0, name="zero")], "has_previous")
        return Place(_not_negative(builder, index), known)
    index = builder.node("Sub", [mask.count, _real(builder, mask.name)], "next_real_step")  # (batch, time)
    length = builder.node("Cast", [builder.unsqueeze(mask.lengths, 1)], "length", to=7)  # (batch, 1)
    known = builder.node("Less", [index, length], "has_next")
    return Place(builder.where(known, index, builder.constant(0, name="zero")), known)


def _previous(builder: GraphBuilder, mask: Mask) -> str:
    """The place, among the real steps, of the last one up to each step; -1 where there is none."""
    return builder.node("Sub", [mask.count, builder.constant(1, name="one")], "last_real_step")  # (batch, time)


def _not_negative(builder: GraphBuilder, index: str) -> str:
    return builder.node("Max", [index, builder.constant(0, name="zero")], "place")


def gather_back(
    builder: GraphBuilder, y: str, mask: Mask, place: Place, directions: int, units: int, *, earlier: str | None = None
) -> str:
    """Puts outputs back where their steps were, side by side where there are two directions.

    Args:
        builder: where nodes go.
        y: (time, directions, batch, units), or (time, batch, units) for one direction; real steps first.
        mask: the mask.
        place: where the output of each step is.
        directions: 1 or 2.
        units: the size of one direction.
        earlier: (batch, directions * units), the output of steps that have none; `None`: zeros.

    Returns:
        (batch, time, directions * units).
    """
    index, width = place.index, directions * units
    if directions == 2:
        doubled = builder.node("Mul", [builder.unsqueeze(index, 2), builder.constant(2, name="two")], "of_both")
        index = builder.node("Add", [doubled, builder.constant([0, 1], name="directions")], "direction")
    rows = mask.rows if directions == 1 else builder.unsqueeze(mask.rows, 2)
    flat = builder.node("Add", [builder.node("Mul", [index, mask.batch], "starts"), rows], "restored_from")
    outputs = builder.reshape(y, -1, units)  # (time * directions * batch, units)
    restored = builder.node("Gather", [outputs, flat], "restored", axis=0)  # (batch, time, [2,] units)
    if directions == 2:
        restored = builder.reshape(restored, 0, 0, width)
    other = builder.unsqueeze(earlier, 1) if earlier else builder.constant(0.0, np.float32, "zero_output")
    return builder.where(builder.unsqueeze(place.known, 2), restored, other)


def repeat_last_on_the_right(builder: GraphBuilder, y: str, last: str, mask: Mask, earlier: str | None = None) -> str:
    """Fills the masked steps of a mask on the right with each row's last output.

    Args:
        builder: where nodes go.
        y: (batch, time, units); zeros on masked steps.
        last: (batch, units), the last output of each row.
        mask: a mask that is known to be on the right.
        earlier: (batch, units), the output in rows without a real step; `None`: zeros.

    Returns:
        (batch, time, units).
    """
    other = earlier or builder.constant(0.0, np.float32, "zero_output")
    last = builder.where(builder.unsqueeze(has_steps(builder, mask), 1), last, other)
    return builder.where(builder.unsqueeze(mask.name, 2), y, builder.unsqueeze(last, 1))

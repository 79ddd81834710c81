"""NaN in what a recurrence reads: from there on Keras answers NaN, and onnxruntime's operators, on the CPU, a number.

They keep each gate between two bounds before its activation, and NaN ends as one of those. So it is looked for beside
the operator, carried on over the steps as the recurrence would, and written where Keras has it. Where the input is
looked up in a table, nothing is added.
"""

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto

from seqkit_onnx.cells.recurrence import Recurrence
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import reads
from seqkit_onnx.recurrence import masking
from seqkit_onnx.recurrence.masking import Mask

_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.UNDEFINED}
_NO_FLOATS = {"And", "ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual"}
_NO_FLOATS |= {"NonZero", "Not", "Or", "Shape", "Size", "Xor"}


class Origins:
    """Tells which values of a graph come from a floating input of the file, which may hold NaN.

    Args:
        graph: the graph as it is now.
        outer: that of the graph around it.
    """

    def __init__(self, graph: GraphProto, outer: "Origins | None" = None):
        self.makers = {output: node for node in graph.node for output in node.output}
        self.inputs = {value.name: value.type.tensor_type.elem_type in _FLOATS for value in graph.input}
        self.inputs |= {tensor.name: False for tensor in graph.initializer}  # one may be an input's default
        self.outer = outer
        self.known: dict[str, bool] = {}

    def may_be_nan(self, name: str) -> bool:
        """Whether a value comes from a floating input; in a loop, also what comes into each round."""
        waiting, seen = [name], set()
        found = False
        while waiting and not found:
            each = waiting.pop()
            if not each or each in seen:
                continue
            seen.add(each)
            maker = self.makers.get(each)
            if each in self.known:
                found = self.known[each]
            elif each in self.inputs:
                found = self.inputs[each]
            elif maker is not None:
                waiting += reads(maker) if _may_give_nan(maker) else ()
            else:
                found = self.outer is not None and self.outer.may_be_nan(each)
        self.known[name] = found
        return found


def _may_give_nan(node: NodeProto) -> bool:
    if node.op_type == "Cast":
        return next(attribute.i for attribute in node.attribute if attribute.name == "to") in _FLOATS
    return node.op_type not in _NO_FLOATS


def with_missing_values(
    builder: GraphBuilder,
    recurrence: Recurrence,
    x: str,
    mask: Mask | None,
    states: list[str],
    *,
    y: str,
    finals: list[str],
) -> tuple[str, list[str]]:
    """Writes NaN into an operator's outputs where Keras has it; returns them, those that are not read as they are.

    Args:
        builder: where nodes go.
        recurrence: what was computed.
        x: (time, batch, dim), the real steps of each row first.
        mask: the mask, if there is one.
        states: the initial states (directions, batch, units); may be empty.
        y: (time, directions, batch, units).
        finals: (directions, batch, units) each.
    """
    if not (recurrence.input_may_be_nan or recurrence.states_may_be_nan):
        return y, finals
    missing = _Missing(builder, recurrence, x, mask, states if recurrence.states_may_be_nan else [])
    if recurrence.return_sequences:
        y = missing.in_sequences(y)
    reads_last = not recurrence.return_sequences or mask is not None
    read = len(finals) if recurrence.gives_states else int(reads_last)
    return y, [missing.in_finals(final) if place < read else final for place, final in enumerate(finals)]


class _Missing:
    """What is NaN.

    Numbers are added up without their signs: such a sum is NaN where one of them is, and never else.
    """

    def __init__(self, builder: GraphBuilder, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str]):
        self.builder = builder
        self.recurrence = recurrence
        self.x = x
        self.mask = mask
        self.zero = builder.constant(0.0, np.float32, "zero_output")
        self.nan = builder.constant(np.nan, np.float32, "missing")
        self.h = self._sum(states[0], 2) if states else ""  # (directions, batch, 1)
        self.c = states[1] if len(states) > 1 else ""  # (directions, batch, units)
        self.lengths = self.real = self.steps = ""
        if mask:
            self.lengths = builder.node("Cast", [mask.lengths], "lengths_int64", to=7)  # (batch,)
            self.real = builder.unsqueeze(masking.real_steps(builder, self.lengths, x), 2)  # (time, batch, 1)
        if recurrence.input_may_be_nan and (mask or recurrence.return_sequences):
            steps = self._sum(x, 2)
            self.steps = builder.where(self.real, steps, self.zero) if mask else steps  # (time, batch, 1)

    def in_sequences(self, y: str) -> str:
        """Writes NaN into the outputs of all steps."""
        builder = self.builder
        sides = (False, True) if len(self.recurrence.directions) == 2 else (self.recurrence.go_backwards,)
        parts = [self.h] if self.h else []  # (directions, batch, 1), or with the time before it
        if self.steps:
            parts.append(self._joined([self._carried(runs_back) for runs_back in sides]))
        if self.c:
            later = self._joined([self._later(runs_back) for runs_back in sides])
            parts.append(builder.where(later, self._sum(self.c, 2), self.zero))
        found = self._found(parts)
        if self.mask and self.mask.on_the_right:  # elsewhere the outputs of other steps are not read
            found = builder.node("And", [found, builder.unsqueeze(self.real, 1)], "missing_and_real")
        return builder.where(found, self.nan, y)

    def in_finals(self, final: str) -> str:
        """Writes NaN into a final state."""
        builder = self.builder
        parts = [self.h] if self.h else []  # (directions or 1, batch, 1)
        if self.steps:
            parts.append(self._sum(self.steps, 0))
        elif self.recurrence.input_may_be_nan:
            parts.append(self._sum(self.x, 0, 2))
        if self.c:
            lengths = self.lengths or builder.node("Shape", [self.x], "time", end=1)  # (batch,) or (1,)
            several = builder.node("Greater", [lengths, builder.constant(1, name="one")], "several_steps")
            several = builder.unsqueeze(several, 1)
            parts.append(builder.where(several, self._sum(self.c, 2), self.zero))
        return builder.where(self._found(parts), self.nan, final)

    def _found(self, parts: list[str]) -> str:
        """Where one of several is NaN; and where c is, which the first step hands on unit by unit."""
        builder, total = self.builder, parts[0]
        for part in parts[1:]:
            total = builder.node("Add", [total, part], "missing_sum")
        found = builder.node("IsNaN", [total], "is_missing")
        if not self.c:
            return found
        return builder.node("Or", [found, builder.node("IsNaN", [self.c], "is_missing")], "is_missing")

    def _carried(self, runs_back: bool) -> str:
        """What each step and those that are run before it have: (time, batch, 1)."""
        axis = self.builder.constant(0, name="axis")
        return self.builder.node("CumSum", [self.steps, axis], "carried_on", reverse=int(runs_back))

    def _later(self, runs_back: bool) -> str:
        """Which steps are not the first that is run: bool (time, batch or 1, 1)."""
        builder = self.builder
        index = masking.count_up(builder, builder.node("Shape", [self.x], "time", end=1), "steps")  # (time,)
        index = builder.unsqueeze(index, 1, 2)
        if not runs_back:
            first = builder.constant(0, name="zero")
            if self.mask and len(self.recurrence.directions) == 2:  # of as many rows as the other direction's
                lengths = builder.unsqueeze(self.lengths, 1)
                first = builder.node("Sub", [lengths, lengths], "first_step")
            return builder.node("Greater", [index, first], "is_later")
        lengths = builder.unsqueeze(self.lengths, 1) if self.mask else builder.node("Shape", [self.x], "time", end=1)
        last = builder.node("Sub", [lengths, builder.constant(1, name="one")], "last_step")
        return builder.node("Less", [index, last], "is_later")

    def _joined(self, sides: list[str]) -> str:
        """(time, batch, 1) of each direction to (time, directions, batch, 1)."""
        sides = [self.builder.unsqueeze(side, 1) for side in sides]
        return sides[0] if len(sides) == 1 else self.builder.node("Concat", sides, "both", axis=1)

    def _sum(self, x: str, *axes: int) -> str:
        return self.builder.node("ReduceL1", [x, self.builder.constant(axes, name="axes")], "missing_in", keepdims=1)

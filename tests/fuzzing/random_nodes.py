"""Draws the nodes of descriptions of recurrent models, each fitting what it gets."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.fuzzing.model_descriptions import (
    STATES,
    Both,
    Branches,
    Cell,
    Convolution,
    Dense,
    Drop,
    Handover,
    MaskZeros,
    Nested,
    Norm,
    PerStep,
    Pool,
    Recurrent,
    Repeat,
    Shared,
    Stack,
    Tap,
    recurrent_parts,
    walk,
)

NATIVE = ("tanh", "sigmoid", "relu", "hard_sigmoid", "elu", "softsign", "leaky_relu", "linear")
# Activations that ONNX's operators do not name: these layers become loops. Not hard_shrink, threshold and the like,
# which jump: where a value is next to the jump, float32 itself decides, and equality says nothing.
FOREIGN = (
    "gelu",
    "silu",
    "selu",
    "mish",
    "exponential",
    "hard_tanh",
    "softplus",
    "softmax",
    "relu6",
    "celu",
    "squareplus",
)
MERGE_MODES = ("concat", "sum", "mul", "ave", None)
KINDS = tuple(STATES)
DEEPEST = 2  # how many nodes hold each other

sizes = st.integers(1, 6)
seldom = st.sampled_from([False, False, False, True])
often = st.sampled_from([True, True, True, False])


@dataclass(frozen=True)
class Value:
    """What is known of a value: sizes of its time axes, width, whether it may have a mask and is as long as `x`."""

    steps: tuple[int | None, ...]
    dim: int
    masked: bool
    as_source: bool = True


@dataclass(frozen=True)
class Drawer:
    """Draws nodes that fit what they get.

    Args:
        draw: Hypothesis's `draw`.
        activations: those of recurrent layers.
        alone: whether nodes may have no inputs and outputs but the one.
        plain: whether each node must be one layer.
        stateful: whether layers may keep their states from one batch to the next.
        depth: in how many nodes these nodes are held.
    """

    draw: Any
    activations: tuple[str, ...]
    alone: bool = False
    plain: bool = False
    stateful: bool = False
    depth: int = 0

    def inner(self, alone: bool = True, plain: bool = False, stateful: bool = True) -> "Drawer":
        """Returns a drawer of the nodes that a node holds."""
        alone, plain, stateful = self.alone or alone, self.plain or plain, self.stateful and stateful
        return replace(self, alone=alone, plain=plain, stateful=stateful, depth=self.depth + 1)

    def choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def model(self, value: Value) -> tuple:
        """Draws one to four nodes, one of them at least recurrent."""
        before, after = self.choose((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (1, 2))
        nodes, value = self.chain(value, before, sequences=True)
        if len(value.steps) == 2:
            core, value = self.per_step(value, recurrent=True)
        else:
            core, value = self.node(value, None, recurrent=True)
            if not any(recurrent_parts(node) for _, node in walk((core,))):
                nodes, (core, value) = (*nodes, core), self.single(value, keep=True)
        rest, value = self.chain(value, after)
        nodes = (*nodes, core, *rest)
        return nodes[:-1] if isinstance(nodes[-1], Tap) else nodes

    def chain(self, value: Value, count: int, sequences: bool | None = None) -> tuple[tuple, Value]:
        """Draws nodes; `sequences` says whether the last one gives steps (`None`: as it comes)."""
        nodes = []
        for index in range(count):
            last = index == count - 1
            node, value = self.node(value, sequences if last else True, recurrent=last and sequences is False)
            nodes.append(node)
        return tuple(nodes), value

    def node(self, value: Value, sequences: bool | None, recurrent: bool = False) -> tuple[Any, Value]:
        if len(value.steps) == 0:
            return self.choose(self.dense, self.norm, self.drop, self.repeat)(value)
        if len(value.steps) == 2:
            return self.choose(self.dense, self.norm, self.per_step)(value)
        keep = self.draw(often if sequences is None else st.just(sequences))
        around = [self.single, self.both, self.stack]
        if not self.plain:
            around += [self.single, self.both, self.handover]
        if not self.plain and self.depth < DEEPEST:
            around += [self.branches, self.nested, self.shared]
        others = [self.dense, self.norm, self.drop, self.convolution, self.mask_zeros, self.per_step]
        others += [] if self.alone else [self.tap]
        others += [] if sequences else [self.pool]
        make = self.choose(*(around if recurrent or self.draw(st.booleans()) else others))
        return make(value, keep) if make in around else make(value)

    def cell(self, kind: str, units: int) -> Cell:
        activation, gate = self.choose("tanh", *self.activations), self.choose("sigmoid", *self.activations)
        if kind == "lstm" and activation == "exponential":
            gate = "sigmoid"  # with gates that let more than all through, exp(state) overflows
        rates = [0.3 if self.draw(seldom) else 0.0 for _ in range(2)]
        return Cell(
            kind,
            units,
            activation,
            "sigmoid" if kind == "simple_rnn" else gate,
            kind != "gru" or self.draw(st.booleans().map(lambda flag: not flag)),
            self.draw(often),
            *rates,
        )

    def layer(self, value: Value, keep: bool, **fixed: Any) -> Recurrent:
        """Draws a recurrent layer without its call's arguments."""
        wrapped, count = self.choose((False, 1), (False, 1), (True, 1), (True, 2), (True, 3))
        flags = {name: self.draw(seldom) for name in ("return_state", "go_backwards", "zero_output_for_mask")}
        flags |= {"return_state": flags["return_state"] and not self.alone} | fixed
        cells = tuple(self.cell(self.choose(*KINDS), self.draw(sizes)) for _ in range(count))
        unroll = value.steps[-1] is not None and self.draw(seldom)
        stateful = self.stateful and self.draw(st.booleans())
        return Recurrent(cells, wrapped, keep, unroll=unroll, stateful=stateful, **flags)

    def call_arguments(self, value: Value) -> dict[str, bool]:
        free = not self.alone
        return {
            "initial_state": free and self.draw(seldom),
            "explicit_mask": free and value.as_source and len(value.steps) == 1 and self.draw(seldom),
        }

    def single(self, value: Value, keep: bool) -> tuple[Any, Value]:
        node = replace(self.layer(value, keep), **self.call_arguments(value))
        return node, _after(value, node.cells[-1].units, node)

    def both(self, value: Value, keep: bool) -> tuple[Any, Value]:
        # Bidirectional decides about zero_output_for_mask itself.
        forward = self.layer(value, keep, go_backwards=False, zero_output_for_mask=False)
        if forward.stateful:  # Keras 3.15 raises a TypeError where it returns states too
            forward = replace(forward, return_state=False)
        merge_mode = self.choose(*(MERGE_MODES[:-1] if self.alone else MERGE_MODES))
        arguments, backward = self.call_arguments(value), None
        if self.draw(seldom):
            backward = self.other_direction(forward, states=forward.return_state or arguments["initial_state"])
            if self.draw(seldom):
                forward, backward = replace(forward, go_backwards=True), replace(backward, go_backwards=False)
        node = Both(forward, merge_mode, backward, **arguments)
        width = forward.cells[-1].units * (2 if merge_mode == "concat" else 1)
        return node, _after(value, width, node)

    def other_direction(self, forward: Recurrent, states: bool) -> Recurrent:
        """Draws a backward layer of another class or other activations, as wide as the forward one.

        Keras takes the output's width and the number of states from the forward layer, so widths are the same, and
        where states go in or out, so is their number.
        """
        kinds = [
            self.choose(*(kind for kind in KINDS if not states or STATES[kind] == STATES[cell.kind]))
            for cell in forward.cells
        ]
        cells = tuple(self.cell(kind, cell.units) for kind, cell in zip(kinds, forward.cells, strict=True))
        return replace(forward, cells=cells, go_backwards=True)

    def stack(self, value: Value, keep: bool) -> tuple[Any, Value]:
        kinds = tuple(self.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2)))
        merge_mode = self.choose(*(MERGE_MODES[:-1] if self.alone else MERGE_MODES))
        joined = merge_mode is not None
        arguments = self.call_arguments(value)
        masked = value.masked or arguments["explicit_mask"]
        node = Stack(
            kinds,
            tuple(self.draw(sizes) for _ in kinds),
            self.choose("tanh", *self.activations),
            keep,
            not self.alone and self.draw(seldom),
            merge_mode,
            joined and (keep or len(kinds) > 1) and self.draw(seldom),
            joined and self.draw(seldom),
            0.3 if self.draw(seldom) else 0.0,
            value.steps[-1] is not None and not masked and self.draw(seldom),  # else the stack raises
            **arguments,
        )
        return node, _after(value, node.units[-1] * (2 if merge_mode == "concat" else 1), node)

    def handover(self, value: Value, keep: bool) -> tuple[Any, Value]:
        make = self.choose(self.single, self.both, self.stack)
        second, after = make(value, keep)
        second = replace(second, initial_state=False)
        if isinstance(second, Both) and second.backward is not None:
            second = replace(second, backward=None, forward=replace(second.forward, go_backwards=False))
        if isinstance(second, Both):
            forward = replace(second.forward, return_state=True, return_sequences=False, stateful=False)
            first = replace(second, forward=forward)
        else:
            first = replace(second, return_state=True, return_sequences=False)
        if isinstance(first, Stack) and len(first.kinds) == 1:
            first = replace(first, residual=False)
        return Handover(first, second), after

    def per_step(self, value: Value, recurrent: bool = False) -> tuple[Any, Value]:
        outer, *inner = value.steps
        explicit = not self.alone and value.as_source and self.draw(seldom)
        start = Value(tuple(inner), value.dim, value.masked or explicit, as_source=False)
        drawer = self.inner(plain=True, stateful=False)
        if inner:
            first, after = drawer.node(start, None, recurrent=recurrent or self.draw(often))
        else:
            first, after = self.choose(drawer.dense, drawer.norm)(start)
        rest = ()
        if self.draw(seldom):
            other, after = drawer.dense(after)
            rest = (other,)
        # A mask of two time axes ends here: see `described_models`.
        masked = value.masked or explicit if not inner else False
        steps = (outer, *after.steps)
        return PerStep((first, *rest), explicit), Value(steps, after.dim, masked, len(steps) == len(value.steps) == 1)

    def branches(self, value: Value, keep: bool) -> tuple[Any, Value]:
        join, drawer = self.choose("concat", "add"), self.inner(alone=False)
        first, one = drawer.chain(value, self.choose(1, 1, 2) if keep else 1, keep)
        second, other = drawer.chain(value, self.choose(0, 1) if keep else 1, keep)
        if join == "add" and one.dim != other.dim:
            second, other = (*second, Dense(one.dim)), replace(other, dim=one.dim)
        dim = one.dim if join == "add" else one.dim + other.dim
        after = replace(one, dim=dim, masked=one.masked or other.masked)
        return Branches(first, second, join), after

    def shared(self, value: Value, keep: bool) -> tuple[Any, Value]:
        second_input = not self.alone and self.draw(st.booleans())
        if not keep and not second_input:  # its result would not fit its second call
            return self.single(value, keep)
        nodes, after = self.inner(alone=False, stateful=False).chain(value, self.choose(1, 1, 2), keep)
        if second_input:
            return Shared(nodes, on_second_input=True), replace(after, dim=2 * after.dim)
        if after.dim != value.dim:
            nodes = (*nodes, Dense(value.dim))
        return Shared(nodes), replace(after, dim=value.dim)

    def nested(self, value: Value, keep: bool) -> tuple[Any, Value]:
        form = self.choose("sequential", "functional", "subclassed")
        nodes, after = self.inner(plain=form == "sequential").chain(value, self.choose(1, 1, 2), keep)
        return Nested(nodes, form), after

    def dense(self, value: Value) -> tuple[Any, Value]:
        node = Dense(self.draw(sizes), self.choose("linear", "tanh", "relu", "softmax"))
        return node, replace(value, dim=node.units)

    def convolution(self, value: Value) -> tuple[Any, Value]:
        node = Convolution(self.draw(sizes), self.draw(st.integers(1, 3)), self.choose("same", "causal"))
        return node, replace(value, dim=node.filters, masked=False)

    def repeat(self, value: Value) -> tuple[Any, Value]:
        node = Repeat(self.draw(st.integers(1, 5)))
        return node, Value((node.times,), value.dim, masked=False, as_source=False)

    def norm(self, value: Value) -> tuple[Any, Value]:
        return Norm(batch=self.draw(seldom)), value

    def pool(self, value: Value) -> tuple[Any, Value]:
        # The average over a row that is all masked is 0 / 0.
        node = Pool(self.choose("max", "masked", *(() if value.masked else ("average",))))
        return node, Value((), value.dim, masked=False, as_source=False)

    def drop(self, value: Value) -> tuple[Any, Value]:
        return Drop(spatial=len(value.steps) == 1 and self.draw(st.booleans())), value

    def mask_zeros(self, value: Value) -> tuple[Any, Value]:
        return MaskZeros(), replace(value, masked=True)

    def tap(self, value: Value) -> tuple[Any, Value]:
        return Tap(), value


def _after(value: Value, dim: int, node: Any) -> Value:
    """What a recurrent node makes of a value."""
    if not node.return_sequences:
        return Value((), dim, masked=False, as_source=False)
    return replace(value, dim=dim, masked=value.masked or node.explicit_mask)

"""The loops around a step that writes one token of each beam, as ONNX."""

from collections.abc import Sequence
from typing import NamedTuple

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.decoding.generation_loop import described_as
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import GraphJoiner, invariant_nodes
from seqkit_onnx.passes.step_passes import carry_expanded, remove_unread

INDEX = "index"
TOKEN, DONE, SCORES, PARENT = "token", "done", "scores", "parent"
LOG_PROBABILITY = "log_probability"
LARGEST = 2**63 - 1  # the end of every slice


class LoopInputs(NamedTuple):
    """What a loop of steps takes, by the names that the values have in the file.

    Args:
        begin: for all that may be carried, its value before the first step; a step may carry less.
        fixed: for each other input of a step but `index`, its value.
        trips: how many tokens are written at most, int64 (), at least 1.
    """

    begin: dict[str, str]
    fixed: dict[str, str]
    trips: str


class Written(NamedTuple):
    """What a loop wrote.

    Args:
        tokens: int32 (batch, time), of the best beam of each sentence; as many as the longest has.
        scores: float32 (batch,), the sums of the logarithms of their probabilities.
    """

    tokens: str
    scores: str


def add_greedy_loop(
    builder: GraphBuilder, joiner: GraphJoiner, step: GraphProto, prefix: str, inputs: LoopInputs
) -> Written:
    """Adds a `Loop` that writes the most probable token until each sentence has ended; once at least.

    Args:
        builder: where nodes go.
        joiner: where the step's weights go.
        step: what is repeated: a `TranslationStep` as a graph, whose output ``x_output`` carries its input ``x`` on. It
            is used up.
        prefix: what names of the loop's own begin with in the file.
        inputs: of the loop.
    """
    loop = _StepLoop(builder, joiner, step, prefix, inputs)
    tokens, steps = loop.add([f"{TOKEN}_output", LOG_PROBABILITY])  # (time, batch) each
    scores = builder.node("ReduceSum", [steps, builder.constant([0], name=f"{prefix}_time_axis")], "sums", keepdims=0)
    return Written(builder.node("Transpose", [tokens], "best_tokens", perm=[1, 0]), scores)


def add_beam_loop(
    builder: GraphBuilder, joiner: GraphJoiner, step: GraphProto, prefix: str, inputs: LoopInputs, beams: str
) -> Written:
    """Adds a `Loop` that continues the best beams until all have ended; once at least.

    Args:
        builder: see `add_greedy_loop`, as for the others.
        joiner: ...
        step: ...
        prefix: ...
        inputs: ...
        beams: how many a sentence has, int64 ().
    """
    loop = _StepLoop(builder, joiner, step, prefix, inputs)
    axis = builder.constant([1], name=f"{prefix}_token_axis")
    # Texts follow their beams, and grow by a column at each step. Before the first is a column that none of them wrote.
    text, grown = f"{prefix}/text", f"{prefix}/text_output"
    kept = loop.inner.node("Gather", [text, loop.names[PARENT]], "kept_text", axis=0)
    column = loop.inner.node("Unsqueeze", [loop.names[f"{TOKEN}_output"], axis], "token_column")
    loop.inner.nodes.append(helper.make_node("Concat", [kept, column], [grown], name=grown, axis=1))
    loop.carry(text, grown, builder.node("Unsqueeze", [inputs.begin[TOKEN], axis], "text_before"))
    loop.add()
    every_beam = builder.node("Unsqueeze", [beams, builder.constant([0], name=f"{prefix}_beam_axis")], "every_beam")
    strides = builder.node("Concat", [every_beam, axis], "strides", axis=0)
    starts, axes = (builder.constant([0, 1], name=f"{prefix}_{name}") for name in ("best_from", "best_axes"))
    ends = builder.constant([LARGEST, LARGEST], name=f"{prefix}_best_end")
    tokens = builder.node("Slice", [loop.ends[text], starts, ends, axes, strides], "best_tokens")
    best = builder.constant(0, name=f"{prefix}_best")
    return Written(tokens, builder.node("Gather", [loop.ends[SCORES], best], "sums", axis=1))


class _StepLoop:
    """A `Loop` in the making.

    Args:
        builder: see `add_greedy_loop`, as for the others.
        joiner: ...
        step: ...
        prefix: ...
        inputs: ...

    Attributes:
        inner: takes nodes of the body.
        names: what the step's inputs and outputs are called in the body.
        ends: for all that is carried, its value after the last step; filled by `add`.
    """

    def __init__(
        self, builder: GraphBuilder, joiner: GraphJoiner, step: GraphProto, prefix: str, inputs: LoopInputs
    ) -> None:
        self.builder, self.step, self.prefix, self.trips = builder, step, prefix, inputs.trips
        outputs = {value.name for value in step.output}
        begin = {name: value for name, value in inputs.begin.items() if f"{name}_output" in outputs}
        axis = builder.constant([0], name=f"{prefix}_state_axis")
        for state in carry_expanded(step, [name for name in sorted(begin) if "/" in name]):
            begin[state] = builder.node("Unsqueeze", [begin[state], axis], f"{prefix}/begin/{state}")
        self.described: dict[str, ValueInfoProto] = {value.name: value for value in (*step.input, *step.output)}
        self.names = joiner.join(step, f"{prefix}/step", {**inputs.fixed, INDEX: f"{prefix}/{INDEX}"})
        self.inner = GraphBuilder(builder.outer, prefix)
        self.ends: dict[str, str] = {}
        self._begins: list[str] = []
        self._before: list[ValueInfoProto] = []
        self._after: list[ValueInfoProto] = []
        for name in sorted(begin):
            before, after = (described_as(self.described[each], self.names[each]) for each in (name, f"{name}_output"))
            self._add_carried(name, before, after, begin[name])

    def carry(self, name: str, after: str, begin: str) -> None:
        """Carries int32 (rows, time), whose time may grow."""
        before, following = (
            helper.make_tensor_value_info(each, TensorProto.INT32, [None, None]) for each in (name, after)
        )
        self._add_carried(name, before, following, begin)

    def _add_carried(self, name: str, before: ValueInfoProto, after: ValueInfoProto, begin: str) -> None:
        self._before.append(before)
        self._after.append(after)
        self._begins.append(begin)
        self.ends[name] = f"{self.prefix}/end/{name}"

    def add(self, collected: Sequence[str] = ()) -> list[str]:
        """Adds the loop.

        Args:
            collected: outputs of the step that are wanted of every step.

        Returns:
            Their names outside: (time, ...) each.
        """
        count, goes_on, index = (f"{self.prefix}/{name}" for name in ("count", "goes_on", INDEX))
        inner = self.inner
        # Of bool: false where one is.
        all_done = inner.node("ReduceMin", [self.names[f"{DONE}_output"]], "all_done", keepdims=0)
        more = inner.node("Not", [all_done], "more")
        numbered = helper.make_node("Cast", [count], [index], name=index, to=TensorProto.INT32)
        body = helper.make_graph(
            [numbered, *self.step.node, *inner.nodes],
            f"{self.prefix}/body",
            [
                helper.make_tensor_value_info(count, TensorProto.INT64, []),
                helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
                *self._before,
            ],
            [helper.make_tensor_value_info(more, TensorProto.BOOL, []), *self._after],
        )
        of_all = []
        for name in collected:
            copied = inner.unique(f"each/{name}")  # a body gives no value twice
            body.node.append(helper.make_node("Identity", [self.names[name]], [copied], name=copied))
            body.output.append(described_as(self.described[name], copied))
            of_all.append(f"{self.prefix}/all/{name}")
        self.builder.nodes.extend(invariant_nodes(body))
        remove_unread(body)
        outputs = [*self.ends.values(), *of_all]
        self.builder.nodes.append(
            helper.make_node("Loop", [self.trips, "", *self._begins], outputs, name=f"{self.prefix}/tokens", body=body)
        )
        return of_all

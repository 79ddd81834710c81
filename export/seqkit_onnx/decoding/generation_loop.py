"""The loop around a step that writes one token, as ONNX."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import GraphJoiner, invariant_nodes
from seqkit_onnx.passes.step_passes import carry_expanded, remove_unread

TOKENS_IN_A_BLOCK = 4096
SETTINGS = ("temperature", "top_k", "top_p")


class StepVariant(NamedTuple):
    """A step as a graph of its own.

    Args:
        graph: its inputs are what is carried, `uniform`, `index` and the settings; the output that carries `x` on is
            ``x_output``.
        prefix: what names of its own begin with in the file.
    """

    graph: GraphProto
    prefix: str


class Draws(NamedTuple):
    """Random numbers that are a function of (seed, row, step).

    Args:
        graph: from `words`, `rows` and `steps` to one output, float32 (time, batch).
        words: the seed's two words, int32 (2,).
        rows: the number of each row, int32 (batch,).
    """

    graph: GraphProto
    words: str
    rows: str


def add_generation_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    step: StepVariant,
    begin: dict[str, str],
    draws: Draws,
    trips: str,
    settings: dict[str, str],
) -> dict[str, str]:
    """Adds a `Loop` that writes tokens until each text has ended.

    It is a loop over blocks of `TOKENS_IN_A_BLOCK` tokens, whose random numbers are made at once, and in it a loop over
    tokens: memory grows with what is written, and not with what might be.

    Args:
        builder: where nodes go.
        joiner: where the step's weights go.
        step: what is repeated; it is used up.
        begin: for all that is carried, the value before the first step.
        draws: the random numbers.
        trips: how many tokens are written at most, int64 ().
        settings: for each of `SETTINGS`, its value.

    Returns:
        For all that is carried, its value after the last step, and as ``"tokens"`` those of each step: int32 (time,
        rows).
    """
    graph, prefix = step
    carried = sorted(begin)
    begin = begin | _expanded(builder, graph, [name for name in carried if "/" in name], begin, prefix)
    described = {value.name: value for value in (*graph.input, *graph.output)}
    blocks = GraphBuilder(builder.outer, f"{prefix}/block")
    number, goes_on = f"{prefix}/block/number", f"{prefix}/block/goes_on"
    held = {name: f"{prefix}/block/{name}" for name in (*carried, "tokens")}
    size = blocks.constant(TOKENS_IN_A_BLOCK, name=f"{prefix}_block_size")
    first = blocks.node("Mul", [number, size], "first")
    wanted = blocks.node("Min", [blocks.node("Sub", [trips, first], "left"), size], "wanted")
    steps = _range(blocks, first, blocks.node("Add", [first, wanted], "end"), "steps")
    drawing = GraphProto.FromString(draws.graph.SerializeToString())
    bindings = {"words": draws.words, "rows": draws.rows, "steps": steps}
    numbers = joiner.join(drawing, f"{prefix}/draws", bindings)[draws.graph.output[0].name]
    blocks.nodes.extend(drawing.node)
    inside = {name: held[name] for name in carried}
    found = _add_token_loop(blocks, joiner, step, inside, numbers, first, wanted, settings)
    tokens = blocks.node("Concat", [held["tokens"], found["tokens"]], "all_tokens", axis=0)
    done = blocks.node("ReduceMin", [found["done"]], "all_done", keepdims=0)
    more = blocks.node("Not", [done], "more")
    token_info = described["token_output"].type.tensor_type.elem_type
    body = helper.make_graph(
        blocks.nodes,
        f"{prefix}/block/body",
        [
            helper.make_tensor_value_info(number, TensorProto.INT64, []),
            helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
            *(described_as(described[name], held[name]) for name in carried),
            helper.make_tensor_value_info(held["tokens"], token_info, [None, None]),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            *(described_as(described[f"{name}_output"], found[name]) for name in carried),
            helper.make_tensor_value_info(tokens, token_info, [None, None]),
        ],
    )
    ends = [f"{prefix}/last/{name}" for name in (*carried, "tokens")]
    rest = builder.constant(TOKENS_IN_A_BLOCK - 1, name=f"{prefix}_rest")
    count = builder.node("Div", [builder.node("Add", [trips, rest], f"{prefix}_up"), size], f"{prefix}_blocks")
    axis = builder.constant([0], name=f"{prefix}_no_axis")
    column = builder.node("Unsqueeze", [begin["token"], axis], f"{prefix}_first_row")
    none = builder.node("Slice", [column, axis, axis, axis], f"{prefix}_no_tokens")  # (0, rows)
    inputs = [count, "", *(begin[name] for name in carried), none]
    builder.nodes.append(helper.make_node("Loop", inputs, ends, name=f"{prefix}/blocks", body=body))
    return dict(zip((*carried, "tokens"), ends, strict=True))


def _add_token_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    step: StepVariant,
    begin: dict[str, str],
    numbers: str,
    first: str,
    trips: str,
    settings: dict[str, str],
) -> dict[str, str]:
    """Adds the loop over the tokens of a block; `numbers` is float32 (time, batch), `first` the first one's number."""
    graph, prefix = step
    carried = sorted(begin)
    described = {value.name: value for value in (*graph.input, *graph.output)}
    count, goes_on, draw, index = (f"{prefix}/{name}" for name in ("count", "goes_on", "uniform", "index"))
    names = joiner.join(graph, f"{prefix}/step", {**settings, "uniform": draw, "index": index})
    inner = GraphBuilder(builder.outer, prefix)
    all_done = inner.node("ReduceMin", [names["done_output"]], "all_done", keepdims=0)  # of bool: false where one is
    more = inner.node("Not", [all_done], "more")
    written = inner.node("Identity", [names["token_output"]], "written")
    body = helper.make_graph(
        [
            helper.make_node("Gather", [numbers, count], [draw], name=draw, axis=0),
            helper.make_node("Add", [count, first], [f"{index}_wide"], name=f"{index}_wide"),
            helper.make_node("Cast", [f"{index}_wide"], [index], name=index, to=TensorProto.INT32),
            *graph.node,
            *inner.nodes,
        ],
        f"{prefix}/body",
        [
            helper.make_tensor_value_info(count, TensorProto.INT64, []),
            helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
            *(described_as(described[name], names[name]) for name in carried),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            *(described_as(described[f"{name}_output"], names[f"{name}_output"]) for name in carried),
            described_as(described["token_output"], written),
        ],
    )
    builder.nodes.extend(invariant_nodes(body))
    remove_unread(body)
    ends = [f"{prefix}/end/{name}" for name in carried]
    inputs, tokens = [trips, "", *(begin[name] for name in carried)], f"{prefix}/end/tokens"
    builder.nodes.append(helper.make_node("Loop", inputs, [*ends, tokens], name=f"{prefix}/tokens", body=body))
    return {**dict(zip(carried, ends, strict=True)), "tokens": tokens}


def _expanded(
    builder: GraphBuilder, graph: GraphProto, states: list[str], begin: dict[str, str], prefix: str
) -> dict[str, str]:
    """Lets states be carried in the form of recurrent operators, and returns where they begin: (1, batch, units)."""
    axis = builder.constant([0], name=f"{prefix}_state_axis")
    return {
        state: builder.node("Unsqueeze", [begin[state], axis], f"{prefix}/begin/{state}")
        for state in carry_expanded(graph, states)
    }


def draws_of(builder: GraphBuilder, graph: GraphProto, seed: str, prompt: str) -> Draws:
    """Adds what random numbers begin with.

    Args:
        builder: where nodes go.
        graph: the generator, from `words`, `rows` and `steps` to one output.
        seed: the name of the seed, int64 ().
        prompt: the name of something with an axis for the batch.
    """
    unsigned = builder.node("Cast", [seed], "seed_bits", to=TensorProto.UINT64)
    high = builder.node(
        "BitShift", [unsigned, builder.constant(32, np.uint64, "word_bits")], "seed_high", direction="RIGHT"
    )
    axis = builder.constant([0], name="draws_axis")
    mask = builder.constant(0xFFFFFFFF, np.uint64, "word_mask")
    words = [
        builder.node("Unsqueeze", [_signed_word(builder, word, name), axis], f"{name}_column")
        for word, name in ((builder.node("BitwiseAnd", [unsigned, mask], "seed_low"), "low"), (high, "high"))
    ]
    shape = builder.node("Shape", [prompt], "draws_shape", start=0, end=1)
    batch = builder.node("Squeeze", [shape, axis], "draws_batch")
    rows = _range(builder, builder.constant(0, name="first_row"), batch, "rows")
    return Draws(graph, builder.node("Concat", words, "seed_words", axis=0), rows)


def _signed_word(builder: GraphBuilder, word: str, name: str) -> str:
    """Takes the low 32 bits as int32: first as uint32, whose bits a cast keeps on every platform."""
    narrow = builder.node("Cast", [word], f"{name}_word", to=TensorProto.UINT32)
    return builder.node("Cast", [narrow], f"{name}_signed", to=TensorProto.INT32)


def _range(builder: GraphBuilder, first: str, end: str, name: str) -> str:
    """Counts from `first` up to `end`, both int64 (): int32 (count,)."""
    one = builder.constant(1, name=f"{name}_one")
    return builder.node("Cast", [builder.node("Range", [first, end, one], f"{name}_wide")], name, to=TensorProto.INT32)


def described_as(value: ValueInfoProto, name: str) -> ValueInfoProto:
    """Describes a carried value: its type, and its axes only where their size is known."""
    dims: Sequence[int | None] = [
        dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim
    ]
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, dims)

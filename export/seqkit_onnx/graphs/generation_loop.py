"""The loop around a step that writes one token, as ONNX."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.joining import GraphJoiner, invariant_nodes
from seqkit_onnx.lowering.step_passes import carry_expanded, remove_unread

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


def add_generation_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    step: StepVariant,
    begin: dict[str, str],
    draws: str,
    trips: str,
    settings: dict[str, str],
) -> dict[str, str]:
    """Adds a `Loop` that writes tokens until each text has ended.

    Args:
        builder: where nodes go.
        joiner: where the step's weights go.
        step: what is repeated; it is used up.
        begin: for all that is carried, the value before the first step.
        draws: the random numbers, float32 (time, batch).
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
    count, goes_on, draw, index = (f"{prefix}/{name}" for name in ("count", "goes_on", "uniform", "index"))
    names = joiner.join(graph, f"{prefix}/step", {**settings, "uniform": draw, "index": index})
    inner = GraphBuilder(builder.outer, prefix)
    all_done = inner.node("ReduceMin", [names["done_output"]], "all_done", keepdims=0)  # of bool: false where one is
    more = inner.node("Not", [all_done], "more")
    written = inner.node("Identity", [names["token_output"]], "written")
    body = helper.make_graph(
        [
            helper.make_node("Gather", [draws, count], [draw], name=draw, axis=0),
            helper.make_node("Cast", [count], [index], name=index, to=TensorProto.INT32),
            *graph.node,
            *inner.nodes,
        ],
        f"{prefix}/body",
        [
            helper.make_tensor_value_info(count, TensorProto.INT64, []),
            helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
            *(_described(described[name], names[name]) for name in carried),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            *(_described(described[f"{name}_output"], names[f"{name}_output"]) for name in carried),
            _described(described["token_output"], written),
        ],
    )
    builder.nodes.extend(invariant_nodes(body))
    remove_unread(body)
    ends = [f"{prefix}/last/{name}" for name in carried]
    inputs, tokens = [trips, "", *(begin[name] for name in carried)], f"{prefix}/tokens"
    builder.nodes.append(helper.make_node("Loop", inputs, [*ends, tokens], name=f"{prefix}/loop", body=body))
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


def add_draws(builder: GraphBuilder, joiner: GraphJoiner, draws: GraphProto, seed: str, prompt: str, trips: str) -> str:
    """Adds the random numbers of all rows and steps.

    Args:
        builder: where nodes go.
        joiner: where constants go.
        draws: the generator as a graph, from `words`, `rows` and `steps` to one output.
        seed: the name of the seed, int64 ().
        prompt: the name of something with an axis for the batch.
        trips: how many numbers a row gets, int64 ().

    Returns:
        The name of the numbers, float32 (time, batch).
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
    bindings = {
        "words": builder.node("Concat", words, "seed_words", axis=0),
        "rows": _count(builder, batch, "rows"),
        "steps": _count(builder, trips, "steps"),
    }
    output = draws.output[0].name
    names = joiner.join(draws, "draws", bindings)
    builder.nodes.extend(draws.node)
    return names[output]


def _signed_word(builder: GraphBuilder, word: str, name: str) -> str:
    """Takes the low 32 bits as int32: first as uint32, whose bits a cast keeps on every platform."""
    narrow = builder.node("Cast", [word], f"{name}_word", to=TensorProto.UINT32)
    return builder.node("Cast", [narrow], f"{name}_signed", to=TensorProto.INT32)


def _count(builder: GraphBuilder, limit: str, name: str) -> str:
    zero, one = builder.constant(0, name="count_zero"), builder.constant(1, name="count_one")
    return builder.node("Cast", [builder.node("Range", [zero, limit, one], f"{name}_wide")], name, to=TensorProto.INT32)


def _described(value: ValueInfoProto, name: str) -> ValueInfoProto:
    """Describes a carried value: its type, and its axes only where their size is known."""
    dims: Sequence[int | None] = [
        dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim
    ]
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, dims)

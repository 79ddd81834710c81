"""The loop around a step that writes one token, as ONNX."""

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.joining import GraphJoiner, invariant_nodes

SETTINGS = ("temperature", "top_k", "top_p")


def add_generation_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    step: GraphProto,
    begin: dict[str, str],
    draws: str,
    trips: str,
    settings: dict[str, str],
) -> dict[str, str]:
    """Adds a `Loop` that writes tokens until each text has ended.

    Args:
        builder: where nodes of the main graph go.
        joiner: where the step's weights go.
        step: the step as a graph; its inputs are what is carried, and `uniform`, `index` and the settings. The output
            that carries `x` on is ``x_output``.
        begin: for all that is carried, the value before the first step.
        draws: the random numbers, float32 (time, batch).
        trips: how many tokens are written at most, int64 ().
        settings: for each of `SETTINGS`, its value.

    Returns:
        For all that is carried, its value after the last step, and as ``"tokens"`` those of each step: int32 (time,
        rows).
    """
    carried = sorted(begin)
    described = {value.name: value for value in (*step.input, *step.output)}
    count, goes_on, draw, index = "loop/count", "loop/goes_on", "loop/uniform", "loop/index"
    names = joiner.join(step, "step", {**settings, "uniform": draw, "index": index})
    nodes = [
        helper.make_node("Gather", [draws, count], [draw], name=draw, axis=0),
        helper.make_node("Cast", [count], [index], name=index, to=TensorProto.INT32),
        *step.node,
        helper.make_node("Cast", [names["done_output"]], ["loop/done_int"], name="loop/done_int", to=TensorProto.INT32),
        helper.make_node("ReduceMin", ["loop/done_int"], ["loop/all_done_int"], name="loop/all_done_int", keepdims=0),
        helper.make_node("Cast", ["loop/all_done_int"], ["loop/all_done"], name="loop/all_done", to=TensorProto.BOOL),
        helper.make_node("Not", ["loop/all_done"], ["loop/more"], name="loop/more"),
        helper.make_node("Identity", [names["token_output"]], ["loop/written"], name="loop/written"),
    ]
    body = helper.make_graph(
        nodes,
        "generation",
        [
            helper.make_tensor_value_info(count, TensorProto.INT64, []),
            helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
            *(_described(described[name], names[name]) for name in carried),
        ],
        [
            helper.make_tensor_value_info("loop/more", TensorProto.BOOL, []),
            *(_described(described[f"{name}_output"], names[f"{name}_output"]) for name in carried),
            _described(described["token_output"], "loop/written"),
        ],
    )
    builder.nodes.extend(invariant_nodes(body))
    _remove_unread(body)
    ends = [f"{names[name]}/last" for name in carried]
    inputs = [trips, "", *(begin[name] for name in carried)]
    builder.nodes.append(helper.make_node("Loop", inputs, [*ends, "loop/tokens"], name="generation/loop", body=body))
    return {**dict(zip(carried, ends, strict=True)), "tokens": "loop/tokens"}


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


def _remove_unread(body: GraphProto) -> None:
    """Removes nodes of a body whose results nobody reads."""
    from seqkit_onnx.lowering.joining import reads

    wanted = {value.name for value in body.output}
    kept: list[NodeProto] = []
    for node in reversed(list(body.node)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(reads(node))
    copies = [NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del body.node[:]
    body.node.extend(copies)

"""Words joined by a detokenizer inside the graph: alone, or behind the prompt that they go on from."""

from typing import NamedTuple

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto

from keras_seqkit.text.detokenization import SILENT_IDS, Detokenizer
from keras_seqkit.text.vocabulary import PADDING_ID
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.text.ids_to_text import ENDS_IN_SPACE
from seqkit_onnx.text.joining_text import join_columns


class Prompt(NamedTuple):
    """The names of what words go on from.

    Args:
        text: the prompts, string (batch,).
        ids: their tokens, int32 (batch, time), at least one step, padding behind.
    """

    text: str
    ids: str


def add_joined_words(
    graph: GraphProto, detokenizer: Detokenizer, ids: str, text: str, *, prompt: Prompt | None = None
) -> list[NodeProto]:
    """Adds what `Detokenizer.join` does, or `keras_seqkit.text.continuation.Continuation` with a detokenizer.

    Args:
        graph: where constants go.
        detokenizer: how words are joined.
        ids: the name of the tokens, int32 (batch, time), at least one step where there is no prompt; padding and
            `[END]` are silent, and stand at the end.
        text: the name of the result, string (batch,).
        prompt: what is gone on from; `None`: each text begins here.

    Returns:
        The nodes, in order.
    """
    builder = GraphBuilder(graph, "writing")
    if prompt is None:
        before = _tokens_before(builder, ids)  # (batch, time)
    else:
        last = last_token(builder, prompt.ids)  # (batch,)
        before = _behind(builder, column_of(builder, with_space(builder, detokenizer, last, prompt.text)), ids)
    pieces = add_pieces(builder, detokenizer, ids, before, after_spaces=prompt is not None)
    empty = builder.constant("", object, "writing_empty")
    if prompt is None:
        zeros = builder.node("Cast", [_first_column(builder, ids)], "zeros", to=TensorProto.BOOL)
        column = empty = builder.where(zeros, empty, empty)  # (batch, 1), and none has to say how many
    else:
        column = column_of(builder, prompt.text)  # (batch, 1)
        empty = builder.node("Expand", [empty, builder.node("Shape", [column], "column_shape")], "empty_column")
    parts = builder.node("Concat", [column, pieces], "parts", axis=1)
    builder.nodes.extend(join_columns(builder, parts, empty, "writing_join", text))
    return builder.nodes


def add_pieces(
    builder: GraphBuilder, detokenizer: Detokenizer, ids: str, before: str, *, after_spaces: bool = False
) -> str:
    """Adds what each word is written as, with the space before it: strings in the shape of `ids`.

    Args:
        builder: where nodes go.
        detokenizer: how words are joined.
        ids: the name of the words, int32 of any shape.
        before: the name of the word before each, in the same shape; silent ones: none.
        after_spaces: whether `before` may come from `with_space`.
    """

    def looked_up(table: str, at: str, name: str) -> str:
        values = list(getattr(detokenizer, table))
        if table == "glued_before":
            values = [True if index in SILENT_IDS else value for index, value in enumerate(values)]
        else:
            values = [values[PADDING_ID] if index in SILENT_IDS else value for index, value in enumerate(values)]
            if after_spaces:
                values += [True] * len(values) if table == "glued_after" else values
        return builder.node("Gather", [builder.constant(values, bool, f"writing_{table}"), at], name, axis=0)

    forms = []
    for table in ("forms", "first_forms"):
        heard = ["" if index in SILENT_IDS else form for index, form in enumerate(getattr(detokenizer, table))]
        forms.append(builder.node("Gather", [builder.constant(heard, object, f"writing_{table}"), ids], table, axis=0))
    begins = looked_up("ends_sentence", before, "begins_sentence")
    written = builder.where(begins, forms[1], forms[0])
    glued = builder.node(
        "Or",
        [looked_up("glued_before", ids, "glued_to_the_last"), looked_up("glued_after", before, "last_is_glued")],
        "is_glued",
    )
    empty, space = (builder.constant(each, object, f"writing_{name}") for each, name in (("", "empty"), (" ", "space")))
    return builder.node("StringConcat", [builder.where(glued, empty, space), written], "spaced")


def last_token(builder: GraphBuilder, ids: str) -> str:
    """Adds the last token of each row, padding where there is none: int32 (batch, time) to (batch,)."""
    real = builder.node(
        "Cast", [builder.node("Cast", [ids], "real", to=TensorProto.BOOL)], "counted", to=TensorProto.INT64
    )
    axis, one, zero = (
        builder.constant(value, name=f"writing_{name}") for value, name in (([1], "axis"), (1, "one"), (0, "zero"))
    )
    count = builder.node("ReduceSum", [real, axis], "tokens_of_prompt")  # (batch, 1)
    place = builder.node("Max", [builder.node("Sub", [count, one], "last_place_or_none"), zero], "last_place")
    return builder.node("GatherND", [ids, place], "last_of_prompt", batch_dims=1)


def with_space(builder: GraphBuilder, detokenizer: Detokenizer, tokens: str, text: str) -> str:
    """Adds what says of a token whether a space stands behind it: then it is larger by the number of all tokens.

    Args:
        builder: where nodes go.
        detokenizer: whose tokens.
        tokens: the name of tokens, int32 (batch,).
        text: the name of the texts that they are the last of, string (batch,).
    """
    is_spaced = builder.node("RegexFullMatch", [text], "ends_in_space", pattern=ENDS_IN_SPACE)  # (batch,)
    size, none = (
        builder.constant(value, np.int32, f"writing_{name}")
        for value, name in ((len(detokenizer.forms), "behind_space"), (0, "behind_none"))
    )
    return builder.node("Add", [tokens, builder.where(is_spaced, size, none)], "last_with_space")


def column_of(builder: GraphBuilder, values: str) -> str:
    """Adds an axis: (batch,) to (batch, 1)."""
    return builder.node("Unsqueeze", [values, builder.constant([1], name="writing_axis")], "column")


def _behind(builder: GraphBuilder, first: str, ids: str) -> str:
    """Adds what stands before each token: (batch, 1) before the first one."""
    shifted = builder.node("Concat", [first, ids], "shifted", axis=1)
    begin, end, axis = (
        builder.constant(value, name=f"writing_{name}")
        for value, name in (([0], "first"), ([-1], "last"), ([1], "axis"))
    )
    return builder.node("Slice", [shifted, begin, end, axis], "tokens_before")


def _tokens_before(builder: GraphBuilder, ids: str) -> str:
    """Moves tokens one step to the right, padding in front."""
    # Pad could take the last column away too, but onnxruntime 1.19 then reads memory that nothing has set where it is
    # the only one.
    in_front = builder.constant([0, 1, 0, 0], name="writing_in_front")
    first, last, axis = (
        builder.constant(value, name=f"writing_{name}")
        for value, name in (([0], "first"), ([-1], "last"), ([1], "axis"))
    )
    return builder.node("Slice", [builder.node("Pad", [ids, in_front], "shifted"), first, last, axis], "tokens_before")


def _first_column(builder: GraphBuilder, ids: str) -> str:
    first, end, axis = (
        builder.constant(value, name=f"writing_{name}")
        for value, name in (([0], "first"), ([1], "first_end"), ([1], "axis"))
    )
    return builder.node("Slice", [ids, first, end, axis], "first_column")

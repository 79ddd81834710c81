"""Written tokens to text inside the graph: alone, or behind the prompt that they go on from."""

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.text.joining_text import join_columns

SILENT_IDS = (PADDING_ID, START_ID, END_ID)
ENDS_IN_SPACE = r"(?s).*[ \n\t]"  # RE2, as `keras_seqkit.text.continuation.SPACES`


def token_strings(vocabulary: Vocabulary) -> list[str]:
    """Returns what each id stands for in a text; padding, start and end stand for nothing."""
    return ["" if index in SILENT_IDS else token for index, token in enumerate(vocabulary.tokens)]


def add_ids_to_text(
    graph: GraphProto, vocabulary: Vocabulary, prompt: str | None, ids: str, text: str
) -> list[NodeProto]:
    """Adds what writes tokens behind prompts, exactly as `keras_seqkit.text.continuation.Continuation` does.

    Args:
        graph: where constants go.
        vocabulary: the tokens.
        prompt: the name of the texts that are gone on from, string (batch,); or `None`: each
            text begins here, and is that of ``vocabulary.decode(ids)``.
        ids: the name of the tokens, int32 (batch, time); padding, `[START]` and `[END]` are silent.
        text: the name of the result, string (batch,).

    Returns:
        The nodes, in order.
    """
    builder = GraphBuilder(graph, "writing")
    table = builder.constant(token_strings(vocabulary), object, "writing_tokens")
    pieces = builder.node("Gather", [table, ids], "tokens", axis=0)  # (batch, time)
    axis = builder.constant([1], name="writing_axis")
    if vocabulary.rules.leading_space:
        pieces = _without_first_space(builder, vocabulary, prompt, ids, pieces)
    elif vocabulary.rules.joiner:
        pieces = _with_joiners(builder, prompt, pieces, vocabulary.rules.joiner)
    empty = builder.constant("", object, "writing_empty")
    if prompt is None:
        batch = builder.node("Shape", [ids], "batch", start=0, end=1)
        shape = builder.node("Concat", [batch, axis], "column_shape", axis=0)
        column = empty = builder.node("Expand", [empty, shape], "empty_column")  # (batch, 1)
    else:
        column = builder.node("Unsqueeze", [prompt, axis], "prompt_column")  # (batch, 1)
        shape = builder.node("Shape", [column], "column_shape")
        empty = builder.node("Expand", [empty, shape], "empty_column")  # (batch, 1)
    parts = builder.node("Concat", [column, pieces], "parts", axis=1)  # (batch, time + 1)
    builder.nodes.extend(join_columns(builder, parts, empty, "writing_join", text))
    return builder.nodes


def _without_first_space(
    builder: GraphBuilder, vocabulary: Vocabulary, prompt: str | None, ids: str, pieces: str
) -> str:
    """Takes the space off the first piece of each text that goes on from nothing."""
    strings = [string.removeprefix(" ") for string in token_strings(vocabulary)]
    table = builder.constant(strings, object, "writing_first_tokens")
    spaceless = builder.node("Gather", [table, ids], "tokens_without_space", axis=0)  # (batch, time)
    _, first = _silent_and_first(builder, pieces)
    if prompt is not None:
        no_prompt = builder.node("Equal", [prompt, builder.constant("", object, "writing_empty")], "no_prompt")
        axis = builder.constant([1], name="writing_axis")
        first = builder.node("And", [first, builder.node("Unsqueeze", [no_prompt, axis], "begins")], "is_first_of_all")
    return builder.where(first, spaceless, pieces)


def _with_joiners(builder: GraphBuilder, prompt: str | None, pieces: str, joiner: str) -> str:
    """Puts the joiner before each token, but not before the first one of a text, nor where the prompt ends in space."""
    empty = builder.constant("", object, "writing_empty")
    between = builder.constant(joiner, object, "writing_joiner")
    silent, first = _silent_and_first(builder, pieces)
    at_first = empty
    if prompt is not None:
        spaced = builder.node("RegexFullMatch", [prompt], "ends_in_space", pattern=ENDS_IN_SPACE)  # (batch,)
        no_prompt = builder.node("Equal", [prompt, empty], "no_prompt")
        no_joiner = builder.node("Or", [spaced, no_prompt], "no_joiner_at_first")
        axis = builder.constant([1], name="writing_axis")
        at_first = builder.node("Unsqueeze", [builder.where(no_joiner, empty, between), axis], "first_joiner")
    joiners = builder.where(silent, empty, builder.where(first, at_first, between))  # (batch, time)
    return builder.node("StringConcat", [joiners, pieces], "joined_tokens")


def _silent_and_first(builder: GraphBuilder, pieces: str) -> tuple[str, str]:
    """Tells which tokens are silent, and which one is the first of its text that is not: bool (batch, time)."""
    silent = builder.node("Equal", [pieces, builder.constant("", object, "writing_empty")], "is_silent")
    heard = builder.node("Not", [silent], "is_heard")
    number = builder.node("Cast", [heard], "heard", to=TensorProto.INT32)
    number = builder.node("CumSum", [number, builder.constant(1, name="writing_time_axis")], "heard_so_far")
    is_one = builder.node("Equal", [number, builder.constant(1, np.int32, "writing_one")], "one_so_far")
    return silent, builder.node("And", [heard, is_one], "is_first")


def described_text(name: str) -> ValueInfoProto:
    """Returns the description of a text output: string (batch,)."""
    return helper.make_tensor_value_info(name, TensorProto.STRING, ["batch"])

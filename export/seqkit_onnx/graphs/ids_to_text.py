"""Written tokens to text inside the graph, behind the prompt that they go on from."""

from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID
from seqkit_onnx.graphs.joining_text import join_columns
from seqkit_onnx.lowering.graph_builder import GraphBuilder

SILENT_IDS = (PADDING_ID, START_ID, END_ID)
ENDS_IN_SPACE = r"(?s).*[ \n\t]"  # RE2, as `keras_seqkit.text.continuation.SPACES`


def token_strings(vocabulary: Vocabulary) -> list[str]:
    """Returns what each id stands for in a text; padding, start and end stand for nothing."""
    return ["" if index in SILENT_IDS else token for index, token in enumerate(vocabulary.tokens)]


def add_ids_to_text(graph: GraphProto, vocabulary: Vocabulary, prompt: str, ids: str, text: str) -> list[NodeProto]:
    """Adds what writes tokens behind prompts, exactly as `keras_seqkit.text.continuation.Continuation` does.

    Args:
        graph: where constants go.
        vocabulary: the tokens.
        prompt: the name of the texts that are gone on from, string (batch,).
        ids: the name of the tokens, int32 (batch, time), at least one step; padding and `[END]` are silent.
        text: the name of the result, string (batch,).

    Returns:
        The nodes, in order.
    """
    builder = GraphBuilder(graph, "writing")
    table = builder.constant(token_strings(vocabulary), object, "writing_tokens")
    pieces = builder.node("Gather", [table, ids], "tokens", axis=0)  # (batch, time)
    joiner = vocabulary.rules.joiner
    if joiner:
        pieces = _with_joiners(builder, prompt, pieces, joiner)
    axis = builder.constant([1], name="writing_axis")
    column = builder.node("Unsqueeze", [prompt, axis], "prompt_column")  # (batch, 1)
    parts = builder.node("Concat", [column, pieces], "parts", axis=1)  # (batch, time + 1)
    shape = builder.node("Shape", [column], "column_shape")
    empty = builder.node("Expand", [builder.constant("", object, "writing_empty"), shape], "empty_column")
    builder.nodes.extend(join_columns(builder, parts, empty, "writing_join", text))
    return builder.nodes


def _with_joiners(builder: GraphBuilder, prompt: str, pieces: str, joiner: str) -> str:
    """Puts the joiner before each token, but not before the first one of a text, nor where the prompt ends in space."""
    empty = builder.constant("", object, "writing_empty")
    between = builder.constant(joiner, object, "writing_joiner")
    spaced = builder.node("RegexFullMatch", [prompt], "ends_in_space", pattern=ENDS_IN_SPACE)  # (batch,)
    no_prompt = builder.node("Equal", [prompt, empty], "no_prompt")
    no_joiner = builder.node("Or", [spaced, no_prompt], "no_joiner_at_first")
    axis = builder.constant([1], name="writing_axis")
    first = builder.node("Unsqueeze", [builder.where(no_joiner, empty, between), axis], "first_joiner")  # (batch, 1)
    silent = builder.node("Equal", [pieces, empty], "is_silent")  # (batch, time)
    joiners = builder.where(silent, empty, between)
    start, end = builder.constant([1], name="writing_axis"), builder.constant([2**63 - 1], name="writing_end")
    others = builder.node("Slice", [joiners, start, end, axis], "other_joiners")  # (batch, time - 1)
    zero = builder.constant([0], name="writing_first")
    first_silent = builder.node("Slice", [silent, zero, start, axis], "first_is_silent")  # (batch, 1)
    first = builder.where(first_silent, empty, first)
    joiners = builder.node("Concat", [first, others], "joiners", axis=1)  # (batch, time)
    return builder.node("StringConcat", [joiners, pieces], "joined_tokens")


def described_text(name: str) -> ValueInfoProto:
    """Returns the description of a text output: string (batch,)."""
    return helper.make_tensor_value_info(name, TensorProto.STRING, ["batch"])

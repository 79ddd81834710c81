"""Tokens of a translation to text inside the graph."""

from onnx import GraphProto, NodeProto, TensorProto

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from seqkit_onnx.graphs.ids_to_text import SILENT_IDS, add_ids_to_text
from seqkit_onnx.graphs.joining_text import join_columns
from seqkit_onnx.lowering.graph_builder import GraphBuilder


def add_translation_text(
    graph: GraphProto, vocabulary: Vocabulary, detokenizer: Detokenizer | None, ids: str, text: str
) -> list[NodeProto]:
    """Adds what `Seq2SeqTranslator.join` does.

    Args:
        graph: where constants go.
        vocabulary: the target's.
        detokenizer: how words are joined; `None`: as the vocabulary decodes.
        ids: the name of the tokens, int32 (batch, time); padding and `[END]` are silent, and stand at the end.
        text: the name of the result, string (batch,).

    Returns:
        The nodes, in order.
    """
    if detokenizer is None:
        return add_ids_to_text(graph, vocabulary, None, ids, text)
    builder = GraphBuilder(graph, "writing")
    before = _tokens_before(builder, ids)  # (batch, time)

    def looked_up(table: str, at: str, name: str, dtype: type) -> str:
        constant = builder.constant(getattr(detokenizer, table), dtype, f"writing_{table}")
        return builder.node("Gather", [constant, at], name, axis=0)

    forms = []
    for table in ("forms", "first_forms"):
        heard = ["" if index in SILENT_IDS else form for index, form in enumerate(getattr(detokenizer, table))]
        forms.append(builder.node("Gather", [builder.constant(heard, object, f"writing_{table}"), ids], table, axis=0))
    begins = looked_up("ends_sentence", before, "begins_sentence", bool)
    written = builder.where(begins, forms[1], forms[0])
    glued = builder.node(
        "Or",
        [
            looked_up("glued_before", ids, "glued_to_the_last", bool),
            looked_up("glued_after", before, "last_is_glued", bool),
        ],
        "is_glued",
    )
    empty, space = (builder.constant(each, object, f"writing_{name}") for each, name in (("", "empty"), (" ", "space")))
    pieces = builder.node("StringConcat", [builder.where(glued, empty, space), written], "spaced")
    zeros = builder.node("Cast", [_first_column(builder, ids)], "zeros", to=TensorProto.BOOL)
    column = builder.where(zeros, empty, empty)  # (batch, 1), and none has to say how many
    parts = builder.node("Concat", [column, pieces], "parts", axis=1)
    builder.nodes.extend(join_columns(builder, parts, column, "writing_join", text))
    return builder.nodes


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

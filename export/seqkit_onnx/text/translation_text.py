"""Tokens of a translation to text inside the graph."""

from onnx import GraphProto, NodeProto

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from seqkit_onnx.text.ids_to_text import add_ids_to_text
from seqkit_onnx.text.joined_words import add_joined_words


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
    return add_joined_words(graph, detokenizer, ids, text)

"""How a model joins the words that it writes: learned from the texts of `fit`, or given."""

from typing import Any

from keras_seqkit.models.text_data import is_text
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.columns import text_column
from keras_seqkit.text.detokenization import Detokenizer


def learned_detokenizer(vocabulary: Vocabulary, texts: Any, owner: str) -> Detokenizer | None:
    """Learns how words are joined from what `fit` was given.

    A stream teaches nothing: it may be readable only once, or have no end.

    Args:
        vocabulary: of what the model writes.
        texts: what is learned from, if it is texts in memory.
        owner: how an error names them: ``"Seq2SeqTranslator: targets"``.

    Returns:
        A `Detokenizer`; `None` where the vocabulary's tokens are no words, or the texts are not in memory.

    Raises:
        TypeError: a text is not a string.
    """
    if vocabulary.rules.level != "word" or not is_text(texts):
        return None
    return Detokenizer.from_texts(vocabulary, text_column(texts, owner))


def check_detokenizer(owner: str, detokenizer: Any, vocabulary: Vocabulary) -> None:
    """Sees to it that a detokenizer, if there is one, is made for the words of a vocabulary.

    Raises:
        TypeError: it is no `Detokenizer`.
        ValueError: the vocabulary is not of words, or a table has another length.
    """
    if detokenizer is None:
        return
    if not isinstance(detokenizer, Detokenizer):
        raise TypeError(f"{owner}: detokenizer is a Detokenizer; received {type(detokenizer).__name__}.")
    if vocabulary.rules.level != "word":
        raise ValueError(
            f"{owner}: a detokenizer joins words; received a vocabulary of level {vocabulary.rules.level!r}, which "
            "joins by itself. Pass detokenizer=None."
        )
    for name, table in detokenizer.get_config().items():
        if len(table) != len(vocabulary):
            raise ValueError(
                f"{owner}: the detokenizer's {name} are of {len(table)} words, and the vocabulary has "
                f"{len(vocabulary)}. Make both from the same vocabulary: Detokenizer.from_texts(vocabulary, texts)."
            )

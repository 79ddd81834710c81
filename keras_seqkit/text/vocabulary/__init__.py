"""Vocabularies: tokens and their ids, the rules that split texts, subwords, and the file that keeps all that."""

from keras_seqkit.text.vocabulary.vocabulary import (
    END_ID,
    PADDING_ID,
    RESERVED_TOKENS,
    START_ID,
    UNKNOWN_ID,
    Vocabulary,
)

from keras_seqkit.text.vocabulary.keras_vocabulary import KerasVocabulary  # isort: skip  # it reads the ids above

__all__ = ["END_ID", "PADDING_ID", "RESERVED_TOKENS", "START_ID", "UNKNOWN_ID", "KerasVocabulary", "Vocabulary"]

"""A vocabulary with the ids of Keras's own layers."""

import hashlib
from collections.abc import Iterable
from typing import Any

from keras_seqkit.text.vocabulary import PADDING_ID, Vocabulary
from keras_seqkit.text.vocabulary.decoding import join_rows
from keras_seqkit.text.vocabulary.rules import Level, Lowercase


class KerasVocabulary(Vocabulary):
    """The tokens of a `keras.layers.TextVectorization`, with its ids: 0 padding, 1 unknown, tokens from 2.

    `Vocabulary.from_keras(layer, keras_ids=True)` makes it, to export a model that was trained on what the layer gives.
    It has no ids for start and end, so that `encode` refuses to put them around a text.

    Args:
        tokens: the tokens in the order of their ids, from 2.
        level: see `Vocabulary`.
        lowercase: see `Vocabulary`.
        strip_punctuation: see `Vocabulary`.
        counts: see `Vocabulary`.
        first_seen: see `Vocabulary`.
        length: the layer's `output_sequence_length`: every text has so many ids; `None`: as many as the longest.
        layer: the layer itself, by which an export is verified; it is not saved.

    Raises:
        TypeError, ValueError: see `Vocabulary`.

    Example:
    >>> vocabulary = KerasVocabulary(["the", "cat"], lowercase="ascii")
    >>> vocabulary.encode(["The cat sat"])
    array([[2, 3, 1]], dtype=int32)
    """

    reserved = Vocabulary.reserved[:2]

    def __init__(
        self,
        tokens: Iterable[str],
        level: Level = "whitespace",
        lowercase: Lowercase | None = None,
        strip_punctuation: bool = False,
        counts: Any = None,
        first_seen: Any = None,
        length: int | None = None,
        layer: Any = None,
    ):
        super().__init__(tokens, level, lowercase, strip_punctuation, counts, first_seen)
        self.length = length
        self.layer = layer

    @property
    def digest(self) -> str:
        """The SHA-256 of the tokens, the rule and the ids."""
        return hashlib.sha256(f"{super().digest} {len(self.reserved)} {self.length}".encode()).hexdigest()

    def decode(self, ids: Any, keep_first_space: bool = False) -> list[str]:
        """Turns ids into texts; padding is left out."""
        return join_rows(ids, self.tokens, (PADDING_ID,), self.rules.joiner)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON values, without the layer."""
        return {**super().get_config(), "length": self.length}

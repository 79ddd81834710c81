"""The tokens that a model knows, and their ids."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.validation import check_distinct, check_sides, check_texts, flat_list, whole_numbers
from keras_seqkit.text.vocabulary.counting import add_counts, count_tokens, rank_tokens
from keras_seqkit.text.vocabulary.decoding import join_rows
from keras_seqkit.text.vocabulary.keras_vectorization import rules_of_vectorization
from keras_seqkit.text.vocabulary.rules import RULES_VERSION, Level, Lowercase, TextRules, common_rules, usual_lowercase
from keras_seqkit.text.vocabulary.subword_learning import learn_pieces
from keras_seqkit.text.vocabulary.subword_limit import check_pieces
from keras_seqkit.text.vocabulary.subword_splitter import SubwordSplitter
from keras_seqkit.text.vocabulary.vocabulary_file import load_json, save_json

PADDING_ID, UNKNOWN_ID, START_ID, END_ID = range(4)
RESERVED_TOKENS = ("[PAD]", "[UNK]", "[START]", "[END]")


class Vocabulary:
    """The tokens that a model knows: text to ids, and ids to text.

    Ids 0 to 3 are reserved for padding, unknown, start and end; no text is ever encoded to a reserved id other
    than 1. The others follow in the order given.

    Args:
        tokens: the tokens, most frequent first; the four reserved ones may stand in front or be left out.
        level: ``"word"``, ``"char"`` or ``"whitespace"``: see `keras_seqkit.text.vocabulary.rules.TextRules`; or
            ``"subword"``: the longest of the tokens that fits is taken, and a word's first token begins with the space
            before it.
        lowercase: whether text is lower-cased before it is split; ``"ascii"``: only A to Z; `None`: `True`, but
            `False` for subwords, which then decode to the very text that was encoded.
        strip_punctuation: whether ASCII punctuation is deleted before the text is split.
        counts: how often each token (the reserved ones left out) was seen; what `merge` adds up.
        first_seen: the rank of each token (the reserved ones left out) by first appearance; settles ties.

    Raises:
        TypeError: `tokens` is no list of strings, or `counts` or `first_seen` no list of integers.
        ValueError: a token stands twice, or is reserved, or `counts` or `first_seen` has another length, or subword
            pieces are too long or too many for an exported file to match them quickly.

    Example:
    >>> vocabulary = Vocabulary.from_texts(["The cat sat.", "The dog sat."])
    >>> vocabulary.tokens
    ['[PAD]', '[UNK]', '[START]', '[END]', 'the', 'sat', '.', 'cat', 'dog']
    >>> ids = vocabulary.encode(["The cat!", "A dog sat."])
    >>> ids
    array([[4, 7, 1, 0],
           [1, 8, 5, 6]], dtype=int32)
    >>> vocabulary.decode(ids)
    ['the cat [UNK]', '[UNK] dog sat .']
    """

    reserved = RESERVED_TOKENS  # the tokens in front, which no text has
    length: int | None = None  # of every encoded text, where a layer of Keras has it fixed
    from_other_ids = False  # made of a layer whose ids are others: which ones a model was trained on is not known

    def __init__(
        self,
        tokens: Iterable[str],
        level: Level = "word",
        lowercase: Lowercase | None = None,
        strip_punctuation: bool = False,
        counts: Sequence[int] | None = None,
        first_seen: Sequence[int] | None = None,
    ):
        self.rules = TextRules(level, usual_lowercase(level, lowercase), strip_punctuation)
        own = list(check_texts(tokens, "Vocabulary: tokens"))
        if tuple(own[: len(self.reserved)]) == self.reserved:
            own = own[len(self.reserved) :]
        self._tokens = [*self.reserved, *own]
        self._ids = {token: index for index, token in enumerate(self._tokens)}
        check_distinct(self._tokens, self.reserved)
        self._counts = whole_numbers("counts", counts, [1] * len(own))
        self._first_seen = whole_numbers("first_seen", first_seen, range(len(own)))
        self._text_ids = {token: self._ids[token] for token in own}
        self._splitter = SubwordSplitter(check_pieces(own), self.rules) if level == "subword" else self.rules

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        level: Level = "word",
        max_tokens: int | None = None,
        min_count: int = 1,
        lowercase: Lowercase | None = None,
    ) -> "Vocabulary":
        """Counts the tokens of `texts`; the most frequent come first, ties by first appearance.

        Args:
            texts: the texts, read once; an iterator will do.
            level: ``"word"``, ``"char"`` or ``"subword"`` (see the class), whose pieces `sentencepiece` learns first.
            max_tokens: the size of the vocabulary at most, the four reserved tokens counted in; `None`: all, but for
                subwords 2,000, or as many as an exported file can hold.
            min_count: a token that is seen less often is left out; for subwords, a character.
            lowercase: whether upper and lower case are one; see the class.

        Returns:
            A `Vocabulary`.

        Raises:
            TypeError: `texts` is one string, or holds something that is not a string.
            ValueError: a text holds a lone surrogate, or `min_count` is too small, or `max_tokens` is, or too large.
            ImportError: the level is ``"subword"``, and `sentencepiece` is not installed.
        """
        rules = TextRules(level, usual_lowercase(level, lowercase))
        texts = check_texts(texts, "Vocabulary.from_texts: texts")
        if level == "subword":
            pieces, uses, ranks = learn_pieces(texts, rules, max_tokens, min_count, RESERVED_TOKENS)
            return cls(pieces, level, rules.lowercase, counts=uses, first_seen=ranks)
        return cls._from_counts(rules, count_tokens(texts, rules.split, RESERVED_TOKENS), max_tokens, min_count)

    @classmethod
    def _from_counts(cls, rules: TextRules, counts: dict, max_tokens: int | None, min_count: int) -> "Vocabulary":
        tokens, kept_counts, first_seen = rank_tokens(counts, max_tokens, min_count, len(RESERVED_TOKENS))
        return cls(tokens, rules.level, rules.lowercase, rules.strip_punctuation, kept_counts, first_seen)

    @classmethod
    def from_keras(cls, layer: Any, keras_ids: bool | None = None) -> "Vocabulary":
        """Takes over an adapted `keras.layers.TextVectorization`: the same tokens, split in the same way.

        The order of the tokens is kept. Keras's own ids begin at 2 and ours at 4 (padding is 0 and unknown 1 in both).

        Args:
            layer: a `TextVectorization` with ``split="whitespace"`` or ``"character"``, `standardize` one of
                Keras's own strings or `None`, ``output_mode="int"``, and no `ngrams`.
            keras_ids: `True`: ids are those of the layer, for a model that was trained on what the layer gives; the
                result is a `KerasVocabulary`. `False`: ids are ours, for a model that is trained on what `encode`
                gives. `None`: ours; `seqkit_onnx.export` then asks which ones a model of your own was trained on.

        Returns:
            A `Vocabulary`.

        Raises:
            TypeError: `layer` is no `TextVectorization`.
            ValueError: the layer standardizes or splits by a function of its own, makes n-grams, gives no ids, or its
                tokens contain a reserved one.
        """
        from keras_seqkit.text.vocabulary.keras_vocabulary import KerasVocabulary

        rules = rules_of_vectorization(layer)
        tokens = layer.get_vocabulary(include_special_tokens=False)
        if keras_ids:
            return KerasVocabulary(tokens, **rules, length=layer.get_config()["output_sequence_length"], layer=layer)
        vocabulary = cls(tokens, **rules)
        vocabulary.from_other_ids = keras_ids is None
        return vocabulary

    def merge(self, *others: "Vocabulary", max_tokens: int | None = None, min_count: int = 1) -> "Vocabulary":
        """Joins vocabularies that were counted apart, for example over the parts of a large corpus.

        Args:
            others: vocabularies with the same level, lowercase and strip_punctuation, or lists of them.
            max_tokens: as in `from_texts`.
            min_count: as in `from_texts`.

        Returns:
            The `Vocabulary` that `from_texts` gives for all texts together, in the order of the vocabularies,
            where the parts were counted without `max_tokens` and `min_count`.

        Raises:
            TypeError: one is no vocabulary.
            ValueError: two split text differently, or they are of subwords.

        Example:
        >>> parts = [Vocabulary.from_texts(["b a"]), Vocabulary.from_texts(["c a"])]
        >>> parts[0].merge(parts[1]).tokens[4:] == Vocabulary.merge(*parts).tokens[4:] == ["a", "b", "c"]
        True
        """
        parts = flat_list((self, *others), Vocabulary, "Vocabulary.merge")
        if any(part.reserved != RESERVED_TOKENS for part in parts):
            raise ValueError("Vocabulary.merge: one has Keras's ids. Take its tokens with from_keras(layer) instead.")
        rules = common_rules([vocabulary.rules for vocabulary in parts])
        counts = add_counts((part.tokens[len(RESERVED_TOKENS) :], part._counts, part._first_seen) for part in parts)
        return Vocabulary._from_counts(rules, counts, max_tokens, min_count)

    @property
    def tokens(self) -> list[str]:
        """All tokens; the position of each is its id."""
        return list(self._tokens)

    @property
    def counts(self) -> list[int]:
        """How often each token was seen, by id; 0 for the reserved ones and 1 where it is not known."""
        return [0] * len(self.reserved) + list(self._counts)

    @property
    def digest(self) -> str:
        """The SHA-256 of the tokens and the rule: equal digests encode every text alike."""
        rules = self.rules
        content = [self._tokens, RULES_VERSION, rules.level, rules.lowercase, rules.strip_punctuation]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.get_config() == other.get_config()

    __hash__ = None  # type: ignore[assignment]  # two equal vocabularies are compared token by token

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens, level={self.rules.level!r}, lowercase={self.rules.lowercase!r})"

    def split(self, text: str) -> list[str]:
        """Returns the tokens of `text`, in order, those that are not in the vocabulary too."""
        return self._splitter.split(text)

    def index(self, token: str) -> int:
        """Returns the id of `token`, or 1 where it is unknown."""
        return self._ids.get(token, UNKNOWN_ID)

    def encode(
        self,
        texts: Iterable[str],
        length: int | None = None,
        padding: Literal["post", "pre"] = "post",
        truncating: Literal["post", "pre"] = "post",
        start: bool = False,
        end: bool = False,
    ) -> np.ndarray:
        """Turns texts into ids.

        Args:
            texts: strings.
            length: the time of the result; `None`: that of the longest text, or the layer's `output_sequence_length`
                for a `KerasVocabulary` of a layer that has one.
            padding: whether 0 is filled in after (``"post"``) or before (``"pre"``) the text.
            truncating: whether a text that is too long loses its end (``"post"``) or its beginning (``"pre"``);
                the start and end tokens always stay.
            start: whether ``[START]`` is put before the text.
            end: whether ``[END]`` is put after the text.

        Returns:
            int32 (batch, time). The time is 0 where every text is empty and neither `length` nor `start` nor
            `end` is given.

        Raises:
            TypeError: `texts` is one string, or holds something that is not a string.
            ValueError: a text holds a lone surrogate, `length` is too small, a word is none of the two, or `start` or
                `end` is asked of a `KerasVocabulary`.
        """
        if (start or end) and self.reserved != RESERVED_TOKENS:
            raise ValueError(f"{type(self).__name__}.encode: Keras has no ids for start and end. Use a Vocabulary.")
        length = self.length if length is None else length
        check_sides(padding, truncating, length, start + end)
        room = None if length is None else length - start - end
        rows = self.encode_rows(texts, room, truncating)
        rows = [[START_ID] * start + row + [END_ID] * end for row in rows]
        return pad_rows(rows, length, padding)

    def encode_rows(
        self, texts: Iterable[str], max_length: int | None = None, truncating: Literal["post", "pre"] = "post"
    ) -> list[list[int]]:
        """Turns texts into ids without padding: a list for each text, of `max_length` ids at most."""
        lookup, split = self._text_ids.get, self._splitter.split
        rows = []
        for text in check_texts(texts, "Vocabulary.encode: texts"):
            row = [lookup(token, UNKNOWN_ID) for token in split(text)]
            if max_length is not None and len(row) > max_length:
                row = row[:max_length] if truncating == "post" else row[len(row) - max_length :]
            rows.append(row)
        return rows

    def decode(self, ids: ArrayLike | Sequence[Sequence[int]], keep_first_space: bool = False) -> list[str]:
        """Turns ids into texts; padding, start and end are left out.

        Args:
            ids: integers (batch, time), or a list of lists, or (time,) for one text.
            keep_first_space: whether the space that a first subword piece begins with stays, for a text that goes on
                from another.

        Returns:
            A list of texts: the tokens with one space between (words), or with nothing between (characters, subwords).

        Raises:
            ValueError: an id is outside the vocabulary.
        """
        texts = join_rows(ids, self._tokens, (PADDING_ID, START_ID, END_ID), self.rules.joiner)
        return (
            [text.removeprefix(" ") for text in texts] if self.rules.leading_space and not keep_first_space else texts
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON values."""
        return {
            "tokens": self._tokens[len(self.reserved) :],
            "level": self.rules.level,
            "lowercase": self.rules.lowercase,
            "strip_punctuation": self.rules.strip_punctuation,
            "counts": list(self._counts),
            "first_seen": list(self._first_seen),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Vocabulary":
        """Returns the vocabulary that `get_config` described."""
        from keras_seqkit.text.vocabulary.keras_vocabulary import KerasVocabulary

        return (KerasVocabulary if "length" in config else cls)(**config)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the vocabulary as JSON; an old file is replaced only when the new one is whole."""
        save_json(path, self.get_config())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
            ValueError: the file is no vocabulary, is cut, or was written by a version that is not known.
        """
        return cls.from_config(load_json(path))

"""The words of a word vector model, under the names that gensim gives them."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seqkit.models.word_vectors.vector_text import vectors_as_binary, vectors_as_text
from keras_seqkit.models.word_vectors.word_pairs import FIRST_WORD
from keras_seqkit.text.files import write_atomically

TOP_N = 10


class UnknownWordError(KeyError, ValueError):
    """A word has no vector: a `KeyError`, as in gensim, and a `ValueError`, as elsewhere in this package."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError puts quotes around it


class KeyedWords:
    """The words of a `SkipGram` or `CBOW` and their vectors, as gensim's `KeyedVectors`: what `model.wv` is.

    It has no vectors of its own: it answers with those that the model has when it is asked. The reserved tokens are
    not among its words. For gensim's other methods: ``gensim.models.KeyedVectors.load_word2vec_format(path)`` of what
    `save_word2vec_format` wrote.

    Args:
        model: a `SkipGram` or `CBOW`.

    Raises:
        UnknownWordError: a word is not in the vocabulary, or is reserved.

    Example:
    >>> from keras_seqkit import SkipGram, Vocabulary
    >>> words = SkipGram(Vocabulary.from_texts(["the cat sat", "the dog sat"]), dim=4).wv
    >>> "cat" in words, "[PAD]" in words, len(words)
    (True, False, 4)
    >>> words["cat"].shape, words[["cat", "dog"]].shape
    ((4,), (2, 4))
    >>> len(words.most_similar("cat", topn=2))
    2
    """

    def __init__(self, model: Any):
        self._model = model
        self._owner = type(model).__name__

    @property
    def index_to_key(self) -> list[str]:
        """The words, most frequent first."""
        return self._model.vocabulary.tokens[FIRST_WORD:]

    @property
    def key_to_index(self) -> dict[str, int]:
        """The place of each word in `index_to_key` and `vectors`."""
        return {word: place for place, word in enumerate(self.index_to_key)}

    @property
    def vectors(self) -> np.ndarray:
        """The vector of each word: float32 (words, dim)."""
        return self._model.vectors[FIRST_WORD:]

    @property
    def vector_size(self) -> int:
        """The numbers of a vector."""
        return self._model.dim

    def __len__(self) -> int:
        return len(self._model.vocabulary) - FIRST_WORD

    def __contains__(self, word: object) -> bool:
        vocabulary = self._model.vocabulary
        return isinstance(word, str) and word in vocabulary and vocabulary.index(word) >= FIRST_WORD

    def __getitem__(self, words: str | Sequence[str]) -> np.ndarray:
        if isinstance(words, (list, tuple)):
            return self.vectors[[self.place(word) for word in words]]
        return self.get_vector(words)  # type: ignore[arg-type]  # it says what is no word

    def get_vector(self, word: str, norm: bool = False) -> np.ndarray:
        """Returns the vector of a word, float32 (dim,); with `norm`, scaled to length 1."""
        vector = self.vectors[self.place(word)]
        return unit(vector) if norm else vector

    def place(self, word: str) -> int:
        """Returns the place of a word in `vectors`.

        Raises:
            TypeError: it is no string.
            UnknownWordError: it is not in the vocabulary, or is reserved.
        """
        owner, vocabulary = self._owner, self._model.vocabulary
        if not isinstance(word, str):
            raise TypeError(f"{owner}: a word is a string; received {type(word).__name__} {word!r:.60}.")
        if word not in vocabulary:
            normal = vocabulary.rules.normalize(word)
            advice = f"It lower-cases: {normal!r} is in it." if normal in vocabulary else "`in` tells which are."
            raise UnknownWordError(f"{owner}: the word {word!r} is not in the vocabulary. {advice}")
        if vocabulary.index(word) < FIRST_WORD:
            raise UnknownWordError(f"{owner}: {word!r} is reserved and has no vector. Ask for a word.")
        return vocabulary.index(word) - FIRST_WORD

    def similarity(self, one: str, two: str) -> float:
        """Returns the cosine of two words' vectors."""
        first, second = unit(self[[one, two]])
        return float(first @ second)

    def distance(self, one: str, two: str) -> float:
        """Returns 1 minus the cosine of two words' vectors."""
        return 1 - self.similarity(one, two)

    def most_similar(self, positive: Any = (), negative: Any = (), topn: int | None = TOP_N) -> Any:
        """Returns the words whose vectors point most nearly where the given ones do.

        The vectors of words are scaled to length 1, and given ones are taken as they are; the `positive` ones are
        added, the `negative` ones subtracted.

        Args:
            positive: a word or a vector (dim,), or a list of them.
            negative: likewise.
            topn: how many are returned; fewer where there are no more. `None`: the similarity of each word, by place.

        Returns:
            Words with their cosine similarities, the largest first; the given words are not among them. For
            ``topn=None`` float32 (words,).

        Raises:
            TypeError: what is given is neither.
            ValueError: nothing is given, a vector has another length, or `topn` is below 1.
        """
        table = unit(self.vectors)  # (words, dim)
        given = [[(1.0, each) for each in _listed(positive)], [(-1.0, each) for each in _listed(negative)]]
        signed = [*given[0], *given[1]]
        if not signed:
            raise ValueError(f"{self._owner}.most_similar: at least one word is expected; received none.")
        if topn is not None and topn < 1:
            raise ValueError(f"{self._owner}.most_similar: topn is at least 1; received {topn}.")
        left_out = [self.place(each) for _, each in signed if not isinstance(each, np.ndarray)]
        directions = [sign * self._direction(each, table) for sign, each in signed]
        similarities = table @ unit(np.stack(directions).sum(axis=0, dtype=np.float32))  # (words,)
        if topn is None:
            return similarities
        left = np.setdiff1d(np.arange(len(table)), left_out)  # (words - given,)
        best = left[np.argsort(-similarities[left], kind="stable")[:topn]]
        words = self.index_to_key
        return [(words[place], float(similarities[place])) for place in best]

    def similar_by_word(self, word: str, topn: int | None = TOP_N) -> Any:
        """Returns the words most similar to one, as `most_similar` does."""
        return self.most_similar([word], topn=topn)

    def similar_by_vector(self, vector: Any, topn: int | None = TOP_N) -> Any:
        """Returns the words most similar to a vector (dim,), as `most_similar` does."""
        return self.most_similar([np.asarray(vector)], topn=topn)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """Returns the word whose vector points least where the mean of all does.

        Raises:
            ValueError: there are no words.
        """
        if not len(words):
            raise ValueError(f"{self._owner}.doesnt_match: at least one word is expected; received none.")
        vectors = unit(self[list(words)])  # (words, dim)
        return words[int(np.argmin(vectors @ vectors.mean(axis=0)))]

    def save_word2vec_format(self, path: str | os.PathLike, binary: bool = False, write_header: bool = True) -> None:
        """Writes the vectors as the word2vec program does; an old file is replaced only when the new one is whole.

        Args:
            path: where the file is to be.
            binary: whether the numbers are written as float32 and not as text.
            write_header: whether the first line is ``count dim``; a binary file always has it.

        Raises:
            ValueError: a token holds white space or a control character, or a number is not finite, or a binary file
                is to have no header.
            OSError: the file cannot be written.
        """
        if binary and not write_header:
            raise ValueError(f"{self._owner}.save_word2vec_format: a binary file has a header. Pass write_header=True.")
        words, vectors = self.index_to_key, self.vectors
        content = vectors_as_binary(words, vectors) if binary else vectors_as_text(words, vectors, write_header)
        write_atomically(path, content)

    def _direction(self, given: Any, table: np.ndarray) -> np.ndarray:
        """Returns the direction, float32 (dim,), of a word or a vector."""
        if not isinstance(given, np.ndarray):
            return table[self.place(given)]
        if given.shape != (self.vector_size,) or not np.isfinite(given).all():
            raise ValueError(
                f"{self._owner}.most_similar: a vector has {self.vector_size} finite numbers; received shape "
                f"{given.shape}: {given!s:.60}."
            )
        return given.astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scales vectors (..., dim) to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths)


def _listed(given: Any) -> list[Any]:
    """Returns words and vectors as a list, where it may be one."""
    one = isinstance(given, (str, bytes)) or (isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype != "O")
    return [given] if one or not hasattr(given, "__iter__") else list(given)

"""What a model of word vectors is asked: vectors, similar words, analogies, and files of them."""

import os
from typing import Any

import numpy as np
from keras import ops

from keras_seqkit.models.word_vectors.keyed_words import TOP_N, KeyedWords
from keras_seqkit.models.word_vectors.word_pairs import FIRST_WORD


class WordQuestions:
    """The answers of `SkipGram` and `CBOW`."""

    word_vectors: Any  # the layer whose table has the vectors

    @property
    def vectors(self) -> np.ndarray:
        """The vector of each token, by id: float32 (vocab, dim). Those of the reserved tokens are zeros."""
        layer = self.word_vectors
        # A quantized layer has integers in its table, and multiplies what it looks up by their scale.
        found = layer.embeddings if layer.quantization_mode is None else layer(np.arange(layer.input_dim))
        table = np.array(ops.convert_to_numpy(ops.cast(found, "float32")))  # (vocab, dim)
        table[:FIRST_WORD] = 0
        return table

    def vector(self, word: str) -> np.ndarray:
        """Returns the vector of a word: float32 (dim,).

        Raises:
            ValueError: the word is not in the vocabulary, or is reserved.
        """
        return self.wv[word]

    @property
    def wv(self) -> KeyedWords:
        """The words and their vectors under the names of gensim: ``model.wv["cat"]``, ``model.wv.key_to_index``."""
        return KeyedWords(self)

    def similarity(self, one: str, two: str) -> float:
        """Returns the cosine of two words' vectors.

        Raises:
            ValueError: a word is not in the vocabulary.
        """
        return self.wv.similarity(one, two)

    def most_similar(
        self, positive: Any = (), negative: Any = (), top_n: int | None = None, *, topn: int | None = None
    ) -> list[tuple[str, float]]:
        """Returns the words whose vectors point most nearly where the given ones do.

        The vectors of words are scaled to length 1, and given ones are taken as they are; the `positive` ones are
        added, the `negative` ones subtracted.

        Args:
            positive: a word or a vector (dim,), or a list of them.
            negative: likewise.
            top_n: how many are returned, 10 where it is left out; fewer where the vocabulary has no more.
            topn: the same, as gensim calls it.

        Returns:
            Words with their cosine similarities, the largest first. The given words are not among them.

        Raises:
            ValueError: a word is not in the vocabulary, none is given, or `top_n` is below 1.
        """
        return self.wv.most_similar(positive, negative, self._top_n(top_n, topn))

    def analogy(
        self, a: str, b: str, c: str, top_n: int | None = None, *, topn: int | None = None
    ) -> list[tuple[str, float]]:
        """Answers "`a` is to `b` as `c` is to ...": the words most similar to b - a + c, these three left out.

        Args:
            a: a word.
            b: a word.
            c: a word.
            top_n: how many are returned, 10 where it is left out.
            topn: the same, as gensim calls it.

        Returns:
            Words with their cosine similarities, the largest first.

        Raises:
            ValueError: a word is not in the vocabulary, or `top_n` is below 1.

        Source: Mikolov, Yih and Zweig (2013), Linguistic regularities in continuous space word representations.
        """
        return self.wv.most_similar([b, c], [a], self._top_n(top_n, topn))

    def _top_n(self, top_n: int | None, topn: int | None) -> int:
        if top_n is not None and topn is not None and top_n != topn:
            raise ValueError(f"{type(self).__name__}: topn and top_n are one thing; received {topn} and {top_n}.")
        given = top_n if topn is None else topn
        return TOP_N if given is None else given

    def save_text(self, path: str | os.PathLike, header: bool = True) -> None:
        """Writes the vectors as a word2vec text file, which `GloveEmbedding` and gensim read.

        The reserved tokens are left out. An old file is replaced only when the new one is whole.

        Args:
            path: where the file is to be.
            header: whether the first line is ``count dim``; files of GloVe have none.

        Raises:
            ValueError: a token holds white space or a control character, or a number is not finite.
            OSError: the file cannot be written.
        """
        try:
            self.wv.save_word2vec_format(path, write_header=header)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}.save_text: {error}") from error

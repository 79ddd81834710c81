"""What `SkipGram` and `CBOW` share: training on texts, and asking for similar words."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_seqkit.models.built_optimizer import build_optimizer
from keras_seqkit.models.embedding_size import check_embedding
from keras_seqkit.models.keyed_words import TOP_N, KeyedWords
from keras_seqkit.models.word_pairs import FIRST_WORD, WordPairs
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import MAX_WINDOW, check_limit
from keras_seqkit.text.validation import check_has_ends

BATCH_SIZE = 8192
LEARNING_RATE = 1e-2
START_SEED = 0


class WordVectorModel(keras.Model):
    """Learns word vectors by negative sampling; see `SkipGram` and `CBOW`, which say what predicts what.

    Args:
        vocabulary: the `Vocabulary` whose words get vectors.
        dim: the numbers of a vector.
        window: how many words to the left and to the right are a word's context, at most.
        negatives: how many words are drawn for each that is seen.
        subsample: the frequency above which words are left out by chance; 0: none is.
        **kwargs: as in `keras.Model`.

    Raises:
        TypeError: `vocabulary` is no `Vocabulary`.
        ValueError: a number is too small.
    """

    _whole_context: ClassVar[bool]  # whether the whole context predicts the word, or the word each one of its context

    def __init__(
        self,
        vocabulary: Vocabulary,
        dim: int = 100,
        window: int = 5,
        negatives: int = 5,
        subsample: float = 1e-3,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        kind = type(self).__name__
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(
                f"{kind}: vocabulary is a Vocabulary; received {type(vocabulary).__name__}. "
                "Vocabulary.from_texts(texts) makes one."
            )
        check_has_ends(vocabulary, kind)
        for name, value in (("dim", dim), ("window", window), ("negatives", negatives)):
            if value < 1:
                raise ValueError(f"{kind}: {name} is at least 1; received {value}.")
        check_limit(kind, "window", window, MAX_WINDOW)
        check_limit(kind, "negatives", negatives, MAX_WINDOW)
        check_embedding(kind, dim, len(vocabulary), "dim")
        if subsample < 0:
            raise ValueError(f"{kind}: subsample is a fraction of all words, or 0 for none; received {subsample}.")
        self.vocabulary = vocabulary
        self.dim, self.window, self.negatives, self.subsample = dim, window, negatives, subsample
        start: Any = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim, seed=START_SEED)  # as word2vec starts
        size, dtype = (len(vocabulary), dim), self.dtype_policy
        self.word_vectors = keras.layers.Embedding(*size, start, dtype=dtype, name="word_vectors")
        self.candidate_vectors = keras.layers.Embedding(*size, "zeros", dtype=dtype, name="candidate_vectors")
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Makes both tables; the constructor has done it."""
        if not self.built:
            self.word_vectors.build()
            self.candidate_vectors.build()
            self.built = True

    def predict_from(self, words: Any) -> Any:
        """Returns the vectors that predict: (batch, dim)."""
        raise NotImplementedError(f"{type(self).__name__} does not say which vectors predict.")

    def call(self, inputs: Any) -> Any:
        """See the class."""
        words, candidates = inputs
        given = self.predict_from(words)  # (batch, dim)
        asked = self.candidate_vectors(candidates)  # (batch, candidates, dim)
        return ops.cast(ops.sum(ops.expand_dims(given, 1) * asked, axis=-1), "float32")  # (batch, candidates)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the mean over a batch of what negative sampling minimizes, a scalar.

        For each example that is -log sigmoid(score) of the word that is seen, and -log sigmoid(-score) of each that is
        drawn.

        Args:
            x: not used.
            y: the signs of the candidates (batch, candidates): 1 seen, -1 drawn, 0 left out.
            y_pred: their scores (batch, candidates).
            sample_weight: not used.
            training: not used.

        Source: Mikolov et al. (2013), arXiv:1310.4546, equation 4.
        """
        signs: Any = ops.cast(y, y_pred.dtype)
        losses = ops.multiply(ops.abs(signs), ops.softplus(-signs * y_pred))  # (batch, candidates)
        return ops.mean(ops.sum(losses, axis=-1))

    def compile(self, optimizer: Any = None, loss: Any = None, **kwargs: Any) -> None:
        """Chooses the optimizer and metrics; the loss is that of negative sampling.

        Args:
            optimizer: `None`: Adam, learning rate 0.01.
            loss: leave it out.
            **kwargs: as in `keras.Model.compile`. Metrics see one candidate at a time: 1 for a word that is seen and 0
                for one that is drawn, and the probability that the model gives it.

        Raises:
            ValueError: there is a loss.
        """
        if loss is not None:
            raise ValueError(
                f"{type(self).__name__}.compile: the loss is that of negative sampling, which the model computes "
                f"itself; received {loss!r:.60}. Leave loss out, or override compute_loss in a class of your own."
            )
        super().compile(keras.optimizers.Adam(LEARNING_RATE) if optimizer is None else optimizer, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as the saved one was."""
        given: Any = keras.saving.deserialize_keras_object(config)
        self.compile(**{**given, "loss": None})  # files of older releases may name one, which never had an effect
        build_optimizer(self)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the metrics; a drawn word that is the one seen counts as seen, and has no weight where they have."""
        seen = ops.reshape(ops.cast(ops.greater_equal(y, 0), "float32"), (-1, 1))  # (batch * candidates, 1)
        probabilities = ops.reshape(ops.sigmoid(y_pred), (-1, 1))
        weights = ops.reshape(ops.abs(y), (-1,))
        return super().compute_metrics(x, seen, probabilities, weights)

    def fit(
        self,
        texts: Iterable[str],
        epochs: int = 5,
        batch_size: int = BATCH_SIZE,
        learning_rate: float | None = None,
        seed: int = 0,
        callbacks: Sequence[Any] | None = None,
        validation_data: Iterable[str] | None = None,
        validation_split: float = 0.0,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts; a second call goes on from the first.

        Where the model was not compiled, it is: Adam, learning rate 0.01. To choose another optimizer call
        ``compile(optimizer)`` before, without a loss. The ids of the texts and the examples of one epoch are held in
        memory, about 100 bytes a word.

        Args:
            texts: strings.
            epochs: how often the texts are gone through.
            batch_size: examples in a batch at most.
            learning_rate: of the optimizer; `None`: as it is.
            seed: of all that is drawn. The same seed gives the same vectors: the tables always start alike.
            callbacks: as in `keras.Model.fit`.
            validation_data: texts whose pairs are predicted after each epoch, the same ones each time: `val_loss`.
                Frequent words are left out, and negatives drawn, as often as the counts of `texts` say.
            validation_split: the fraction of the texts, taken from the end, that is held out for that; not used where
                there are `validation_data`.
            **kwargs: `verbose` and the others of `keras.Model.fit`.

        Returns:
            Keras's `History`.

        Raises:
            TypeError: `texts` is one string, or holds something that is not a string.
            ValueError: there are no texts, or no text has two words of the vocabulary, or subsampling leaves none.
        """
        kind = type(self).__name__
        if epochs < 1 or batch_size < 1:
            raise ValueError(f"{kind}.fit: epochs and batch_size are at least 1; received {epochs} and {batch_size}.")
        if not 0 <= validation_split < 1:
            raise ValueError(f"{kind}.fit: validation_split is at least 0 and below 1; received {validation_split}.")
        rows = self.vocabulary.encode_rows(texts)
        held_out = None if validation_data is None else self.vocabulary.encode_rows(validation_data)
        if validation_split and held_out is None:
            kept = len(rows) - int(len(rows) * validation_split)
            rows, held_out = rows[:kept], rows[kept:]
        pairs = self._pairs(rows, batch_size, seed)
        checks = None if held_out is None else self._pairs(held_out, batch_size, seed, pairs.counts)
        if not self.compiled:
            self.compile()
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        return super().fit(pairs, epochs=epochs, callbacks=callbacks, validation_data=checks, shuffle=False, **kwargs)

    def _pairs(self, rows: list[list[int]], batch_size: int, seed: int, counts: np.ndarray | None = None) -> WordPairs:
        """Returns the pairs of texts; with counts of other texts, those of texts that are held out."""
        try:
            return WordPairs(
                rows,
                len(self.vocabulary),
                self._whole_context,
                self.window,
                self.negatives,
                self.subsample,
                batch_size=batch_size,
                seed=seed,
                counts=counts,
                renewed=counts is None,
            )
        except ValueError as error:
            part = "" if counts is None else "validation_data: "
            raise ValueError(f"{type(self).__name__}.fit: {part}{error}") from error

    @property
    def vectors(self) -> np.ndarray:
        """The vector of each token, by id: float32 (vocab, dim). Those of the reserved tokens are zeros."""
        table = np.array(ops.convert_to_numpy(self.word_vectors.embeddings), np.float32)  # (vocab, dim)
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

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "vocabulary": self.vocabulary.get_config(),
            "dim": self.dim,
            "window": self.window,
            "negatives": self.negatives,
            "subsample": self.subsample,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "WordVectorModel":
        """Returns the model that `get_config` described, its vectors fresh."""
        vocabulary = Vocabulary.from_config(config["vocabulary"])
        dtype = keras.saving.deserialize_keras_object(config["dtype"], custom_objects=custom_objects)
        return cls(**{**config, "vocabulary": vocabulary, "dtype": dtype})

"""The network of word vectors: a score for each pair of a word, or a context, and a candidate."""

import os
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_seqkit.models.checked_arguments import check_number, check_whole
from keras_seqkit.models.embeddings import check_embedding
from keras_seqkit.models.encoded_texts import without_none
from keras_seqkit.models.text_data import is_stream, is_text
from keras_seqkit.models.text_model import AUTO, DefaultCompilation, TextModel
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import MAX_WINDOW, check_limit
from keras_seqkit.text.validation import check_has_ends

LEARNING_RATE = 1e-2
START_SEED = 0
NAMES_OF_GENSIM = {
    "vector_size": "pass dim",
    "min_count": "the vocabulary says which words there are, Vocabulary.from_texts(texts, min_count=...)",
    "sg": "SkipGram is one class and CBOW another",
    "negative": "pass negatives",
    "sample": "pass subsample",
    "epochs": "pass it to fit",
    "alpha": "pass learning_rate to fit",
    "sentences": "pass the texts to fit",
    "seed": "pass it to fit",
    "workers": "leave it out",
    "hs": "leave it out, there is negative sampling only",
}


class WordPairModel(TextModel):
    """Two tables of vectors and the loss of negative sampling; see `SkipGram` and `CBOW`, which say what predicts what.

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
        kind = type(self).__name__
        for name, advice in NAMES_OF_GENSIM.items():
            if name in kwargs:
                raise TypeError(f"{kind}: it has no argument {name}, which is gensim's name: {advice}.")
        super().__init__(**kwargs)
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(
                f"{kind}: vocabulary is a Vocabulary; received {type(vocabulary).__name__}. "
                "Vocabulary.from_texts(texts) makes one."
            )
        check_has_ends(vocabulary, kind)
        for name, value in (("dim", dim), ("window", window), ("negatives", negatives)):
            check_whole(kind, name, value, 1)
        check_number(kind, "subsample", subsample)
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
            sample_weight: a weight for each example (batch,), or `None`.
            training: not used.

        Source: Mikolov et al. (2013), arXiv:1310.4546, equation 4.
        """
        signs: Any = ops.cast(y, y_pred.dtype)
        losses = ops.multiply(ops.abs(signs), ops.softplus(-signs * y_pred))  # (batch, candidates)
        losses: Any = ops.sum(losses, axis=-1)  # (batch,)
        return ops.mean(losses if sample_weight is None else losses * _weights(sample_weight, losses.dtype))

    def default_compilation(self) -> DefaultCompilation:
        """Returns Adam, learning rate 0.01; the loss is `compute_loss`."""
        return DefaultCompilation(keras.optimizers.Adam(LEARNING_RATE), None)

    def check_compilation(self, loss: Any, metrics: list[Any]) -> None:
        """Checks that there is no loss.

        Raises:
            ValueError: there is one.
        """
        if loss is not None:
            shown = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
            raise ValueError(
                f"{type(self).__name__}.compile: the loss is that of negative sampling, which the model computes "
                f"itself; received {shown!r}. Leave loss out, or override compute_loss in a class of your own."
            )

    def check_targets(self, x: Any, y: Any) -> None:
        """Checks that pairs have signs; what is no pair is refused where it is encoded."""
        if is_pair(x):
            super().check_targets(x, y)

    def compile(
        self, optimizer: Any = AUTO, loss: Any = AUTO, loss_weights: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """Compiles as `TextModel.compile` says.

        Args:
            optimizer: as in Keras; ``"auto"``: the model's own.
            loss: left out.
            loss_weights: refused: there is one loss.
            *args: as in Keras.
            **kwargs: as in Keras.

        Raises:
            ValueError: there is a loss, or a weight of it.
        """
        if loss_weights is not None:
            raise ValueError(
                f"{type(self).__name__}.compile: there is one loss, that of negative sampling, which the model "
                f"computes itself; received loss_weights={loss_weights!r:.60}. Leave it out; a larger learning rate "
                "does the same."
            )
        super().compile(optimizer, loss, None, *args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as the saved one was."""
        # Files of older releases may name a loss, or a weight of it, which never had an effect.
        super().compile_from_config({**config, "loss": None, "loss_weights": None})

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the metrics; a drawn word that is the one seen counts as seen, and has no weight where they have."""
        seen = ops.reshape(ops.cast(ops.greater_equal(y, 0), "float32"), (-1, 1))  # (batch * candidates, 1)
        probabilities = ops.reshape(ops.sigmoid(y_pred), (-1, 1))
        weights: Any = ops.abs(y)  # (batch, candidates)
        if sample_weight is not None:
            weights *= ops.expand_dims(_weights(sample_weight, weights.dtype), -1)
        weights = ops.reshape(weights, (-1,))  # (batch * candidates,)
        return super().compute_metrics(x, seen, probabilities, weights)

    def encode_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, first: bool = False
    ) -> tuple:
        """Returns arrays as they are.

        Raises:
            ValueError: texts are given, of which there is no batch, or arrays that the network does not take.
        """
        owner = type(self).__name__
        if not is_pair(x):
            received = "texts" if is_text(x) else getattr(x, "shape", type(x).__name__)
            raise ValueError(
                f"{owner}: its network takes ids, (words, candidates), and gives their scores; received {received}. "
                "For vectors ask vector(word), wv[words], most_similar(word) or vectors; train texts with fit and "
                "measure them with evaluate, which count their words."
            )
        if class_weight is not None:
            raise ValueError(f"{owner}: words have no classes; received class_weight. Leave it out.")
        ids = tuple(np.asarray(part, np.int32) if isinstance(part, (list, tuple)) else part for part in x)
        return without_none(ids, y, sample_weight)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Scores candidates; see the class."""
        if args and not isinstance(args[0], keras.KerasTensor):
            args = (self.encode_batch(args[0])[0], *args[1:])
        return super().__call__(*args, **kwargs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> Any:
        """Computes the scores of candidates: float32 (batch, candidates). For vectors: `vector`, `wv`, `vectors`.

        Args:
            x: arrays ``(words, candidates)``, or a stream of them.
            batch_size: as in Keras.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.

        Raises:
            ValueError: texts or words are given.
        """
        if not is_stream(x):
            x = self.encode_batch(x)[0]
        return super().predict(x, batch_size, verbose, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Computes the scores of a batch of candidates; see `predict`."""
        return super().predict_on_batch(self.encode_batch(x)[0])

    def export_signature(self) -> Any:
        """Returns what the network itself takes."""
        shape = (None, None) if self._whole_context else (None,)
        words = keras.layers.InputSpec(shape=shape, dtype="int32", name="words")
        return [(words, keras.layers.InputSpec(shape=(None, None), dtype="int32", name="candidates"))]

    def export(self, filepath: Any, format: str = "tf_saved_model", *args: Any, **kwargs: Any) -> None:  # noqa: A002
        """Exports the network as Keras does, from ``(words, candidates)`` to scores.

        Args:
            filepath: where it is written.
            format: as in Keras, but for ``"onnx"``.
            *args: as in Keras.
            **kwargs: as in Keras.

        Raises:
            ValueError: the format is ``"onnx"``.
        """
        if format == "onnx":
            raise ValueError(
                f"{type(self).__name__}.export: for ONNX export the vectors as an embedding: seqkit_onnx.export("
                "keras.Sequential([keras.Input((None,), dtype='int32'), GloveEmbedding(model.vocabulary, model)]), "
                f"{os.fspath(filepath)!r}, vocabulary=model.vocabulary)."
            )
        super().export(filepath, format, *args, **kwargs)

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
            "quantized": self.word_vectors.quantization_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        """Returns the model that `get_config` described, its vectors fresh."""
        config = dict(config)
        quantized = config.pop("quantized", None)  # files of older releases do not say
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        config["dtype"] = keras.saving.deserialize_keras_object(config["dtype"], custom_objects=custom_objects)
        model = cls(**config)
        if quantized is not None:
            model.quantize(quantized)
        return model


def _weights(sample_weight: Any, dtype: str) -> Any:
    """Returns weights of examples (batch,) or (batch, 1) as float (batch,)."""
    return ops.reshape(ops.cast(sample_weight, dtype), (-1,))


def is_pair(x: Any) -> bool:
    """Whether `x` is what the network takes, words and candidates."""
    return isinstance(x, (list, tuple)) and len(x) == 2 and not any(is_text(part) for part in x)

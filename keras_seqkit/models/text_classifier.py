"""Text in, one of some labels out."""

import inspect
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from keras_seqkit.layers.conv_front import make_conv_front
from keras_seqkit.layers.masked_max_pooling import MaskedMaxPooling
from keras_seqkit.models.built_optimizer import build_optimizer
from keras_seqkit.models.embedding_size import check_embedding
from keras_seqkit.models.label_targets import check_labels, label_indices
from keras_seqkit.models.text_batches import LENGTH_STEP, TextBatches
from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.text import Vocabulary

LEARNING_RATE = 1e-3
CLIP_NORM = 1.0  # of each gradient: the usual cure for a recurrence whose gradients explode
EARLY_STOPPING_PATIENCE = 3


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TextClassifier(TracedAhead):
    """Classifies texts: embedding, an optional convolution, a recurrent encoder, and one dense layer.

    It takes strings wherever a Keras model takes arrays: in `fit`, `evaluate` and `predict`. Two labels end in a
    sigmoid, more in a softmax. Where it was not compiled, `fit` compiles it: Adam with clipped gradients, the fitting
    cross-entropy, accuracy.

    Args:
        vocabulary: the `Vocabulary` that makes ids of texts.
        labels: the names of the classes, at least two; for two, the second is what the sigmoid's 1 means.
        embedding: the size of a trainable embedding, or a layer from ids to (batch, time, dim), such as
            `GloveEmbedding`.
        encoder: a layer from (batch, time, dim) to (batch, units), such as a `BidirectionalStack`; where it returns a
            sequence, the maximum over the real steps is taken. `None`: ``BidirectionalStack((128, 64))``.
        conv: what stands before the encoder: the number of filters of a `ConvFront`, its arguments as a dict, or a
            layer that knows masks or keeps the time. `None`: nothing.
        dropout: the fraction of the encoder's output that is dropped in training.
        max_length: how many tokens of a text are read; `None`: all.
        **kwargs: as in `keras.Model`.

    Call:
        ids: integers (batch, time), 0 where there is padding, which stands on the right.

    Returns:
        float32 (batch, 1) for two labels, the probability of the second; else (batch, classes).

    Masking:
        Steps with id 0 are masked. A text without any token gives what the biases say.

    Raises:
        ValueError: there are less than two labels, or one stands twice, or the embedding has too few rows.

    Example:
    >>> from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
    >>> texts, labels = ["good", "bad", "very good", "very bad"], ["pos", "neg", "pos", "neg"]
    >>> model = TextClassifier(Vocabulary.from_texts(texts), ["neg", "pos"], 8, BidirectionalStack(4))
    >>> _ = model.fit(texts, labels, epochs=1, verbose=0)
    >>> model.predict(["good", "bad"], verbose=0).shape
    (2, 1)

    Source:
        Graves and Schmidhuber (2005), Framewise phoneme classification with bidirectional LSTM.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        labels: Sequence[str],
        embedding: int | keras.layers.Layer = 64,
        encoder: keras.layers.Layer | None = None,
        conv: int | dict[str, Any] | keras.layers.Layer | None = None,
        dropout: float = 0.2,
        max_length: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.labels = check_labels(labels)
        if max_length is not None and max_length < 1:
            raise ValueError(f"TextClassifier: max_length is at least 1, or None; received {max_length}.")
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.min_length = 1  # of the time that the network is run on
        self.dropout_rate = dropout
        self.embedding = self._make_embedding(embedding)
        self.conv = make_conv_front(conv, self.embedding.compute_output_shape((1, 64))[-1])
        self.encoder = BidirectionalStack(name="encoder") if encoder is None else encoder
        self.pooling = MaskedMaxPooling(name="pooling")
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        units, activation = (1, "sigmoid") if len(self.labels) == 2 else (len(self.labels), "softmax")
        self.head = keras.layers.Dense(units, activation=activation, dtype="float32", name="head")
        self.build()

    def _make_embedding(self, embedding: Any) -> keras.layers.Layer:
        check_embedding("TextClassifier", embedding, len(self.vocabulary))
        if isinstance(embedding, int):
            return keras.layers.Embedding(len(self.vocabulary), embedding, mask_zero=True, name="embedding")
        rows = getattr(embedding, "input_dim", len(self.vocabulary))
        if rows < len(self.vocabulary):
            raise ValueError(
                f"TextClassifier: the embedding has {rows} rows and the vocabulary {len(self.vocabulary)} tokens. "
                "Make both from the same vocabulary."
            )
        return embedding

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers; the constructor has done it."""
        if not self.built:
            self.built = True
            self(np.zeros((1, LENGTH_STEP), np.int32))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """See the class."""
        mask = ops.not_equal(inputs, 0)  # (batch, time)
        x = self.embedding(inputs)  # (batch, time, dim)
        if self.conv is not None and self.conv.supports_masking:
            x = _call(self.conv, x, mask, training)
            mask = self.conv.compute_mask(x, mask)
        elif self.conv is not None:  # it keeps the time, so the mask stays what it is
            x = _call(self.conv, x * ops.expand_dims(ops.cast(mask, x.dtype), -1), mask, training)
        x = _call(self.encoder, x, mask, training)  # (batch, units), or (batch, time, units)
        if len(x.shape) == 3:
            x = self.pooling(x, mask=mask)  # (batch, units)
        return self.head(self.dropout(x, training=training))

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        validation_split: float = 0.0,
        validation_data: tuple | None = None,
        sample_weight: Any = None,
        shuffle: bool = True,
        early_stopping: bool | int = False,
        callbacks: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts and labels.

        Args:
            x: a list of strings; or anything else that `keras.Model.fit` takes, which it then gets as it is.
            y: for each text the name of its label, or its index.
            batch_size: texts in a batch; texts of about the same length share one.
            validation_split: the fraction of the texts, taken from the end, that is held out.
            validation_data: texts and labels, and weights where there are.
            sample_weight: a weight for each text.
            shuffle: whether the order changes in every epoch.
            early_stopping: stop where the validation loss has not fallen for this many epochs (`True`: 3), and
                return to the best weights.
            callbacks: as in `keras.Model.fit`.
            **kwargs: `epochs`, `verbose`, `class_weight` and the others of `keras.Model.fit`.

        Returns:
            Keras's `History`.

        Raises:
            TypeError: a text is not a string.
            ValueError: a label was never seen, there are no texts, or there are more texts than labels.
        """
        self._compile_by_default()
        callbacks = list(callbacks or [])
        if early_stopping:
            if validation_data is None and not validation_split:
                raise ValueError("TextClassifier.fit: early_stopping needs validation_data or validation_split.")
            patience = EARLY_STOPPING_PATIENCE if early_stopping is True else early_stopping
            callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True))
        x, y = _as_list(x), _as_list(y)
        if not _is_texts(x):
            arguments = {"y": y, "batch_size": batch_size, "sample_weight": sample_weight, "shuffle": shuffle}
            arguments |= {"validation_split": validation_split, "validation_data": validation_data}
            given = {name: value for name, value in arguments.items() if value is not None}
            return super().fit(x, callbacks=callbacks, **given, **kwargs)
        examples = self._examples(x, y, sample_weight)
        if validation_split:
            kept = len(examples[0]) - int(len(examples[0]) * validation_split)
            examples, held_out = _cut(examples, slice(kept)), _cut(examples, slice(kept, None))
        else:
            held_out = None if validation_data is None else self._examples(*validation_data)
        batches = self._batches(examples, batch_size, shuffle)
        checks = None if held_out is None else self._batches(held_out, batch_size)
        build_optimizer(self)
        return super().fit(batches, validation_data=checks, callbacks=callbacks, shuffle=False, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int = 32, sample_weight: Any = None, **kwargs: Any):
        """Returns the loss and the metrics on texts and labels, as `keras.Model.evaluate` does."""
        x, y = _as_list(x), _as_list(y)
        if not _is_texts(x):
            return super().evaluate(x, y, batch_size=batch_size, sample_weight=sample_weight, **kwargs)
        self._compile_by_default()
        return super().evaluate(self._batches(self._examples(x, y, sample_weight), batch_size), **kwargs)

    def predict(self, x: Any, batch_size: int = 32, **kwargs: Any) -> np.ndarray:
        """Returns the probabilities of texts: float32 (batch, 1) for two labels, else (batch, classes)."""
        x = _as_list(x)
        if not _is_texts(x):
            return super().predict(x, batch_size=batch_size, **kwargs)
        rows = self._rows(x)
        order = np.argsort([len(row) for row in rows], kind="stable")
        batches = TextBatches([rows[place] for place in order], batch_size=batch_size, min_length=self.min_length)
        probabilities = np.empty((len(rows), self.head.units), np.float32)
        probabilities[order] = super().predict(batches, **kwargs)
        return probabilities

    def predict_labels(self, x: Any, **kwargs: Any) -> list[str]:
        """Returns the most probable label of each text; `kwargs` as in `predict`."""
        probabilities = self.predict(x, **kwargs)
        best = probabilities[:, 0] > 0.5 if len(self.labels) == 2 else np.argmax(probabilities, axis=1)
        return [self.labels[int(index)] for index in best]

    def input_spec_of_ids(self) -> keras.layers.InputSpec:
        """Returns what the network itself takes, for exporters."""
        return keras.layers.InputSpec(shape=(None, None), dtype="int32", name="ids")

    def _compile_by_default(self) -> None:
        if not self.compiled:
            if len(self.labels) == 2:
                loss, accuracy = "binary_crossentropy", keras.metrics.BinaryAccuracy("accuracy")
            else:
                loss = "sparse_categorical_crossentropy"
                accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
            self.compile(keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM), loss, metrics=[accuracy])

    def _rows(self, texts: Iterable[str]) -> list[list[int]]:
        """Returns the ids of each text, without padding."""
        ids = self.vocabulary.encode_rows(texts, self.max_length)
        if not ids:
            raise ValueError("TextClassifier: at least one text is expected; received an empty list.")
        return ids

    def _examples(self, texts: Any, labels: Any, sample_weight: Any = None) -> tuple:
        rows = self._rows(texts)
        if labels is None:
            raise ValueError("TextClassifier: a label is expected for each text; received y=None.")
        indices = label_indices(labels, self.labels)
        if len(rows) != len(indices):
            raise ValueError(f"TextClassifier: received {len(rows)} texts and {len(indices)} labels; they pair up.")
        targets = indices[:, np.newaxis].astype(np.float32) if len(self.labels) == 2 else indices
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float32)
        return rows, targets, weights

    def _batches(self, examples: tuple, batch_size: int, shuffle: bool = False) -> TextBatches:
        return TextBatches(*examples, batch_size=batch_size, min_length=self.min_length, shuffle=shuffle)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            "vocabulary": self.vocabulary.get_config(),
            "labels": list(self.labels),
            "embedding": serialize(self.embedding),
            "encoder": serialize(self.encoder),
            "conv": None if self.conv is None else serialize(self.conv),
            "dropout": self.dropout_rate,
            "max_length": self.max_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "TextClassifier":
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        for part in ("embedding", "encoder", "conv", "dtype"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)


def _call(layer: keras.layers.Layer, x: Any, mask: Any, training: bool | None) -> Any:
    """Calls a layer with what its `call` takes of the mask and the training flag."""
    known = inspect.signature(layer.call).parameters
    given = {"mask": mask, "training": training}
    with warnings.catch_warnings():
        # Keras doubts that a model hands its mask on to its layers, and it does.
        warnings.filterwarnings("ignore", message="Layer .* was passed an input with a mask attached to it")
        return layer(x, **{name: value for name, value in given.items() if name in known})


def _as_list(x: Any) -> Any:
    """Returns a column of a data frame as a list, and anything else as it is."""
    return x.tolist() if hasattr(x, "iloc") and hasattr(x, "tolist") else x


def _is_texts(x: Any) -> bool:
    """Whether `x` is meant as texts: a string, a list with anything but numbers in it, an array of strings."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "OUSTV"
    if x is None or isinstance(x, (list, tuple, str, bytes)):
        return x is None or len(x) == 0 or not isinstance(x[0], (list, tuple, np.ndarray, int, float))
    return False


def _cut(examples: tuple, part: slice) -> tuple:
    return tuple(None if values is None else values[part] for values in examples)

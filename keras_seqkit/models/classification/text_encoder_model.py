"""Texts to one vector each: what classifiers and regressors share."""

import inspect
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from keras_seqkit.layers.conv_front import make_conv_front
from keras_seqkit.layers.masked_max_pooling import MaskedMaxPooling
from keras_seqkit.models.checked_arguments import check_number, check_sizes, check_whole, rows_as_array, shown
from keras_seqkit.models.embeddings import check_embedding, check_tokens
from keras_seqkit.models.encoded_texts import EncodedTexts, without_none
from keras_seqkit.models.text_batches import LENGTH_STEP, TextBatches, padded_ids, padded_time
from keras_seqkit.models.text_data import is_stream, is_text
from keras_seqkit.models.text_model import (
    BATCH_SIZE,
    TextModel,
    build_layer,
    joined_weights,
    weights_of,
)
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.columns import text_column

LEARNING_RATE = 1e-3
CLIP_NORM = 1.0  # of each gradient: the usual cure for a recurrence whose gradients explode
EARLY_STOPPING_PATIENCE = 3


class TextEncoderModel(TextModel):
    """Embedding, an optional convolution, a recurrent encoder, dropout, and a head that a subclass makes.

    See `TextClassifier`, which describes the arguments.
    """

    head: Any

    def __init__(
        self,
        vocabulary: Vocabulary,
        embedding: int | keras.layers.Layer = 64,
        encoder: keras.layers.Layer | None = None,
        conv: int | dict[str, Any] | keras.layers.Layer | None = None,
        dropout: float = 0.2,
        max_length: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(
                f"{owner}: vocabulary must be a Vocabulary; received {type(vocabulary).__name__}. "
                "Vocabulary.from_texts(texts) makes one, Vocabulary(tokens) takes a list of tokens."
            )
        if encoder is not None and not isinstance(encoder, keras.layers.Layer):
            raise TypeError(
                f"{owner}: encoder must be a layer, or None; received {encoder!r}. BidirectionalStack(64) is one."
            )
        _check_encoder(owner, encoder)
        if max_length is not None:
            check_whole(owner, "max_length", max_length, 1)
        check_number(owner, "dropout", dropout, 0, 1)
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.min_length = 1  # of the time that the network is run on
        self.dropout_rate = dropout
        policy = self.dtype_policy
        self.embedding = self._make_embedding(embedding)
        self.conv = make_conv_front(_with_dtype(conv, policy), self.embedding.compute_output_shape((1, 64))[-1], owner)
        self.encoder = BidirectionalStack(dtype=policy, name="encoder") if encoder is None else encoder
        self.pooling = MaskedMaxPooling(dtype=policy, name="pooling")
        self.dropout = keras.layers.Dropout(dropout, dtype=policy, name="dropout")

    def _make_embedding(self, embedding: Any) -> keras.layers.Layer:
        owner = type(self).__name__
        if not isinstance(embedding, keras.layers.Layer) and (
            isinstance(embedding, bool) or not isinstance(embedding, (int, np.integer)) or embedding < 1
        ):
            raise ValueError(
                f"{owner}: embedding is an integer of at least 1, or a layer such as a GloveEmbedding; received "
                f"{shown(embedding)}."
            )
        check_embedding(owner, embedding, len(self.vocabulary))
        if isinstance(embedding, (int, np.integer)):
            return keras.layers.Embedding(
                len(self.vocabulary), int(embedding), mask_zero=True, dtype=self.dtype_policy, name="embedding"
            )
        check_tokens(owner, embedding, self.vocabulary)
        return embedding

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers; the constructor has done it."""
        if not self.built:
            self.built = True
            self._build_layers()
            keras.Model.__call__(self, np.zeros((1, LENGTH_STEP), np.int32))

    def _build_layers(self) -> None:
        """Builds all layers for batches and times of any size, as `summary` shows them."""
        shape = (None, None)  # (batch, time)
        for layer in (self.embedding, self.conv, self.encoder):
            if layer is not None:
                build_layer(layer, shape)
                shape = layer.compute_output_shape(shape)
        if len(shape) not in (2, 3) or shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__}: encoder {self.encoder.name!r} gives (batch, units) or (batch, time, units), "
                f"whatever the time is; received one that gives {shape}. BidirectionalStack(64) is one."
            )
        self.pooling.build(shape if len(shape) == 3 else (*shape[:1], None, *shape[1:]))
        shape = (*shape[:1], *shape[-1:])  # (batch, units)
        for layer in (self.dropout, self.head):
            build_layer(layer, shape)

    def encode(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns what the head is given: integers (batch, time) to float (batch, units)."""
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
        return self.dropout(x, training=training)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """See the class."""
        return self.head(self.encode(inputs, training))

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """Returns Adam with clipped gradients."""
        return keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM)

    def targets(self, y: Any) -> np.ndarray:
        """Returns what belongs to texts as targets with a row for each."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its targets are.")

    def check_input(self, x: Any, name: str = "x") -> None:
        """Checks that arrays are one; see `TextModel`."""
        if isinstance(x, dict):
            raise TypeError(
                f"{type(self).__name__}: {name} is one column of texts, or ids; received a dict with "
                f"{shown(list(x))}. Take the texts out of it; of a dataset: "
                "dataset.map(lambda row: (row['text'], row['label']))."
            )
        super().check_input(x, name)

    def check_targets(self, x: Any, y: Any) -> None:
        """Checks that there are labels; see `TextModel`."""
        owner = type(self).__name__
        if not is_text(x):
            self.check_input(x)
        if y is None:
            raise ValueError(f"{owner}: a label is expected for each text; received y=None.")
        if isinstance(y, (str, bytes)):
            raise ValueError(  # noqa: TRY004 - one kind of error for all labels that do not fit
                f"{owner}: y is a column with a label for each text; received the one string {shown(y)}. Put one label "
                "in a list, [label]; a stream gives batches of texts and labels, not single ones."
            )

    def run_settings(self, data: Any) -> dict[str, Any]:
        """Returns digests of texts, labels and weights apart, so that an error can name what differs."""
        return data.digests()

    def class_weights(self, targets: np.ndarray, class_weight: Any) -> np.ndarray | None:
        """Returns a weight for each target, or `None`."""
        if class_weight is not None:
            raise ValueError(f"{type(self).__name__}: it has no classes to weigh. Pass sample_weight.")

    def examples(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> EncodedTexts:
        """Returns texts in memory, encoded, with their targets and weights."""
        rows = self._rows(x)
        self.check_targets(x, y)
        self.see_targets(y)
        targets = self.targets(y)
        weights = self._weights(len(rows), targets, sample_weight, class_weight)
        return EncodedTexts(rows, targets, weights, self.min_length)

    def _weights(self, count: int, targets: np.ndarray, sample_weight: Any, class_weight: Any) -> np.ndarray | None:
        """Returns the weights of `count` texts, after a check that their targets and weights pair up with them."""
        owner = type(self).__name__
        if len(targets) != count:
            raise ValueError(f"{owner}: received {count} texts and {len(targets)} labels; they pair up.")
        return joined_weights(weights_of(sample_weight, count, owner), self.class_weights(targets, class_weight))

    def see_targets(self, y: Any) -> None:
        """Takes from the data what the constructor left open."""

    def encode_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, first: bool = False
    ) -> tuple:
        """See `TextModel`."""
        if is_text(x):
            rows = self._rows(x)
            x = padded_ids(rows, padded_time([*map(len, rows), self.min_length], first))
        else:
            self.check_input(x)
            x = rows_as_array(type(self).__name__, x)
        if y is None:
            return (x,)
        targets = self.targets(y)
        return without_none(x, targets, self._weights(len(x), targets, sample_weight, class_weight))

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        *,
        early_stopping: bool | int = False,
        checkpoint: Any = None,
        seed: int | None = 0,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts and what belongs to them; arguments stand in Keras's order.

        Args:
            x: texts, in any column; a stream of batches (`tf.data`, `PyDataset`, a generator, a data loader) of texts
                with their labels; or arrays of ids.
            y: for each text its label; see the class.
            batch_size: texts in a batch; `None`: 32. Texts of about the same length share one.
            epochs: how often all texts are gone through.
            verbose: as in `keras.Model.fit`.
            callbacks: as in `keras.Model.fit`; one alone will do.
            validation_split: the fraction of the texts, taken from the end, that is held out.
            validation_data: texts and labels, and weights where there are; or a stream of batches. It wins over
                `validation_split`.
            shuffle: whether the order changes in every epoch.
            class_weight: a dict from labels to weights, or ``"balanced"``.
            sample_weight: a weight for each text.
            early_stopping: stop where the validation loss has not fallen for this many epochs (`True`: 3), and
                return to the best weights.
            checkpoint: a directory. After each epoch it holds all that is needed to go on: the same call, after the
                process was killed, continues there, and ends with the same weights. `None`: nothing is written.
            seed: of the order of the texts; `None`: another one each time, from `keras.utils.set_random_seed` on
                always the same ones.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`, `validation_batch_size` and
                `validation_freq`, as in `keras.Model.fit`.

        Returns:
            Keras's `History`.

        Raises:
            TypeError: a text is not a string.
            ValueError: a label was never seen, there are no texts, there are more texts than labels, or the directory
                holds another run.
        """
        owner, patience = type(self).__name__, None
        if early_stopping:
            if validation_data is None and not validation_split:
                raise ValueError(f"{owner}.fit: early_stopping needs validation_data or validation_split.")
            if early_stopping is not True:
                check_whole(f"{owner}.fit", "early_stopping", early_stopping, 1)
            patience = EARLY_STOPPING_PATIENCE if early_stopping is True else int(early_stopping)
        return self.fit_texts(
            x,
            y,
            batch_size,
            epochs,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            seed,
            patience=patience,
            checkpoint=checkpoint,
            verbose=verbose,
            **kwargs,
        )

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> np.ndarray:
        """Computes the head's output for texts: float32 (batch, columns), in the order of the texts.

        Args:
            x: texts, a stream of batches, or ids.
            batch_size: texts in a batch; `None`: 32. Texts of about the same length share one.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.
        """
        if is_stream(x) or not is_text(x):
            return super().predict(x, batch_size, verbose, **kwargs)
        steps = kwargs.pop("steps", None)
        check_sizes(type(self).__name__, "predict", batch_size=batch_size, steps=steps)
        batch_size = batch_size or BATCH_SIZE
        rows = self._rows(x)
        rows = rows if steps is None else rows[: steps * batch_size]  # the first ones, before they are sorted
        order = np.argsort([len(row) for row in rows], kind="stable")
        batches = TextBatches([rows[place] for place in order], batch_size=batch_size, min_length=self.min_length)
        found = np.asarray(keras.Model.predict(self, batches, verbose=verbose, **kwargs))
        outputs = np.empty_like(found)
        outputs[order] = found
        return outputs

    def export_signature(self) -> Any:
        """Returns what the network itself takes."""
        return [self.input_spec_of_ids()]

    def input_spec_of_ids(self) -> keras.layers.InputSpec:
        """Returns what the network itself takes, for exporters."""
        return keras.layers.InputSpec(shape=(None, None), dtype="int32", name="ids")

    def _rows(self, texts: Iterable[str]) -> list[list[int]]:
        """Returns the ids of each text, without padding."""
        owner = type(self).__name__
        ids = self.vocabulary.encode_rows(text_column(texts, f"{owner}: texts"), self.max_length)
        if not ids:
            raise ValueError(f"{owner}: at least one text is expected; received an empty list.")
        return ids

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            "vocabulary": self.vocabulary.get_config(),
            "embedding": serialize(self.embedding),
            "encoder": serialize(self.encoder),
            "conv": None if self.conv is None else serialize(self.conv),
            "dropout": self.dropout_rate,
            "max_length": self.max_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        for part in ("embedding", "encoder", "conv", "dtype"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)


def _check_encoder(owner: str, encoder: Any) -> None:
    """Raises ValueError where an encoder gives more than its output, or depends on the batch before."""
    for name, advice in (
        ("return_state", "the states would go nowhere"),
        ("stateful", "a text would be read on from that of the batch before"),
    ):
        if getattr(encoder, name, False):
            raise ValueError(f"{owner}: encoder {encoder.name!r} has {name}=True: {advice}. Leave it out.")


def _with_dtype(conv: Any, policy: Any) -> Any:
    """Returns the arguments of a `ConvFront` with the model's dtype; a layer, or nothing, as it is."""
    if isinstance(conv, int):
        return {"filters": conv, "dtype": policy}
    return {"dtype": policy, **conv} if isinstance(conv, dict) else conv


def _call(layer: keras.layers.Layer, x: Any, mask: Any, training: bool | None) -> Any:
    """Calls a layer with what its `call` takes of the mask and the training flag."""
    known = inspect.signature(layer.call).parameters
    given = {"mask": mask, "training": training}
    with warnings.catch_warnings():
        # Keras doubts that a model hands its mask on to its layers, and it does.
        warnings.filterwarnings("ignore", message="Layer .* was passed an input with a mask attached to it")
        return layer(x, **{name: value for name, value in given.items() if name in known})

"""Text in, one of some labels out, or several."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.checked_arguments import check_number
from keras_seqkit.models.classification.label_targets import ClassTargets, Label, check_labels, labels_in
from keras_seqkit.models.classification.text_encoder_model import TextEncoderModel
from keras_seqkit.models.compiling import DefaultCompilation, name_of
from keras_seqkit.text import Vocabulary

THRESHOLD = 0.5


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TextClassifier(TextEncoderModel):
    """Classifies texts: embedding, an optional convolution, a recurrent encoder, and one dense layer.

    It takes strings wherever a Keras model takes arrays; see `fit`. Two labels end in a sigmoid, more in a softmax;
    with `multi_label`, each label has a sigmoid of its own. Where it was not compiled, or only with an optimizer, the
    loss is the fitting cross-entropy, and the metric accuracy.

    Args:
        vocabulary: the `Vocabulary` that makes ids of texts.
        labels: the labels of the classes, at least two strings or numbers; for two, the second is what the sigmoid's 1
            means. `None`: the first `fit` finds them in its data, sorted.
        embedding: the size of a trainable embedding, or a layer from ids to (batch, time, dim), such as
            `GloveEmbedding`.
        encoder: a layer from (batch, time, dim) to (batch, units), such as a `BidirectionalStack`; where it returns a
            sequence, the maximum over the real steps is taken. `None`: ``BidirectionalStack((128, 64))``.
        conv: what stands before the encoder: the number of filters of a `ConvFront`, its arguments as a dict, or a
            layer that knows masks or keeps the time. `None`: nothing.
        dropout: the fraction of the encoder's output that is dropped in training.
        max_length: how many tokens of a text are read; `None`: all.
        multi_label: whether a text has any number of labels, instead of one.
        **kwargs: as in `keras.Model`; ``dtype="mixed_bfloat16"`` goes to all layers that it makes itself.

    Labels, wherever they are given (`y`, `validation_data`, the keys of `class_weight`):
        A label by its value: ``"pos"``, ``4``, ``-1``, ``"4"`` and ``4.0`` for the label 4. Where no label is a number,
        whole numbers are places among `labels`. One-hot and soft labels are a row of probabilities (batch, classes).
        With `multi_label`, a list of labels for each text, or a matrix (batch, classes) of 0 and 1.

    Call:
        ids: integers (batch, time), 0 where there is padding, which stands on the right; or texts.

    Returns:
        float32 (batch, 1) for two labels, the probability of the second; else (batch, classes).

    Masking:
        Steps with id 0 are masked. A text without any token gives what the biases say.

    Raises:
        TypeError: `vocabulary` is no `Vocabulary`, `encoder` no layer, or `labels` have no order.
        ValueError: there are less than two labels, or one stands twice, or the embedding has too few rows, or
            those of other tokens.

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
        labels: Sequence[Label] | None = None,
        embedding: int | keras.layers.Layer = 64,
        encoder: keras.layers.Layer | None = None,
        conv: int | dict[str, Any] | keras.layers.Layer | None = None,
        dropout: float = 0.2,
        max_length: int | None = None,
        multi_label: bool = False,
        **kwargs: Any,
    ):
        found = None if labels is None else check_labels(labels)
        super().__init__(vocabulary, embedding, encoder, conv, dropout, max_length, **kwargs)
        self.multi_label = bool(multi_label)
        self.labels: list[Label] | None = None
        self._later: tuple[tuple, dict[str, Any]] | None = None  # how the user compiled it before it had labels
        self.head: Any = None
        self._takes_indices = False
        if found is not None:
            self._take_labels(found)

    def _take_labels(self, labels: list[Label]) -> None:
        self.labels = labels
        self._classes = ClassTargets(labels, self.multi_label)
        one = len(labels) == 2 and not self.multi_label
        activation = "sigmoid" if one or self.multi_label else "softmax"
        self.head = keras.layers.Dense(1 if one else len(labels), activation=activation, dtype="float32", name="head")
        self.build()
        if self._later is not None:
            arguments, self._later = self._later, None
            self.compile(*arguments[0], **arguments[1])

    def see_targets(self, y: Any) -> None:
        """Finds the labels in the data, if the constructor had none."""
        if self.labels is None:
            self._take_labels(labels_in(y, self.multi_label))

    @property
    def label_names(self) -> list[str]:
        """The labels as strings, as files and reports show them."""
        return [str(label) for label in self._known_labels()]

    def _known_labels(self) -> list[Label]:
        if self.labels is None:
            raise ValueError(
                "TextClassifier: the labels are not known yet: it was made with labels=None, and fit finds them in its "
                "texts' labels. Call fit(texts, labels) first, or name the labels."
            )
        return list(self.labels)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """See the class."""
        self._known_labels()
        return super().call(inputs, training)

    # Compiling

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles as `TextModel.compile` says; before the labels are known, as soon as they are."""
        if self.labels is None:
            self._later = (args, kwargs)
        else:
            super().compile(*args, **kwargs)

    def default_compilation(self) -> DefaultCompilation:
        """Returns Adam, the fitting cross-entropy, and accuracy."""
        if self.multi_label or len(self._known_labels()) == 2:
            return DefaultCompilation(
                self.default_optimizer(), "binary_crossentropy", [keras.metrics.BinaryAccuracy("accuracy")]
            )
        accuracy = keras.metrics.CategoricalAccuracy("accuracy")
        return DefaultCompilation(self.default_optimizer(), "categorical_crossentropy", [accuracy])

    def own_loss(self, metrics: list[Any]) -> Any:
        """Returns the fitting cross-entropy; a sparse one beside a sparse metric."""
        own = self.default_compilation().loss
        flat = [metric for each in metrics for metric in keras.tree.flatten(each)]
        if own == "categorical_crossentropy" and any(_is_sparse(metric) for metric in flat):
            return "sparse_categorical_crossentropy"
        return own

    def check_compilation(self, loss: Any, metrics: list[Any]) -> None:
        """Refuses losses and metrics that would misread the output or the targets."""
        count = len(self._known_labels())
        binary = count == 2 or self.multi_label
        output = "one sigmoid for each label" if self.multi_label else "one sigmoid" if count == 2 else "a softmax"
        for kind, each in [("loss", loss), *(("metric", metric) for metric in metrics)]:
            name = name_of(each)
            if binary and "categorical" in name:
                raise ValueError(
                    f"TextClassifier.compile: {kind} {name!r} needs a softmax; this model of {count} labels ends in "
                    f"{output}. Pass the binary one ('binary_crossentropy', 'binary_accuracy'), or leave it out."
                )
            if not binary and "binary" in name and kind == "loss":
                raise ValueError(
                    f"TextClassifier.compile: loss {name!r} needs one sigmoid; this model of {count} labels ends in a "
                    "softmax. Pass 'categorical_crossentropy', or leave it out."
                )
            if binary and not self.multi_label and isinstance(each, keras.metrics.F1Score) and each.threshold is None:
                raise ValueError(
                    "TextClassifier.compile: F1Score without a threshold compares columns, and a model of two labels "
                    "has one. Pass F1Score(threshold=0.5)."
                )
        sparse = [each for each in [loss, *metrics] if _is_sparse(each)]
        one_hot = [each for each in [loss, *metrics] if _is_one_hot(each)]
        if sparse and one_hot:
            raise ValueError(
                f"TextClassifier.compile: {name_of(sparse[0])!r} takes indices of labels and {name_of(one_hot[0])!r} "
                "one-hot labels; a model has either. Pass the same kind of both."
            )

    # Targets

    def prepared_compilation(self, loss: Any, metrics: list[Any]) -> tuple[Any, list[Any]]:
        """Remembers what targets the loss and the metrics take."""
        flat = [metric for each in metrics for metric in keras.tree.flatten(each)]
        self._takes_indices = any(_is_sparse(each) for each in [loss, *flat])
        return loss, metrics

    @property
    def targets_form(self) -> str:
        """What the compiled loss takes; see `TARGETS_OF_FORMS`."""
        if not self.multi_label and len(self._known_labels()) == 2:
            return "binary"
        return "index" if self._takes_indices else "one_hot"

    def targets(self, y: Any) -> np.ndarray:
        """Returns labels as the compiled loss takes them."""
        self._known_labels()
        return self._classes.of(y, self.targets_form)

    def check_stream(self, class_weight: Any = None) -> None:
        """Checks that neither the labels nor how many there are of each are first to be found in a stream."""
        self._known_labels()
        if isinstance(class_weight, str) and class_weight == "balanced":
            raise ValueError(
                "TextClassifier.fit: class_weight='balanced' counts the labels of all texts, and a stream gives "
                "them batch by batch. Pass a dict from labels to weights: sklearn.utils.class_weight."
                "compute_class_weight('balanced', classes=labels, y=y) counts them."
            )

    def class_weights(self, targets: np.ndarray, class_weight: Any) -> np.ndarray | None:
        """Returns the weight of each example's class, or `None`."""
        return None if class_weight is None else self._classes.weights(targets, class_weight)

    # Answers

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> np.ndarray:
        """Computes the probabilities of texts: float32 (batch, 1) for two labels, else (batch, classes).

        Args:
            x: texts, a stream of batches, or ids.
            batch_size: texts in a batch; `None`: 32. Texts of about the same length share one.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.
        """
        self._known_labels()
        return super().predict(x, batch_size, verbose, **kwargs)

    def predict_labels(self, x: Any, threshold: float = THRESHOLD, **kwargs: Any) -> list[Any]:
        """Returns the most probable label of each text, as it was given; with `multi_label` a list for each.

        Args:
            x: as in `predict`.
            threshold: the probability from which on the second of two labels is chosen, or a label of several.
            **kwargs: as in `predict`.
        """
        labels = self._known_labels()
        check_number("TextClassifier.predict_labels", "threshold", threshold, 0, 1)
        probabilities = self.predict(x, **kwargs)
        if self.multi_label:
            return [[labels[place] for place in np.flatnonzero(row > threshold)] for row in probabilities]
        best = probabilities[:, 0] > threshold if len(labels) == 2 else np.argmax(probabilities, axis=1)
        return [labels[int(index)] for index in best]

    def with_labels(self, labels: Sequence[Label] | None, multi_label: bool | None = None) -> "TextClassifier":
        """Returns a new classifier with other labels, whose layers before the head start with this one's weights.

        Args:
            labels: as in the constructor.
            multi_label: as in the constructor; `None`: as in this one.
        """
        config = self.get_config()
        config["labels"] = labels
        config["multi_label"] = self.multi_label if multi_label is None else multi_label
        config.pop("name")
        new = type(self).from_config(config)
        for each in (self, new):
            if each.labels is None:
                each.encode(np.zeros((1, 8), np.int32))  # builds the layers, so that they have weights
        for mine, theirs in zip(self._encoding_layers(), new._encoding_layers(), strict=True):
            theirs.set_weights(mine.get_weights())
        return new

    def _encoding_layers(self) -> list[keras.layers.Layer]:
        return [layer for layer in (self.embedding, self.conv, self.encoder) if layer is not None]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        labels = None if self.labels is None else list(self.labels)
        return {**super().get_config(), "labels": labels, "multi_label": self.multi_label}


def _is_sparse(each: Any) -> bool:
    return name_of(each).startswith("sparse_")


def _is_one_hot(each: Any) -> bool:
    return name_of(each).startswith(("categorical_", "top_k_categorical", "f1_score", "kl_divergence", "kld"))

"""Training a translator: its loss, its optimizer and schedule, and what epochs are compared by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_seqkit.models.checked_arguments import check_learning_rate
from keras_seqkit.models.text_data import is_text, is_tf_dataset
from keras_seqkit.models.text_model import AUTO, Arrays, DefaultCompilation, is_symbolic_text
from keras_seqkit.models.token_losses import MeanOverTokens, TokenCrossentropy, token_loss, token_metrics
from keras_seqkit.models.training_progress import Monitored
from keras_seqkit.models.translation.encoded_pairs import SentencePairs, encoded_batch, encoded_pairs, has_text
from keras_seqkit.models.translation.translation_model import TranslationModel
from keras_seqkit.text.ngram_arguments import real_number

ops: Any = keras.ops  # Keras's annotations know no tensors

LEARNING_RATE = 2e-3
WARMUP_FRACTION = 0.05  # of all steps
WARMUP_STEPS = 400  # at most
# The names, saved too, of what is the model's own, so that each fit may make it anew.
OWN_OPTIMIZER = "adam_of_fit"
OWN_LOSS = "smoothed_crossentropy_of_fit"
LABEL_SMOOTHING = 0.1
CLIP_NORM = 1.0  # of each gradient: the usual cure for a recurrence whose gradients explode
# By name: the keys of logs of which the first that is there is used, and whether the largest is best.
MONITORS = {"loss": (("val_nats", "val_loss"), False), "bleu": (("val_bleu",), True)}
BLEU_SENTENCES = 300  # of the held-out ones, after each epoch


@keras.saving.register_keras_serializable(package="keras_seqkit")
class SmoothedCrossentropy(MeanOverTokens):
    """Cross-entropy of logits with integer targets, in nats a token, a part of each target spread over all tokens.

    Args:
        label_smoothing: the part that is spread, 0 up to 1.
        name: the loss's name.

    Call:
        y_true: integers (batch, time).
        y_pred: float (batch, time, vocab), logits.

    Returns:
        The mean over all tokens; where weights are given, the weighted sum, divided by the number of real tokens.

    Raises:
        ValueError: the part is not a fraction.

    Source:
        Szegedy et al. (2016), arXiv:1512.00567, section 7.
    """

    def __init__(self, label_smoothing: float = LABEL_SMOOTHING, name: str = "smoothed_crossentropy", **kwargs: Any):
        super().__init__(name, **kwargs)
        if not 0.0 <= real_number("SmoothedCrossentropy: label_smoothing", label_smoothing) < 1.0:
            raise ValueError(f"SmoothedCrossentropy: label_smoothing is in [0, 1); received {label_smoothing!r}.")
        self.label_smoothing = label_smoothing

    def of_tokens(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each token: float (batch, time)."""
        total = ops.logsumexp(y_pred, axis=-1)  # (batch, time)
        of_target = ops.squeeze(ops.take_along_axis(y_pred, ops.expand_dims(ops.cast(y_true, "int32"), -1), -1), -1)
        part = self.label_smoothing
        return total - (1.0 - part) * of_target - part * ops.mean(y_pred, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {"label_smoothing": self.label_smoothing, "name": self.name}


def default_optimizer(learning_rate: Any = None, steps: int | None = None) -> keras.optimizers.Optimizer:
    """Returns Adam with clipped gradients.

    Args:
        learning_rate: a number or a schedule; `None`: it rises to `LEARNING_RATE` and falls to 0 along a cosine.
        steps: all steps of the training; `None`: nobody knows, and the default rate stays what it is.
    """
    if learning_rate is None and steps is None:
        learning_rate = LEARNING_RATE
    elif learning_rate is None:
        steps = int(steps or 1)
        rising = min(WARMUP_STEPS, max(1, int(steps * WARMUP_FRACTION)))
        learning_rate = keras.optimizers.schedules.CosineDecay(
            LEARNING_RATE / rising, max(1, steps - rising), warmup_target=LEARNING_RATE, warmup_steps=rising
        )
    return keras.optimizers.Adam(learning_rate, clipnorm=CLIP_NORM, name=OWN_OPTIMIZER)


class HeldOutBleu(keras.callbacks.Callback):
    """Measures the BLEU of held-out sentences after each epoch, as ``val_bleu``.

    Args:
        score: what translates held-out sentences and measures.
    """

    def __init__(self, score: Callable[[], float]):
        super().__init__()
        self.score = score

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Measures; Keras calls this."""
        logs["val_bleu"] = self.score()


@dataclass
class Compilation:
    """What a user compiled a model with; no list or dict, in which Keras would look for layers and metrics."""

    arguments: dict[str, Any] = field(default_factory=dict)


class TranslationTraining(TranslationModel):
    """What `fit` of a translator needs: sentence pairs as data, its own loss and optimizer, and what it measures."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._compiled_with = Compilation()
        self._label_smoothing = LABEL_SMOOTHING
        self._has_default_rate = False

    # Data

    def examples(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> SentencePairs:
        """Returns sentence pairs in memory, encoded."""
        self._check_class_weight(class_weight)
        return encoded_pairs(self, x, y, sample_weight)

    def encode_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, first: bool = False
    ) -> tuple:
        """See `TextModel`."""
        self._check_class_weight(class_weight)
        return encoded_batch(self, x, y, sample_weight, first)

    def _check_class_weight(self, class_weight: Any) -> None:
        if class_weight is not None:
            raise ValueError(
                f"{type(self).__name__}: class_weight weighs classes, and sentence pairs have none. Pass "
                "sample_weight, a weight for each pair."
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the network: on a source and a target, texts or ids."""
        if args and isinstance(args[0], dict):
            if any(is_symbolic_text(each) for each in args[0].values()):
                raise TypeError(
                    f"{type(self).__name__}: texts are encoded in Python, not in a graph; received a symbolic tensor "
                    "of strings. Call the model outside of tf.function, or pass ids."
                )
            if has_text(args[0]):
                args = (self.encode_batch(args[0])[0], *args[1:])
        elif args and isinstance(args[0], (list, tuple)) and not is_text(args[0]):
            raise TypeError(
                f"{type(self).__name__}: a call takes {{'source': ..., 'target': ...}}, texts or ids; received "
                f"{type(args[0]).__name__} of {len(args[0])}. Put the two columns under these names."
            )
        return super().__call__(*args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Computes the logits of a batch of known translations: ``{"source": ..., "target": ...}``."""
        return keras.Model.predict_on_batch(self, self.encode_batch(x)[0])

    def export_signature(self) -> Any:
        """Returns what the network itself takes."""
        spec = keras.layers.InputSpec
        return [{name: spec(shape=(None, None), dtype="int32", name=name) for name in ("source", "target")}]

    # Compiling

    def compile(
        self,
        optimizer: Any = AUTO,
        loss: Any = AUTO,
        loss_weights: Any = None,
        metrics: Any = AUTO,
        weighted_metrics: Any = AUTO,
        **kwargs: Any,
    ) -> None:
        """Compiles as `TextModel.compile` says; metrics leave padding out, as weighted ones do."""
        super().compile(optimizer, loss, loss_weights, metrics, weighted_metrics, **kwargs)
        self._has_default_rate = False
        self._compiled_with = Compilation(
            {
                "optimizer": optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                **kwargs,
            }
        )

    def default_compilation(self) -> DefaultCompilation:
        """Returns Adam, cross-entropy with smoothed targets, and cross-entropy without as ``nats``."""
        loss = SmoothedCrossentropy(self._label_smoothing, OWN_LOSS)
        return DefaultCompilation(default_optimizer(), loss, weighted_metrics=[TokenCrossentropy("nats")])

    def prepared_compilation(self, loss: Any, metrics: list[Any]) -> tuple[Any, list[Any]]:
        """Makes the loss and the metrics read logits, and leave padding out."""
        owner = type(self).__name__
        return token_loss(owner, loss), [None, token_metrics(metrics, owner)]

    def compile_to_fit(self, learning_rate: Any, label_smoothing: float | None, steps: int | None) -> None:
        """Compiles the model for one `fit`, as far as it was not compiled by the user.

        Args:
            learning_rate: see `default_optimizer`.
            label_smoothing: of the model's own loss; `None`: `LABEL_SMOOTHING`.
            steps: of the training; `None`: nobody knows.

        Raises:
            TypeError: an argument is no number.
            ValueError: one is out of its range, or belongs to what the user compiled the model with.
        """
        owner = type(self).__name__
        optimizer: Any = getattr(self, "optimizer", None)
        own_optimizer = not self.compiled or getattr(optimizer, "inner_optimizer", optimizer).name == OWN_OPTIMIZER
        own_loss = not self.compiled or getattr(self.loss, "name", None) == OWN_LOSS
        if learning_rate is not None and not own_optimizer:
            raise ValueError(
                f"{owner}.fit: learning_rate is for the model's own optimizer, and you compiled it with "
                f"{type(optimizer).__name__}. Give the rate to that one, or leave it out of compile."
            )
        if label_smoothing is not None and not own_loss:
            raise ValueError(
                f"{owner}.fit: label_smoothing is for the model's own loss, and you compiled it with another. Compile "
                "it with SmoothedCrossentropy(label_smoothing), or without a loss."
            )
        if learning_rate is not None and not callable(learning_rate):
            check_learning_rate(f"{owner}.fit", learning_rate)
        if (
            label_smoothing is not None
            and not 0.0 <= real_number(f"{owner}.fit: label_smoothing", label_smoothing) < 1.0
        ):
            raise ValueError(f"{owner}.fit: label_smoothing is 0 up to 1; received {label_smoothing!r}.")
        smoothing = LABEL_SMOOTHING if label_smoothing is None else label_smoothing
        same_loss = self.compiled and not (own_loss and self.loss.label_smoothing != smoothing)
        if not own_optimizer and same_loss:
            return
        arguments = dict(self._compiled_with.arguments)
        arguments["optimizer"] = default_optimizer(learning_rate, steps) if own_optimizer else optimizer
        if own_loss:
            self._label_smoothing = smoothing
            arguments["loss"] = AUTO
        self.compile(**arguments)
        self._has_default_rate = own_optimizer and learning_rate is None

    # Fitting

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """As in Keras.

        Raises:
            ValueError: there are no targets, which ids have to bring along.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__}: ids are trained on with their targets, y, the next tokens, which end with "
                "[END]; received none. Pass y, or texts of both languages."
            )
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def run_settings(self, data: Any) -> dict[str, Any]:
        """Returns what else a run depends on; the weights by themselves, so that a refusal names them."""
        return {"texts": data.digest(weighted=False), "sample_weight": data.digest_of_weights()}

    def run_fingerprint(self, digest: str, **settings: Any) -> dict[str, Any]:
        """Returns what tells another run of `fit` from this one.

        The default schedule is as long as the training, and a call with more epochs goes on with the same run: of it,
        only that it is the default is told.
        """
        found = super().run_fingerprint(digest, **settings)
        return {**found, "optimizer": "default"} if self._has_default_rate else found

    def monitored(self, monitor: str, patience: int | None, has_held_out: bool) -> Monitored | None:
        """Returns what epochs are compared by, if anything is held out.

        Raises:
            ValueError: the monitor is unknown, or needs held-out pairs.
        """
        owner = type(self).__name__
        if monitor not in MONITORS:
            raise ValueError(f"{owner}.fit: monitor is one of {list(MONITORS)}; received {monitor!r}.")
        if not has_held_out and (patience is not None or monitor == "bleu"):
            raise ValueError(
                f"{owner}.fit: patience and monitor='bleu' need validation_data or validation_split, and received "
                "neither."
            )
        names, largest = MONITORS[monitor]
        return Monitored(names, largest, patience) if has_held_out else None


def steps_of(data: Any, batch_size: int, steps_per_epoch: int | None) -> int | None:
    """Returns how many steps an epoch has, or `None` where nobody knows before it has ended.

    Args:
        data: `SentencePairs`, `Arrays`, or an encoded stream.
        batch_size: where the data is not yet in batches.
        steps_per_epoch: as in `keras.Model.fit`.
    """
    if steps_per_epoch is not None:
        return steps_per_epoch
    if isinstance(data, (SentencePairs, Arrays)):
        count = len(data) if isinstance(data, SentencePairs) else len(keras.tree.flatten(data.x)[0])
        return -(-count // batch_size)
    if is_tf_dataset(data):
        count = int(data.cardinality())
        return count if count > 0 else None  # below 0: unknown, or without end
    return data.num_batches if isinstance(data, keras.utils.PyDataset) else None

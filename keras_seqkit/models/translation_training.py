"""Training a translator: loss, schedule, early stopping, and a run that can be killed and continued."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_seqkit.models.built_optimizer import build_optimizer
from keras_seqkit.models.sentence_pair_batches import SentencePairBatches, encoded_pairs
from keras_seqkit.text.files import write_atomically

ops: Any = keras.ops  # Keras's annotations know no tensors

LEARNING_RATE = 2e-3
WARMUP_FRACTION = 0.05  # of all steps
WARMUP_STEPS = 400  # at most
OWN_OPTIMIZER = "adam_of_fit"  # the name, saved too, of what fit compiled a model with: spent when fit has ended
CLIP_NORM = 1.0  # of each gradient: the usual cure for a recurrence whose gradients explode
MONITORS = {"loss": ("val_nats", "min"), "bleu": ("val_bleu", "max")}
BLEU_SENTENCES = 300  # of the held-out ones, after each epoch


@keras.saving.register_keras_serializable(package="keras_seqkit")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits with integer targets, in nats a token, a part of each target spread over all tokens.

    Args:
        label_smoothing: the part that is spread, 0 up to 1.
        name: the loss's name.

    Call:
        y_true: integers (batch, time).
        y_pred: float (batch, time, vocab), logits.

    Returns:
        The mean over all tokens, weighted where weights are given.

    Raises:
        ValueError: the part is not a fraction.

    Source:
        Szegedy et al. (2016), arXiv:1512.00567, section 7.
    """

    def __init__(self, label_smoothing: float = 0.1, name: str = "smoothed_crossentropy", **kwargs: Any):
        super().__init__(name=name, reduction="mean_with_sample_weight", **kwargs)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"SmoothedCrossentropy: label_smoothing is in [0, 1); received {label_smoothing!r}.")
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each token: float (batch, time)."""
        total = ops.logsumexp(y_pred, axis=-1)  # (batch, time)
        of_target = ops.squeeze(ops.take_along_axis(y_pred, ops.expand_dims(ops.cast(y_true, "int32"), -1), -1), -1)
        part = self.label_smoothing
        return total - (1.0 - part) * of_target - part * ops.mean(y_pred, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {"label_smoothing": self.label_smoothing, "name": self.name}


def default_optimizer(learning_rate: Any, steps: int) -> keras.optimizers.Optimizer:
    """Returns Adam with clipped gradients.

    Args:
        learning_rate: a number or a schedule; `None`: it rises to `LEARNING_RATE` and falls to 0 along a cosine.
        steps: all steps of the training.
    """
    if learning_rate is None:
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


class Progress(keras.callbacks.Callback):
    """Keeps the best weights, stops when nothing gets better, and writes down all that a killed run needs to go on.

    Args:
        translator: the model.
        monitor: what is watched: a key of `MONITORS`, or `None` where nothing is held out.
        patience: so many epochs in a row that are no better end the training, as in `keras.callbacks.EarlyStopping`;
            `None`: they do not.
        directory: where files go; `None`: nowhere.
    """

    def __init__(self, translator: Any, monitor: str | None, patience: int | None, directory: str | os.PathLike | None):
        super().__init__()
        self.translator = translator
        self.monitor = monitor
        self.patience = patience
        self.directory = None if directory is None else Path(directory)
        self.records: list[dict[str, float]] = []  # of each epoch
        self.best_epoch = -1
        self.best_weights: list[np.ndarray] | None = None

    @property
    def finished(self) -> bool:
        """Whether the last epoch was one too many."""
        return self.patience is not None and len(self.records) - 1 - self.best_epoch >= max(1, self.patience)

    def restore(self) -> int:
        """Goes back to where a killed run was, if there was one; the optimizer must have its variables.

        Returns:
            How many epochs it had done.

        Raises:
            ValueError: the directory holds a run of another model.
        """
        if self.directory is None or not (self.directory / "progress.json").exists():
            return 0
        state = json.loads((self.directory / "progress.json").read_text(encoding="utf-8"))
        fingerprint = self._fingerprint()
        if state["model"] != fingerprint:
            raise ValueError(
                f"Seq2SeqTranslator.fit: {str(self.directory)!r} holds the run of another model. Pass another "
                "checkpoint directory, or delete it."
            )
        self.records, self.best_epoch = state["records"], state["best_epoch"]
        if self.best_epoch >= 0:
            self.translator.load_weights(self.directory / "best.weights.h5")
            self.best_weights = self.translator.get_weights()
        self.translator.load_weights(self.directory / f"epoch_{len(self.records)}.weights.h5")
        for variable, value in zip(self._seeds(), state["seeds"], strict=True):
            variable.assign(np.array(value, variable.dtype))
        return len(self.records)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records the epoch; Keras calls this."""
        self.records.append({name: float(value) for name, value in (logs or {}).items()})
        better = self.monitor is not None and self._is_best()
        if better:
            self.best_epoch = len(self.records) - 1
            self.best_weights = self.translator.get_weights()
        if self.directory is not None:
            self._write(better)
        if self.monitor is not None and self.finished:
            self.translator.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Takes the best weights; Keras calls this."""
        if self.best_weights is not None:
            self.translator.set_weights(self.best_weights)

    def _is_best(self) -> bool:
        name, direction = MONITORS[str(self.monitor)]
        if name not in self.records[-1]:
            name = "val_loss"  # the user compiled the model, with metrics of his own
        values = [record[name] for record in self.records]
        sign = 1.0 if direction == "max" else -1.0
        before = [sign * value for value in values[:-1]]
        return not before or sign * values[-1] > max(before)

    def _write(self, better: bool) -> None:
        directory: Any = self.directory
        directory.mkdir(parents=True, exist_ok=True)
        if better:
            self._save(directory / "best.weights.h5")
        count = len(self.records)
        self._save(directory / f"epoch_{count}.weights.h5")
        seeds = [np.asarray(ops.convert_to_numpy(variable)).tolist() for variable in self._seeds()]
        state = {"model": self._fingerprint(), "records": self.records, "best_epoch": self.best_epoch, "seeds": seeds}
        write_atomically(directory / "progress.json", json.dumps(state).encode())
        (directory / f"epoch_{count - 1}.weights.h5").unlink(missing_ok=True)

    def _save(self, path: Path) -> None:
        whole = path.with_name(f"new_{path.name}")
        self.translator.save_weights(whole)
        os.replace(whole, path)

    def _seeds(self) -> list[Any]:
        """Lists what random numbers go on from, which Keras does not save with the weights."""
        return [each for each in self.translator.non_trainable_variables if each.name == "seed_generator_state"]

    def _fingerprint(self) -> list:
        translator = self.translator
        shapes = [list(weight.shape) for weight in translator.weights]
        return [translator.source_vocabulary.digest, translator.target_vocabulary.digest, shapes]


class TrainingSettings(NamedTuple):
    """The arguments of `Seq2SeqTranslator.fit`, which describes them."""

    epochs: int
    batch_size: int
    label_smoothing: float
    learning_rate: Any
    monitor: str
    patience: int | None
    checkpoint: Any
    seed: int

    def check(self, has_held_out: bool) -> None:
        """Checks the ranges.

        Raises:
            ValueError: one is out of its range, or needs held-out pairs.
        """
        if self.monitor not in MONITORS:
            raise ValueError(f"Seq2SeqTranslator.fit: monitor is one of {list(MONITORS)}; received {self.monitor!r}.")
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if value < 1:
                raise ValueError(f"Seq2SeqTranslator.fit: {name} is at least 1; received {value!r}.")
        if not has_held_out and (self.patience is not None or self.monitor == "bleu"):
            raise ValueError("Seq2SeqTranslator.fit: patience and monitor='bleu' need validation_data.")


def train_on_pairs(
    translator: Any,
    pairs: tuple[Any, Any],
    held_out: Any,
    settings: TrainingSettings,
    callbacks: list[Any],
    arguments: dict[str, Any],
) -> keras.callbacks.History:
    """Trains a translator on sentence pairs; see `Seq2SeqTranslator.fit`."""
    settings.check(held_out is not None)
    rows = encoded_pairs(translator, *pairs)
    batches = SentencePairBatches(*rows, settings.batch_size, settings.seed)
    checks = None
    if held_out is not None:
        checks = SentencePairBatches(*encoded_pairs(translator, *held_out), settings.batch_size)
        if settings.monitor == "bleu":
            some = [list(texts)[:BLEU_SENTENCES] for texts in held_out]
            callbacks.append(HeldOutBleu(lambda: translator.evaluate(some[0], some[1])["bleu"]))
    if not translator.compiled or translator.optimizer.name == OWN_OPTIMIZER:
        translator.compile(
            default_optimizer(settings.learning_rate, settings.epochs * len(batches)),
            SmoothedCrossentropy(settings.label_smoothing),
            weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy("nats", from_logits=True)],
        )
    monitor = None if checks is None else settings.monitor
    build_optimizer(translator)
    progress = Progress(translator, monitor, settings.patience, settings.checkpoint)
    done = progress.restore()
    if done:
        batches = SentencePairBatches(*rows, settings.batch_size, settings.seed, done)
    if done >= settings.epochs or progress.finished:
        progress.on_train_end()
        history = keras.callbacks.History()
    else:
        history = keras.Model.fit(
            translator,
            batches,
            validation_data=checks,
            initial_epoch=done,
            epochs=settings.epochs,
            callbacks=[*callbacks, progress],
            shuffle=False,
            **arguments,
        )
    history.epoch = list(range(len(progress.records)))
    history.history = {
        name: [record[name] for record in progress.records if name in record] for name in (progress.records or [{}])[-1]
    }
    translator.history = history
    return history

"""Training a language model on continuous streams of text: truncated back-propagation through time."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.generation.token_streams import ContinuousBatches, WindowBatches
from keras_seqkit.models.token_losses import real_tokens
from keras_seqkit.text.vocabulary import START_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

LENGTH = 100


@dataclass(frozen=True)
class LanguageTexts:
    """Encoded texts in memory, and how they are cut.

    Args:
        rows: the ids of each text, int32.
        weights: float32 (texts,), or `None`.
        length: the tokens of a row of a batch.
        step: `None`: streams; else how far each window begins after the one before.
    """

    rows: list[np.ndarray]
    weights: np.ndarray | None = None
    length: int = LENGTH
    step: int | None = None

    def split(self, fraction: float) -> tuple["LanguageTexts", "LanguageTexts"]:
        """Returns what is trained on, and the last `fraction`, which is held out: of the texts, or of the only one.

        Raises:
            ValueError: one of them is empty.
        """
        whole = self.rows[0] if len(self.rows) == 1 else self.rows
        kept = len(whole) - int(len(whole) * fraction)
        if not 0 < kept < len(whole):
            what = "tokens" if len(self.rows) == 1 else "texts"
            raise ValueError(
                f"TextGenerator.fit: validation_split={fraction} of {len(whole)} {what} leaves {kept} to train on and "
                f"{len(whole) - kept} to measure; at least one of each is expected."
            )
        if len(self.rows) == 1:
            return replace(self, rows=[self.rows[0][:kept]]), replace(self, rows=[self.rows[0][kept:]])
        weights = (None, None) if self.weights is None else (self.weights[:kept], self.weights[kept:])
        return (
            replace(self, rows=self.rows[:kept], weights=weights[0]),
            replace(self, rows=self.rows[kept:], weights=weights[1]),
        )

    def batches(self, batch_size: int, shuffle: bool = False, seed: int = 0, epoch: int = 0) -> Any:
        """Returns streams or windows; the order of an epoch is a function of the seed and of its number."""
        order = seed if shuffle else None
        if self.step is None:
            return ContinuousBatches(self.rows, batch_size, self.length, order, epoch, self.weights)
        return WindowBatches(self.rows, batch_size, self.length, self.step, order, epoch, self.weights)

    def digest(self, weighted: bool = True) -> str:
        """Returns what tells other texts from these; if `weighted`, other weights too."""
        found = hashlib.sha256()
        for row in self.rows:
            found.update(np.asarray([len(row), *row], np.int64).tobytes())
        if weighted and self.weights is not None:
            found.update(self.weights.tobytes())
        return found.hexdigest()

    def digest_of_weights(self) -> str | None:
        """Returns what tells other weights from these; `None` where there are none."""
        return None if self.weights is None else hashlib.sha256(self.weights.tobytes()).hexdigest()


class StreamReading:
    """Which streams a generator reads within a step of training or measuring, and how much the step counts.

    Not a layer, so that the streams' states are no weights of the generator.
    """

    def __init__(self) -> None:
        self.streams: Any = None  # a `StreamTraining`
        self.weight: Any = None  # float32 (), of the batch in the mean of the losses

    @contextmanager
    def of(self, streams: Any, weight: Any) -> Iterator[None]:
        """Within it the generator's calls read what comes next in `streams`."""
        self.streams, self.weight = streams, weight
        try:
            yield
        finally:
            self.streams = self.weight = None


class StepLoss(keras.metrics.Mean):
    """The mean loss of a generator's steps, in which a step over streams counts as its `StreamReading` says.

    Args:
        reading: of the generator.
    """

    def __init__(self, reading: StreamReading):
        super().__init__(name="loss")
        self.reading = reading

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Adds a step."""
        return super().update_state(values, sample_weight if self.reading.streams is None else self.reading.weight)


class StreamTraining(keras.Model):
    """A `TextGenerator` in training, which keeps the states of its streams from batch to batch.

    Its steps are those of the generator (`train_step`, `test_step`, `compute_loss`, `compute_metrics`, those of a
    subclass too), whose calls read on from the states meanwhile. It stops when the generator is told to.

    Args:
        generator: the model, compiled.
        streams: the rows of each batch.
        measures: whether it only measures.
        forget: the fraction of the rows that begin a batch of training without state, as rows do then whose first
            token is `[START]`; 0: none does.
        seed: of the choice of these rows.
    """

    def __init__(self, generator: Any, streams: int, measures: bool = False, forget: float = 0.0, seed: int = 0):
        super().__init__(name="stream_training", dtype="float32")
        self.generator = generator
        self.forget_fraction = forget
        self.random = keras.random.SeedGenerator(seed)
        self.streams = streams
        self.kept = {
            name: self.add_weight(
                shape=(streams, size),
                initializer="zeros",
                trainable=False,
                autocast=False,  # states are carried in float32 whatever the layers compute in
                name=name.replace("/", "_"),
            )
            for name, size in generator.state_sizes.items()
        }
        self.built = True
        self.compile(
            optimizer=generator.optimizer,
            loss=None,
            jit_compile=generator.jit_compile,
            run_eagerly=generator.run_eagerly,
            steps_per_execution=1 if measures else generator.steps_per_execution,
        )

    def train_step(self, *arguments: Any) -> Any:
        """Trains the generator on a batch; arguments and results are those of the backend's `train_step`.

        A batch without a target does not count in the mean of the losses; all others count alike.
        """
        _, targets, _ = keras.utils.unpack_x_y_sample_weight(arguments[-1])
        weight = ops.where(ops.any(real_tokens(targets)), float(self.streams), 0.0)
        with self.generator.reading.of(self, weight):
            return self.generator.train_step(*arguments)

    def test_step(self, *arguments: Any) -> Any:
        """Measures the generator on a batch, which counts as its tokens do: all batches together are one."""
        _, targets, _ = keras.utils.unpack_x_y_sample_weight(arguments[-1])
        weight = ops.sum(ops.cast(real_tokens(targets), "float32"))
        with self.generator.reading.of(self, weight):
            return self.generator.test_step(*arguments)

    @property
    def metrics(self) -> list[Any]:
        """The generator's metrics."""
        return self.generator.metrics

    def reset_metrics(self) -> None:
        """Resets the generator's metrics."""
        self.generator.reset_metrics()

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns what the generator's metrics found."""
        return self.generator.get_metrics_result()

    def _symbolic_build(self, *arguments: Any, **named: Any) -> None:
        """Makes the variables of the generator's metrics, which JAX needs before it compiles; Keras calls this."""
        self.generator._symbolic_build(*arguments, **named)

    @property
    def _initial_epoch(self) -> Any:
        """Where Keras's `BackupAndRestore` lets the generator go on."""
        return getattr(self.generator, "_initial_epoch", None) if hasattr(self, "generator") else None

    @_initial_epoch.setter
    def _initial_epoch(self, value: Any) -> None:
        """Keras sets it to `None` at first; the generator's own is what counts."""

    @property
    def stop_training(self) -> bool:
        """Whether a callback asked the generator to stop."""
        return self.generator.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        if hasattr(self, "generator"):
            self.generator.stop_training = value

    @property
    def history(self) -> Any:
        """What was recorded of the generator."""
        return self.generator.history

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Reads the next tokens of each stream: int32 (batch, time) to logits (batch, time, vocab)."""
        return self.read(inputs, training)

    def read(self, inputs: Any, training: bool | None = None) -> Any:
        """Does what calling the generator does, but reads on from the kept states, and keeps the new ones."""
        # Keras does not know how many rows a batch has, and TensorFlow's loop over a state of one row has to.
        inputs = ops.reshape(inputs, (self.streams, -1))
        # A copy: PyTorch's gradients need what it was, and it is written over below.
        states = {name: kept + 0.0 for name, kept in self.kept.items()}
        if training and self.forget_fraction:
            drawn = keras.random.uniform((self.streams, 1), seed=self.random)  # (batch, 1)
            fresh = ops.logical_or(drawn < self.forget_fraction, ops.equal(inputs[:, :1], START_ID))
            states = {name: ops.where(fresh, 0.0, state) for name, state in states.items()}
        outputs, states = self.generator.run(inputs, states, training=training)
        for name, state in states.items():
            self.kept[name].assign(ops.cast(ops.stop_gradient(state), "float32"))
        return self.generator.logits(self.generator.dropouts[-1](outputs, training=training))

    def forget(self) -> None:
        """Sets the kept states to zero."""
        for kept in self.kept.values():
            kept.assign(np.zeros(kept.shape, np.float32))


class FreshStreams(keras.callbacks.Callback):
    """Begins each epoch without state, and measures the held-out texts after it.

    Args:
        training: the streams in training; `None`: windows are trained on.
        checks: the held-out texts, as streams; `None`: nothing is measured.
        generator: the model.
        every: the epochs from one measurement to the next, or the numbers of those that are measured, from 1 on.
        steps: how many batches are measured; `None`: all.
    """

    def __init__(self, training: StreamTraining | None, checks: Any, generator: Any, every: Any, steps: int | None):
        super().__init__()
        self.training, self.checks, self.every, self.steps = training, checks, every, steps
        self.checking = None if checks is None else StreamTraining(generator, checks.streams, measures=True)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Forgets; Keras calls this."""
        if self.training is not None:
            self.training.forget()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Measures; Keras calls this."""
        due = (epoch + 1) % self.every == 0 if isinstance(self.every, int) else epoch + 1 in self.every
        if self.checking is None or not due:
            return
        self.checking.forget()
        silent: Any = 0
        measured: Any = self.checking.evaluate(self.checks, verbose=silent, steps=self.steps, return_dict=True)
        logs.update({f"val_{name}": value for name, value in measured.items()})

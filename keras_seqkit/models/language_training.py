"""Training a language model on continuous streams of text: truncated back-propagation through time."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seqkit.models.built_optimizer import build_optimizer
from keras_seqkit.models.token_streams import ContinuousBatches, WindowBatches
from keras_seqkit.text.vocabulary import START_ID


class StreamTraining(keras.Model):
    """A `TextGenerator` in training, which keeps the states of its streams from batch to batch.

    It trains the generator's weights with the generator's optimizer, and stops when the generator is told to.

    Args:
        generator: the model.
        streams: the rows of each batch.
        measures: whether the mean cross-entropy is measured over all batches as one, as `nats`.
        forget: the fraction of the rows that begin a batch of training without state, as rows do then whose first
            token is `[START]`; 0: none does.
        seed: of the choice of these rows.
    """

    def __init__(self, generator: Any, streams: int, measures: bool = False, forget: float = 0.0, seed: int = 0):
        super().__init__(name="stream_training")
        self.generator = generator
        self.forget_fraction = forget
        self.random = keras.random.SeedGenerator(seed)
        self.streams = streams
        self.kept = {
            name: self.add_weight(
                shape=(streams, size), initializer="zeros", trainable=False, name=name.replace("/", "_")
            )
            for name, size in generator.state_sizes.items()
        }
        self.built = True
        self.compile(
            optimizer=generator.optimizer,
            loss=generator.loss,
            weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy("nats", from_logits=True)]
            if measures
            else None,
            jit_compile=generator.jit_compile,
            run_eagerly=generator.run_eagerly,
        )

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


class _FreshStreams(keras.callbacks.Callback):
    """Begins each epoch without state, and measures the held-out texts after it."""

    def __init__(self, training: StreamTraining | None, checks: ContinuousBatches | None, generator: Any):
        super().__init__()
        self.training = training
        self.checks = checks
        self.checking = None if checks is None else StreamTraining(generator, checks.streams, measures=True)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.training is not None:
            self.training.forget()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.checking is not None and self.checks is not None:
            self.checking.forget()
            silent: Any = 0
            measured: Any = self.checking.evaluate(self.checks, verbose=silent, return_dict=True)
            logs["val_loss"] = measured["nats"]


def fit_language_model(
    generator: Any,
    texts: list[str],
    checks: list[str] | None,
    batch_size: int,
    length: int,
    step: int | None,
    seed: int,
    forget: float,
    arguments: dict[str, Any],
) -> Any:
    """Trains a `TextGenerator`; see its `fit`.

    Returns:
        Keras's `History`.

    Raises:
        ValueError: a size is below 1, or `forget` is not a fraction.
    """
    if not 0 <= forget <= 1:
        raise ValueError(f"TextGenerator.fit: forget is 0 to 1; received {forget}.")
    for name, value in (("batch_size", batch_size), ("length", length), ("step", step)):
        if value is not None and value < 1:
            raise ValueError(f"TextGenerator.fit: {name} is at least 1; received {value}.")
    rows = _rows(generator, texts)
    held_out = None if checks is None else ContinuousBatches(_rows(generator, checks), batch_size, length, None)
    if step is None:
        batches: Any = ContinuousBatches(rows, batch_size, length, seed)
        trained: Any = StreamTraining(generator, batches.streams, forget=forget, seed=seed)
        fresh = _FreshStreams(trained, held_out, generator)
    else:
        batches = WindowBatches(rows, batch_size, length, step, seed)
        trained = generator
        fresh = _FreshStreams(None, held_out, generator)
    callbacks = keras.callbacks.CallbackList(
        [fresh, *arguments.pop("callbacks")],
        add_history=True,
        add_progbar=arguments.get("verbose", 1) not in (0, "0"),
        model=generator,
        epochs=arguments["epochs"],
        verbose=1 if arguments.get("verbose", 1) == "auto" else arguments.get("verbose", 1),
        steps=arguments.get("steps_per_epoch") or len(batches),
    )
    generator.stop_training = False
    build_optimizer(trained)
    return keras.Model.fit(trained, batches, callbacks=callbacks, shuffle=False, **arguments)


def _rows(generator: Any, texts: list[str]) -> list[np.ndarray]:
    return [np.asarray(row, np.int32) for row in generator.vocabulary.encode_rows(texts)]

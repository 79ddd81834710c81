"""Habits: Keras's callbacks."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.habits.cases import Case, assert_same, only
from tests.habits.fitting import Seen
from tests.habits.table import habit

CALLBACKS = "Callbacks"
known: Any = keras.callbacks


@habit(CALLBACKS, "`EarlyStopping(restore_best_weights=True)`")
def early_stopping(case: Case, folder: Path) -> None:
    seen, stops = Seen(), known.EarlyStopping("loss", patience=1, min_delta=1e9, restore_best_weights=True)
    model = case.fit(epochs=5, callbacks=[seen, stops])
    assert seen.epochs == model.history.epoch == [0, 1]
    assert_same(model, seen.weights[0])


@habit(CALLBACKS, "`ReduceLROnPlateau`")
def reduce_lr_on_plateau(case: Case, folder: Path) -> None:
    reduces = known.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    history = case.fit(epochs=4, callbacks=reduces).history.history
    assert history["learning_rate"][-1] < history["learning_rate"][0]


@habit(CALLBACKS, "`ReduceLROnPlateau`, compiled with `Adam(0.01)`")
def reduce_a_rate_of_ones_own(case: Case, folder: Path) -> None:
    model, reduces = case.new(), known.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model.compile(keras.optimizers.Adam(0.01))
    history = case.fit(model=model, epochs=3, callbacks=reduces).history.history
    assert history["learning_rate"][-1] < history["learning_rate"][0]


@habit(CALLBACKS, "`LearningRateScheduler`")
def learning_rate_scheduler(case: Case, folder: Path) -> None:
    model = case.fit(epochs=2, callbacks=known.LearningRateScheduler(lambda epoch, rate: 0.5**epoch))
    np.testing.assert_allclose(model.history.history["learning_rate"], [1.0, 0.5])


@habit(CALLBACKS, "`CSVLogger`")
def csv_logger(case: Case, folder: Path) -> None:
    model = case.fit(epochs=2, validation_data=case.held_out(), callbacks=known.CSVLogger(folder / "log.csv"))
    head, *rows = (folder / "log.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2
    assert set(head.split(",")) == {"epoch", *model.history.history}


@habit(CALLBACKS, "`TensorBoard(histogram_freq=1)`")
def tensorboard(case: Case, folder: Path) -> None:
    case.fit(validation_data=case.held_out(), callbacks=known.TensorBoard(folder, histogram_freq=1))
    assert {"epoch_loss", "epoch_learning_rate"} <= _tags(folder / "train")
    assert any("histogram" in tag or "embedding" in tag or "vectors" in tag for tag in _tags(folder / "train"))
    assert "epoch_loss" in _tags(folder / "validation")


def _tags(folder: Path) -> set[str]:
    """Returns the names of what TensorBoard shows."""
    records = tf.data.TFRecordDataset(str(only(folder, "events.out.tfevents.*"))).as_numpy_iterator()
    events = [tf.compat.v1.Event.FromString(record) for record in records]
    return {value.tag for event in events for value in event.summary.value}


@habit(CALLBACKS, "`ModelCheckpoint` of models")
def model_checkpoint(case: Case, folder: Path) -> None:
    seen = Seen()
    case.fit(epochs=2, callbacks=[seen, known.ModelCheckpoint(folder / "epoch{epoch}.keras")])
    for number, expected in enumerate(seen.weights, 1):
        assert_same(keras.saving.load_model(folder / f"epoch{number}.keras"), expected)


@habit(CALLBACKS, '`ModelCheckpoint(save_best_only=True, monitor="val_loss", save_weights_only=True)`')
def model_checkpoint_of_the_best(case: Case, folder: Path) -> None:
    seen, path = Seen(), folder / "best.weights.h5"
    keeps = known.ModelCheckpoint(path, monitor="val_loss", save_best_only=True, save_weights_only=True)
    trained = case.fit(epochs=3, validation_data=case.held_out(), callbacks=[seen, keeps])
    model = case.new()
    model.load_weights(path)
    assert_same(model, seen.weights[int(np.argmin(trained.history.history["val_loss"]))])


class KilledError(Exception):
    """What ends a training in its middle."""


class Kills(keras.callbacks.Callback):
    """Ends a training when an epoch begins."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            raise KilledError


@habit(CALLBACKS, "`BackupAndRestore`: goes on at the epoch where it ended")
def backup_and_restore(case: Case, folder: Path) -> None:
    first, second = Seen(), Seen()
    with pytest.raises(KilledError):
        case.fit(callbacks=[first, known.BackupAndRestore(folder / "backup"), Kills(2)], epochs=3)
    model = case.fit(callbacks=[second, known.BackupAndRestore(folder / "backup")], epochs=3)
    assert (first.epochs, second.epochs) == ([0, 1], [2])
    assert_same(second.began[0], first.weights[1])
    assert int(model.optimizer.iterations) == 3 * first.steps // 2


@habit(CALLBACKS, "`TerminateOnNaN`")
def terminate_on_nan(case: Case, folder: Path) -> None:
    seen, model = Seen(), case.new()
    model.set_weights([np.full_like(each, np.nan) for each in model.get_weights()])
    case.fit(model=model, epochs=3, callbacks=[seen, known.TerminateOnNaN()])
    assert len(seen.epochs) <= 1


@habit(CALLBACKS, "`LambdaCallback`, and `self.model.stop_training = True`")
def lambda_callback(case: Case, folder: Path) -> None:
    seen = Seen()

    def stop(epoch: int, logs: Any) -> None:
        assert np.isfinite(logs["loss"])
        seen.model.stop_training = True

    case.fit(epochs=3, callbacks=[seen, known.LambdaCallback(on_epoch_end=stop)])
    assert seen.epochs == [0]


@habit(CALLBACKS, "a callback that saves, measures and asks `self.model` after each epoch")
def a_callback_that_asks(case: Case, folder: Path) -> None:
    found = []

    class Asks(keras.callbacks.Callback):
        """Does with the model what one does with a model."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.save(folder / "asked.keras")
            found.append(self.model.evaluate(*case.data(), verbose=0))
            found.append(case.answer(self.model, case.texts))

    trained = case.fit(callbacks=Asks(), epochs=2)
    assert_same(found[-1], case.answer(trained, case.texts))
    assert_same(keras.saving.load_model(folder / "asked.keras"), trained)

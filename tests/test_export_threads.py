"""An export touches nothing outside itself: other threads, and this one afterwards, see Keras as it is.

`python -m tests.test_export_threads --minutes 120` does for two hours what the suite does for some seconds.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.layer_walk import all_layers
from seqkit_onnx.tracing.interception import UnsupportedLayerError

from tests.cases import randomize_weights
from tests.exported import assert_equal_to_keras, values

LAYERS = keras.layers
SECONDS = 6.0


def sequence_model(seed: int = 0, distributed: bool = True) -> keras.Model:
    """`predict` of Keras 3.15 answers wrongly through `TimeDistributed` where lengths vary: it can be left out."""
    ids = keras.Input((None,), dtype="int32")
    x = LAYERS.Embedding(20, 4, mask_zero=True)(ids)
    x = LAYERS.Bidirectional(LAYERS.LSTM(3, return_sequences=True))(x)
    x = LAYERS.TimeDistributed(LAYERS.Dense(3))(x) if distributed else x
    model = keras.Model(ids, LAYERS.GRU(2)(x), name=f"model_{seed}")
    randomize_weights(model, seed)
    return model


def ids(rows: int, steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 20, (rows, steps)).astype(np.int32)


def seen_of_keras() -> dict[str, Any]:
    """All methods of all layers, as they stand in their classes."""
    classes = [each for each in vars(LAYERS).values() if isinstance(each, type)]
    return {f"{each.__name__}.{name}": value for each in classes for name, value in vars(each).items()}


@contextmanager
def keras_stays_as_it_is() -> Iterator[None]:
    before = seen_of_keras()
    yield
    after = seen_of_keras()
    assert [name for name in before if before[name] is not after.get(name)] == []


def at_once(seconds: float, *jobs: Callable[[int], None]) -> list[BaseException]:
    """Runs each job again and again in a thread of its own, until the time is over; returns what was raised."""
    raised: list[BaseException] = []
    end = time.monotonic() + seconds

    def work(job: Callable[[int], None]) -> None:
        count = 0
        while not raised and (count == 0 or time.monotonic() < end):
            try:
                job(count)
            except BaseException as error:  # noqa: BLE001  # given to the test
                raised.append(error)
            count += 1

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def exports(model: keras.Model, path: Path) -> Callable[[int], None]:
    def job(count: int) -> None:
        seqkit_onnx.export(model, path, text=False, verify=count % 4 == 0)
        assert_equal_to_keras(seqkit_onnx.load(path), model, ids(2, 5))

    return job


def predicts(model: keras.Model) -> Callable[[int], None]:
    """Asks for lengths that were not there before, each of which Keras traces anew."""

    def job(count: int) -> None:
        inputs = ids(1 + count % 3, 3 + count % 40)
        model.make_predict_function(force=count % 5 == 0)
        np.testing.assert_allclose(model.predict(inputs, verbose=0), model(inputs), rtol=0, atol=1e-5)

    return job


def fits_and_begins(count: int) -> None:
    """Builds a model, calls it for the first time, trains it a little, and exports nothing."""
    model = sequence_model(count)
    model.compile("sgd", "mse", jit_compile=False)
    history = model.fit(ids(4, 3 + count % 7), np.zeros((4, 2)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def run_all(folder: Path, seconds: float) -> list[BaseException]:
    shared = sequence_model(distributed=False)
    with keras_stays_as_it_is():
        return at_once(
            seconds,
            exports(shared, folder / "shared.onnx"),
            exports(sequence_model(1), folder / "own.onnx"),
            predicts(shared),
            fits_and_begins,
        )


def test_exports_beside_predictions_fits_and_each_other(tmp_path):
    assert run_all(tmp_path, SECONDS) == []


def test_no_other_thread_sees_another_keras_meanwhile(tmp_path):
    model, before = sequence_model(), seen_of_keras()
    done, differing = threading.Event(), set()

    def watch() -> None:
        while not done.is_set():
            now = seen_of_keras()
            differing.update(name for name in before if before[name] is not now.get(name))

    watcher = threading.Thread(target=watch)
    watcher.start()
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, verify=False)
    done.set()
    watcher.join()
    assert differing == set()


def own_attributes(model: keras.Model) -> list[set[str]]:
    return [set(vars(layer)) for layer in all_layers(model)]


def test_an_export_that_was_refused_leaves_all_as_it_was(tmp_path):
    x = keras.Input((None, 3))
    steps = LAYERS.TimeDistributed(LAYERS.Softmax(axis=0))(LAYERS.LSTM(3, return_sequences=True)(x))
    model = keras.Model(x, steps)
    before = own_attributes(model)
    with keras_stays_as_it_is(), pytest.raises(UnsupportedLayerError):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert own_attributes(model) == before
    assert np.isfinite(model(values(2, 4, 3))).all()
    exports(sequence_model(), tmp_path / "model.onnx")(0)


class ExportsMeanwhile(keras.callbacks.Callback):
    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        exports(self.model, self.path)(0)


def test_a_callback_of_fit_may_export_the_model_that_is_trained(tmp_path):
    model, path = sequence_model(), tmp_path / "model.onnx"
    model.compile("sgd", "mse")
    model.fit(ids(4, 6), np.ones((4, 2)), epochs=2, callbacks=[ExportsMeanwhile(path)], verbose=0)
    assert_equal_to_keras(seqkit_onnx.load(path), model, ids(3, 9))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=120)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = run_all(Path(temporary), arguments.minutes * 60)
    print(f"{arguments.minutes} minutes: {found or 'nothing was raised, and Keras is as it was'}")
    raise SystemExit(bool(found))

"""Exports a tutorial's model as its reader would, and holds the file to Keras on inputs of other shapes."""

from typing import Any

import keras
import numpy as np
import seqkit_onnx

from tests.eager import eagerly
from tests.exported import assert_equal_to_keras, operators

LOOPS = ("LSTM", "GRU", "RNN", "Scan", "Loop", "If")


def export_and_compare(model: keras.Model, path: Any, *batches: Any, **options: Any) -> dict[str, int]:
    """Exports with the default options, compares on each batch, and counts what repeats steps or chooses in the file.

    Args:
        model: a built model.
        path: where the file is written.
        *batches: inputs as the model takes them.
        **options: of `seqkit_onnx.export`, where the tutorial's model needs some.

    Returns:
        The number of operators by name, of those among `LOOPS` that the file has.
    """
    seqkit_onnx.export(model, path, **options)
    network = seqkit_onnx.load(path, ["CPUExecutionProvider"])
    for batch in batches:
        assert_equal_to_keras(network, model, batch)
    return {name: count for name, count in operators(path).items() if name in LOOPS}


def train(model: keras.Model, x: Any, y: Any, loss: Any, **options: Any) -> None:
    """Compiles a model and trains it for a step, so that no weight is what it was initialized with.

    It runs eagerly from then on, `predict` too, which would take longer to compile than to run.
    """
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True, **options)
    with eagerly():
        model.fit(x, y, verbose=0)


def ids(*shape: int, below: int, start: int = 0, seed: int = 0) -> np.ndarray:
    """Returns random ids, int32."""
    return np.random.default_rng(seed).integers(start, below, shape).astype(np.int32)


def padded(array: np.ndarray) -> np.ndarray:
    """Returns the ids with each row cut to a length of its own: zeros stand after it, and one row may be all zeros."""
    lengths = np.random.default_rng(1).integers(0, array.shape[1] + 1, len(array))
    return np.where(np.arange(array.shape[1]) < lengths[:, None], array, 0).astype(array.dtype)

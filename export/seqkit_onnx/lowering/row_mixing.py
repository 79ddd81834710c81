"""Tells whether a layer treats the rows of a batch apart from each other."""

import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqkit_onnx.lowering.layer_walk import all_layers, unchanged

_LAYERS = keras.layers
# They treat each row by itself, whatever their arguments are.
_ROW_BY_ROW = (
    _LAYERS.Dense,
    _LAYERS.Embedding,
    _LAYERS.LSTM,
    _LAYERS.GRU,
    _LAYERS.SimpleRNN,
    _LAYERS.Dropout,
    _LAYERS.Flatten,
    _LAYERS.Conv1D,
    _LAYERS.Conv2D,
    _LAYERS.GlobalMaxPooling1D,
    _LAYERS.GlobalAveragePooling1D,
)
ROWS, FEWER_ROWS = 4, 2
UNKNOWN_SIZE = 5
UNKNOWN_LIMIT = 100  # of integers that no embedding looks up
TOLERANCE = 1e-4  # sums of float32 in another order, relative to the largest output


def mixes_rows(layer: Any, steps: Any) -> bool:
    """Whether what a layer answers to a row depends on the other rows: found by trying.

    Args:
        layer: a built layer or model with one input.
        steps: what `TimeDistributed` gets, (batch, time, ...); only its shape and dtype are looked at.

    Returns:
        `False` where it depends on none.
    """
    if type(layer) in _ROW_BY_ROW or any(getattr(each, "stateful", False) for each in all_layers(layer)):
        return False  # a stateful one cannot be tried without changing it, and is refused for that
    shape = [size or UNKNOWN_SIZE for size in steps.shape[2:]]
    random = np.random.default_rng(0)
    dtype = tf.as_dtype(steps.dtype).as_numpy_dtype
    if np.issubdtype(dtype, np.floating) or dtype == tf.bfloat16.as_numpy_dtype:
        rows = random.normal(size=(ROWS, *shape)).astype(dtype)
    else:
        tables = [each.input_dim for each in all_layers(layer) if isinstance(each, _LAYERS.Embedding)]
        limit = 2 if dtype == np.bool_ else min(tables, default=UNKNOWN_LIMIT)
        rows = random.integers(0, limit, (ROWS, *shape)).astype(dtype)
    with tf.init_scope(), unchanged(layer):
        together = _run(layer, rows)
        fewer = _run(layer, rows[:FEWER_ROWS])
    for whole, part in zip(together, fewer, strict=True):
        if whole.ndim == 0 or len(whole) != ROWS:
            return True
        scale = max(1.0, float(np.max(np.abs(whole), initial=0.0)))
        if not np.allclose(whole[:FEWER_ROWS], part, rtol=0, atol=TOLERANCE * scale, equal_nan=True):
            return True
    return False


def _run(layer: Any, rows: np.ndarray) -> list[np.ndarray]:
    arguments = {"training": False} if "training" in inspect.signature(layer.call).parameters else {}
    outputs = layer(keras.ops.convert_to_tensor(rows), **arguments)
    return [np.asarray(output, np.float64) for output in keras.tree.flatten(outputs)]

"""Tells whether a layer treats the rows of a batch apart from each other."""

import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqkit_onnx.layer_walk import all_layers, unchanged

_LAYERS = keras.layers
# They treat each row by itself, whatever their arguments are, but for an activation of the user's.
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
_ACTIVATIONS = tuple(each for each in vars(keras.activations).values() if callable(each))
SIZES = (1.0, 1.0, 100.0, 1e5)  # of the rows: what a large one does to the others is seen in those
UNKNOWN_SIZE = 5
UNKNOWN_LIMIT = 100  # of integers that no embedding looks up
TOLERANCE = 1e-4  # sums of float32 in another order, relative to the largest output of the row


def mixes_rows(layer: Any, steps: Any) -> bool:
    """Whether what a layer answers to a row depends on the other rows: found by trying.

    Args:
        layer: a built layer or model with one input.
        steps: what `TimeDistributed` gets, (batch, time, ...); only its shape and dtype are looked at.

    Returns:
        `False` where it depends on none.
    """
    if _is_row_by_row(layer) or any(getattr(each, "stateful", False) for each in all_layers(layer)):
        return False  # a stateful one cannot be tried without changing it, and is refused for that
    rows = _made_up(layer, [size or UNKNOWN_SIZE for size in steps.shape[2:]], steps.dtype)
    with tf.init_scope(), unchanged(layer):
        together = _run(layer, rows)
        alone = [_run(layer, np.stack([row, row])) for row in rows]
    return any(
        whole.shape[:1] != (len(rows),)
        or not all(_is_same(row, copies[place]) for row, copies in zip(whole, alone, strict=True))
        for place, whole in enumerate(together)
    )


def _is_row_by_row(layer: Any) -> bool:
    activations = (getattr(layer, name, None) for name in ("activation", "recurrent_activation"))
    return type(layer) in _ROW_BY_ROW and all(each is None or each in _ACTIVATIONS for each in activations)


def _made_up(layer: Any, shape: list[int], dtype: Any) -> np.ndarray:
    """Returns rows of several sizes, or of ids."""
    random = np.random.default_rng(0)
    kind = tf.as_dtype(dtype).as_numpy_dtype
    if np.issubdtype(kind, np.floating) or kind == tf.bfloat16.as_numpy_dtype:
        rows = random.normal(size=(len(SIZES), int(np.prod(shape))))
        signs = np.where(np.arange(rows.shape[1]) % 2, -1, 1)  # both in each large row
        rows[2:] = (1 + np.abs(rows[2:])) * signs
        return (rows * np.reshape(SIZES, (-1, 1))).reshape(-1, *shape).astype(kind)
    tables = [each.input_dim for each in all_layers(layer) if isinstance(each, _LAYERS.Embedding)]
    limit = 2 if kind == np.bool_ else min(tables, default=UNKNOWN_LIMIT)
    return random.integers(0, limit, (len(SIZES), *shape)).astype(kind)


def _is_same(row: np.ndarray, copies: np.ndarray) -> bool:
    """Whether the answer to a row among others is that to a copy of it behind it."""
    if copies.shape != (2, *row.shape):
        return False
    scale = max(1.0, float(np.max(np.abs(row[np.isfinite(row)]), initial=0.0)))
    return np.allclose(row, copies[1], rtol=0, atol=TOLERANCE * scale, equal_nan=True)


def _run(layer: Any, rows: np.ndarray) -> list[np.ndarray]:
    arguments = {"training": False} if "training" in inspect.signature(layer.call).parameters else {}
    outputs = layer(keras.ops.convert_to_tensor(rows), **arguments)
    return [np.asarray(output, np.float64) for output in keras.tree.flatten(outputs)]

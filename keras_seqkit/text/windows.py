"""Sliding windows for next-token prediction."""

import numpy as np
from numpy.typing import ArrayLike


def sliding_windows(ids: ArrayLike, length: int, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cuts a sequence into overlapping windows, each with the token that comes after it.

    Args:
        ids: integers (time,), one sequence.
        length: the tokens of a window, at least 1.
        step: how far each window begins after the one before, at least 1.

    Returns:
        `windows`, of the dtype of `ids` (batch, length), and `next_ids` (batch,): window `i` is
        ``ids[i * step : i * step + length]`` and its next token is ``ids[i * step + length]``. The batch is 0
        where the sequence is not longer than `length`. `windows` is a read-only view: it takes no memory.

    Raises:
        ValueError: `ids` has not one axis, or `length` or `step` is below 1.

    Example:
    >>> windows, next_ids = sliding_windows([5, 6, 7, 8, 9], length=2, step=2)
    >>> windows.tolist(), next_ids.tolist()
    ([[5, 6], [7, 8]], [7, 9])
    """
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"sliding_windows: ids has one axis (time,); received shape {ids.shape}.")
    if length < 1 or step < 1:
        raise ValueError(f"sliding_windows: length and step are at least 1; received {length} and {step}.")
    if len(ids) == 0 and ids.dtype.kind not in "iu":  # NumPy takes an empty list for floats
        ids = ids.astype(np.int32)
    if len(ids) <= length:
        return np.empty((0, length), ids.dtype), np.empty((0,), ids.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(ids[:-1], length)[::step]  # (batch, length)
    return windows, ids[length::step]  # (batch,)

"""Rows of ids as one array."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

PADDING_ID = 0


def pad_rows(
    rows: Sequence[Sequence[int]], length: int | None = None, padding: Literal["post", "pre"] = "post"
) -> np.ndarray:
    """Fills rows of ids up with 0 to one length.

    Args:
        rows: for each text its ids.
        length: the time of the result, no row being longer; `None`: that of the longest row.
        padding: whether 0 is filled in after (``"post"``) or before (``"pre"``) the ids.

    Returns:
        int32 (batch, time).

    Example:
    >>> pad_rows([[5, 6], [7]]).tolist(), pad_rows([[7]], length=3, padding="pre").tolist()
    ([[5, 6], [7, 0]], [[0, 0, 7]])
    """
    time = max(map(len, rows), default=0) if length is None else length
    ids = np.full((len(rows), time), PADDING_ID, np.int32)  # (batch, time)
    for index, row in enumerate(rows):
        ids[index, slice(len(row)) if padding == "post" else slice(time - len(row), time)] = row
    return ids

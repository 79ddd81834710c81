"""From ids to text."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np


def join_rows(ids: Any, tokens: Sequence[str], silent: Collection[int], joiner: str) -> list[str]:
    """Joins the tokens of each row of ids.

    Args:
        ids: integers (batch, time), or a list of lists, or (time,) for one text.
        tokens: what each id stands for.
        silent: ids that stand for nothing.
        joiner: what stands between two tokens.

    Raises:
        ValueError: an id is outside the vocabulary.

    Example:
    >>> join_rows([[2, 1, 0], []], ["[PAD]", "a", "b"], silent=(0,), joiner=" ")
    ['b a', '']
    """
    rows: Any = ids if isinstance(ids, (list, tuple)) else np.asarray(ids)
    if len(rows) and np.ndim(rows[0]) == 0:
        rows = [rows]
    return [joiner.join(_token(tokens, index) for index in map(int, row) if index not in silent) for row in rows]


def _token(tokens: Sequence[str], index: int) -> str:
    if not 0 <= index < len(tokens):
        limit = f"ids are 0 to {len(tokens) - 1}; received {index}"
        raise ValueError(f"Vocabulary.decode: {limit}. These ids come from another vocabulary.")
    return tokens[index]

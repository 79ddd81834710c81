"""Names of labels as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def check_labels(labels: Sequence[str]) -> list[str]:
    """Returns the names of the classes as a list.

    Raises:
        ValueError: there are less than two, or one stands twice.
    """
    names = [str(label) for label in labels]
    if isinstance(labels, str) or len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"TextClassifier: at least two labels are expected, each once; received {labels!r}.")
    return names


def label_indices(labels: Any, names: Sequence[str]) -> np.ndarray:
    """Returns the index of each label.

    Args:
        labels: names or indices (batch,).
        names: the names of the classes.

    Returns:
        int32 (batch,).

    Raises:
        ValueError: a label is neither a known name nor an index of one.

    Example:
    >>> label_indices(["b", "a"], ["a", "b"]).tolist(), label_indices([1, 0], ["a", "b"]).tolist()
    ([1, 0], [1, 0])
    """
    by_name = {name: index for index, name in enumerate(names)}
    return np.array(
        [_index(label, by_name, place) for place, label in enumerate(np.asarray(labels, object).ravel())], np.int32
    )


def _index(label: Any, by_name: dict[str, int], place: int) -> int:
    if isinstance(label, str) and label in by_name:
        return by_name[label]
    if isinstance(label, (int, float, np.integer, np.floating, np.bool_)) and label in range(len(by_name)):
        return int(label)
    raise ValueError(
        f"TextClassifier: label {place} is {label!r}, which is none of {list(by_name)} and no index of one. Name all "
        "classes when the classifier is made."
    )

"""What models take for text."""

from typing import Any

import numpy as np


def is_text(x: Any) -> bool:
    """Whether `x` is meant as text: a string, or a list with anything but numbers in it; or nothing."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "OUST"
    return (
        x is None
        or isinstance(x, (str, bytes))
        or (isinstance(x, (list, tuple)) and (not x or not isinstance(x[0], (list, tuple, np.ndarray, int, float))))
    )

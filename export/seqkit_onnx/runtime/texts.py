"""What is accepted as a list of texts, where there is no Keras."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def text_array(texts: Any, caller: str = "predict") -> np.ndarray:
    """Returns texts as onnxruntime takes them: object (batch,).

    Args:
        texts: a list of strings.
        caller: what errors begin with.

    Raises:
        TypeError: `texts` is no list of strings.
        ValueError: there is none, or a text holds a lone surrogate.
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) == 0:
        raise TypeError(f"{caller}: a list of strings is expected; received {type(texts).__name__}. Pass [text].")
    array = np.array([*texts, None], dtype=object)[:-1]  # (batch,); the None keeps NumPy from looking into the items
    if len(array) == 0:
        raise ValueError(f"{caller}: at least one text is expected; received an empty list.")
    for index, text in enumerate(array):
        if not isinstance(text, str):
            raise TypeError(f"{caller}: texts[{index}] is a str; received {type(text).__name__} {text!r:.60}.")
        if not text.isascii():
            _check_surrogates(caller, index, text)
    return array


def _check_surrogates(caller: str, index: int, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{caller}: texts[{index}] holds a lone surrogate at character {error.start}, which UTF-8 cannot. Read the "
            "source with its right encoding."
        ) from error

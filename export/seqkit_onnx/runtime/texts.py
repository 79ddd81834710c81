"""Texts as onnxruntime takes them."""

from typing import Any

import numpy as np

from keras_seqkit.text.columns import text_column


def text_array(values: Any, owner: str, axes: int = 1) -> np.ndarray:
    """Returns texts as an array of objects.

    Args:
        values: what `text_column` takes: one string, which is one text, or a column of them; an array of as many axes
            as the input has.
        owner: how an error names the argument: ``"predict: texts"``.
        axes: how many the input has. A column becomes (batch, 1) where it has two.

    Raises:
        TypeError: `values` holds no texts, one is missing or is no string, or the axes are others.
        ValueError: a text holds a lone surrogate, or bytes that are not UTF-8.
    """
    if axes > 1:
        array = np.asarray(values.numpy() if callable(getattr(values, "numpy", None)) else values, object)
        if array.ndim == axes:
            return object_array(text_column(array.reshape(-1), owner)).reshape(array.shape)
    texts = object_array(text_column(values, owner))  # (batch,)
    if axes == 1:
        return texts
    if axes == 2:
        return texts[:, None]  # (batch, 1)
    if axes or len(texts) != 1:
        raise TypeError(f"{owner}: an array of {axes} axes is expected; received {len(texts)} texts in one.")
    return texts.reshape(())


def object_array(texts: list[str]) -> np.ndarray:
    """Returns a list of strings as objects (batch,)."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array

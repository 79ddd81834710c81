"""A column of texts, in whichever library's container it comes."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from keras_seqkit.text.validation import check_texts

MISSING_TYPES = ("NAType", "NaTType")  # pandas's: neither equal to anything nor a float
TO_LIST = ("to_pylist", "to_list", "tolist")  # pyarrow's; pandas's and polars's; NumPy's


def text_column(values: Any, owner: str) -> list[str]:
    """Returns texts as a list of strings, whatever holds them.

    Taken are one string, which is one text; lists, tuples, iterators and generators; NumPy arrays (batch,) and
    (batch, 1) of strings, bytes or objects; columns, and tables of one column, of pandas, polars, pyarrow and Hugging
    Face datasets; string tensors of TensorFlow and its datasets of them, batched or not. Bytes are decoded as UTF-8.

    Args:
        values: the texts.
        owner: how an error names the argument: ``"TextClassifier.predict: x"``.

    Returns:
        The texts in their order, each a plain `str`; an empty list where there is none.

    Raises:
        TypeError: `values` holds no texts, has no order, or has several columns; a text is missing (`None`, NaN), or is
            not a string.
        ValueError: a text holds a lone surrogate, or bytes that are not UTF-8.

    Example:
    >>> from keras_seqkit.text.columns import text_column
    >>> text_column("one text", "f: x")
    ['one text']
    >>> text_column([["first"], ["second"]], "f: x")
    ['first', 'second']
    >>> text_column(["first", None], "f: x")
    Traceback (most recent call last):
        ...
    TypeError: f: x[1] is a missing text; received None. Leave such rows out, or put '' in its place.
    """
    items = _items(values, owner)
    return list(check_texts([_text(item, f"{owner}[{index}]") for index, item in enumerate(items)], owner))


def _items(values: Any, owner: str) -> list[Any]:
    """Returns what a container holds, as a list."""
    if isinstance(values, (str, bytes, bytearray)):
        return [values]
    if callable(getattr(values, "as_numpy_iterator", None)):
        return [each for part in values.as_numpy_iterator() for each in _part_items(part, owner)]
    values = _only_column(values, owner)
    if not isinstance(values, np.ndarray) and callable(getattr(values, "numpy", None)):
        values = np.asarray(values.numpy(), object)  # a tensor's; of one text it is bytes
    return _array_items(values, owner) if isinstance(values, np.ndarray) else _list_items(values, owner)


def _part_items(part: Any, owner: str) -> list[Any]:
    """Returns what an element of a TensorFlow dataset holds."""
    if isinstance(part, (tuple, dict)):
        raise TypeError(
            f"{owner} is a dataset of texts; received one whose elements are a {type(part).__name__} each. Take the "
            "texts out of it first: dataset.map(lambda x, y: x)."
        )
    return _items(part, owner)


def _list_items(values: Any, owner: str) -> list[Any]:
    to_list = next((getattr(values, name) for name in TO_LIST if callable(getattr(values, name, None))), None)
    if isinstance(values, Mapping) or not (to_list or isinstance(values, Iterable)):
        shown = " ".join(repr(values).split())
        raise TypeError(f"{owner} is a list of strings; received {type(values).__name__} {shown:.60}.")
    if isinstance(values, Set) and not hasattr(values, "mapping"):  # a dict's views have an order
        raise TypeError(
            f"{owner} is a list of strings; received a {type(values).__name__}, which has no order. Sort it."
        )
    items = list(to_list() if to_list else values)
    if items and all(isinstance(each, (list, tuple)) and len(each) == 1 for each in items):  # (batch, 1)
        return [each[0] for each in items]
    return items


def _only_column(values: Any, owner: str) -> Any:
    """Returns the column of a table; what is no table unchanged."""
    if isinstance(values, Mapping) or not hasattr(values, "shape") or not hasattr(values, "__getitem__"):
        return values
    names = getattr(values, "column_names", getattr(values, "columns", None))
    if names is None:
        return values
    names = list(names)
    if len(names) != 1:
        shown = ", ".join(map(repr, names))
        raise TypeError(
            f"{owner} is one column of texts; received {type(values).__name__} with {len(names)} columns: "
            f"{shown if len(shown) < 80 else shown[:77] + '...'}. Pass one of them."
        )
    return values[names[0]]


def _array_items(array: np.ndarray, owner: str) -> list[Any]:
    if array.ndim > 1 and array.shape[1:] != (1,):
        raise TypeError(f"{owner} is one text a row, (batch,) or (batch, 1); received an array of shape {array.shape}.")
    return array.reshape(-1).tolist()


def _text(item: Any, place: str) -> Any:
    """Returns an item as a string where it is text in another form."""
    if isinstance(item, str):
        return item
    for name in ("as_py", "numpy", "item"):  # scalars of pyarrow, TensorFlow and NumPy
        if callable(getattr(item, name, None)) and getattr(item, "ndim", 0) == 0:
            item = getattr(item, name)()
    if isinstance(item, (bytes, bytearray)):
        try:
            return item.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{place} is text in UTF-8; received bytes with {item[error.start]:#04x} at place {error.start}. "
                "Decode them with their own encoding first: data.decode('latin-1')."
            ) from error
    if item is None or (isinstance(item, float) and item != item) or type(item).__name__ in MISSING_TYPES:
        raise TypeError(f"{place} is a missing text; received {item!r}. Leave such rows out, or put '' in its place.")
    return item

"""What `NGramModel` accepts."""

import operator
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from keras_seqkit.text.validation import check_texts
from keras_seqkit.text.vocabulary import PADDING_ID, Vocabulary
from keras_seqkit.text.vocabulary.rules import LEVELS

Smoothing = Literal["kneser_ney", "none"]


def whole_number(what: str, value: Any, least: int) -> int:
    """Returns `value` as an `int`.

    Raises:
        TypeError: it is no integer.
        ValueError: it is below `least`.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{what} is an integer; received {type(value).__name__} {value!r:.60}.") from error
    if number < least:
        raise ValueError(f"{what} is at least {least}; received {number}.")
    return number


def real_number(what: str, value: Any) -> float:
    """Returns `value` as a `float`.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__") or getattr(value, "ndim", 0):
        raise TypeError(f"{what} is a number; received {type(value).__name__} {value!r:.60}.")
    return float(value)


def list_of_texts(texts: str | Iterable[str], what: str) -> list[str]:
    """Returns texts as a list, one string as a list of one.

    Raises:
        TypeError: there is something that is not a string.
        ValueError: a text holds a lone surrogate.
    """
    return list(check_texts([texts] if isinstance(texts, str) else texts, what))


def check_model(vocabulary: Any, level: Any, discount: Any, smoothing: Any) -> None:
    """Checks the arguments of `NGramModel`, the order left out.

    Raises:
        TypeError: one is of another kind.
        ValueError: one is none of those that are known, or two do not go together.
    """
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        raise TypeError(
            f"NGramModel: vocabulary is a Vocabulary; received {type(vocabulary).__name__} {vocabulary!r:.60}. "
            "Make one with Vocabulary.from_texts."
        )
    if level is not None and level not in LEVELS:
        raise ValueError(f"NGramModel: level is one of {', '.join(LEVELS)}; received {level!r}.")
    if level is not None and vocabulary is not None and level != vocabulary.rules.level:
        raise ValueError(
            f"NGramModel: level is that of the vocabulary, {vocabulary.rules.level!r}; received {level!r}. "
            "Leave it out."
        )
    if smoothing not in ("kneser_ney", "none"):
        raise ValueError(f"NGramModel: smoothing is 'kneser_ney' or 'none'; received {smoothing!r}.")
    if discount is None:
        return
    if not 0 < real_number("NGramModel: discount", discount) < 1:
        raise ValueError(f"NGramModel: discount is above 0 and below 1; received {discount}.")
    if smoothing == "none":
        raise ValueError(
            f"NGramModel: discount belongs to smoothing='kneser_ney'; received {discount} with 'none'. Leave it out."
        )


def known_ids(context: Any, size: int) -> list[int]:
    """Returns a context's ids, padding left out.

    Args:
        context: integers (time,).
        size: the tokens of the vocabulary.

    Raises:
        TypeError: these are no integers.
        ValueError: an id is outside the vocabulary.
    """
    ids = np.asarray(context)
    if ids.ndim != 1 or (ids.dtype.kind not in "iu" and len(ids)):
        raise TypeError(
            "NGramModel.next_token_probs: context is a string, or integers (time,); received "
            f"{type(context).__name__} {context!r:.60}."
        )
    outside = [index for index in ids.tolist() if not 0 <= index < size]
    if outside:
        raise ValueError(
            f"NGramModel.next_token_probs: ids are 0 to {size - 1}; received {outside[0]}. These ids come from "
            "another vocabulary."
        )
    return [index for index in ids.tolist() if index != PADDING_ID]

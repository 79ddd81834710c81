"""What is accepted as a list of texts."""

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def check_texts(texts: Any, what: str) -> Iterator[str]:
    """Yields the texts, each checked to be a string that UTF-8 can hold.

    Args:
        texts: an iterable of strings, also a NumPy array of strings.
        what: how an error names the argument: ``"Vocabulary.encode: texts"``.

    Yields:
        Each text, as a `str`.

    Raises:
        TypeError: `texts` is one string, or is not iterable, or holds something that is not a string.
        ValueError: a text holds a lone surrogate.
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable) or getattr(texts, "ndim", 1) == 0:
        shown = repr(texts[:40]) if isinstance(texts, (str, bytes)) else repr(texts)
        raise TypeError(
            f"{what} is a list of strings; received {type(texts).__name__} {shown}. Put one text in a list: [text]."
        )
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            advice = "Decode it first: text.decode('utf-8')." if isinstance(text, bytes) else "Pass a str."
            raise TypeError(f"{what}[{index}] is a string; received {type(text).__name__} {text!r:.60}. {advice}")
        if not text.isascii():
            _check_surrogates(text, f"{what}[{index}]")
        yield str(text)


def flat_list(items: Iterable[Any], kind: type, what: str) -> list[Any]:
    """Lays items, and lists of them, in one list.

    Raises:
        TypeError: one is not of `kind`.
    """
    found: list[Any] = []
    for item in items:
        found += item if isinstance(item, (list, tuple)) else [item]
    for item in found:
        if not isinstance(item, kind):
            raise TypeError(f"{what}: a {kind.__name__} is expected; received {type(item).__name__} {item!r:.60}.")
    return found


def check_distinct(tokens: Sequence[str], reserved: Sequence[str]) -> None:
    """Checks that each token stands once and is not empty.

    Raises:
        ValueError: one stands twice, or is empty.
    """
    wrong = [repr(token) for token, count in Counter(tokens).items() if count > 1 or not token]
    if wrong:
        raise ValueError(
            f"Vocabulary: each token stands once, is not empty and is none of {', '.join(reserved)}; received "
            f"{', '.join(wrong[:5])} twice or empty. Remove it from the list."
        )


def check_has_ends(vocabulary: Any, what: str) -> None:
    """Checks that a vocabulary has ids for the start and the end of a text.

    Raises:
        TypeError: it is no `Vocabulary`.
        ValueError: it has Keras's own ids, among which there are none.
    """
    if not hasattr(vocabulary, "reserved"):
        raise TypeError(
            f"{what}: a Vocabulary is expected; received {type(vocabulary).__name__} {vocabulary!r:.60}. Make it with "
            "Vocabulary.from_texts(texts)."
        )
    if len(vocabulary.reserved) < 4:
        raise ValueError(
            f"{what}: the vocabulary has Keras's own ids, and none for the start and the end of a text. Make it with "
            "Vocabulary.from_keras(layer, keras_ids=False)."
        )


def whole_numbers(name: str, values: Sequence[int] | None, default: Sequence[int]) -> list[int]:
    """Returns `values` as integers, or `default` where there are none.

    Raises:
        TypeError: one is no integer.
        ValueError: there are more or fewer than in `default`.
    """
    if values is None:
        return list(default)
    try:
        values = [operator.index(value) for value in values]
    except TypeError as error:
        raise TypeError(f"Vocabulary: {name} is a list of integers; received {values!r:.60}.") from error
    if len(values) != len(default):
        raise ValueError(f"Vocabulary: {name} has one entry for each of {len(default)} tokens; received {len(values)}.")
    return values


def check_sides(padding: str, truncating: str, length: int | None, least: int) -> None:
    """Checks where ids are filled up and cut, and to what length.

    Raises:
        ValueError: a side is none of the two, or `length` is below `least`.
    """
    for name, value in (("padding", padding), ("truncating", truncating)):
        if value not in ("post", "pre"):
            raise ValueError(f"Vocabulary.encode: {name} is 'post' or 'pre'; received {value!r}.")
    if length is not None and length < least:
        raise ValueError(f"Vocabulary.encode: length is at least {least}; received {length}.")


def _check_surrogates(text: str, what: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} is text that UTF-8 can hold; received a lone surrogate at character {error.start}. "
            "Read the source with its right encoding, or text.encode('utf-8', 'replace').decode()."
        ) from error

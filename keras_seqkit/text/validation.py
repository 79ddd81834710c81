"""What is accepted as a list of texts."""

from collections.abc import Iterable, Iterator
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


def _check_surrogates(text: str, what: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} is text that UTF-8 can hold; received a lone surrogate at character {error.start}. "
            "Read the source with its right encoding, or text.encode('utf-8', 'replace').decode()."
        ) from error

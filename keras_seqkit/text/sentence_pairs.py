"""Sentences and their translations: which pairs are fit to learn from."""

import unicodedata
from collections.abc import Iterable
from typing import Any

SLACK = 10  # characters added to both sides before their lengths are compared: "Up" may well be "Para cima"


def filter_pairs(
    source: Iterable[str], target: Iterable[str], max_words: int | None = None, max_ratio: float = 2.0
) -> tuple[list[str], list[str]]:
    """Tidy sentence pairs, and drop those that are no translations by their look.

    Each side is brought into Unicode's composed form (NFC), and its white space is made one space and
    trimmed at the ends. A pair is dropped where one side is empty, has more than ``max_words`` words, or is
    far longer than the other. What is left keeps its order; pairs that repeat are left in.

    Args:
        source: the sentences to translate.
        target: the translation of each.
        max_words: both sides have at most so many words, as white space separates them; None is no limit.
        max_ratio: the longer side has at most so many times the characters of the shorter one, where ten are
            added to both, so that a pair of single words is not judged by a few letters. 1 or more.

    Returns:
        The source and the target sentences, two lists of one length.

    Raises:
        TypeError: ``source`` or ``target`` is one string, or holds something else than str.
        ValueError: their lengths differ, ``max_words`` is less than 1 or ``max_ratio`` is.

    Example:
        >>> source, target = filter_pairs(["Bom  dia.", "Sim.", " "], ["Good morning.", "No. " * 20, "Yes."])
        >>> source, target
        (['Bom dia.'], ['Good morning.'])
    """
    sources, targets = _texts("source", source), _texts("target", target)
    if len(sources) != len(targets):
        raise ValueError(
            f"filter_pairs: {len(sources)} source and {len(targets)} target sentences, expected as many of each. "
            "Pass one translation for each sentence."
        )
    if max_words is not None and max_words < 1:
        raise ValueError(f"filter_pairs: max_words is {max_words!r}, expected 1 or more. Pass None for no limit.")
    if not max_ratio >= 1:
        raise ValueError(f"filter_pairs: max_ratio is {max_ratio!r}, expected 1 or more. Pass math.inf for no limit.")
    kept = [
        pair
        for pair in zip(map(_tidy, sources), map(_tidy, targets), strict=True)
        if all(pair) and _is_short(pair, max_words) and _is_balanced(pair, max_ratio)
    ]
    return [first for first, _ in kept], [second for _, second in kept]


def _texts(name: str, values: Iterable[Any]) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"filter_pairs: {name} is one string, {values[:20]!r}, expected a list of str.")
    texts = list(values)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"filter_pairs: {name} holds {type(text).__name__}, {text!r}, expected str.")
    return texts


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_short(pair: tuple[str, str], max_words: int | None) -> bool:
    return max_words is None or all(text.count(" ") < max_words for text in pair)


def _is_balanced(pair: tuple[str, str], max_ratio: float) -> bool:
    shorter, longer = sorted(len(text) + SLACK for text in pair)
    return longer <= max_ratio * shorter

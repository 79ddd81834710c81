"""Labelled texts, and splits of them that keep whole groups together and never change."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class LabelledTexts(NamedTuple):
    """Texts and their labels, in the same order. It unpacks as exactly two.

    Args:
        texts: the texts.
        labels: the label of each text, as a name.

    Example:
        >>> texts, labels = LabelledTexts(["A mess.", "Great!"], ["rotten", "fresh"])
        >>> labels
        ['rotten', 'fresh']
    """

    texts: list[str]
    labels: list[str]


class TrainTest(NamedTuple):
    """Two parts of a corpus.

    Args:
        train: what a model learns from.
        test: what it is measured on, once.

    Example:
        >>> splits = TrainTest(LabelledTexts(["Great!"], ["fresh"]), LabelledTexts(["A mess."], ["rotten"]))
        >>> (train_texts, train_labels), (test_texts, test_labels) = splits
        >>> test_texts
        ['A mess.']
    """

    train: LabelledTexts
    test: LabelledTexts


class TrainValidationTest(NamedTuple):
    """Three parts of a corpus.

    Args:
        train: what a model learns from.
        validation: what settings are chosen on.
        test: what it is measured on, once.

    Example:
        >>> empty = LabelledTexts([], [])
        >>> train, validation, test = TrainValidationTest(empty, empty, empty)
        >>> validation.texts
        []
    """

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts


def stable_rank(seed: int, *words: str) -> bytes:
    """Return a sort key that looks random and is the same on every machine, in every run.

    Example:
        >>> stable_rank(0, "abandon") == stable_rank(0, "abandon") != stable_rank(1, "abandon")
        True
    """
    return hashlib.blake2b("\0".join((str(seed), *words)).encode(), digest_size=16).digest()


def deal(groups: Sequence[str], fractions: Sequence[float], seed: int) -> list[int]:
    """Say for each row which part it goes to, so that no group is torn apart.

    The groups are laid on a line, in an order that ``seed`` decides, each as long as it has rows. A group
    belongs to the part in which its middle lies. So part 0 is the same whatever the later fractions are.

    Args:
        groups: the group of each row.
        fractions: the share of the rows that each part gets; the rest makes one more part.
        seed: another seed is another order.

    Returns:
        A part number for each row, ``0 .. len(fractions)``.

    Example:
        >>> deal(["a", "b", "a", "c"], [0.5], seed=0)
        [0, 1, 0, 1]
    """
    sizes = Counter(groups)
    part_of: dict[str, int] = {}
    end = 0
    for group in sorted(sizes, key=lambda group: (stable_rank(seed, group), group)):
        middle = (end + sizes[group] / 2) / len(groups)
        part_of[group] = sum(middle >= sum(fractions[: part + 1]) for part in range(len(fractions)))
        end += sizes[group]
    return [part_of[group] for group in groups]


def pick(rows: Sequence[tuple[str, str]], parts: Sequence[int], part: int) -> LabelledTexts:
    """Return the ``(text, label)`` rows that were dealt to one part."""
    chosen = [row for row, its_part in zip(rows, parts, strict=True) if its_part == part]
    return LabelledTexts([text for text, _ in chosen], [label for _, label in chosen])


def require_fraction(owner: str, name: str, value: float, *, zero_is_allowed: bool) -> None:
    """Raise `ValueError` unless ``value`` is a share of a whole."""
    if not (0 <= value < 1) or (value == 0 and not zero_is_allowed):
        low = "0 or more" if zero_is_allowed else "more than 0"
        raise ValueError(f"{owner}: {name} is {value!r}, expected {low} and less than 1. Pass a share, such as 0.2.")


def require_rows(owner: str, **parts: LabelledTexts) -> None:
    """Raise `ValueError` if a part that was asked for has no rows."""
    for name, part in parts.items():
        if not part.texts:
            raise ValueError(f"{owner}: no text is left for the {name} part. Choose other fractions.")

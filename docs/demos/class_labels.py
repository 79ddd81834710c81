"""Labels in their order, and whether they are classes at all."""

import re
from collections.abc import Iterable

from printing import listed

MOST_CLASSES = 50
SHOWN = 4
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?")


def in_order(labels: Iterable[str]) -> list[str]:
    """Returns different labels: numbers by their size, before all else by its letters.

    Example:
        >>> in_order(["10", "9", "-1", "4,5", "none"])
        ['-1', '4,5', '9', '10', 'none']
    """
    return sorted(set(labels), key=_place)


def _place(label: str) -> tuple[bool, float, str]:
    number = _number(label)
    return (number is None, number or 0.0, label)


def _number(label: str) -> float | None:
    return float(label.replace(",", ".")) if _NUMBER.fullmatch(label) else None


def are_measured(labels: Iterable[str]) -> bool:
    """Returns whether labels are real numbers: all of them numbers, and not all of them whole.

    Example:
        >>> are_measured(["0.25", "1"]), are_measured(["5.0", "1.0"]), are_measured(["0.25", "none"])
        (True, False, False)
    """
    numbers = [_number(label) for label in labels]
    return None not in numbers and not all(number.is_integer() for number in numbers if number is not None)


def measured_advice(column: str, labels: Iterable[str]) -> str:
    """Returns what to do about a column of real numbers."""
    return (
        f"column {listed([column])} holds real numbers ({listed(in_order(labels), SHOWN)}), and a classifier takes "
        "each different one for a class that has nothing to do with its neighbours. If they measure something, make a "
        "few classes of them first: round them, or cut them into ranges such as 'low', 'middle', 'high'"
    )


def warnings_about(column: str, labels: Iterable[str]) -> list[str]:
    """Returns what may be wrong with a column of labels, as sentences."""
    names = in_order(labels)
    found = []
    if are_measured(names):
        found.append(f"{measured_advice(column, names)}.")
    if len(names) > MOST_CLASSES:
        found.append(
            f"column {listed([column])} has {len(names):,} different values ({listed(names, SHOWN)}), each of them a "
            "class. Is it the column of labels? If it is, rare ones are hardly learned: leave them out of the file, or "
            "join them under one name."
        )
    return found

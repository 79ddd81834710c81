"""How the demos print."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

LONGEST_NAME = 40  # characters of the name of a column or a label
MOST_NAMES = 20


def accept_any_letter() -> None:
    """Lets a terminal that cannot show a letter show a question mark in its place."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def heading(text: str) -> None:
    """Prints a line, underlined, with an empty one before it."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def readable(path: Path) -> Path:
    """Returns a path as short as it can be said here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    """Returns a text of at most so many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Returns names in quotes, the long ones cut, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(shortened(name)) for name in names[:most]) + more

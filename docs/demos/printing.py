"""How the demos print."""

import io
import sys
from pathlib import Path


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

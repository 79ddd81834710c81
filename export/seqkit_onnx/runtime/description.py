"""What an opened file shows of itself."""

from collections.abc import Sequence

NAMES_SHOWN = 5
LONGEST_NAME = 24  # characters
_UNITS = ("bytes", "KiB", "MiB", "GiB")


def readable_size(size: float) -> str:
    """Returns a number of bytes as a person would say it.

    Example:
    >>> readable_size(999), readable_size(2048), readable_size(3.5 * 2**20)
    ('999 bytes', '2.0 KiB', '3.5 MiB')
    """
    step = 0
    while size >= 1024 and step < len(_UNITS) - 1:
        size, step = size / 1024, step + 1
    return f"{size:.1f} {_UNITS[step]}" if step else f"{size:.0f} {_UNITS[step]}"


def listed(names: Sequence[str], quoted: bool = False) -> str:
    """Lists names, long ones cut, and of many the first.

    Example:
    >>> listed(["text"]), listed(["neg", "pos"], quoted=True), listed([*"abcdefg"])
    ('text', "'neg', 'pos'", 'a, b, c, d, e and 2 more')
    """
    cut = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in names[:NAMES_SHOWN]]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(map(repr, cut) if quoted else cut) + more

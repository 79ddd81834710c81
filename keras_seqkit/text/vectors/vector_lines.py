"""One line of a word-vector text file at a time: what it may look like, and what is said when it does not.

This is the careful half of the reader. ``vector_file`` reads thousands of ordinary lines at once, and hands any line
that is out of the ordinary to ``read_line``.
"""

import math
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

from keras_seqkit.text.limits import MAX_WIDTH, check_limit

_MOST_DIGITS = 18
_ROUNDS_TO_INFINITY = float.fromhex("0x1.ffffffp127")  # the smallest float64 that no finite float32 is nearest to


@dataclass(frozen=True)
class Layout:
    """The shape of a file.

    Attributes:
        source: the file's name, for messages.
        dim: numbers after each token.
        promised: rows that a word2vec header promises, or None where there is no header.
    """

    source: str
    dim: int
    promised: int | None = None


def find_layout(lines: Sequence[bytes], source: str) -> Layout:
    """Reads the layout off the first lines of a file.

    A first line of two integers is a word2vec header (rows, dim) unless the next line holds one number. Without a
    header ``dim`` is the commonest count of numbers at the end of these lines.

    Raises:
        ValueError: there are no lines, or no numbers in them, or a header promises vectors that are too long.

    Example:
        >>> find_layout([b"2 3", b"the 0.1 0.2 0.3"], "words.vec")
        Layout(source='words.vec', dim=3, promised=2)
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise ValueError(f"{source}: there are no vectors in it. Expected lines of 'token number number ...'.")
    sizes = header_sizes(lines[0])
    body = lines[1:] if sizes else []
    if sizes and body and trailing_numbers(body[0]) == 1 and sizes[1] != 1:
        body = []
    if sizes and body:
        check_limit(source, "the vectors' length that its header promises", sizes[1], MAX_WIDTH)
        return Layout(source, dim=sizes[1], promised=sizes[0])
    dim = Counter(map(trailing_numbers, lines)).most_common(1)[0][0]
    if dim == 0:
        raise ValueError(
            f"{source}, line 1: no numbers after the token. Expected text lines, 'token number number ...', or a "
            f"binary file of word2vec or fastText; received {lines[0][:40]!r}. Pass the file of the vectors "
            "themselves, unpacked, or a dict from token to vector."
        )
    return Layout(source, dim)


def header_sizes(line: bytes) -> tuple[int, int] | None:
    """Returns how many vectors a word2vec header promises and their length, or None if the line is none.

    Example:
        >>> header_sizes(b"2 3"), header_sizes(b"sun 3")
        ((2, 3), None)
    """
    fields = line.split()
    if len(fields) != 2 or not all(part.isdigit() and len(part) <= _MOST_DIGITS for part in fields):
        return None
    return int(fields[0]), int(fields[1])


def read_line(line: bytes, number: int, layout: Layout, wanted: Container[bytes]) -> tuple[bytes, list[float]] | None:
    """Reads one line, if its token is wanted.

    The token is all that stands before the last ``layout.dim`` fields, so it may hold spaces.

    Args:
        line: the line, with or without its end.
        number: its number in the file, from 1, for messages.
        layout: the file's layout.
        wanted: the tokens that are wanted.

    Returns:
        The token and its numbers, or None if it is not wanted.

    Raises:
        ValueError: the token is wanted, and what follows it is not ``layout.dim`` finite numbers.

    Example:
        >>> read_line(b". . . 0.5 1.5", 7, Layout("words.txt", dim=2), {b". . ."})
        (b'. . .', [0.5, 1.5])
    """
    dim = layout.dim
    fields = line.rstrip().rsplit(None, dim)
    if len(fields) == dim + 1 and fields[0] in wanted:
        return fields[0], [_number(text, i, number, layout) for i, text in enumerate(fields[1:], 1)]
    count = trailing_numbers(line)
    token = line.rstrip().rsplit(None, count)[0] if line.strip() else b""
    if token not in wanted and len(fields) <= dim:
        token = fields[0] if fields else b""
    if token in wanted:
        raise ValueError(
            f"{layout.source}, line {number:,}: {token.decode(errors='replace')!r} has {count} numbers, expected "
            f"{dim}. Repair or remove the line."
        )
    return None


def check_end(last_line: bytes, number: int, vectors: int, layout: Layout) -> None:
    """Raises ValueError if a file that ends like this was cut.

    Args:
        last_line: the last line that is not blank.
        number: its number in the file, from 1.
        vectors: the lines of the file that may hold a vector, the header not among them.
        layout: the file's layout.
    """
    count = trailing_numbers(last_line)
    if count < layout.dim:
        raise ValueError(
            f"{layout.source}, line {number:,}: the last line has {count} numbers at its end, expected {layout.dim}. "
            "The file was cut, probably while it was downloaded: fetch it again."
        )
    if layout.promised is not None and vectors < layout.promised:
        raise ValueError(
            f"{layout.source}, line {number:,}: the file ends after {vectors:,} vectors, its header promises "
            f"{layout.promised:,}. The file was cut, probably while it was downloaded: fetch it again."
        )


def trailing_numbers(line: bytes) -> int:
    """Counts the fields at the end of a line that are numbers; the first field is the token's.

    Example:
        >>> trailing_numbers(b"at name@domain.com 0.5 1")
        2
    """
    count = 0
    for text in reversed(line.split()[1:]):
        try:
            float(text)
        except ValueError:
            break
        count += 1
    return count


def _number(text: bytes, position: int, number: int, layout: Layout) -> float:
    """Reads the position-th number of a wanted line."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if abs(value) < _ROUNDS_TO_INFINITY:
        return value
    raise ValueError(
        f"{layout.source}, line {number:,}: number {position} is {text.decode(errors='replace')!r}, expected a finite "
        "float32. Repair or remove the line."
    )

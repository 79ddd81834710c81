"""The rows of a word-vector text file that belong to some tokens, in one pass over its bytes.

A line is ``token number number ...``. Only a line whose token is wanted becomes Python objects. The others are passed
over by ``line_filter``, a block of some megabytes at a time. What it leaves is nearly always wanted. Telling for
sure is left to the caller, who looks tokens up anyway.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from keras_seqkit.text.vectors.byte_reader import ByteStream, fill
from keras_seqkit.text.vectors.decimal_text import READ_AHEAD, parse_decimals, unaligned_words
from keras_seqkit.text.vectors.line_filter import NEWLINE, SPACE, TokenFilter, find_line_ends
from keras_seqkit.text.vectors.vector_lines import Layout, check_end, find_layout, read_line
from keras_seqkit.text.vectors.vector_rows import Rows

BLOCK_BYTES = 1 << 22
LONGEST_LINE = 1 << 20
HEAD_BYTES = 2 * LONGEST_LINE  # the first block has at least these: a header and a line fit in

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # what some editors put at the beginning of a UTF-8 file

_HEAD_LINES = 20


def read_rows(stream: ByteStream, wanted: Iterable[bytes], source: str) -> Rows:
    """Reads the rows of the wanted tokens.

    Args:
        stream: a word-vector text file, opened for reading bytes.
        wanted: the tokens to look for, as UTF-8.
        source: the file's name, for messages.

    Returns:
        The rows found, in the order of the file.

    Raises:
        ValueError: the file holds no vectors; the row of a wanted token is not ``dim`` finite numbers; a line is longer
            than ``LONGEST_LINE``; or the file is cut: its last line has too few numbers, it has fewer lines than its
            header promises, or its archive ends too early.
    """
    scan = _Scan(set(wanted) - {b""}, source)
    try:
        return scan.run(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{source}, after line {scan.rows.lines:,}: the archive is cut or damaged ({error}). Fetch it again."
        ) from error


class _Scan:
    """One pass over one file."""

    def __init__(self, wanted: set[bytes], source: str):
        self.wanted = wanted
        self.settled = 0  # the first found tokens, which have left ``wanted``
        self.source = source
        self.rows = Rows()
        self.layout: Layout | None = None
        self.filter = TokenFilter(wanted)
        self.vectors = 0  # lines that may hold one
        self.last = (b"", 0)  # the last line that is not blank, and its number
        # READ_AHEAD bytes are never filled, so eight bytes can be read from any place that is.
        self.buffer = np.zeros(LONGEST_LINE + max(BLOCK_BYTES, HEAD_BYTES) + READ_AHEAD, dtype=np.uint8)
        self.view = memoryview(self.buffer.data)
        self.words = unaligned_words(self.buffer)

    def run(self, stream: ByteStream) -> Rows:
        """Reads block after block; the unfinished last line of each moves to the front of the next."""
        filled, size, is_first = 0, max(BLOCK_BYTES, HEAD_BYTES), True
        while received := fill(stream, self.view[filled : filled + size]):
            filled, size = filled + received, BLOCK_BYTES
            if is_first:
                filled, is_first = self.without_mark(filled), False
            ends = find_line_ends(self.buffer, filled) if filled else np.empty(0, dtype=np.int64)  # (lines,)
            if len(ends):
                self.read_block(ends)
                used = int(ends[-1]) + 1
                self.buffer[: filled - used] = self.buffer[used:filled]
                filled -= used
            if filled > LONGEST_LINE:
                raise ValueError(
                    f"{self.source}, line {self.rows.lines + 1:,}: longer than {LONGEST_LINE:,} bytes. Expected text "
                    "lines, 'token number number ...'."
                )
        if filled:  # the last line has no line end
            self.buffer[filled] = NEWLINE
            self.read_block(np.array([filled]))
        layout = self.layout or find_layout([], self.source)
        self.rows.dim = layout.dim
        check_end(*self.last, self.vectors, layout)
        return self.rows

    def without_mark(self, filled: int) -> int:
        """Takes a byte order mark off the beginning of the file; returns how many bytes are left.

        It stays where it is a token, or begins one that is wanted.
        """
        begin = self.line(0, min(filled, LONGEST_LINE))
        marked = [token for token in self.wanted if token.startswith(BYTE_ORDER_MARK)]
        if not begin.startswith(BYTE_ORDER_MARK) or begin.startswith(
            (BYTE_ORDER_MARK + b" ", *(t + b" " for t in marked))
        ):
            return filled
        left = filled - len(BYTE_ORDER_MARK)
        self.buffer[:left] = self.buffer[len(BYTE_ORDER_MARK) : filled]
        return left

    def read_block(self, ends: np.ndarray) -> None:
        """Reads the lines that end at these places; the first one begins with the buffer."""
        starts = np.empty_like(ends)  # (lines,)
        starts[0] = 0
        np.add(ends[:-1], 1, out=starts[1:])
        number = self.rows.lines + 1  # of the block's first line
        self.rows.lines += len(ends)
        self.vectors += int(np.count_nonzero(ends - starts >= len("a 1")))
        for i in range(len(ends) - 1, -1, -1):
            line = self.line(starts[i], ends[i])
            if line.strip():
                self.last = line, number + i
                break
        else:
            return
        candidates = self.filter.pick(self.words, starts)  # (candidates,)
        if self.layout is None:
            head = [self.line(*place) for place in zip(starts[:_HEAD_LINES], ends, strict=False)]
            self.layout = find_layout(head, self.source)
            if self.layout.promised is not None:
                self.vectors -= 1
                header = next(i for i, line in enumerate(head) if line.strip())
                candidates = candidates[candidates > header]
        if len(candidates):
            self.read_candidates(starts[candidates], ends[candidates] + 1, candidates + number, self.layout)

    def read_candidates(self, starts: np.ndarray, ends: np.ndarray, numbers: np.ndarray, layout: Layout) -> None:
        """Reads the wanted ones of some lines: all at once if each is ``dim + 1`` fields, else one by one.

        Args:
            starts: int64 (lines,), where they begin in the buffer.
            ends: int64 (lines,), one past their line ends.
            numbers: int64 (lines,), their numbers in the file.
            layout: the file's layout.
        """
        view = self.view
        lines = [view[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        text = b"".join(lines) + bytes(READ_AHEAD)
        fields = _find_fields(text, ends - starts, layout.dim + 1)
        values = None
        if fields is not None:
            values = _parse_table(text, *fields)  # (lines, dim)
        if fields is not None and values is not None:
            places = zip(fields[0][:, 0].tolist(), fields[1][:, 0].tolist(), strict=True)
            self.rows.tokens += [text[start:end] for start, end in places]
            self.rows.blocks.append(values)
            return
        self.wanted.difference_update(self.rows.tokens[self.settled :])
        for line, number in zip(lines, numbers.tolist(), strict=True):
            row = read_line(bytes(line), number, layout, self.wanted)
            if row is not None:
                self.wanted.discard(row[0])
                self.rows.tokens.append(row[0])
                self.rows.blocks.append(np.array([row[1]], dtype=np.float32))
        self.settled = len(self.rows.tokens)

    def line(self, start: int, end: int) -> bytes:
        """Copies a part of the buffer."""
        return bytes(self.view[start:end])


def _find_fields(text: bytes, lengths: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Finds the fields of some lines, if each line has ``count`` of them.

    Args:
        text: the lines, one after the other, and ``READ_AHEAD`` more bytes.
        lengths: int64 (lines,), the lines' lengths with their line ends.
        count: how many fields a line should have.

    Returns:
        Where the fields start and where they end, each int64 (lines, count), or None if any line has more or fewer.
    """
    line_ends = np.cumsum(lengths)  # (lines,)
    line_starts = line_ends - lengths
    characters = np.frombuffer(text, dtype=np.uint8)[:-READ_AHEAD]
    spaces = (characters <= SPACE).nonzero()[0]
    if len(spaces) == len(lengths) * count and (spaces[count - 1 :: count] == line_ends - 1).all():
        ends, starts = spaces, np.empty_like(spaces)
        np.add(ends[:-1], 1, out=starts[1:])
        starts[0] = 0
    else:  # several spaces side by side, as at the end of a line: a field is what lies between
        bounds = np.concatenate([[-1], spaces])
        apart = np.diff(bounds) > 1
        ends, starts = spaces[apart], bounds[:-1][apart] + 1
        if len(ends) != len(lengths) * count or (starts[::count] != line_starts).any():
            return None
    return starts.reshape(-1, count), ends.reshape(-1, count)


def _parse_table(text: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
    """Reads the numbers of some rows, or returns None if one of them is not a finite number.

    Args:
        text: the rows, and ``READ_AHEAD`` more bytes.
        starts: int64 (rows, dim + 1), where the fields start, the token's first.
        ends: int64 (rows, dim + 1), where they end.

    Returns:
        float32 (rows, dim).
    """
    is_number = np.ones(starts.shape, dtype=bool)
    is_number[:, 0] = False
    try:
        values = parse_decimals(text, starts.ravel(), ends.ravel(), is_number.ravel())
    except ValueError:
        return None
    values = values.reshape(starts.shape)[:, 1:].copy()  # (rows, dim)
    return values if np.isfinite(values).all() else None

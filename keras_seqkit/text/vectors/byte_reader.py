"""Reads a binary file piece by piece: what is taken is bounded by what the file has, whatever its numbers promise."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

READ_BYTES = 1 << 20


class ByteStream(Protocol):
    """What a binary file offers, compressed or not."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fills the buffer, or a part of it, and returns how many bytes that were: 0 at the end."""

    def seek(self, offset: int, /) -> Any:
        """Goes to a place, counted from the beginning."""


def fill(stream: ByteStream, view: memoryview) -> int:
    """Reads until the view is full or the stream ends, and returns how many bytes that were."""
    filled = 0
    while filled < len(view) and (received := stream.readinto(view[filled:])):
        filled += received
    return filled


@contextmanager
def told_as_damage(source: str) -> Iterator[None]:
    """Turns what damaged archives raise into a ValueError that names the file."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise ValueError(f"{source}: the archive is cut or damaged ({error}). Fetch it again.") from error


class ByteReader:
    """Takes bytes off the front of a stream.

    Args:
        stream: what is read.
        source: the file's name, for errors.
    """

    def __init__(self, stream: ByteStream, source: str):
        self._stream, self._source = stream, source
        self._held, self._at = b"", 0
        self._before = 0  # bytes of the stream before those that are held

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._before + self._at

    def take(self, count: int, what: str) -> bytes:
        """Returns the next bytes.

        Args:
            count: how many.
            what: what they are, for the error.

        Raises:
            ValueError: the file ends before.
        """
        while len(self._held) - self._at < count:
            if not self._read():
                raise self.error(f"the file ends in {what}. It was cut, probably while it was downloaded")
        start, self._at = self._at, self._at + count
        return self._held[start : self._at]

    def until(self, end: bytes, limit: int, what: str) -> bytes:
        """Returns the bytes before the next `end`, and takes that off too.

        Raises:
            ValueError: the file ends before, or there is none in so many bytes.
        """
        searched = 0
        while (place := self._held.find(end, self._at + searched)) < 0:
            searched = len(self._held) - self._at
            if searched > limit:
                raise self.error(f"{what} has more than {limit:,} bytes. The file is damaged")
            if not self._read():
                raise self.error(f"the file ends in {what}. It was cut, probably while it was downloaded")
        start, self._at = self._at, place + len(end)
        return self._held[start:place]

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._held) and not self._read()

    def error(self, problem: str) -> ValueError:
        """Returns an error that names the file and says what to do."""
        return ValueError(f"{self._source}: {problem}: fetch it again.")

    def _read(self) -> bool:
        """Reads more; returns whether there was some."""
        more = bytearray(READ_BYTES)
        count = fill(self._stream, memoryview(more))
        self._before += self._at
        self._held = self._held[self._at :] + bytes(memoryview(more)[:count])
        self._at = 0
        return count > 0

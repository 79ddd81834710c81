"""The binary files of the word2vec program and of gensim: a header, then each token and its numbers."""

import codecs
from collections.abc import Iterable

import numpy as np

from keras_seqkit.text.limits import MAX_WIDTH, check_limit
from keras_seqkit.text.vectors.byte_reader import ByteReader, ByteStream, told_as_damage
from keras_seqkit.text.vectors.vector_lines import header_sizes, trailing_numbers
from keras_seqkit.text.vectors.vector_rows import Rows

LONGEST_TOKEN = 1 << 16
NUMBER_BYTES = 4
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\v\f\r")


def is_word2vec_binary(head: bytes) -> bool:
    r"""Whether a file begins with a word2vec header, and goes on with what is no text.

    Args:
        head: its first bytes, at least those of a line.

    Example:
        >>> is_word2vec_binary(b"1 2\nsun " + np.array([0.5, 1.5], "<f4").tobytes())
        True
        >>> is_word2vec_binary(b"1 2\nsun 0.5 1.5\n")
        False
    """
    first, _, rest = head.partition(b"\n")
    sizes = header_sizes(first)
    if sizes is None or trailing_numbers(rest.partition(b"\n")[0]) >= sizes[1]:
        return False
    numbers = rest.partition(b" ")[2][: NUMBER_BYTES * sizes[1]]
    if _CONTROLS & set(numbers):
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(numbers)
    except UnicodeDecodeError:
        return True
    return False


def read_word2vec(stream: ByteStream, wanted: Iterable[bytes], source: str) -> Rows:
    """Reads the vectors of the wanted tokens from a binary word2vec file.

    Args:
        stream: the file, at its beginning.
        wanted: the tokens to look for, as UTF-8.
        source: the file's name, for messages.

    Returns:
        The rows found, in the order of the file; `lines` counts all of its vectors.

    Raises:
        ValueError: the file is cut or damaged, its header promises vectors that are too long, or a wanted vector holds
            a number that is not finite.
    """
    with told_as_damage(source):
        return _read(ByteReader(stream, source), set(wanted) - {b""}, source)


def _read(reader: ByteReader, wanted: set[bytes], source: str) -> Rows:
    count, dim = header_sizes(reader.until(b"\n", LONGEST_TOKEN, "the header")) or (0, 0)
    check_limit(source, "the vectors' length that its header promises", dim, MAX_WIDTH)
    rows = Rows(dim)
    while rows.lines < count:
        rows.lines += 1
        what = f"vector {rows.lines:,} of the {count:,} that its header promises"
        token = reader.until(b" ", LONGEST_TOKEN, what).lstrip(b"\n")  # the word2vec program ends vectors with one
        numbers = reader.take(NUMBER_BYTES * dim, what)
        if token in wanted:
            vector = np.frombuffer(numbers, dtype="<f4").astype(np.float32)  # (dim,)
            if not np.isfinite(vector).all():
                raise reader.error(
                    f"vector {rows.lines:,}, of {token.decode(errors='replace')!r}, is not finite. The file is damaged"
                )
            wanted.discard(token)
            rows.tokens.append(token)
            rows.blocks.append(vector[np.newaxis])
    while not reader.is_at_end():
        if reader.take(1, "its end") != b"\n":
            raise reader.error(f"more follows after the {count:,} vectors that its header promises. It is damaged")
    return rows

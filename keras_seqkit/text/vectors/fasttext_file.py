"""The binary files of the fastText program and of gensim: a dictionary, and rows for its words and for n-grams.

A word's vector is the mean of its own row and the rows of its character n-grams: what the program prints, and what
stands in its ``.vec`` files.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_seqkit.text.limits import MAX_WIDTH, check_limit
from keras_seqkit.text.vectors.byte_reader import ByteReader, ByteStream, fill, told_as_damage
from keras_seqkit.text.vectors.vector_rows import Rows

MAGIC = struct.pack("<i", 793_712_314)
LONGEST_TOKEN = 1 << 16
LONGEST_NGRAM = 1_024  # characters; the program's default is 6
NUMBER_BYTES = 4
CHUNK_BYTES = 1 << 22

_VERSIONS = (11, 12)
_SUPERVISED = 3  # of the kinds of models
_NOT_PRUNED = -1
_ARGUMENTS = struct.Struct("<14id")  # the magic number and the version are the first two
_SIZES = struct.Struct("<3i2q")
_SHAPE = struct.Struct("<?2q")
_ENTRY_BYTES = 9  # of a word, behind it: int64 count, int8 type
_WORD = 0  # of the types; the other is a label
_END_OF_LINE = b"</s>"  # the one word that has no n-grams
_HASH_START, _HASH_FACTOR, _HASH_MASK = 2_166_136_261, 16_777_619, 0xFFFFFFFF


@dataclass(frozen=True)
class _Sizes:
    """What the beginning of a file says."""

    dim: int
    shortest: int
    longest: int
    buckets: int
    entries: int
    words: int


def read_fasttext(stream: ByteStream, wanted: Iterable[bytes], source: str, only_ngrams: bool = False) -> Rows:
    """Reads the vectors of the wanted words that are in a fastText file's dictionary.

    Args:
        stream: a ``.bin`` file, at its beginning.
        wanted: the tokens to look for, as UTF-8.
        source: the file's name, for messages.
        only_ngrams: whether vectors are made of n-grams alone, for words that the dictionary does not have.

    Returns:
        The rows found, in the order of the dictionary; `lines` counts its words. With `only_ngrams`, the rows of the
        words that have an n-gram, in no order.

    Raises:
        ValueError: the file is quantized, cut or damaged, or is of another version.

    Source:
        Bojanowski, Grave, Joulin and Mikolov (2017), Enriching word vectors with subword information, arXiv:1607.04606.
        The format is what the program's own source writes.
    """
    with told_as_damage(source):
        reader = ByteReader(stream, source)
        sizes = _read_sizes(reader, source)
        ids = _read_dictionary(reader, sizes, set() if only_ngrams else set(wanted))
        begin = _find_matrix(reader, sizes, source)
        parts = {word: [number, *_ngram_rows(word, sizes)] for word, number in ids.items()}
        if only_ngrams:
            parts = {word: numbers for word in set(wanted) if (numbers := _ngram_rows(word, sizes))}
        rows = Rows(sizes.dim, sizes.words, list(parts))
        rows.blocks.append(_means(stream, begin, sizes.dim, parts, reader))
        stream.seek(begin + (sizes.words + sizes.buckets) * sizes.dim * NUMBER_BYTES)
        if not fill(stream, memoryview(bytearray(1))):
            raise reader.error("the file ends in the vectors. It was cut, probably while it was downloaded")
    return rows


def ngram_hashes(word: bytes, shortest: int, longest: int) -> list[int]:
    """Returns the 32-bit FNV-1a hashes of a word's n-grams; each byte counts as a signed one.

    Args:
        word: UTF-8; it is put in angle brackets, of which none is an n-gram by itself.
        shortest: the characters of an n-gram, at least.
        longest: at most.

    Example:
        >>> len(ngram_hashes(b"where", 3, 4))  # <wh whe her ere re>, <whe wher here ere>
        9
    """
    text = b"<" + word + b">"
    starts = [place for place, byte in enumerate(text) if byte & 0xC0 != 0x80]  # of characters
    bounds = [*starts, len(text)]
    hashes = []
    for first, start in enumerate(starts):
        value = _HASH_START
        for length, end in enumerate(bounds[first + 1 : first + 1 + longest], 1):
            for byte in text[start:end]:
                value = (value ^ (byte if byte < 0x80 else byte | 0xFFFFFF00)) * _HASH_FACTOR & _HASH_MASK
            start = end
            is_bracket = length == 1 and (first == 0 or end == len(text))
            if length >= shortest and not is_bracket:
                hashes.append(value)
    return hashes


def _read_sizes(reader: ByteReader, source: str) -> _Sizes:
    _, version, dim, *_, model, buckets, shortest, longest, _, _ = _ARGUMENTS.unpack(
        reader.take(_ARGUMENTS.size, "its arguments")
    )
    entries, words, labels, _, pruned = _SIZES.unpack(reader.take(_SIZES.size, "its sizes"))
    if version not in _VERSIONS:
        raise ValueError(
            f"{source}: the version of this fastText file is {version}; expected one of {_VERSIONS}. Write its vectors "
            "as text with the program that made it, and pass that file."
        )
    if pruned != _NOT_PRUNED:
        raise _quantized(source)
    check_limit(source, "the vectors' length", dim, MAX_WIDTH)
    check_limit(source, "the length of an n-gram", longest, LONGEST_NGRAM)
    if dim < 1 or min(words, labels, buckets, shortest, longest) < 0 or entries != words + labels:
        raise reader.error("its sizes cannot be. The file is damaged")
    if version == _VERSIONS[0] and model == _SUPERVISED:
        longest = 0  # these were trained without n-grams, whatever they say
    return _Sizes(dim, shortest, longest if buckets else 0, buckets, entries, words)


def _read_dictionary(reader: ByteReader, sizes: _Sizes, wanted: set[bytes]) -> dict[bytes, int]:
    """Returns the numbers of the wanted words that are in it."""
    found = {}
    for number in range(sizes.entries):
        word = reader.until(b"\0", LONGEST_TOKEN, "its dictionary")
        is_word = reader.take(_ENTRY_BYTES, "its dictionary")[-1] == _WORD
        if is_word and word in wanted and number < sizes.words:
            found.setdefault(word, number)
    return found


def _find_matrix(reader: ByteReader, sizes: _Sizes, source: str) -> int:
    """Returns where the rows begin."""
    is_quantized, count, dim = _SHAPE.unpack(reader.take(_SHAPE.size, "its sizes"))
    if is_quantized:
        raise _quantized(source)
    if (count, dim) != (sizes.words + sizes.buckets, sizes.dim):
        raise reader.error(
            f"it has vectors of shape {(count, dim)}, and its beginning promises {sizes.words:,} words and "
            f"{sizes.buckets:,} n-grams of {sizes.dim} numbers. The file is damaged"
        )
    return reader.position


def _quantized(source: str) -> ValueError:
    return ValueError(
        f"{source}: the vectors of this fastText file are quantized (.ftz), and only whole ones (.bin) are read. Write "
        "them as text, 'fasttext print-word-vectors model.ftz < words.txt > vectors.txt', and pass that file."
    )


def _ngram_rows(word: bytes, sizes: _Sizes) -> list[int]:
    if word == _END_OF_LINE or not sizes.longest:
        return []
    return [sizes.words + value % sizes.buckets for value in ngram_hashes(word, sizes.shortest, sizes.longest)]


def _means(
    stream: ByteStream, begin: int, dim: int, parts_of: dict[bytes, list[int]], reader: ByteReader
) -> np.ndarray:
    """Returns the mean of some rows for each word, reading each row once and forwards.

    Args:
        stream: the file.
        begin: where the rows begin.
        dim: the numbers of a row.
        parts_of: for each word the rows that it is made of.
        reader: what makes errors.

    Returns:
        float32 (words, dim).
    """
    words, parts = list(parts_of), list(parts_of.values())
    counts = np.array([len(rows) for rows in parts], dtype=np.int64)  # (words,)
    owners = np.repeat(np.arange(len(parts)), counts)  # (parts,)
    rows = np.array([row for part in parts for row in part], dtype=np.int64)  # (parts,)
    order = np.argsort(rows, kind="stable")
    rows, owners = rows[order], owners[order]
    sums = np.zeros((len(parts), dim), dtype=np.float64)  # (words, dim)
    step = max(1, CHUNK_BYTES // (NUMBER_BYTES * dim))
    for start in range(0, len(rows), step):
        different, places = np.unique(rows[start : start + step], return_inverse=True)
        table = np.empty((len(different), dim), dtype="<f4")
        for row, number in zip(table, different.tolist(), strict=True):
            stream.seek(begin + number * dim * NUMBER_BYTES)
            if fill(stream, memoryview(row.data).cast("B")) < row.nbytes:
                raise reader.error("the file ends in the vectors. It was cut, probably while it was downloaded")
        np.add.at(sums, owners[start : start + step], table[places])
    with np.errstate(over="ignore"):
        means = (sums / counts[:, np.newaxis]).astype(np.float32)  # (words, dim)
    if not np.isfinite(means).all():
        word = int(np.argmin(np.isfinite(means).all(axis=1)))
        raise reader.error(f"the vector of {words[word].decode(errors='replace')!r} is not finite. The file is damaged")
    return means

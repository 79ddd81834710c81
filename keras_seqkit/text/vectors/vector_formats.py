"""Which kind of file of vectors one is, by how it begins."""

from collections.abc import Callable, Iterable

from keras_seqkit.text.vectors import fasttext_file, vector_file, word2vec_file
from keras_seqkit.text.vectors.byte_reader import ByteStream, fill, told_as_damage
from keras_seqkit.text.vectors.vector_rows import Rows

Reader = Callable[[ByteStream, Iterable[bytes], str], Rows]
HEAD_BYTES = 1 << 18  # a header, a token and a vector fit in

_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")
_UNPACK = "unpack it, and pass what was inside"
_OTHERS = {  # what files of vectors are met as, and what to do with them
    b"BZh91AY&SY": ("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ\x00": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a Zstandard archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"\x93NUMPY": ("a NumPy array, which has no tokens", "pass dict(zip(tokens, np.load(path)))"),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", "pass a dict from token to vector"),
    b"SQLite format 3\x00": ("an SQLite database", "pass a dict from token to vector"),
    **{
        b"\x80" + bytes([version, first]): (
            "a pickle, such as gensim's save() writes",
            "if you trust it, load it with gensim, gensim.models.KeyedVectors.load(path), and pass what that returns "
            "(or its .wv)",
        )
        for version in (2, 3, 4, 5)
        for first in b"c}]\x95"
    },
}


def read_any(stream: ByteStream, wanted: Iterable[bytes], source: str) -> Rows:
    """Reads the vectors of the wanted tokens from a text file, or from a binary one of word2vec or fastText.

    Args:
        stream: the file, unpacked, at its beginning.
        wanted: the tokens to look for, as UTF-8.
        source: the file's name, for messages.

    Raises:
        ValueError: the file is of another kind, or is cut or damaged.
    """
    return _reader_of(_begin(stream, source, HEAD_BYTES), source)(stream, wanted, source)


def read_ngrams(stream: ByteStream, wanted: Iterable[bytes], source: str) -> Rows:
    """Makes the vectors of some tokens of the character n-grams in a fastText file; see `read_any`.

    Raises:
        ValueError: the file is none of fastText, or is cut or damaged.
    """
    if _begin(stream, source, len(fasttext_file.MAGIC)) != fasttext_file.MAGIC:
        raise ValueError(f"{source}: it is of another kind, and only a fastText file (.bin) has n-grams.")
    return fasttext_file.read_fasttext(stream, wanted, source, only_ngrams=True)


def _begin(stream: ByteStream, source: str, count: int) -> bytes:
    """Returns the first bytes of a file, and goes back to its beginning."""
    head = memoryview(bytearray(count))
    with told_as_damage(source):
        begin = bytes(head[: fill(stream, head)])
        stream.seek(0)
    return begin


def _reader_of(begin: bytes, source: str) -> Reader:
    if begin.startswith(fasttext_file.MAGIC):
        return fasttext_file.read_fasttext
    if word2vec_file.is_word2vec_binary(begin):
        return word2vec_file.read_word2vec
    for start, (kind, advice) in _OTHERS.items():
        if begin.startswith(start):
            raise ValueError(
                f"{source}: it is {kind}; expected vectors as text, or a word2vec or fastText file: {advice}."
            )
    if begin.startswith(_UTF16_STARTS) and b"\0" in begin:
        raise ValueError(
            f"{source}: it is UTF-16; expected UTF-8. Convert it: iconv -f utf-16 -t utf-8 FILE > NEW_FILE"
        )
    return vector_file.read_rows

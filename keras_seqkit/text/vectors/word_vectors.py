"""Word vectors for the tokens of a vocabulary: from a file, a mapping or gensim's KeyedVectors."""

import gzip
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any, cast

import numpy as np

from keras_seqkit.text.vectors.byte_reader import ByteStream
from keras_seqkit.text.vectors.vector_formats import Reader, read_any, read_ngrams

_GZIP_START, _ZIP_START = b"\x1f\x8b", b"PK\x03\x04"
_MEMBER_SIGN = "::"


@dataclass(frozen=True)
class WordVectors:
    """The vectors found for some tokens.

    Attributes:
        matrix: float32 (found, dim).
        rows: int64 (found,), ascending: ``matrix[i]`` belongs to ``tokens[rows[i]]`` of the tokens asked for.
        dim: numbers in a vector, also where no token was found.
        lines_read: lines of a text file, a header and blank ones among them; vectors of a binary file; 0 where the
            vectors came from no file.
    """

    matrix: np.ndarray
    rows: np.ndarray
    dim: int
    lines_read: int = 0


def read_vectors(vectors: Any, tokens: Sequence[str]) -> WordVectors:
    """Reads the vectors of some tokens, and only those.

    Memory grows with ``tokens``, not with the file. A text file is streamed once, to its end. Each number equals
    ``np.float32(float(text))``. In a text file

    - a token is all that stands before the last ``dim`` numbers of its line: it may hold spaces;
    - a first line of two integers is a word2vec header;
    - the first of several rows of one token wins;
    - a byte order mark before the first line is passed over;
    - blank lines, CR LF and spaces at the end of a line are passed over;
    - tokens that are not UTF-8 are passed over: no ``str`` is equal to them;
    - the rows of tokens that are not asked for are not checked, except the last line of the file: if that has too few
      numbers, or if there are fewer rows than a header promises, the file was cut, which is an error. A cut inside the
      very last number leaves a line that looks whole; only a header's count, or gzip and zip, would reveal it.

    The binary files of word2vec and fastText (``.bin``) are told from text by how they begin. A fastText file gives a
    word the mean of its own row and its n-grams' rows, as the ``.vec`` file beside it does; words that are not in its
    dictionary are not found: `read_ngram_vectors` makes vectors for them.

    Args:
        vectors: one of

            - the path of such a file, plain or gzip, or of a zip archive that holds one file. Which member of an
              archive: ``"glove.6B.zip::glove.6B.50d.txt"`` or ``("glove.6B.zip", "glove.6B.50d.txt")``;
            - gensim ``KeyedVectors``, or a model that has them as ``wv``: ``SkipGram`` and ``CBOW`` have, too;
            - a mapping from token to vector.
        tokens: the tokens to look for. A token that stands there twice gets its vector twice.

    Returns:
        The vectors found.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file, or a wanted row of it, is not what is described above; the message has the line's number.
        TypeError: ``vectors`` is none of these.

    Example:
        >>> found = read_vectors({"sun": [0.5, 1.0], "moon": [0.0, 2.0]}, ["[PAD]", "moon", "mars", "sun"])
        >>> found.rows.tolist(), found.matrix.tolist()
        ([1, 3], [[0.0, 2.0], [0.5, 1.0]])
    """
    if isinstance(tokens, str) or not all(issubclass(kind, str) for kind in set(map(type, tokens))):
        raise TypeError("read_vectors: expected tokens to be a sequence of str, such as the tokens of a Vocabulary.")
    if isinstance(vectors, Mapping):
        if not vectors:
            raise ValueError("read_vectors: the mapping from token to vector is empty. Expected one vector or more.")
        dim = np.size(next(iter(vectors.values())))
        return _from_lookup(vectors, vectors.__getitem__, tokens, dim)
    vectors = getattr(vectors, "wv", vectors)
    if hasattr(vectors, "key_to_index") and hasattr(vectors, "vectors"):  # gensim KeyedVectors
        places, table = vectors.key_to_index, vectors.vectors
        return _from_lookup(places, lambda token: table[places[token]], tokens, dim=table.shape[1])
    place = _place_of_file(vectors)
    if place is not None:
        return _from_file(*place, tokens, read_any)
    raise TypeError(
        "read_vectors: expected vectors to be the path of a GloVe, word2vec or fastText file, a pair (zip archive, "
        f"member), gensim KeyedVectors or a mapping from token to vector, received {type(vectors).__name__}."
    )


def read_ngram_vectors(vectors: Any, tokens: Sequence[str]) -> WordVectors:
    """Makes vectors of the character n-grams in a fastText file: what the program gives words that it never saw.

    Args:
        vectors: the path of a fastText file (``.bin``), as in `read_vectors`.
        tokens: the tokens, none of them in the file's dictionary: one that is there would get another vector.

    Returns:
        The vectors of the tokens that are long enough to have an n-gram.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is another kind of file, or is cut or damaged.
    """
    place = _place_of_file(vectors)
    if place is None:
        raise ValueError(
            f"read_ngram_vectors: only a fastText file (.bin) has n-grams; received {type(vectors).__name__}."
        )
    return _from_file(*place, tokens, read_ngrams)


def _place_of_file(vectors: Any) -> tuple[str, str | None] | None:
    """Returns the path and the member of an archive, or None if it is no file that is named."""
    if isinstance(vectors, tuple) and len(vectors) == 2:
        return os.fspath(vectors[0]), vectors[1]
    if not isinstance(vectors, str | os.PathLike):
        return None
    path = os.fspath(vectors)
    if _MEMBER_SIGN in path and not os.path.exists(path):
        path, member = path.rsplit(_MEMBER_SIGN, 1)
        return path, member
    return path, None


def _from_lookup(tokens_of: Any, vector_of: Callable[[str], Any], tokens: Sequence[str], dim: int) -> WordVectors:
    """Takes vectors out of something in memory."""
    rows = [row for row, token in enumerate(tokens) if token in tokens_of]
    matrix = np.empty((len(rows), dim), dtype=np.float32)  # (found, dim)
    for place, row in enumerate(rows):
        vector = np.asarray(vector_of(tokens[row]), dtype=np.float32)  # (dim,)
        if vector.shape != (dim,) or not np.isfinite(vector).all():
            raise ValueError(
                f"read_vectors: the vector of {tokens[row]!r} should be {dim} finite numbers, as the first vector has "
                f"{dim}; received shape {vector.shape}: {str(vector)[:60]}. Repair or remove it."
            )
        matrix[place] = vector
    return WordVectors(matrix, np.array(rows, dtype=np.int64), dim)


def _from_file(path: str, member: str | None, tokens: Sequence[str], read: Reader) -> WordVectors:
    """Reads vectors from a file."""
    encoded = _encode(tokens)
    with _open(path, member) as (stream, source):
        found = read(stream, encoded, source)
    count = len(found.tokens)
    place_of = dict(
        zip(reversed(found.tokens), range(count - 1, -1, -1), strict=True)
    )  # of the first row of each token
    places = np.fromiter(map(place_of.get, encoded, repeat(-1)), dtype=np.int64, count=len(encoded))  # (tokens,)
    rows = (places >= 0).nonzero()[0]
    table = np.concatenate([np.empty((0, found.dim), dtype=np.float32), *found.blocks])  # (found tokens, dim)
    return WordVectors(table[places[rows]], rows, found.dim, found.lines)


def _encode(tokens: Sequence[str]) -> list[bytes]:
    """Returns the tokens as UTF-8, all at once where none holds a line end, which takes a quarter of the time.

    A lone surrogate is in no UTF-8 file: "surrogatepass" gives it bytes that are not UTF-8, so it is not found.
    """
    encoded = "\n".join(tokens).encode("utf-8", "surrogatepass").split(b"\n")
    if len(encoded) == len(tokens):
        return encoded
    return [token.encode("utf-8", "surrogatepass") for token in tokens]


@contextmanager
def _open(path: str, member: str | None) -> Iterator[tuple[ByteStream, str]]:
    """Opens a vector file, compressed or not, and gives it a name for messages."""
    if not os.path.exists(path):
        raise FileNotFoundError(
            f"read_vectors: there is no file {path!r}. Expected a GloVe, word2vec or fastText file, plain, gzip or "
            "zip. keras_seqkit.datasets.glove() fetches one."
        )
    with open(path, "rb", buffering=0) as file:
        start = file.read(len(_ZIP_START))
        file.seek(0)
        if start == _ZIP_START:
            with zipfile.ZipFile(file) as archive:
                name = _choose_member(archive, path, member)
                with archive.open(name) as stream:  # a BufferedIOBase, declared as the narrower IO[bytes]
                    yield cast("ByteStream", stream), f"{path}{_MEMBER_SIGN}{name}"
        elif member is not None:
            raise ValueError(
                f"read_vectors: {path!r} is no zip archive, so it has no member {member!r}. Pass the path."
            )
        elif start.startswith(_GZIP_START):
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream, path
        else:
            yield file, path


def _choose_member(archive: zipfile.ZipFile, path: str, member: str | None) -> str:
    """Returns the member to read: the one that is asked for, or the only one."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if member is None and len(names) == 1:
        return names[0]
    if member in names:
        return member
    asked = "more than one file or none" if member is None else f"no member {member!r}"
    raise ValueError(
        f"read_vectors: {path!r} holds {asked}. Its members are {names}. Name one, as "
        f"{path + _MEMBER_SIGN + (names or ['member.txt'])[0]!r}."
    )

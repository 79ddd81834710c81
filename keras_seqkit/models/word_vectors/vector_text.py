"""Word vectors as files: the formats of the word2vec program, and of GloVe where the header is left out."""

import re
from collections.abc import Sequence

import numpy as np

_SPACES = re.compile(r"[\x00-\x20]")  # a space or a control character ends a token, or a line, for readers
_NUMBER = " %.9g"  # nine digits give each float32 back


def vectors_as_text(tokens: Sequence[str], vectors: np.ndarray, header: bool = True) -> bytes:
    r"""Writes a line ``token number number ...`` for each token, after a first line ``count dim``.

    Args:
        tokens: the tokens.
        vectors: float32 (tokens, dim), their vectors; each number is read back as it was.
        header: whether the first line is written: word2vec files have it, GloVe files do not.

    Returns:
        UTF-8.

    Raises:
        ValueError: a token holds white space or a control character, or a number is not finite.

    Example:
    >>> vectors_as_text(["sun", "é"], np.array([[0.5, 1.0], [-2.0, 0.1]], np.float32)).decode()
    '2 2\nsun 0.5 1\né -2 0.100000001\n'
    """
    _check(tokens, vectors)
    count, dim = vectors.shape
    line = "%s" + _NUMBER * dim
    lines = [line % (token, *row) for token, row in zip(tokens, vectors.tolist(), strict=True)]
    return "".join(text + "\n" for text in [f"{count} {dim}"] * header + lines).encode()


def vectors_as_binary(tokens: Sequence[str], vectors: np.ndarray) -> bytes:
    r"""Writes a line ``count dim``, and then each token, a space and its numbers, four bytes each.

    Args:
        tokens: the tokens.
        vectors: float32 (tokens, dim), their vectors.

    Returns:
        What the word2vec program writes with ``-binary 1``.

    Raises:
        ValueError: a token holds white space or a control character, or a number is not finite.

    Example:
    >>> vectors_as_binary(["sun"], np.array([[0.5, 1.0]], np.float32))
    b'1 2\nsun \x00\x00\x00?\x00\x00\x80?'
    """
    _check(tokens, vectors)
    count, dim = vectors.shape
    rows = vectors.astype("<f4")
    lines = [token.encode() + b" " + row.tobytes() for token, row in zip(tokens, rows, strict=True)]
    return b"".join([f"{count} {dim}\n".encode(), *lines])


def _check(tokens: Sequence[str], vectors: np.ndarray) -> None:
    """Checks that readers can take what is written."""
    for token in tokens:
        if _SPACES.search(token):
            raise ValueError(
                f"the token {token!r} holds white space or a control character, which the format cannot hold. Leave it "
                "out of the vocabulary; or, for GloveEmbedding, pass dict(zip(vocabulary.tokens, model.vectors)) and "
                "no file."
            )
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors hold numbers that are not finite. Train again with a smaller learning_rate.")

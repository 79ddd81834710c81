"""Word vectors as text: the format of the word2vec program, and of GloVe where the header is left out."""

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
    for token in tokens:
        if _SPACES.search(token):
            raise ValueError(
                f"the token {token!r} holds white space or a control character, which the format cannot hold. Leave it "
                "out of the vocabulary; or, for GloveEmbedding, pass dict(zip(vocabulary.tokens, model.vectors)) and "
                "no file."
            )
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors hold numbers that are not finite. Train again with a smaller learning_rate.")
    count, dim = vectors.shape
    line = "%s" + _NUMBER * dim
    lines = [line % (token, *row) for token, row in zip(tokens, vectors.tolist(), strict=True)]
    return "".join(text + "\n" for text in [f"{count} {dim}"] * header + lines).encode()

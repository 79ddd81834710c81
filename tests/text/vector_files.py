"""Word-vector files that several tests read."""

import numpy as np
from hypothesis import strategies as st

from keras_seqkit.text.vectors.word_vectors import WordVectors, read_vectors

SUN, MOON, STAR = "sun 0.25 -1.5 3", "moon -0.0 1e-3 12.5", "star 0.1 0.2 0.3"
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NUMBER_TEXTS = st.one_of(
    st.from_regex(r"-?[0-9]\.[0-9]{1,6}", fullmatch=True),  # the usual form
    st.from_regex(r"[+-]?[0-9]{0,3}\.?[0-9]{1,12}(e-?[0-3]?[0-9])?", fullmatch=True),
    FLOATS.map(repr),
    FLOATS.map(lambda x: str(np.float32(x))),
    FLOATS.map(lambda x: f"{x:.4e}"),
    st.integers(-(10**18), 10**18).map(str),
).filter(lambda text: abs(float(text)) < 3.4e38)


def textbook(content: bytes, tokens: list[str], dim: int) -> dict[str, np.ndarray]:
    """Every line into a dictionary, the first row of a token kept; then what is wanted."""
    rows: dict[bytes, np.ndarray] = {}
    for line in content.split(b"\n"):
        fields = line.rstrip().rsplit(b" ", dim)
        if len(fields) == dim + 1:
            rows.setdefault(fields[0], np.array([np.float32(number.decode()) for number in fields[1:]]))
    return {token: rows[token.encode()] for token in tokens if token.encode() in rows}


def as_dict(found: WordVectors, tokens: list[str]) -> dict[str, np.ndarray]:
    assert found.matrix.dtype == np.float32
    assert found.matrix.shape == (len(found.rows), found.dim)
    return {tokens[row]: vector for row, vector in zip(found.rows, found.matrix, strict=True)}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for token, vector in expected.items():
        np.testing.assert_array_equal(found[token].view(np.uint32), vector.view(np.uint32), err_msg=token)


def read(path, *tokens: str) -> dict[str, np.ndarray]:
    return as_dict(read_vectors(path, tokens), list(tokens))

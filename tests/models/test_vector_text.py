"""Vectors as text are read back bit for bit, by GloveEmbedding's reader and by gensim."""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keras_seqkit.models.word_vectors.vector_text import vectors_as_text
from keras_seqkit.text.vectors.word_vectors import read_vectors
from tests.text_strategies import UNUSUAL

SPACES = [chr(code) for code in range(0x21)]  # white space and control characters
token = (st.text(st.characters(codec="utf-8"), min_size=1, max_size=8) | st.sampled_from(UNUSUAL)).filter(
    lambda text: not set(text) & set(SPACES)
)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw) -> tuple[list[str], np.ndarray]:
    tokens = draw(st.lists(token, min_size=1, max_size=6, unique=True))
    shape = (len(tokens), draw(st.integers(2, 4)))
    return tokens, draw(arrays.arrays(np.float32, shape, elements=numbers))


@given(tables(), st.booleans())
def test_our_reader_gives_every_token_and_number_back(tmp_path_factory, table, header):
    tokens, vectors = table
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    path.write_bytes(vectors_as_text(tokens, vectors, header))
    found = read_vectors(path, tokens)
    assert found.rows.tolist() == list(range(len(tokens)))
    np.testing.assert_array_equal(found.matrix, vectors)


@given(tables(), st.booleans())
def test_gensim_gives_every_token_and_number_back(tmp_path_factory, table, header):
    tokens, vectors = table
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    path.write_bytes(vectors_as_text(tokens, vectors, header))
    found = KeyedVectors.load_word2vec_format(path, no_header=not header)
    assert found.index_to_key == tokens
    np.testing.assert_array_equal(found.vectors, vectors)


@pytest.mark.parametrize("space", SPACES)
def test_a_token_with_white_space_or_a_control_character_is_refused_and_named(space):
    with pytest.raises(ValueError, match="holds white space"):
        vectors_as_text(["a", f"a{space}b"], np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_no_reader_takes_are_refused(number):
    with pytest.raises(ValueError, match="not finite"):
        vectors_as_text(["a"], np.array([[1, number]], np.float32))

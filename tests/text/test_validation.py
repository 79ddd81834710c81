"""What is accepted as a list of texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text.validation import check_texts
from tests.text_strategies import few_texts


@given(few_texts)
def test_texts_pass_unchanged(texts):
    assert list(check_texts(texts, "f: texts")) == texts
    assert list(check_texts(iter(texts), "f: texts")) == texts


@given(few_texts)
def test_numpy_strings_become_plain_strings(texts):
    array = np.array(texts)
    checked = list(check_texts(array, "f: texts"))
    assert checked == array.tolist()
    assert {type(text) for text in checked} == {str}


@pytest.mark.parametrize("texts", ["one text", b"bytes", None, 5, 1.5, np.array("one text")])
def test_what_is_no_list_is_refused_with_advice(texts):
    with pytest.raises(TypeError, match=rf"f: texts is a list of strings; received {type(texts).__name__}.*\[text\]"):
        list(check_texts(texts, "f: texts"))


@pytest.mark.parametrize("odd", [5, None, b"a", ["a"], np.array(["a", "b"])])
def test_what_is_no_string_is_named_with_its_place(odd):
    with pytest.raises(TypeError, match=rf"f: texts\[1\] is a string; received {type(odd).__name__}"):
        list(check_texts(["a", odd], "f: texts"))


def test_bytes_in_a_list_are_told_to_be_decoded():
    with pytest.raises(TypeError, match=r"Decode it first: text\.decode"):
        list(check_texts([b"a"], "f: texts"))


@given(st.text(max_size=5), st.integers(0xD800, 0xDFFF).map(chr), st.text(max_size=5))
def test_a_lone_surrogate_is_refused_with_its_place(before, surrogate, after):
    with pytest.raises(ValueError, match=rf"f: texts\[1\] .* lone surrogate at character {len(before)}\."):
        list(check_texts(["a", before + surrogate + after], "f: texts"))

"""What NGramModel refuses, and what it says."""

import re
from typing import Any

import numpy as np
import pytest

from keras_seqkit.text import NGramModel, Vocabulary
from tests.text.ngram_textbook import CORPUS


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"order": 0}, ValueError, "NGramModel: order is at least 1; received 0"),
        ({"order": -2}, ValueError, "order is at least 1; received -2"),
        ({"order": 2.0}, TypeError, "order is an integer; received float 2.0"),
        ({"order": None}, TypeError, "order is an integer; received NoneType None"),
        ({"vocabulary": ["a"]}, TypeError, "vocabulary is a Vocabulary; received list"),
        ({"level": "letter"}, ValueError, "level is one of word, char, whitespace, subword; received 'letter'"),
        (
            {"level": "char", "vocabulary": Vocabulary(["a"])},
            ValueError,
            "level is that of the vocabulary, 'word'; received 'char'. Leave it out",
        ),
        ({"smoothing": "laplace"}, ValueError, "smoothing is 'kneser_ney' or 'none'; received 'laplace'"),
        ({"discount": 0}, ValueError, "discount is above 0 and below 1; received 0"),
        ({"discount": 1.0}, ValueError, "discount is above 0 and below 1; received 1.0"),
        ({"discount": float("nan")}, ValueError, "discount is above 0 and below 1; received nan"),
        ({"discount": "0.5"}, TypeError, "discount is a number; received str '0.5'"),
        ({"discount": 0.5, "smoothing": "none"}, ValueError, "discount belongs to smoothing='kneser_ney'"),
    ],
)
def test_the_constructor_refuses(arguments: dict[str, Any], error, message):
    with pytest.raises(error, match=re.escape(message)):
        NGramModel(**{"order": 2, **arguments})


@pytest.mark.parametrize("method", ["fit", "log_prob", "token_log_probs", "perplexity", "generate"])
def test_texts_that_are_no_strings_are_refused(method):
    call = getattr(NGramModel(2).fit(CORPUS), method)
    for texts in (None, 5, b"bytes", ["a", 5], ["a", None], ["a", b"b"]):
        with pytest.raises(
            TypeError, match=rf"NGramModel\.{method}: (texts|prompts)(\[1\])? is a (list of strings|string); received"
        ):
            call(texts)
    for texts in ("a\ud800", ["b", "a\ud800"]):
        with pytest.raises(ValueError, match=rf"NGramModel\.{method}: .* lone surrogate at character 1"):
            call(texts)


@pytest.mark.parametrize("method", ["fit", "perplexity"])
def test_no_text_at_all_is_refused(method):
    with pytest.raises(ValueError, match=rf"NGramModel\.{method}: at least one text is expected; received none"):
        getattr(NGramModel(2).fit(CORPUS), method)([])


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        *[("log_prob", ["a"]), ("token_log_probs", ["a"]), ("perplexity", ["a"]), ("next_token_probs", "a")],
        *[("generate", ["a"]), ("save", "nowhere.npz")],
    ],
)
def test_a_model_that_was_not_fitted_is_refused(method, argument):
    with pytest.raises(
        RuntimeError, match=rf"NGramModel\.{method}: the model has counted no texts\. Call fit\(texts\) first"
    ):
        getattr(NGramModel(2), method)(argument)
    for name in ("discounts", "vocabulary"):
        with pytest.raises(RuntimeError, match=rf"NGramModel\.{name}: the model has counted no texts"):
            getattr(NGramModel(2), name)


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = NGramModel(2).fit(CORPUS)
    expected = model.log_prob(CORPUS)
    with pytest.raises(TypeError):
        model.fit(["a", None])  # type: ignore[list-item]
    np.testing.assert_array_equal(model.log_prob(CORPUS), expected)


@pytest.mark.parametrize(
    ("context", "error", "message"),
    [
        *[(None, TypeError, "received NoneType None"), (b"a", TypeError, "received bytes b'a'")],
        *[([1.0], TypeError, "received list [1.0]"), ([[4]], TypeError, "received list [[4]]")],
        *[([True], TypeError, "received list [True]"), (["a"], TypeError, "received list ['a']")],
        *[([-1], ValueError, "ids are 0 to 9; received -1"), ([4, 10], ValueError, "ids are 0 to 9; received 10")],
        ("a\ud800", ValueError, "lone surrogate at character 1"),
    ],
)
def test_a_context_that_is_neither_text_nor_ids_is_refused(context, error, message):
    with pytest.raises(error, match=re.escape(message)):
        NGramModel(2).fit(CORPUS).next_token_probs(context)


def test_without_smoothing_a_context_never_seen_is_refused():
    model = NGramModel(2, smoothing="none").fit(CORPUS)
    for call in (model.next_token_probs, model.generate):
        with pytest.raises(ValueError, match="without smoothing, a context is one that the texts of fit continue"):
            call("zebra")
    assert model.log_prob(["zebra"]) == -np.inf
    assert model.perplexity(["a cat sat", "zebra"]) == np.inf


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens is at least 0; received -1"),
        ({"max_new_tokens": 1.5}, TypeError, "max_new_tokens is an integer; received float 1.5"),
        ({"temperature": -0.1}, ValueError, "temperature is finite and at least 0; received -0.1"),
        ({"temperature": float("inf")}, ValueError, "temperature is finite and at least 0; received inf"),
        ({"temperature": float("nan")}, ValueError, "temperature is finite and at least 0; received nan"),
        ({"temperature": "1"}, TypeError, "temperature is a number; received str '1'"),
        ({"top_k": -1}, ValueError, "top_k is at least 0; received -1"),
        ({"top_k": None}, TypeError, "top_k is an integer; received NoneType None"),
        ({"top_p": 0}, ValueError, "top_p is above 0 and at most 1; received 0"),
        ({"top_p": 1.1}, ValueError, "top_p is above 0 and at most 1; received 1.1"),
        ({"top_p": None}, TypeError, "top_p is a number; received NoneType None"),
        ({"seed": -1}, ValueError, "seed is at least 0; received -1"),
    ],
)
def test_generate_refuses(arguments, error, message):
    with pytest.raises(error, match=re.escape(f"NGramModel.generate: {message}")):
        NGramModel(2).fit(CORPUS).generate("a", **arguments)

"""Each filter keeps what plain NumPy keeps."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.samplers import filters
from tests.samplers import references
from tests.samplers.references import BORDER, Kept
from tests.samplers.strategies import FRACTIONS, logits

COUNTS = st.integers(1, 12)
FILTERS = {
    "top_k": (filters.keep_top_k, references.top_k, COUNTS),
    "top_p": (filters.keep_top_p, references.top_p, FRACTIONS),
    "min_p": (filters.keep_min_p, references.min_p, FRACTIONS),
    "typical": (filters.keep_typical, references.typical, FRACTIONS),
}


def assert_kept(x: np.ndarray, filtered, expected: list[Kept]) -> None:
    assume(min(kept.margin for kept in expected) > BORDER)  # nearer, float32 may keep one token more or less
    rows = [references.without(row, kept.tokens) for row, kept in zip(x, expected, strict=True)]
    np.testing.assert_array_equal(ops.convert_to_numpy(filtered), np.array(rows, np.float32))


@pytest.mark.parametrize("name", FILTERS)
@given(x=logits(), data=st.data())
@settings(max_examples=100)
def test_a_filter_equals_plain_numpy(name, x, data):
    ours, reference, arguments = FILTERS[name]
    argument = data.draw(arguments)
    assert_kept(x, ours(x, argument), [reference(row, argument) for row in x])


@given(logits(), st.integers(0, 12), FRACTIONS | st.just(0.0))
@settings(max_examples=100)
def test_top_k_and_top_p_of_a_call_equal_plain_numpy(x, k, p):
    got = filters.keep_top_k_and_p(x, np.int32(k), np.float32(p))
    assert_kept(x, got, [references.top_k_and_p(row, k, p) for row in x])


@pytest.mark.parametrize("name", FILTERS)
@given(x=logits(max_vocab=6), data=st.data())
@settings(max_examples=40)
def test_at_least_one_token_stays_and_equals_share_their_fate(name, x, data):
    ours, _, arguments = FILTERS[name]
    for row, new in zip(x, ops.convert_to_numpy(ours(x, data.draw(arguments))), strict=True):
        assert new.max() > -math.inf
        assert set(new) - {-np.inf} <= set(row)
        for logit in set(new) - {-np.inf}:
            assert (new == logit).sum() == (row == logit).sum()


@given(logits())
@settings(max_examples=30)
def test_what_keeps_all_changes_nothing(x):
    vocab = x.shape[1]
    for k in (vocab, vocab + 3):
        np.testing.assert_array_equal(filters.keep_top_k(x, k), x)
    for k in (0, vocab, vocab + 3):
        np.testing.assert_array_equal(filters.keep_top_k_and_p(x, np.int32(k), np.float32(1)), x)


@given(logits())
@settings(max_examples=30)
def test_the_smallest_arguments_keep_the_most_probable_tokens(x):
    best = np.where(x == x.max(axis=1, keepdims=True), x, -np.inf)
    for kept in (
        filters.keep_top_k(x, 1),
        filters.keep_top_p(x, 1e-9),
        filters.keep_min_p(x, 1.0),
        filters.keep_top_k_and_p(x, np.int32(0), np.float32(0)),
        filters.keep_top_k_and_p(x, np.int32(1), np.float32(1)),
    ):
        np.testing.assert_array_equal(kept, best)


def test_top_p_is_taken_of_what_top_k_leaves_with_ties():
    x = np.array([[1, 0, 0, 0, -9]], np.float32)
    # exp(1) / (exp(1) + 3) is 0.48: the first does not hold 0.7, so its three followers, which tie, stay.
    np.testing.assert_array_equal(filters.keep_top_k_and_p(x, np.int32(2), np.float32(0.7)), [[1, 0, 0, 0, -np.inf]])


def test_a_likely_token_that_surprises_less_than_expected_is_not_typical():
    probabilities = np.array([[0.4, 0.15, 0.15, 0.15, 0.15]], np.float32)  # entropy 1.50, information 0.92 and 1.90
    kept = np.isfinite(filters.keep_typical(np.log(probabilities), 0.5))
    np.testing.assert_array_equal(kept, [[False, True, True, True, True]])


@given(logits(max_batch=3), st.data())
@settings(max_examples=15)
def test_a_row_does_not_see_the_others(x, data):
    for ours, _, arguments in FILTERS.values():
        argument = data.draw(arguments)
        alone = np.concatenate([ours(row[np.newaxis], argument) for row in x])
        np.testing.assert_array_equal(ours(x, argument), alone)

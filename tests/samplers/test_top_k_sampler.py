"""TopKSampler keeps the most probable tokens."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.samplers import TopKSampler
from tests.samplers import references
from tests.samplers.strategies import logits


@given(logits(), st.integers(1, 12))
@settings(max_examples=60)
def test_its_filter_is_that_of_its_paper(x, k):
    kept = [references.top_k(row, k) for row in x]
    expected = [references.without(row, each.tokens) for row, each in zip(x, kept, strict=True)]
    np.testing.assert_array_equal(TopKSampler(k).filter(x), np.array(expected, np.float32))


@given(logits(max_vocab=4), st.integers(4, 100))
@settings(max_examples=30)
def test_more_than_there_are_keeps_all(x, k):
    np.testing.assert_array_equal(TopKSampler(k).filter(x), x)


def test_ties_with_the_last_stay():
    x = np.array([[0, 2, 1, 1, 1, -3]], np.float32)
    assert np.isfinite(TopKSampler(2).filter(x)).tolist() == [[False, True, True, True, True, False]]

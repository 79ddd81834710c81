"""TopPSampler keeps the fewest tokens that hold most of the probability."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_seqkit.samplers import TopPSampler
from tests.samplers import references
from tests.samplers.references import BORDER
from tests.samplers.strategies import FRACTIONS, logits


@given(logits(), FRACTIONS)
@settings(max_examples=60)
def test_its_filter_is_that_of_its_paper(x, p):
    kept = [references.top_p(row, p) for row in x]
    assume(min(each.margin for each in kept) > BORDER)  # nearer, float32 may keep one token more or less
    expected = [references.without(row, each.tokens) for row, each in zip(x, kept, strict=True)]
    np.testing.assert_array_equal(TopPSampler(p).filter(x), np.array(expected, np.float32))


@given(logits(), FRACTIONS, st.integers(1, 10))
@settings(max_examples=60)
def test_of_the_top_k_only_the_top_p_stay(x, p, k):
    rows = [references.without(row, references.top_k(row, k).tokens) for row in x]
    kept = [references.top_p(row, p) for row in rows]
    assume(min(each.margin for each in kept) > BORDER)  # nearer, float32 may keep one token more or less
    expected = [references.without(row, each.tokens) for row, each in zip(x, kept, strict=True)]
    np.testing.assert_array_equal(TopPSampler(p, k).filter(x), np.array(expected, np.float32))


def test_the_token_that_reaches_p_stays():
    x = np.log(np.array([[0.125, 0.5, 0.25, 0.125]], np.float32))
    assert np.isfinite(TopPSampler(0.6).filter(x)).tolist() == [[False, True, True, False]]
    assert np.isfinite(TopPSampler(0.4).filter(x)).tolist() == [[False, True, False, False]]

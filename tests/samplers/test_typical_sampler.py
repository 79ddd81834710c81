"""TypicalSampler keeps what surprises as much as is to be expected."""

import numpy as np
from hypothesis import assume, given, settings

from keras_seqkit.samplers import TypicalSampler
from tests.samplers import references
from tests.samplers.references import BORDER
from tests.samplers.strategies import FRACTIONS, logits


@given(logits(), FRACTIONS)
@settings(max_examples=60)
def test_its_filter_is_that_of_its_paper(x, mass):
    kept = [references.typical(row, mass) for row in x]
    assume(min(each.margin for each in kept) > BORDER)  # nearer, float32 may keep one token more or less
    expected = [references.without(row, each.tokens) for row, each in zip(x, kept, strict=True)]
    np.testing.assert_array_equal(TypicalSampler(mass).filter(x), np.array(expected, np.float32))


def test_equals_stay_wherever_they_stand():
    for vocab in range(2, 20):
        x = np.full((1, vocab), 0.3, np.float32)
        np.testing.assert_array_equal(TypicalSampler(0.01).filter(x), x)


def test_impossible_tokens_are_never_typical():
    x = np.array([[-np.inf, 0.0, -np.inf, 0.0, -200.0]], np.float32)
    for mass in (0.1, 1.0):
        assert np.isfinite(TypicalSampler(mass).filter(x)).tolist() == [[False, True, False, True, False]]

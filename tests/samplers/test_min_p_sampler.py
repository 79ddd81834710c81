"""MinPSampler keeps what is not much less probable than the best."""

import numpy as np
from hypothesis import assume, given, settings

from keras_seqkit.samplers import MinPSampler
from tests.samplers import references
from tests.samplers.references import BORDER
from tests.samplers.strategies import FRACTIONS, logits


@given(logits(), FRACTIONS)
@settings(max_examples=60)
def test_its_filter_is_that_of_its_paper(x, smallest):
    kept = [references.min_p(row, smallest) for row in x]
    assume(min(each.margin for each in kept) > BORDER)  # nearer, float32 may keep one token more or less
    expected = [references.without(row, each.tokens) for row, each in zip(x, kept, strict=True)]
    np.testing.assert_array_equal(MinPSampler(smallest).filter(x), np.array(expected, np.float32))


def test_equals_of_the_best_stay_wherever_they_stand():
    for vocab in range(2, 20):
        x = np.full((1, vocab), 0.3, np.float32)
        np.testing.assert_array_equal(MinPSampler(1.0).filter(x), x)


def test_the_border_is_a_share_of_the_best():
    x = np.log(np.array([[0.4, 0.21, 0.19, 0.2 * 0.4]], np.float32))
    assert np.isfinite(MinPSampler(0.5).filter(x)).tolist() == [[True, True, False, False]]

"""RandomSampler draws from the distribution itself."""

import numpy as np
from hypothesis import assume, given, settings
from keras import ops

from keras_seqkit.samplers import RandomSampler
from tests.samplers import references
from tests.samplers.fake_network import settings as call_settings
from tests.samplers.references import BORDER
from tests.samplers.strategies import NUMBERS, logits


@given(logits())
@settings(max_examples=30)
def test_no_token_is_filtered(x):
    np.testing.assert_array_equal(RandomSampler().filter(x), x)


@given(logits(), NUMBERS)
@settings(max_examples=80)
def test_a_token_is_drawn_by_its_own_probability(x, number):
    expected, margins = zip(*(references.draw(row / np.float32(0.5), number) for row in x), strict=True)
    assume(min(margins) > BORDER)  # nearer, float32 may find the neighbour
    chosen = RandomSampler(temperature=0.5).choose(x, np.full(len(x), number), call_settings())
    assert ops.convert_to_numpy(chosen).tolist() == list(expected)

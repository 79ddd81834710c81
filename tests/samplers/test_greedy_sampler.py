"""GreedySampler writes the most probable token, whatever the numbers and the temperature."""

import numpy as np
from hypothesis import given, settings
from keras import ops

from keras_seqkit.samplers import GreedySampler
from tests.samplers import references
from tests.samplers.fake_network import FakeNetwork, write, write_by_hand
from tests.samplers.fake_network import settings as call_settings
from tests.samplers.strategies import CONSTRAINTS, NUMBERS, PROMPTS, SEEDS, logits, numbers


@given(logits(), NUMBERS)
def test_the_first_of_the_most_probable_tokens_is_chosen(x, number):
    chosen = ops.convert_to_numpy(GreedySampler().choose(x, np.full(len(x), number), call_settings(0.3, 2, 0.5)))
    assert chosen.dtype == np.int32
    assert chosen.tolist() == [references.best(row) for row in x]


@given(SEEDS, PROMPTS, CONSTRAINTS)
@settings(max_examples=15)
def test_texts_equal_those_of_plain_numpy(seed, prompts, constraints):
    sampler, network = GreedySampler(**constraints), FakeNetwork(seed)
    got = write(sampler, network, prompts, numbers(6, len(prompts), seed))
    for prompt, tokens in zip(prompts, got, strict=True):
        expected, _ = write_by_hand(sampler, network, prompt, [0.0] * 6, call_settings(0.0), None)
        assert tokens == expected

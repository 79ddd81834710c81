"""Beam search equals a plain search, and an exhaustive one where the beam holds every prefix."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.samplers import BeamSampler, GreedySampler
from tests.samplers import references
from tests.samplers.fake_network import VOCABULARY, FakeNetwork, log_probabilities, padded, write
from tests.samplers.fake_network import settings as call_settings
from tests.samplers.references import END, SCORE_BORDER
from tests.samplers.strategies import CONSTRAINTS, PROMPTS, SEEDS, numbers

STEPS = 5
TOLERANCE = 1e-5  # a sum of a few logarithms in float32, relative
PENALTIES = st.sampled_from([0.0, 0.6, 1.0, 2.0, -0.5])


def search(sampler: BeamSampler, network: FakeNetwork, prompts, steps: int = STEPS, call=None, room=None):
    return write(sampler, network, prompts, np.zeros((steps, len(prompts)), np.float32), call, room)


@given(SEEDS, PROMPTS, CONSTRAINTS, st.integers(1, 4), PENALTIES, st.sampled_from([0.7, 1.0, 1.5]))
@settings(max_examples=40)
def test_texts_equal_those_of_a_plain_search(seed, prompts, constraints, beams, penalty, temperature):
    sampler = BeamSampler(beams, penalty, **constraints)
    network = FakeNetwork(seed)
    got = search(sampler, network, prompts, call=call_settings(temperature))
    total = (sampler.temperature or 1 / temperature) * temperature  # a product of 0 is taken as 1
    for prompt, tokens in zip(prompts, got, strict=True):
        ask = log_probabilities(sampler, network, prompt, total)
        found, margin = references.beam_search(ask, beams, STEPS, penalty)
        assume(margin > SCORE_BORDER)  # nearer, float32 may keep or prefer another text
        assert tokens == padded(found[0].tokens, STEPS)


@given(SEEDS, PROMPTS, st.integers(2, 3), PENALTIES, st.integers(0, 2))
@settings(max_examples=12)
def test_where_the_beam_holds_every_prefix_the_search_is_exhaustive(seed, prompts, words, penalty, least):
    banned = list(range(4 + words, 8))
    steps = 3
    beams = 1 + words + words**2 + words**3  # ended after 1, 2 or 3 tokens, or not
    sampler = BeamSampler(beams, penalty, banned_tokens=banned, min_new_tokens=least)
    network = FakeNetwork(seed)
    got = search(sampler, network, prompts, steps)
    for prompt, tokens in zip(prompts, got, strict=True):
        every = references.every_text(log_probabilities(sampler, network, prompt, 1.0), steps)
        assert len(every) == beams
        best, second = sorted(every, key=lambda text: -text.rank(penalty))[:2]
        assume(best.rank(penalty) - second.rank(penalty) > SCORE_BORDER)  # nearer, either is the best
        assert tokens == padded(best.tokens, steps)


@given(SEEDS, PROMPTS, CONSTRAINTS, PENALTIES)
@settings(max_examples=15)
def test_one_beam_is_greedy(seed, prompts, constraints, penalty):
    network = FakeNetwork(seed)
    greedy = write(GreedySampler(**constraints), network, prompts, numbers(STEPS, len(prompts), seed))
    assert search(BeamSampler(1, penalty, **constraints), network, prompts) == greedy


@given(SEEDS, st.integers(1, 4), PENALTIES)
@settings(max_examples=20)
def test_scores_are_the_logarithms_of_the_texts_probabilities(seed, beams, penalty):
    sampler, network = BeamSampler(beams, penalty), FakeNetwork(seed)
    carry = network.begin(sampler, [[4, 5]], STEPS)
    for index in range(STEPS):
        carry = sampler.step(network, carry, None, np.int32(index), call_settings(), sampler.allowed(VOCABULARY))
    ask = log_probabilities(sampler, network, [4, 5], 1.0)
    scores, lengths = (ops.convert_to_numpy(carry[name])[0] for name in ("scores", "lengths"))
    ranks = scores / lengths**penalty
    assert all(a >= b for a, b in itertools.pairwise(ranks))
    texts = ops.convert_to_numpy(carry["written"]).tolist()
    assert len(set(map(tuple, texts))) == beams
    for text, score, length in zip(texts, scores, lengths, strict=True):
        tokens = text[: text.index(END) + 1] if END in text else text
        expected = sum(ask(tuple(tokens[:place]))[token] for place, token in enumerate(tokens))
        assert length == len(tokens)
        assert math.isclose(score, expected, rel_tol=TOLERANCE)


@given(SEEDS, PROMPTS)
@settings(max_examples=5)
def test_a_calls_top_k_and_top_p_narrow_the_search(seed, prompts):
    network = FakeNetwork(seed)
    greedy = write(GreedySampler(), network, prompts, numbers(STEPS, len(prompts), seed))
    assert search(BeamSampler(3), network, prompts, call=call_settings(1.0, 1, 1.0)) == greedy
    assert search(BeamSampler(3), network, prompts, call=call_settings(1.0, 0, 0.0)) == greedy


@given(SEEDS, PROMPTS)
@settings(max_examples=4)
def test_more_room_than_steps_changes_nothing(seed, prompts):
    network, sampler = FakeNetwork(seed), BeamSampler(3, no_repeat_ngram_size=2)
    assert search(sampler, network, prompts, room=STEPS + 7) == search(sampler, network, prompts)


@given(SEEDS, st.lists(st.sampled_from([4, 5]), max_size=1), st.integers(2, 4))
@settings(max_examples=15)
def test_a_text_that_nothing_may_follow_gives_way_to_others(seed, prompt, beams):
    # Of two words no two may follow each other twice: some texts are at their end before others.
    sampler = BeamSampler(beams, banned_tokens=["[END]", "c", "d"], no_repeat_ngram_size=2)
    network = FakeNetwork(seed)
    found, margin = references.beam_search(log_probabilities(sampler, network, prompt, 1.0), beams, 4, 1.0)
    assume(found and margin > SCORE_BORDER)  # all are at their end; or nearer, and float32 may keep another text
    assert search(sampler, network, [prompt], 4) == [list(found[0].tokens)]


@pytest.mark.parametrize("beams", [1, 2, 5])
def test_more_beams_than_tokens_do_no_harm(beams):
    sampler = BeamSampler(beams, banned_tokens=["a", "b", "c"])
    network = FakeNetwork(3)
    found, _ = references.beam_search(log_probabilities(sampler, network, [4], 1.0), beams, STEPS, 1.0)
    assert search(sampler, network, [[4]]) == [padded(found[0].tokens, STEPS)]

"""Contrastive search equals a search in plain NumPy that keeps every output it has seen."""

import itertools
import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_seqkit.samplers import ContrastiveSampler, GreedySampler
from tests.samplers import references
from tests.samplers.fake_network import FakeNetwork, banned_ids, padded, write
from tests.samplers.fake_network import settings as call_settings
from tests.samplers.references import BORDER, END
from tests.samplers.strategies import CONSTRAINTS, PROMPTS, SEEDS, numbers

STEPS = 5


def contrast(sampler, network, prompt, call) -> tuple[list[int], float]:
    """What it writes behind one prompt, and the smallest margin of its decisions."""
    tokens: list[int] = []
    margin = math.inf
    temperature = np.float32(sampler.temperature) * call.temperature
    while len(tokens) < STEPS and END not in tokens:
        text = [*prompt, *tokens]
        output = network.read(text)
        row = references.constrain(output.logits[0], sampler, text, len(tokens), banned_ids(sampler))
        if temperature == 0:
            tokens.append(references.best(row))
            continue
        row = [logit / temperature for logit in row]
        kept = references.top_k_and_p(row, int(call.top_k), float(call.top_p))
        row = references.without(row, kept.tokens)
        probabilities = references.softmax(row)
        past = [network.read(text[:place]).hidden[0] for place in range(len(text) + 1)]  # after [START], and on
        candidates = sorted(references.possible(row), key=lambda token: -probabilities[token])
        border = [probabilities[token] for token in candidates[sampler.k - 1 : sampler.k + 1]]
        scores = {}
        for token in candidates[: sampler.k]:
            ahead = network.read([*text, token]).hidden[0]
            similarity = max(references.cosine(ahead, before) for before in past)
            if probabilities[token] > 0:
                scores[token] = (1 - sampler.alpha) * probabilities[token] - sampler.alpha * similarity
        ranked = sorted(scores.values(), reverse=True)
        gaps = [a - b for a, b in itertools.pairwise(ranked[:2])] + [a - b for a, b in itertools.pairwise(border)]
        margin = min([margin, kept.margin, *gaps])
        tokens.append(max(scores, key=lambda token: scores[token]))
    return padded(tokens, STEPS), margin


@given(
    seed=SEEDS,
    prompts=PROMPTS,
    constraints=CONSTRAINTS,
    k=st.integers(1, 9),
    alpha=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    call=st.sampled_from([(1.0, 0, 1.0), (0.7, 0, 1.0), (1.0, 3, 1.0), (1.2, 0, 0.8)]),
)
@settings(max_examples=35)
def test_texts_equal_those_of_plain_numpy(seed, prompts, constraints, k, alpha, call):
    sampler, network, call = ContrastiveSampler(k, alpha, **constraints), FakeNetwork(seed), call_settings(*call)
    got = write(sampler, network, prompts, numbers(STEPS, len(prompts), seed), call)
    for prompt, tokens in zip(prompts, got, strict=True):
        expected, margin = contrast(sampler, network, prompt, call)
        assume(margin > BORDER)  # nearer, float32 may try or prefer another token
        assert tokens == expected


@given(SEEDS, PROMPTS, CONSTRAINTS, st.sampled_from([(1, 1.0), (1, 0.6), (4, 0.0), (8, 0.0)]))
@settings(max_examples=12)
def test_one_candidate_or_no_weight_of_similarity_is_greedy(seed, prompts, constraints, arguments):
    network, found = FakeNetwork(seed), numbers(STEPS, len(prompts), seed)
    greedy = write(GreedySampler(**constraints), network, prompts, found)
    assert write(ContrastiveSampler(*arguments, **constraints), network, prompts, found) == greedy


@given(SEEDS, PROMPTS)
@settings(max_examples=4)
def test_no_random_numbers_are_used(seed, prompts):
    network = FakeNetwork(seed)
    texts = [write(ContrastiveSampler(), network, prompts, numbers(STEPS, len(prompts), seed + n)) for n in (0, 1)]
    assert texts[0] == texts[1]


@given(SEEDS, PROMPTS)
@settings(max_examples=4)
def test_more_room_than_steps_changes_nothing(seed, prompts):
    network, sampler, found = FakeNetwork(seed), ContrastiveSampler(), numbers(STEPS, len(prompts), seed)
    assert write(sampler, network, prompts, found, room=STEPS + 7) == write(sampler, network, prompts, found)


def test_a_token_like_those_before_is_passed_over():
    network = FakeNetwork(0, units=2)
    network.table[:], network.outputs[:] = 0.0, 0.0
    network.table[:, 4], network.table[:, 5] = 2.0, 1.5
    network.inputs[:] = [1.0, 0.0]
    network.inputs[5] = [-8.0, 0.5]  # only [b] turns the state around
    assert write(ContrastiveSampler(2, 0.6), network, [[4, 4]], np.zeros((1, 1), np.float32)) == [[5]]
    assert write(ContrastiveSampler(2, 0.0), network, [[4, 4]], np.zeros((1, 1), np.float32)) == [[4]]

"""A step of beam search keeps what plain NumPy keeps."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.samplers.beam_search import BeamRows, continue_beams, first_scores
from tests.samplers.references import PADDING, SCORE_BORDER
from tests.samplers.strategies import SEEDS

TOLERANCE = 1e-6  # one addition of float32


def rows_of(batch: int, beams: int) -> BeamRows:
    return BeamRows(np.arange(0, batch * beams, beams, dtype=np.int32)[:, None], np.arange(beams, dtype=np.int32))


def continue_by_hand(steps, scores, lengths, done, penalty: float) -> list[tuple]:
    """Of one text: all continuations, the best first, as (rank, beam, token, score, length)."""
    found = []
    for beam, row in enumerate(steps):
        for token, step in enumerate(row):
            if done[beam]:
                step = 0.0 if token == PADDING else -math.inf
            length = lengths[beam] + (not done[beam])
            score = float(scores[beam]) + float(step)
            found.append((score / length**penalty, beam, token, score, length))
    return sorted(found, key=lambda each: -each[0])


@given(
    seed=SEEDS,
    batch=st.integers(1, 3),
    beams=st.integers(1, 4),
    vocab=st.integers(2, 6),
    penalty=st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0]),
    impossible=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=60)
def test_a_step_keeps_the_best_continuations(seed, batch, beams, vocab, penalty, impossible):
    random = np.random.default_rng(seed)
    steps = np.log(random.dirichlet(np.ones(vocab), batch * beams)).astype(np.float32)
    steps[random.random(steps.shape) < impossible] = -np.inf
    scores = -random.exponential(4, (batch, beams)).astype(np.float32)
    done = random.random((batch, beams)) < 0.4
    lengths = random.integers(1, 6, (batch, beams)).astype(np.float32)
    got = continue_beams(steps, scores, lengths, done.ravel(), penalty, rows_of(batch, beams))
    parents, tokens = (ops.convert_to_numpy(part).reshape(batch, beams) for part in (got.parent, got.token))
    for text in range(batch):
        mine = slice(text * beams, (text + 1) * beams)
        expected = continue_by_hand(steps[mine], scores[text], lengths[text], done[text], penalty)
        ranks = [each[0] for each in expected[: beams + 1] if each[0] > -math.inf]
        assume(all(a - b > SCORE_BORDER for a, b in itertools.pairwise(ranks)))  # else any order is right
        for place, (rank, beam, token, score, length) in enumerate(expected[:beams]):
            if rank == -math.inf:
                assert got.scores[text, place] == -math.inf
                continue
            assert (parents[text, place], tokens[text, place]) == (text * beams + beam, token)
            assert float(got.scores[text, place]) == pytest.approx(score, rel=TOLERANCE, abs=TOLERANCE)
            assert float(got.lengths[text, place]) == length


@given(st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=20)
def test_before_the_first_step_all_beams_are_one(batch, beams):
    scores = ops.convert_to_numpy(first_scores(np.zeros(batch * beams, np.int32), beams))
    assert scores.dtype == np.float32
    assert scores.tolist() == [[0.0] + [-math.inf] * (beams - 1)] * batch


def test_the_first_step_takes_different_tokens():
    steps = np.log(np.array([[0.1, 0.2, 0.3, 0.4]] * 3, np.float32))
    scores = first_scores(np.zeros(3, np.int32), 3)
    got = continue_beams(steps, scores, np.zeros((1, 3), np.float32), np.zeros(3, bool), 1.0, rows_of(1, 3))
    assert ops.convert_to_numpy(got.token).tolist() == [3, 2, 1]
    assert ops.convert_to_numpy(got.parent).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("penalty", "best"), [(0.0, 0), (1.0, 1)])
def test_a_penalty_on_length_prefers_longer_texts(penalty, best):
    # A finished text of 2 tokens with -2.0, and one of 3 tokens that goes on to -2.4.
    steps = np.array([[-np.inf, -np.inf, -np.inf], [-np.inf, -0.4, -3.0]], np.float32)
    lengths = np.array([[2, 3]], np.float32)
    scores, done = np.array([[-2.0, -2.0]], np.float32), np.array([True, False])
    got = continue_beams(steps, scores, lengths, done, penalty, rows_of(1, 2))
    assert int(got.parent[0]) == best
    assert int(got.token[0]) == (PADDING if best == 0 else 1)
    assert float(got.lengths[0, 0]) == (2 if best == 0 else 4)

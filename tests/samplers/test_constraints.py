"""Penalties and bans equal a search in plain Python."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.samplers import constraints
from tests.samplers import references
from tests.samplers.strategies import ANY_LOGIT, logits

VOCAB = 6
TEXTS = st.lists(st.lists(st.integers(1, VOCAB - 1), max_size=9), min_size=1, max_size=3)


def histories(texts: list[list[int]], free: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts on the left of an array, and their lengths."""
    history = np.zeros((len(texts), max(map(len, texts)) + free), np.int32)
    for row, text in zip(history, texts, strict=True):
        row[: len(text)] = text
    return history, np.array([len(text) for text in texts], np.int32)


@given(logits(), st.floats(0.125, 8, width=32), st.data())
@settings(max_examples=40)
def test_tokens_seen_before_are_penalized(x, penalty, data):
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=x.size, max_size=x.size))).reshape(x.shape)
    expected = x.copy()
    for place in np.argwhere(seen):
        logit = x[tuple(place)]
        expected[tuple(place)] = logit / np.float32(penalty) if logit > 0 else logit * np.float32(penalty)
    np.testing.assert_array_equal(constraints.penalize_repetition(x, seen, penalty), expected)


@given(ANY_LOGIT, st.floats(1, 10, width=32))
@settings(max_examples=40)
def test_a_penalty_above_one_makes_no_token_more_probable(logit, penalty):
    x = np.array([[logit]], np.float32)
    assert float(constraints.penalize_repetition(x, np.array([[True]]), penalty)[0, 0]) <= logit


@given(TEXTS.filter(any), st.integers(0, 2))
def test_seen_tokens_are_those_of_the_text(texts, free):
    ids, _ = histories(texts, free)
    seen = ops.convert_to_numpy(constraints.seen_tokens(ids, VOCAB))
    assert seen.shape == (len(texts), VOCAB)
    for row, text in zip(seen, texts, strict=True):
        assert set(np.flatnonzero(row)) - {0} == set(text)


@given(TEXTS, st.integers(1, 5), st.integers(1, 4))
@example([[4, 4]], 3, 1)  # a window that overlaps itself
@example([[4, 5, 4], [4], []], 2, 1)
@example([[1, 2, 3, 1, 2, 4, 1, 2]], 3, 1)  # two tokens are banned
@settings(max_examples=120)
def test_the_last_token_of_a_repeated_ngram_is_banned(texts, size, free):
    history, length = histories(texts, free)
    x = np.random.default_rng(0).normal(size=(len(texts), VOCAB)).astype(np.float32)
    banned = [[references.repeated_ngram(text, token, size) for token in range(VOCAB)] for text in texts]
    got = constraints.ban_repeated_ngrams(x, history, length, size)
    np.testing.assert_array_equal(got, np.where(banned, -np.inf, x).astype(np.float32))


@given(TEXTS, st.integers(1, VOCAB - 1))
def test_a_token_is_written_behind_each_text(texts, token):
    history, length = histories(texts, 1)
    tokens = np.array([(token + row) % VOCAB for row in range(len(texts))], np.int32)
    expected, _ = histories([[*text, new] for text, new in zip(texts, tokens, strict=True)], 0)
    np.testing.assert_array_equal(constraints.append(history, length, tokens), expected)

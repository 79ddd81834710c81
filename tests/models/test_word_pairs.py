"""Pairs equal a search in plain Python, and what is drawn has the probabilities of the paper."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from keras_seqkit.models.word_vectors.word_pairs import (
    NoiseWords,
    WordPairs,
    context_table,
    keep_probabilities,
    known_words,
)

VOCAB = 12
ROWS = st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=12), min_size=1, max_size=6)
ENOUGH = [[4, 5, 6, 7, 8, 9, 10, 11] * 8, [5, 7, 9, 4] * 10]
# The draws are seeded, so what passes once passes always; a right program failed with this probability at first.
UNLIKELY = 1e-3


def contexts_by_hand(rows: list[list[int]], window: int) -> list[tuple[int, list[int], list[int]]]:
    """For each word what stands on its left and on its right."""
    found = []
    for row in rows:
        words = [word for word in row if word >= 4]
        for place, word in enumerate(words):
            found.append((word, words[max(place - window, 0) : place], words[place + 1 : place + 1 + window]))
    return found


def everything(pairs: WordPairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The words, candidates and signs of an epoch."""
    batches = [pairs[index] for index in range(len(pairs))]
    words, candidates = (np.concatenate([batch[0][part] for batch in batches]) for part in range(2))
    return words, candidates, np.concatenate([batch[1] for batch in batches])


@given(ROWS, st.integers(1, 5))
@example([[4, 4, 1, 4], [4]], 5)  # a window that is longer than the text, an unknown word
def test_pairs_of_a_fixed_window_equal_a_search_in_plain_python(rows, window):
    ids, texts = known_words(rows)
    table = context_table(ids, texts, window, np.full(len(ids), window))
    for found, row, (word, left, right) in zip(ids, table, contexts_by_hand(rows, window), strict=True):
        assert found == word
        assert row.tolist() == [0] * (window - len(left)) + left + right + [0] * (window - len(right))


@given(ROWS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_word_sees_as_far_as_it_reaches(rows, window, random):
    ids, texts = known_words(rows)
    reach = np.array([random.randint(1, window) for _ in ids], np.int64)
    table = context_table(ids, texts, window, reach)
    distance = np.abs(np.r_[-window:0, 1 : window + 1])
    widest = context_table(ids, texts, window, np.full(len(ids), window))
    np.testing.assert_array_equal(table, np.where(distance <= reach[:, np.newaxis], widest, 0))


@given(ROWS, st.integers(1, 9))
def test_with_a_window_of_one_an_epoch_holds_every_pair_and_no_other(rows, batch_size):
    expected = [(word, near) for word, left, right in contexts_by_hand(rows, 1) for near in left + right]
    if not expected:
        with pytest.raises(ValueError, match="no text has two words"):
            WordPairs(rows, VOCAB, False, window=1)
        return
    pairs = WordPairs(rows, VOCAB, False, window=1, subsample=0, batch_size=batch_size)
    words, candidates, _ = everything(pairs)
    made = list(zip(words.tolist(), candidates[:, 0].tolist(), strict=True))
    assert sorted(made[: len(expected)]) == sorted(expected)
    assert set(made) == set(expected)
    assert len(made) - len(expected) < len(pairs)  # what fills the last batch up
    assert {len(pairs[index][1]) for index in range(len(pairs))} == {len(made) // len(pairs)}
    assert len(made) // len(pairs) <= batch_size


@given(ROWS)
def test_with_a_window_of_one_a_whole_context_is_both_neighbours(rows):
    around = [(word, (left or [0]) + (right or [0])) for word, left, right in contexts_by_hand(rows, 1) if left + right]
    if around:
        words, candidates, _ = everything(WordPairs(rows, VOCAB, True, window=1, subsample=0))
        assert sorted(zip(candidates[:, 0].tolist(), words.tolist(), strict=True)) == sorted(around)


def test_reaches_are_drawn_evenly():
    rows = [list(range(4, 204))] * 50
    words, candidates, _ = everything(WordPairs(rows, 204, False, window=4, subsample=0, batch_size=10**6))
    inside = (words >= 8) & (words < 200)  # no end of a text within reach
    counts = np.bincount(np.abs(words - candidates[:, 0])[inside])[1:]
    total = 2 * 50 * np.count_nonzero((np.arange(4, 204) >= 8) & (np.arange(4, 204) < 200))
    assert counts[0] == total
    for distance in (2, 3, 4):  # a word sees as far as that, to both sides, with probability (5 - distance) / 4
        seen = binomtest(int(counts[distance - 1]) // 2, total // 2, (5 - distance) / 4)
        assert seen.pvalue > UNLIKELY


@given(st.lists(st.integers(0, 50), max_size=30).map(lambda counts: [3, 0, 1, *counts]), st.integers(0, 1000))
def test_negatives_have_the_distribution_of_counts_to_the_power_of_three_quarters(counts, seed):
    drawn = NoiseWords(np.array(counts)).draw((4000, 5), np.random.default_rng(seed))
    weights = np.array(counts) ** 0.75
    expected, seen = weights / weights.sum() * drawn.size, np.bincount(drawn.ravel(), minlength=len(counts))
    assert drawn.dtype == np.int32
    assert not seen[expected == 0].any()
    # The statistic of a hundred Hypothesis examples: the bound is that of one, divided by their number.
    assert chisquare(seen[expected > 0], expected[expected > 0]).pvalue > UNLIKELY / 100


def test_negatives_of_an_epoch_are_drawn_by_the_counts_of_its_texts():
    rows = [[4] * 40 + [5] * 20 + [6] * 10 + [1] * 100] * 50
    _, candidates, _ = everything(WordPairs(rows, 9, False, window=2, subsample=0))
    weights = np.array([40, 20, 10]) ** 0.75
    seen = np.bincount(candidates[:, 1:].ravel(), minlength=9)
    assert seen[[0, 1, 2, 3, 7, 8]].sum() == 0
    assert chisquare(seen[4:7], weights / weights.sum() * seen.sum()).pvalue > UNLIKELY


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any), st.floats(1e-6, 1))
def test_keep_probabilities_are_those_of_the_paper(counts, subsample):
    kept = keep_probabilities(np.array(counts), subsample)
    for count, probability in zip(counts, kept.tolist(), strict=True):
        discard = 1 - (subsample / (count / sum(counts))) ** 0.5 if count else 0  # equation 5
        assert probability == pytest.approx(1 - max(discard, 0), rel=1e-12)


def test_frequent_words_are_left_out_as_often_as_the_formula_says():
    count = 20_000
    rows = [[4, 5] * count]  # 4 and 5 of frequency 1/2 each
    examples = len(WordPairs(rows, 6, True, window=1, subsample=0.02, batch_size=1))  # one for each word that is kept
    assert binomtest(examples, 2 * count, (0.02 / 0.5) ** 0.5).pvalue > UNLIKELY


def test_rare_words_stay():
    rows = [[4] * 100 + [word] + [4] * 100 for word in range(5, 105)]
    _, candidates, _ = everything(WordPairs(rows, 105, True, window=5, subsample=0.01))
    assert set(range(5, 105)) <= set(candidates[:, 0].tolist())


def test_without_subsampling_every_word_stays():
    np.testing.assert_array_equal(keep_probabilities(np.array([0, 3, 10**6]), 0), 1)


@given(st.booleans(), st.integers(0, 100))
def test_a_negative_that_equals_the_word_seen_does_not_count(whole_context, seed):
    _, candidates, signs = everything(WordPairs(ENOUGH, VOCAB, whole_context, subsample=0, seed=seed))
    assert (signs[:, 0] == 1).all()
    np.testing.assert_array_equal(signs[:, 1:], np.where(candidates[:, 1:] == candidates[:, :1], 0, -1))
    assert (signs == 0).any()


def test_each_epoch_draws_anew_and_a_seed_draws_the_same():
    first, same, other = (WordPairs(ENOUGH, VOCAB, False, subsample=0.05, seed=seed) for seed in (1, 1, 2))
    epochs = []
    for pairs in (first, same, other):
        epochs.append(everything(pairs))
        pairs.on_epoch_end()
        epochs.append(everything(pairs))
    for one, two in zip(epochs[:2], epochs[2:4], strict=True):
        for mine, its in zip(one, two, strict=True):
            np.testing.assert_array_equal(mine, its)
    (words, candidates, _), (later_words, later_candidates, _) = epochs[:2]
    assert later_candidates.shape == candidates.shape
    assert (later_words != words).any()
    assert (later_candidates[:, 1:] != candidates[:, 1:]).any()
    assert sorted(later_words) != sorted(words)  # not only the order: what is subsampled and how far windows reach
    other_candidates = epochs[4][1]
    assert other_candidates.shape != candidates.shape or (other_candidates != candidates).any()


def test_an_epoch_that_subsampling_leaves_nothing_of_repeats_the_last():
    for seed in range(100):
        try:
            pairs = WordPairs([[4, 5]], 6, False, subsample=0.1, seed=seed)  # both words stay in a fifth of all epochs
        except ValueError as error:
            assert "Pass more text, or subsample=0" in str(error)  # noqa: PT017
            continue
        for _ in range(20):
            assert sorted(everything(pairs)[0].tolist()) == [4, 5]
            pairs.on_epoch_end()

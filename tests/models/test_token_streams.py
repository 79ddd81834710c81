"""Batches for training: every token is a target once, and streams go on where they ended."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.models.generation.token_streams import ContinuousBatches, WindowBatches
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

lengths_of_texts = st.lists(st.integers(0, 9), min_size=1, max_size=5)
sizes = st.integers(1, 7)


def texts_of(lengths: list[int]) -> list[np.ndarray]:
    """Texts in which each token is there once, so that it can be counted."""
    ends = np.cumsum(lengths)
    return [np.arange(4 + end - length, 4 + end, dtype=np.int32) for length, end in zip(lengths, ends, strict=True)]


def joined(rows: list[np.ndarray]) -> list[int]:
    return [token for row in rows for token in (START_ID, *row.tolist(), END_ID)]


def epoch(batches: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All batches of an epoch, side by side: (streams, time)."""
    ids, targets, weights = zip(*(batches[index] for index in range(len(batches))), strict=True)
    return np.concatenate(ids, 1), np.concatenate(targets, 1), np.concatenate(weights, 1)


@given(lengths_of_texts, sizes, sizes)
def test_a_row_goes_on_where_it_ended_in_the_batch_before(lengths, batch_size, length):
    rows = texts_of(lengths)
    batches = ContinuousBatches(rows, batch_size, length, None)
    tokens = joined(rows)
    ids, targets, _ = epoch(batches)
    time = (len(tokens) - 1) // batches.streams
    assert 1 <= batches.streams <= batch_size
    assert all(each[0].shape == batches[0][0].shape for each in (batches[index] for index in range(len(batches))))
    for stream in range(batches.streams):
        assert ids[stream, :time].tolist() == tokens[stream * time : (stream + 1) * time]
        assert targets[stream, :time].tolist() == tokens[stream * time + 1 : (stream + 1) * time + 1]
    assert not ids[:, time:].any()
    assert not targets[:, time:].any()


@given(lengths_of_texts, sizes, sizes, st.none() | st.integers(0, 9))
def test_every_token_is_a_target_once_but_for_the_tail(lengths, batch_size, length, seed):
    rows = texts_of(lengths)
    batches = ContinuousBatches(rows, batch_size, length, seed)
    for _ in range(2):
        _, targets, weights = epoch(batches)
        counts = Counter(targets[weights > 0].tolist())
        starts = int((targets == START_ID).sum())
        assert max((count for token, count in counts.items() if token != END_ID), default=1) == 1
        assert counts[END_ID] <= len(rows)
        assert counts[START_ID] == counts[PADDING_ID] == 0
        left_out = len(joined(rows)) - counts.total() - starts
        assert 1 <= left_out <= batches.streams  # the first token of all, and less than one of each stream
        batches.on_epoch_end()


@given(lengths_of_texts, sizes, sizes, st.none() | st.integers(0, 9))
def test_weights_are_0_for_start_and_padding_and_else_1(lengths, batch_size, length, seed):
    _, targets, weights = epoch(ContinuousBatches(texts_of(lengths), batch_size, length, seed))
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(weights, ~np.isin(targets, [START_ID, PADDING_ID]))


@given(lengths_of_texts, sizes, st.integers(0, 9))
def test_texts_stay_whole_in_whatever_order(lengths, length, seed):
    rows = texts_of(lengths)
    batches = ContinuousBatches(rows, 1, length, seed)
    ids, targets, _ = epoch(batches)
    tokens = [*ids[0, : batches.time].tolist(), int(targets[0, batches.time - 1])]
    assert sorted(tokens) == sorted(joined(rows))
    begin = tokens.index(START_ID)
    found = np.array([*tokens[begin:], *tokens[:begin]])
    ends = np.flatnonzero(found == END_ID)
    parts = [part[1:].tolist() for part in np.split(found, ends + 1)[:-1]]
    assert sorted(parts) == sorted([*row.tolist(), END_ID] for row in rows)


def test_each_epoch_has_another_order_and_the_same_seed_the_same():
    rows = texts_of([3, 4, 5, 6])
    one, two = (ContinuousBatches(rows, 2, 5, 1) for _ in range(2))
    seen = []
    for _ in range(3):
        np.testing.assert_array_equal(epoch(one)[0], epoch(two)[0])
        seen.append(epoch(one)[0].tolist())
        one.on_epoch_end()
        two.on_epoch_end()
    assert len({str(each) for each in seen}) == 3
    assert epoch(ContinuousBatches(rows, 2, 5, 2))[0].tolist() != seen[0]


def test_without_a_seed_the_order_stays():
    batches = ContinuousBatches(texts_of([3, 4]), 2, 3, None)
    before = epoch(batches)[0]
    batches.on_epoch_end()
    np.testing.assert_array_equal(epoch(batches)[0], before)


@pytest.mark.parametrize("lengths", [[0], [0, 0], [1]])
def test_hardly_any_text_is_enough(lengths):
    ids, targets, weights = epoch(ContinuousBatches(texts_of(lengths), 64, 100, None))
    assert ids.shape == targets.shape == weights.shape
    assert weights.sum() >= 1


def windows_by_hand(rows: list[np.ndarray], length: int, step: int) -> list[tuple]:
    length = min(length, max(map(len, rows)) + 1)
    found = []
    for row in rows:
        tokens = [START_ID, *row.tolist(), END_ID]
        begins = list(range(0, max(1, len(tokens) - length), step))
        if begins[-1] + length + 1 < len(tokens):
            begins.append(len(tokens) - length - 1)
        for begin in begins:
            window = tokens[begin : begin + length + 1]
            found.append((*window, *[PADDING_ID] * (length + 1 - len(window))))
    return found


def windows_of(batches: WindowBatches) -> list[tuple]:
    found = []
    for index in range(len(batches)):
        ids, targets, weights = batches[index]
        np.testing.assert_array_equal(ids[:, 1:], targets[:, :-1])
        np.testing.assert_array_equal(weights, targets != PADDING_ID)
        assert (ids.dtype, targets.dtype, weights.dtype) == (np.int32, np.int32, np.float32)
        found += [(row[0], *after) for row, after in zip(ids.tolist(), targets.tolist(), strict=True)]
    return found


@given(lengths_of_texts, sizes, sizes, sizes, st.integers(0, 9))
def test_windows_are_those_of_plain_python(lengths, batch_size, length, step, seed):
    rows = texts_of(lengths)
    batches = WindowBatches(rows, batch_size, length, step, seed)
    expected = sorted(windows_by_hand(rows, length, step))
    for _ in range(2):
        assert sorted(windows_of(batches)) == expected
        batches.on_epoch_end()
    assert len(batches) == -(-len(expected) // batch_size)


@given(lengths_of_texts, sizes, sizes)
def test_windows_reach_the_end_of_every_text(lengths, length, step):
    rows = texts_of(lengths)
    windows = windows_of(WindowBatches(rows, 4, length, step, 0))
    ends = Counter(tuple(token for token in window if token)[-2:] for window in windows)
    for row in rows:
        assert ends[(int(row[-1]) if len(row) else START_ID, END_ID)] >= 1


@given(lengths_of_texts, sizes)
def test_with_a_step_of_the_length_every_token_is_a_target(lengths, length):
    rows = texts_of(lengths)
    targets = {token for window in windows_of(WindowBatches(rows, 4, length, length, 0)) for token in window[1:]}
    assert set(joined(rows)) - {START_ID} <= targets


def test_windows_are_shuffled_anew_each_epoch():
    batches = WindowBatches(texts_of([40]), 8, 5, 1, 0)
    seen = []
    for _ in range(3):
        seen.append(tuple(windows_of(batches)))
        batches.on_epoch_end()
    assert len(set(seen)) == 3
    assert seen[0] != tuple(sorted(seen[0]))
    assert tuple(windows_of(WindowBatches(texts_of([40]), 8, 5, 1, 0))) == seen[0]

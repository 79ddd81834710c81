"""Batches hold every text once, padded on the right."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.models.text_batches import LENGTH_STEP, TextBatches

ROWS = st.lists(st.lists(st.integers(1, 50), max_size=30), min_size=1, max_size=40)


@given(ROWS, st.integers(1, 9), st.booleans())
def test_every_text_comes_once_in_an_epoch_with_its_target(rows, batch_size, shuffle):
    targets = np.arange(len(rows))
    batches = TextBatches(rows, targets, batch_size=batch_size, shuffle=shuffle)
    for _ in range(2):
        seen = []
        for index in range(len(batches)):
            ids, marks = batches[index]
            assert ids.shape[1] % LENGTH_STEP == 0
            for row, mark in zip(ids, marks, strict=True):
                assert row.tolist() == rows[mark] + [0] * (len(row) - len(rows[mark]))
                seen.append(mark)
        assert sorted(seen) == list(targets)
        if not shuffle:
            assert seen == list(targets)
        batches.on_epoch_end()


@given(ROWS)
def test_the_first_two_batches_never_have_the_same_time(rows):
    batches = TextBatches(rows, batch_size=2)
    if len(batches) > 1:
        assert batches[0][0].shape[1] != batches[1][0].shape[1]


def test_shuffling_changes_the_order_from_epoch_to_epoch():
    batches = TextBatches([[1]] * 64, np.arange(64), batch_size=64, shuffle=True)
    first = batches[0][1].tolist()
    batches.on_epoch_end()
    assert first != batches[0][1].tolist()

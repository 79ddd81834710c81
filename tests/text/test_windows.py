"""sliding_windows against plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import sliding_windows

ids_lists = st.lists(st.integers(0, 1000), max_size=30)
sizes = st.integers(1, 8)


def windows_by_hand(ids: list[int], length: int, step: int) -> tuple[list[list[int]], list[int]]:
    starts = range(0, len(ids) - length, step)
    return [ids[start : start + length] for start in starts], [ids[start + length] for start in starts]


@given(ids_lists, sizes, sizes)
def test_windows_equal_slices(ids, length, step):
    windows, next_ids = sliding_windows(ids, length, step)
    assert (windows.tolist(), next_ids.tolist()) == windows_by_hand(ids, length, step)
    assert windows.shape == (len(next_ids), length)


@given(st.lists(st.integers(0, 100), min_size=0, max_size=9), st.sampled_from(["int8", "uint16", "int32", "int64"]))
def test_the_dtype_stays(ids, dtype):
    windows, next_ids = sliding_windows(np.array(ids, dtype), 3)
    assert windows.dtype == next_ids.dtype == dtype


def test_windows_are_a_read_only_view():
    ids = np.arange(10)
    windows, _ = sliding_windows(ids, 3)
    assert np.shares_memory(ids, windows)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 5


def test_an_empty_list_gives_integers():
    windows, next_ids = sliding_windows([], 3)
    assert windows.shape == (0, 3)
    assert windows.dtype.kind == next_ids.dtype.kind == "i"


@pytest.mark.parametrize("ids", [5, [[1, 2], [3, 4]], np.zeros((2, 3, 4), int)])
def test_ids_with_another_number_of_axes_are_refused(ids):
    with pytest.raises(ValueError, match=r"sliding_windows: ids has one axis \(time,\); received shape"):
        sliding_windows(ids, 1)


@pytest.mark.parametrize(("length", "step"), [(0, 1), (1, 0), (-1, 1), (1, -2)])
def test_lengths_and_steps_below_one_are_refused(length, step):
    with pytest.raises(ValueError, match=f"at least 1; received {length} and {step}"):
        sliding_windows([1, 2, 3], length, step)

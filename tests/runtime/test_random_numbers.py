"""The runtime's numbers are Keras's, bit by bit."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from seqkit_onnx.runtime import random_numbers

from tests.samplers import references
from tests.samplers.test_counter_random import KNOWN_ANSWERS, PLACES, SIGNED_SEEDS, WORDS, draws


def mix(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, ...]:
    key_words, counter_words = ([np.array([word], np.uint32) for word in pair] for pair in (key, counter))
    return tuple(int(word[0]) for word in random_numbers.threefry_2x32(tuple(key_words), tuple(counter_words)))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_vectors(counter, key, expected):
    assert mix(key, counter) == expected


@given(WORDS, WORDS)
def test_words_of_32_bits_are_mixed_as_in_whole_numbers(key, counter):
    assert mix(key, counter) == references.threefry(key, counter)


@given(SIGNED_SEEDS, PLACES, PLACES)
@example(-1, [0], [0])
@example(-(2**63), [0, 1, 2**31 - 1], [0, 2**31 - 1])
@settings(max_examples=40)
def test_numbers_equal_those_of_keras_bit_by_bit(seed, rows, steps):
    ours = random_numbers.uniform(seed, np.array(rows), np.array(steps))
    theirs = draws(seed, rows, steps)
    assert (ours.dtype, ours.shape) == (np.float32, (len(steps), len(rows)))
    np.testing.assert_array_equal(ours.view(np.int32), theirs.view(np.int32))


@given(SIGNED_SEEDS, st.integers(1, 40), st.integers(0, 1000))
def test_numbers_do_not_depend_on_blocks_of_steps(seed, batch, first):
    rows = np.arange(batch)
    whole = random_numbers.uniform(seed, rows, np.arange(first, first + 5))
    parts = [random_numbers.uniform(seed, rows, np.array([first + place])) for place in range(5)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("seed", [np.int64(7), np.int64(-7), np.uint32(7), np.uint64(7)])
def test_wide_integers_of_numpy_are_seeds_too(seed):
    assert_same_numbers(seed)


@pytest.mark.parametrize("seed", [np.int8(7), np.uint8(7), np.int16(-7), np.int32(7), np.int32(-7)])
def test_narrow_integers_of_numpy_are_seeds_too(seed):
    assert_same_numbers(seed)


def assert_same_numbers(seed) -> None:
    same = [random_numbers.uniform(each, np.arange(3), np.arange(3)) for each in (seed, int(seed))]
    np.testing.assert_array_equal(*same)

"""The generator is the published one, and what it draws is even over rows and steps."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from keras import ops
from scipy.stats import chisquare, kstest

from keras_seqkit.samplers.counter_random import seed_words, threefry_2x32, uniform
from tests.samplers import references

# Threefry-2x32 with 20 rounds in the known-answer tests of Random123: counter, key, result.
KNOWN_ANSWERS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]
WORDS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
SIGNED_SEEDS = st.integers(-(2**63), 2**63 - 1)
PLACES = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=5)
# Seeded: what passes once passes always; right numbers failed with this probability at first.
UNLIKELY = 1e-3


def mix(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, ...]:
    def words(pair: tuple[int, int]) -> tuple:
        return tuple(np.array([word], np.uint32).view(np.int32) for word in pair)

    mixed = threefry_2x32(words(key), words(counter))
    return tuple(int(ops.convert_to_numpy(word).view(np.uint32)[0]) for word in mixed)


def draws(seed: int, rows, steps) -> np.ndarray:
    return ops.convert_to_numpy(uniform(seed_words(seed), np.array(rows, np.int32), np.array(steps, np.int32)))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_vectors(counter, key, expected):
    assert references.threefry(key, counter) == expected
    assert mix(key, counter) == expected


@given(WORDS, WORDS)
@settings(max_examples=40)
def test_words_of_32_bits_are_mixed_as_in_whole_numbers(key, counter):
    assert mix(key, counter) == references.threefry(key, counter)


@given(SIGNED_SEEDS, PLACES, PLACES)
@example(-1, [0], [0])
@example(-(2**63), [2**31 - 1], [0, 1])
@settings(max_examples=40)
def test_a_number_is_a_function_of_seed_row_and_step(seed, rows, steps):
    got = draws(seed, rows, steps)
    assert got.dtype == np.float32
    assert got.tolist() == [[references.uniform(seed, row, step) for row in rows] for step in steps]


@given(SIGNED_SEEDS, st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_numbers_do_not_depend_on_batch_size_or_blocks_of_steps(seed, batch, time, random):
    whole = draws(seed, range(batch), range(time))
    row, step = random.randrange(batch), random.randrange(time)
    assert draws(seed, [row], [step]) == whole[step, row]
    np.testing.assert_array_equal(draws(seed, range(row, batch), range(step, time)), whole[step:, row:])


@given(SIGNED_SEEDS)
def test_words_of_a_seed_are_its_bits(seed):
    low, high = seed_words(seed).view(np.uint32).tolist()
    assert (high << 32 | low) == seed % 2**64
    assert seed_words(seed).dtype == np.int32


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64])
@pytest.mark.parametrize("value", [7, -7])
def test_integers_of_numpy_are_seeds_too(kind, value):
    if value > 0 or np.issubdtype(kind, np.signedinteger):
        np.testing.assert_array_equal(seed_words(kind(value)), seed_words(value))


@pytest.mark.parametrize("seed", [1.0, "1", None, True, np.float32(3), [1]])
def test_seeds_that_are_no_integers_are_refused(seed):
    with pytest.raises(TypeError, match=f"seed is an integer; received {type(seed).__name__} "):
        seed_words(seed)


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 2**64, np.uint64(2**63)])
def test_seeds_of_more_than_64_bits_are_refused(seed):
    with pytest.raises(ValueError, match="seed is an integer of 64 bits"):
        seed_words(seed)


@pytest.mark.parametrize("seed", [0, 1, -1, 2**40])
@pytest.mark.parametrize("shape", [(1, 40_000), (40_000, 1), (200, 200)])
def test_numbers_are_even(seed, shape):
    time, batch = shape
    found = draws(seed, range(batch), range(time)).ravel()
    assert 0 <= found.min() <= found.max() < 1
    cells = np.bincount((found * 64).astype(int), minlength=64)
    assert chisquare(cells).pvalue > UNLIKELY
    assert kstest(found.astype(np.float64), "uniform").pvalue > UNLIKELY


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_moments_are_those_of_even_numbers(power):
    found = draws(3, range(200), range(200)).astype(np.float64).ravel() ** power
    mean, variance = 1 / (power + 1), 1 / (2 * power + 1) - 1 / (power + 1) ** 2
    assert abs(found.mean() - mean) < 3.29 * (variance / found.size) ** 0.5  # as unlikely as the others


@pytest.mark.parametrize("other", ["next row", "next step", "next seed", "next high word"])
def test_neighbours_know_nothing_of_each_other(other):
    rows, steps = np.arange(200), np.arange(200)
    near = {
        "next row": draws(0, rows + 1, steps),
        "next step": draws(0, rows, steps + 1),
        "next seed": draws(1, rows, steps),
        "next high word": draws(2**32, rows, steps),
    }[other]
    pairs = (draws(0, rows, steps) * 8).astype(int) * 8 + (near * 8).astype(int)
    assert chisquare(np.bincount(pairs.ravel(), minlength=64)).pvalue > UNLIKELY


def test_rows_and_steps_are_not_the_same_thing():
    square = draws(0, range(50), range(50))
    off = ~np.eye(50, dtype=bool)
    assert (square != square.T)[off].mean() > 0.99
    assert len(np.unique(square)) > 2490  # of 2500 numbers out of 2**23

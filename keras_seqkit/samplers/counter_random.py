"""Random numbers that are a function of (seed, row, step): the same on every backend, in onnxruntime too.

Threefry-2x32 with 20 rounds (Salmon et al., 2011, Parallel random numbers: as easy as 1, 2, 3) needs additions,
shifts and exclusive-ors of 32 bits, and no state. It is written in int32, which every backend of Keras has: sums wrap
around, and a logical shift is an arithmetic one whose sign bits are masked.
"""

from typing import Any

import keras
import numpy as np

ops: Any = keras.ops  # Keras's annotations know no tensors

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
ROUNDS = 20
ROUNDS_BETWEEN_KEYS = 4
KEY_PARITY = 0x1BD11BDA
FRACTION_BITS = 23  # as many as float32 stores, so that every number is exact


def seed_words(seed: int) -> np.ndarray:
    """Returns the two 32-bit words of a seed, low and high: int32 (2,).

    Args:
        seed: an integer of 64 bits, negative ones included.

    Raises:
        TypeError: the seed is no integer.
        ValueError: the seed does not fit into 64 bits.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed is an integer; received {type(seed).__name__} {seed!r}.")
    if not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed is an integer of 64 bits, -2**63 to 2**63 - 1; received {seed}.")
    seed = int(seed)  # small integers of NumPy overflow
    return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], np.uint32).view(np.int32)


def threefry_2x32(key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Mixes two words with a key of two words.

    Args:
        key: int32 tensors that broadcast with the counter.
        counter: int32 tensors of one shape.

    Returns:
        Two int32 tensors, whose bits are those of the published generator.
    """
    parity = ops.bitwise_xor(ops.bitwise_xor(key[0], key[1]), KEY_PARITY)
    keys = (key[0], key[1], parity)
    first, second = ops.add(counter[0], keys[0]), ops.add(counter[1], keys[1])
    for index in range(ROUNDS):
        first = ops.add(first, second)
        second = ops.bitwise_xor(_rotate_left(second, ROTATIONS[index % len(ROTATIONS)]), first)
        if (index + 1) % ROUNDS_BETWEEN_KEYS == 0:
            injection = (index + 1) // ROUNDS_BETWEEN_KEYS
            first = ops.add(first, keys[injection % 3])
            second = ops.add(ops.add(second, keys[(injection + 1) % 3]), injection)
    return first, second


def uniform(words: Any, rows: Any, steps: Any) -> Any:
    """Draws a number for each row and step.

    Args:
        words: the seed's two words, int32 (2,), as `seed_words` makes them.
        rows: int32 (batch,), the place of each row in the caller's list.
        steps: int32 (time,), the place of each token after the prompt.

    Returns:
        float32 (time, batch), multiples of 2**-23 from 0 up to 1, 1 left out.
    """
    row = ops.expand_dims(rows, 0) + ops.expand_dims(steps * 0, 1)  # (time, batch)
    step = ops.expand_dims(rows * 0, 0) + ops.expand_dims(steps, 1)  # (time, batch)
    first, _ = threefry_2x32((words[0], words[1]), (row, step))
    return ops.cast(_shift_right(first, 32 - FRACTION_BITS), "float32") * 2.0**-FRACTION_BITS


def _rotate_left(word: Any, bits: int) -> Any:
    return ops.bitwise_or(ops.left_shift(word, bits), _shift_right(word, 32 - bits))


def _shift_right(word: Any, bits: int) -> Any:
    """Shifts as if the word had no sign."""
    return ops.bitwise_and(ops.right_shift(word, bits), (1 << (32 - bits)) - 1)

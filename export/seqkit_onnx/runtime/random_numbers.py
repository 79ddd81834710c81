"""The random numbers of a writer in NumPy: a function of (seed, row, step).

Threefry-2x32 with 20 rounds: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
KEY_PARITY = np.uint32(0x1BD11BDA)
ROUNDS, ROUNDS_BETWEEN_KEYS = 20, 4
FRACTION_BITS = 23


def threefry_2x32(key: tuple[np.ndarray, np.ndarray], counter: tuple[np.ndarray, np.ndarray]) -> tuple:
    """Mixes two words with a key of two words; uint32 arrays that broadcast."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ KEY_PARITY)
    first, second = counter[0] + keys[0], counter[1] + keys[1]
    for index in range(ROUNDS):
        first = first + second
        bits = ROTATIONS[index % len(ROTATIONS)]
        second = ((second << np.uint32(bits)) | (second >> np.uint32(32 - bits))) ^ first
        if (index + 1) % ROUNDS_BETWEEN_KEYS == 0:
            injection = (index + 1) // ROUNDS_BETWEEN_KEYS
            first = first + keys[injection % 3]
            second = second + keys[(injection + 1) % 3] + np.uint32(injection)
    return first, second


def uniform(seed: int, rows: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Draws a number for each row and step.

    Args:
        seed: an integer of 64 bits.
        rows: integers (batch,).
        steps: integers (time,).

    Returns:
        float32 (time, batch), multiples of 2**-23 from 0 up to 1, 1 left out.
    """
    seed = int(seed)  # NumPy's own may be too narrow for what follows
    words = np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], np.uint32)
    row, step = np.broadcast_arrays(np.asarray(rows, np.uint32)[None, :], np.asarray(steps, np.uint32)[:, None])
    first, _ = threefry_2x32((words[:1], words[1:]), (row, step))
    return (first >> np.uint32(32 - FRACTION_BITS)).astype(np.float32) * np.float32(2.0**-FRACTION_BITS)

"""Which lines of a big text may begin with one of some tokens: NumPy on whole blocks, no object for each line.

1. Find the line ends.
2. Take the first 8 bytes of every line, up to the first space, and look their hash up in a table.
3. For the few lines that are left, do the same with 16 bytes.
"""

from collections.abc import Iterable

import numpy as np

from keras_seqkit.text.vectors.decimal_text import unaligned_words

SPACE, NEWLINE = ord(" "), ord("\n")

_SCAN_BYTES = 1 << 19  # line ends are looked for in pieces that stay in a core's cache
_KEY_BYTES = 16
_HASH_BITS = 19
_U64 = np.uint64
_EVERY_BYTE = _U64(0x0101010101010101)
_ALL_BITS = _U64(0xFFFFFFFFFFFFFFFF)


def find_line_ends(buffer: np.ndarray, filled: int) -> np.ndarray:
    """Returns the places, int64 (lines,), of the line ends in the first ``filled`` bytes of a buffer."""
    found = []
    stop = -(-filled // 8) * 8
    for first in range(0, stop, _SCAN_BYTES):
        is_end = buffer[first : min(first + _SCAN_BYTES, stop)] == NEWLINE
        eights = is_end.view(_U64)  # a word with a line end in it is not 0
        where = (eights != 0).nonzero()[0]
        hits = eights[where]
        below = hits - _U64(1)
        two_in_one_word = (hits & below).any()
        ends = is_end.nonzero()[0] if two_in_one_word else where * 8 + (np.bitwise_count(below) >> 3)
        found.append(ends + first)
    ends = np.concatenate(found)
    return ends[: np.searchsorted(ends, filled)]


class TokenFilter:
    """Picks the lines that may begin with one of some tokens.

    It never loses such a line; one line in many that does not begin with one of the tokens gets through.
    """

    def __init__(self, tokens: Iterable[bytes]):
        heads = np.array([*tokens, b""], dtype=f"S{_KEY_BYTES}")  # cut, or filled up with zero bytes
        words = unaligned_words(heads.view(np.uint8))
        starts = np.arange(len(heads) - 1) * _KEY_BYTES  # (tokens,)
        self.has_hash8 = np.zeros(1 << _HASH_BITS, dtype=bool)
        self.has_hash16 = np.zeros(1 << _HASH_BITS, dtype=bool)
        self.has_hash8[_hash8(words, starts)] = True
        self.has_hash16[_hash16(words, starts)] = True

    def pick(self, words: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Returns the indices, int64 (candidates,), of the lines at ``starts``, int64 (lines,), to look at."""
        picked = self.has_hash8.take(_hash8(words, starts)).nonzero()[0]
        return picked[self.has_hash16.take(_hash16(words, starts[picked]))]


def _hash8(words: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Hashes the first eight bytes of each line, up to the first space: int64 (lines,) below ``2**_HASH_BITS``."""
    keys = words[starts]
    keys &= _before_space(keys)
    keys *= _U64(0x9E3779B97F4A7C15)
    keys >>= _U64(64 - _HASH_BITS)
    return keys.view(np.int64)


def _hash16(words: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Hashes the first sixteen bytes of each line, up to the first space: int64 (lines,) below ``2**_HASH_BITS``."""
    low, high = words[starts], words[starts + 8]
    before = _before_space(low)
    high &= _before_space(high)
    high[before != _ALL_BITS] = 0
    low &= before
    low *= _U64(0xD6E8FEB86659FD93)  # not _hash8's: lines that it mixed up would be mixed up again
    high *= _U64(0xC2B2AE3D27D4EB4F)
    low += high
    low >>= _U64(64 - _HASH_BITS)
    return low.view(np.int64)


def _before_space(words: np.ndarray) -> np.ndarray:
    """Returns masks, uint64, that keep the bytes of each word before its first byte up to 0x20."""
    first = words - _EVERY_BYTE * _U64(SPACE + 1)
    first &= ~words
    first &= _EVERY_BYTE << _U64(7)  # the lowest bit that is set now is bit 7 of that byte
    first &= np.negative(first)
    first >>= _U64(7)
    first -= _U64(1)
    return first

"""Decimal text to float32, many numbers at once, without a Python object for each number.

Nearly every number of a word-vector file looks like ``-0.012345``: an optional minus sign, one digit, a point and at
most six decimals. Those are read eight characters at a time as one 64-bit integer (SWAR: SIMD within a register). The
digits make an integer below 2**53 and the divisor is an exact power of ten, so the quotient is the correctly rounded
float64 of the text, the same one that ``float(text)`` gives. Every other number goes through ``float``.
"""

import numpy as np

NUMBERS_AT_ONCE = 1 << 15  # 256 KB for each int64 temporary: they stay in a core's cache
READ_AHEAD = 16  # bytes that have to follow the last number, so that eight bytes can be read from anywhere in it

_U64 = np.uint64
_SHORTEST, _LONGEST = 3, 8  # "0.1" to "0.123456", without the sign
_SIGN = 16  # added to a length, it makes the index of the negative divisor
_DIVISORS = np.array([sign * 10.0 ** max(length - 2, 0) for sign in (1, -1) for length in range(_SIGN)])
# A number of n characters has n - 1 digits: shifted to the top of the word, with zeros before them.
_SHIFTS = np.array([8 * (9 - n) if _SHORTEST <= n <= _LONGEST else 0 for n in range(_SIGN)], dtype=_U64)


def parse_decimals(
    text: bytes, starts: np.ndarray, ends: np.ndarray, is_number: np.ndarray | None = None
) -> np.ndarray:
    """Reads the numbers that stand at given places of a text.

    Args:
        text: ASCII, with at least ``READ_AHEAD`` bytes after the last number.
        starts: int64 (numbers,), the first byte of each number.
        ends: int64 (numbers,), one past the last byte of each number.
        is_number: bool (numbers,), False at places to pass over; their value means nothing. It is faster to name them
            than to leave them out, where that would break contiguous arrays up.

    Returns:
        float32 (numbers,), each equal to ``np.float32(float(number))``; too large for a float32 is infinite.

    Raises:
        ValueError: ``float`` cannot read one of them.

    Example:
        >>> parse_decimals(b"-0.25 1e3" + bytes(READ_AHEAD), np.array([0, 6]), np.array([5, 9])).tolist()
        [-0.25, 1000.0]
    """
    characters = np.frombuffer(text, dtype=np.uint8)
    words = unaligned_words(characters)
    values = np.empty(len(starts), dtype=np.float32)
    for first in range(0, len(starts), NUMBERS_AT_ONCE):
        block = slice(first, first + NUMBERS_AT_ONCE)
        values[block], unusual = _parse_usual(characters, words, starts[block], ends[block])
        if is_number is not None:
            unusual &= is_number[block]
        rest = unusual.nonzero()[0] + first
        if len(rest):
            places = zip(starts[rest].tolist(), ends[rest].tolist(), strict=True)
            with np.errstate(over="ignore"):
                values[rest] = [float(text[start:end]) for start, end in places]
    return values


def unaligned_words(text: np.ndarray) -> np.ndarray:
    """Views a text as the little-endian 64-bit words that begin at each of its bytes.

    Args:
        text: uint8 (bytes,), C-contiguous, at least 8 bytes.

    Returns:
        uint64 (bytes - 7,), a view: element i holds bytes i to i + 7, byte i lowest.

    Example:
        >>> hex(unaligned_words(np.arange(10, dtype=np.uint8))[1])
        '0x807060504030201'
    """
    return np.ndarray((len(text) - 7,), dtype="<u8", buffer=text.data, strides=(1,))


def _parse_usual(
    characters: np.ndarray, words: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the values, float64 (numbers,), and which of them are wrong, as their text is not of the usual form."""
    negative = characters[starts] == ord("-")
    first_digits = starts + negative
    lengths = ends - first_digits
    word = words[first_digits] ^ _U64(0x3030303030303030)  # "0".."9" -> 0..9, "." -> 0x1E
    unusual = (word & _U64(0xFF00)) != _U64(0x1E00)
    unusual |= (lengths - _SHORTEST).view(_U64) > _U64(_LONGEST - _SHORTEST)
    lengths &= _SIGN - 1

    digits = word >> _U64(8)  # the point gives way to the digit before it
    digits &= _U64(0x00FFFFFFFFFFFF00)
    word &= _U64(0xFF)
    digits |= word
    digits <<= _SHIFTS[lengths]

    over_nine = digits + _U64(0x7676767676767676)
    over_nine |= digits
    over_nine &= _U64(0x8080808080808080)
    unusual |= over_nine != 0

    lengths += negative.view(np.int8) * np.int8(_SIGN)
    values = _join_eight_digits(digits).astype(np.float64)
    values /= _DIVISORS[lengths]
    return values, unusual


def _join_eight_digits(digits: np.ndarray) -> np.ndarray:
    """Turns words of eight digits (0 to 9 in each byte, the first in the lowest) into integers, in place."""
    pairs = digits >> _U64(8)
    digits *= _U64(10)
    digits += pairs  # the even bytes now hold two digits each
    high = digits >> _U64(16)
    high &= _U64(0x000000FF000000FF)
    high *= _U64(1 + (10_000 << 32))
    digits &= _U64(0x000000FF000000FF)
    digits *= _U64(100 + (1_000_000 << 32))
    digits += high
    digits >>= _U64(32)
    return digits

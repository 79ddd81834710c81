"""Decimal text becomes the float32 that float() and NumPy make of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.text.vectors.decimal_text import READ_AHEAD, parse_decimals
from tests.text.vector_files import NUMBER_TEXTS


@settings(max_examples=300)
@given(st.lists(NUMBER_TEXTS, min_size=1, max_size=40), st.sampled_from([" ", "\t", "  ", "9.9 "]))
def test_parsed_numbers_equal_float32_of_their_text(numbers, between):
    text, starts, ends = "", [], []
    for number in numbers:
        starts.append(len(text))
        text += number
        ends.append(len(text))
        text += between
    values = parse_decimals(text.encode() + bytes(READ_AHEAD), np.array(starts), np.array(ends))
    expected = np.array([np.float32(float(number)) for number in numbers])
    np.testing.assert_array_equal(values.view(np.uint32), expected.view(np.uint32))


def test_every_decimal_of_up_to_four_places_is_exact():
    numbers = [f"{sign}{k / 10**4:.4f}" for sign in ("", "-") for k in range(0, 100_000, 3)]
    ends = np.cumsum([len(number) + 1 for number in numbers]) - 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    values = parse_decimals(" ".join(numbers).encode() + bytes(READ_AHEAD), starts, ends)
    np.testing.assert_array_equal(values, np.array(numbers, dtype=np.float64).astype(np.float32))


@pytest.mark.parametrize(
    "text",
    ["", "-", "0.", ".", "0.1x", "0.x", "x.1", "0:1", "0.:1", "0.1:", ":.1", "0.12/4", "--0.1", "0.1.2", "1e", "é"],
)
def test_what_float_cannot_read_is_an_error(text):
    content = text.encode()
    if text == "0.":
        assert parse_decimals(content + bytes(READ_AHEAD), np.array([0]), np.array([len(content)])) == 0
    else:
        with pytest.raises(ValueError, match="could not convert"):
            parse_decimals(content + bytes(READ_AHEAD), np.array([0]), np.array([len(content)]))

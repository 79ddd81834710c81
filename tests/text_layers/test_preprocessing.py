"""Layers that prepare numbers and categories go into files as Keras computes them."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text_layers.files import assert_as_layers, file_of

LAYERS = keras.layers


@cache
def of_numbers() -> dict[str, keras.Layer]:
    drawn = np.random.default_rng(0).normal(size=(200, 3))
    learned = {"normalization": LAYERS.Normalization(), "denormalization": LAYERS.Normalization(invert=True),
               "of_all": LAYERS.Normalization(axis=None), "bins": LAYERS.Discretization(num_bins=4)}  # fmt: skip
    for layer in learned.values():
        layer.adapt(drawn)
    bins = {mode: LAYERS.Discretization(bin_boundaries=[-1.0, 0.5, 2.0], output_mode=mode)
            for mode in ("int", "one_hot", "multi_hot", "count")}  # fmt: skip
    return {**learned, **bins}


@cache
def of_categories() -> dict[str, keras.Layer]:
    modes = ("one_hot", "multi_hot", "count")
    return {mode: LAYERS.CategoryEncoding(num_tokens=5, output_mode=mode) for mode in modes}


@pytest.fixture(scope="module")
def numbers_file():
    return file_of(of_numbers(), (3,), "float32", "numbers")


@pytest.fixture(scope="module")
def categories_file():
    return file_of(of_categories(), (3,), "int32", "categories")


number = st.sampled_from([-1.0, 0.5, 2.0, 0.0]) | st.floats(-1e3, 1e3, width=32)


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(number, number, number), min_size=2, max_size=4))
def test_numbers_are_prepared_as_in_keras(numbers_file, rows):
    assert_as_layers(numbers_file, of_numbers(), np.array(rows, np.float32))


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=4))
def test_categories_are_encoded_as_in_keras(categories_file, rows):
    assert_as_layers(categories_file, of_categories(), np.array(rows, np.int32))

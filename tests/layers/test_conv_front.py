"""The convolution in front: padding on the right changes nothing."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.layers import ConvFront, MaskedMaxPooling

TOLERANCE = 1e-5  # convolutions of different lengths add up in another order


@given(st.integers(1, 9), st.integers(0, 6), st.integers(1, 5), st.integers(1, 4), st.sampled_from(["relu", "tanh"]))
@settings(max_examples=40)
def test_padding_on_the_right_changes_nothing(real, padding, kernel_size, pool_size, activation):
    layer = ConvFront(3, kernel_size, pool_size, activation)
    random = np.random.default_rng(0)
    x = random.normal(size=(2, real + padding, 4)).astype(np.float32)
    mask = np.arange(real + padding)[np.newaxis].repeat(2, axis=0) < real
    short, long = np.asarray(layer(x[:, :real])), np.asarray(layer(x, mask=mask))
    windows = -(-real // pool_size)
    assert short.shape[1] == windows
    np.testing.assert_allclose(long[:, :windows], short, rtol=0, atol=TOLERANCE)
    np.testing.assert_array_equal(long[:, windows:], 0)
    np.testing.assert_array_equal(layer.compute_mask(x, mask), np.arange(long.shape[1])[np.newaxis] < [[windows]] * 2)


def test_without_padding_it_is_keras_conv1d_and_max_pooling():
    layer = ConvFront(5, kernel_size=3, pool_size=2)
    x = np.random.default_rng(0).normal(size=(2, 8, 4)).astype(np.float32)
    ours = layer(x)
    theirs = keras.layers.MaxPooling1D(2)(layer.convolution(x))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_shapes_are_what_it_says():
    layer = ConvFront(5, pool_size=3)
    assert layer.compute_output_shape((None, None, 2)) == (None, None, 5)
    assert layer.compute_output_shape((2, 7, 2)) == tuple(layer(np.ones((2, 7, 2), np.float32)).shape)


def test_a_saved_layer_is_the_same(tmp_path):
    model = keras.Sequential([keras.Input((None, 2)), ConvFront(3, 2, 2, "tanh")])
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), model(x))


@pytest.mark.parametrize(
    "arguments", [{"filters": 0}, {"filters": 1, "pool_size": 0}, {"filters": 1, "kernel_size": 0}]
)
def test_sizes_below_one_are_refused(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        ConvFront(**arguments)


def test_the_maximum_is_taken_over_real_steps_only():
    random = np.random.default_rng(0)
    x = random.normal(size=(4, 6, 3)).astype(np.float32)
    mask = random.random((4, 6)) < 0.5
    mask[2] = False
    expected = [row[real].max(axis=0) if real.any() else np.zeros(3) for row, real in zip(x, mask, strict=True)]
    np.testing.assert_array_equal(MaskedMaxPooling()(x, mask=mask), np.array(expected, np.float32))
    np.testing.assert_array_equal(MaskedMaxPooling()(x), x.max(axis=1))

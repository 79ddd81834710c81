"""Integers beyond what float32 holds, and angles of zeros."""

import keras
import numpy as np
import pytest

from tests.exported import exported

ops = keras.ops
LARGE = np.array([[2**24 + 1, 2**24, 2**30 + 1, 2**30, -(2**30) - 1], [1, -1, 2**31 - 1, 2**31 - 2, 7]])


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_large_integers_are_compared_sorted_and_summed_exactly(dtype, tmp_path):
    x = keras.Input((5,), dtype=dtype)
    shifted = x - ops.cast(1, dtype)
    compared = [
        compare(x, ops.roll(x, 1, axis=1)) for compare in (ops.greater, ops.less, ops.greater_equal, ops.less_equal)
    ]
    outputs = [*compared, ops.sort(x), ops.argsort(x), *ops.top_k(x, 3), ops.where(x > 2**30, 1.0, 0.0)]
    outputs += [ops.sum(shifted, axis=1), ops.sum(x, axis=-1, keepdims=True)] if dtype == "int32" else []
    model = keras.Model(x, [ops.cast(each, each.dtype) for each in outputs])
    network = exported(model, tmp_path / "model.onnx")
    inputs = LARGE.astype(dtype)
    for ours, theirs in zip(network.predict(inputs).values(), model(inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_angles_of_all_quadrants_and_signed_zeros(tmp_path):
    numbers = np.array([[0.0], [-0.0], [1.5], [-2.0]], np.float32)
    y, x = (each.reshape(-1, 1).astype(np.float32) for each in np.meshgrid(numbers, numbers))
    inputs = [keras.Input((1,), name=name) for name in "yx"]
    model = keras.Model(inputs, ops.arctan2(*inputs))
    (ours,) = exported(model, tmp_path / "model.onnx", verify=True).predict([y, x]).values()
    np.testing.assert_allclose(ours, np.arctan2(y, x), rtol=0, atol=1e-6)

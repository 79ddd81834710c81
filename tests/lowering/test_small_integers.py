"""Small and unsigned integers, for which onnxruntime has few kernels, and integers that overflow."""

from typing import Any

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from keras import layers, ops
from seqkit_onnx.tracing.interception import UnsupportedLayerError

from tests.lowering.test_operator_handlers import assert_equal_to_keras

SMALL = ("int8", "int16", "uint8", "uint16", "uint32")
REDUCTIONS = ("max", "min", "sum", "prod", "argmax", "argmin", "sort", "argsort", "cumsum", "cumprod")


def integers(dtype: str, *shape: int, seed: int = 0) -> np.ndarray:
    """Returns integers over the whole range of a dtype."""
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)


@pytest.mark.walk(every=2)
@pytest.mark.parametrize("dtype", SMALL)
def test_small_integers_are_reduced_compared_and_computed_with(dtype: str):
    x, y = integers(dtype, 2, 3, 4), integers(dtype, 2, 3, 4, seed=1)

    def network(x: Any, y: Any) -> Any:
        answers = [getattr(ops, name)(x, axis=axis) for name, axis in zip(REDUCTIONS, (1, -1) * 5, strict=True)]
        answers += [ops.max(x, axis=(1, 2), keepdims=True), ops.sum(x, axis=None), *ops.top_k(x, 2)]
        answers += [ops.abs(x), ops.sign(x), ops.square(x), ops.power(x, 3), ops.power(x % 4, y % 4)]
        answers += [ops.maximum(x, y), ops.minimum(x, y), ops.clip(x, 1, 5), ops.where(x > y, x, y), ops.equal(x, y)]
        answers += [x + y, x * y, x - y, ops.floor_divide(x, y), ops.mod(x, y), ops.fmod(x, y)]
        answers += [ops.pad(x, ((0, 0), (1, 1), (0, 0)), mode) for mode in ("constant", "reflect")]
        segments = np.array([2, 0])
        answers += [segment(x[:, 0], segments, 4) for segment in (ops.segment_sum, ops.segment_max, ops.segment_min)]
        return [*answers, ops.relu(x)]

    assert_equal_to_keras(network, x, np.where(y == 0, 1, y).astype(dtype))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("varying", [False, True])
def test_integers_that_overflow_wrap(dtype: str, varying: bool):
    x, y = integers(dtype, 2, 7, 4), integers(dtype, 2, 7, 4, seed=1)

    def network(x: Any, y: Any) -> Any:
        axes = (1, -1, (1, 2), None) if not varying else (1, 2)
        answers = [getattr(ops, name)(x, axis=axis) for name in ("sum", "prod") for axis in axes]
        answers += [getattr(ops, name)(x, axis=axis) for name in ("cumsum", "cumprod") for axis in (1,)]
        answers += [ops.prod(x, axis=1, keepdims=True), ops.relu(x), ops.trace(ops.stack([x, y], 1), 0, 1, 3)]
        return [*answers, *(ops.power(x, n) for n in (0, 2, 31)), ops.power(x, ops.abs(y) % 100)]

    assert_equal_to_keras(network, x, y, varying=varying)


def test_quotients_of_unsigned_integers_by_zero_are_those_of_compiled_keras():
    x, y = np.array([[5, 0, 255]], np.uint8), np.zeros((1, 3), np.uint8)
    assert_equal_to_keras(lambda x, y: [ops.floor_divide(x, y), ops.mod(x, y)], x, y, compiled=True)


def test_pools_of_integers_are_exact():
    x = integers("int32", 2, 6, 5, 2)
    assert_equal_to_keras(lambda x: ops.max_pool(x, 2, data_format="channels_last"), x)


def test_what_onnxruntime_has_no_kernel_for_names_the_layer_and_gives_no_advice_about_files():
    x = keras.Input((3,), dtype="float64")
    model = keras.Model(x, layers.Activation("selu", name="own", dtype="float64")(x))
    with pytest.raises(UnsupportedLayerError, match=r"^export: layer 'own' needs ONNX's Selu .* does not run") as told:
        seqkit_onnx.export(model, "never_written.onnx", text=False)
    assert "load:" not in str(told.value)
    assert "xport it again" not in str(told.value)


def test_what_onnx_does_not_define_names_the_layer():
    x = keras.Input((3,), dtype="int16")
    model = keras.Model(x, layers.Lambda(ops.reciprocal, name="own")(x))
    with pytest.raises(UnsupportedLayerError, match=r"^export: layer 'own' needs ONNX's Reciprocal "):
        seqkit_onnx.export(model, "never_written.onnx", text=False)


def test_products_of_sizes_need_no_loop(tmp_path):
    x = keras.Input((None, 3))
    model = keras.Model(x, layers.Dense(2)(layers.LSTM(4, return_sequences=True)(x)))  # Keras multiplies batch and time
    seqkit_onnx.export(model, tmp_path / "model.onnx", verify=False)
    operators = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert "LSTM" in operators
    assert not {"Scan", "Loop", "If"} & operators

"""`keras.ops.associative_scan`: conditions whose answers are known are no conditions in the file."""

from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.tracing.interception import UnsupportedLayerError

from tests.exported import assert_equal_to_keras, exported, operators, values

ops = keras.ops


class Scans(keras.layers.Layer):
    """Running sums of its input, one for each of the given axes and directions."""

    def __init__(self, scans: list[tuple[int, bool]], **kwargs: Any):
        super().__init__(**kwargs)
        self.scans = scans

    def call(self, x: Any) -> list[Any]:
        return [ops.associative_scan(ops.add, x, reverse=reverse, axis=axis) for axis, reverse in self.scans]

    def compute_output_shape(self, shape: Any) -> list[Any]:  # Keras cannot find it
        return [shape] * len(self.scans)


@pytest.mark.parametrize("length", [1, 2, 3, 12])
def test_scans_along_any_axis_and_from_either_end_are_equal(length: int, tmp_path):
    x = keras.Input((length, 5))
    model = keras.Model(x, Scans([(1, False), (-2, True), (2, True), (-1, False)])(x))
    path = tmp_path / "model.onnx"
    network = exported(model, path)
    assert operators(path)["If"] == 0
    for batch in (1, 4):
        assert_equal_to_keras(network, model, values(batch, length, 5))


class LinearRecurrence(keras.layers.Layer):
    """h_t = a_t h_{t-1} + x_t, as state space models have it."""

    def call(self, gates: Any, x: Any) -> Any:
        def combine(first: Any, second: Any) -> Any:
            return first[0] * second[0], first[1] * second[0] + second[1]

        states = ops.associative_scan(combine, (ops.sigmoid(gates), x), axis=1)[1]
        return ops.reshape(states, (-1, *x.shape[1:]))  # TensorFlow has lost the number of axes

    def compute_output_shape(self, gates_shape: Any, x_shape: Any) -> Any:
        return x_shape


def test_a_linear_recurrence_over_pairs_is_equal(tmp_path):
    gates, x = keras.Input((9, 3)), keras.Input((9, 3))
    model = keras.Model([gates, x], keras.layers.Dense(2)(LinearRecurrence()(gates, x)))
    network = exported(model, tmp_path / "model.onnx")
    assert_equal_to_keras(network, model, [values(2, 9, 3), values(2, 9, 3, seed=1)])


@pytest.mark.parametrize(("shape", "axis"), [((None, 2), 1), ((3,), 0)])
def test_an_axis_of_unknown_size_is_refused_at_once(shape: tuple, axis: int):
    x = keras.Input(shape)
    scans = keras.layers.Lambda(
        lambda x: ops.associative_scan(ops.add, x, axis=axis), output_shape=lambda shape: shape, name="running"
    )
    with pytest.raises(UnsupportedLayerError, match=r"^export: layer 'running' nests .* Give that axis a size"):
        seqkit_onnx.export(keras.Model(x, scans(x)), "never_written.onnx", text=False)


def test_a_size_that_the_signature_gives_is_enough(tmp_path):
    x = keras.Input((None, 2))
    scans = keras.layers.Lambda(lambda x: ops.associative_scan(ops.add, x, axis=1), output_shape=lambda shape: shape)
    model = keras.Model(x, scans(x))
    spec = keras.InputSpec(shape=(None, 6, 2), dtype="float32")
    network = exported(model, tmp_path / "model.onnx", input_signature=spec)
    array = values(3, 6, 2)
    (answer,) = network.predict(array).values()  # Keras itself would take a minute
    np.testing.assert_allclose(answer, np.cumsum(array, axis=1), rtol=1e-5, atol=1e-5)

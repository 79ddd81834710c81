"""Of a subclassed model Keras notes only the shapes of its first call: whether those were integers is found out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from seqkit_onnx.tracing.refusals import UnsupportedLayerError
from seqkit_onnx.tracing.signature import model_signature

from tests.exported import assert_equal_to_keras, exported, values

ops = keras.ops
LARGE = 123456789  # float32 makes 123456792 of it


def called(model: type[keras.Model], *inputs: np.ndarray | dict | list) -> keras.Model:
    built = model()
    built(*inputs)
    return built


class Remainder(keras.Model):
    def call(self, x):
        return ops.cast(ops.mod(x, 1000), "float32")


class Quotient(keras.Model):
    def call(self, x):
        return ops.cast(ops.floor_divide(x, 1000) * 2, "float32")


class RemainderOfPart(keras.Model):
    def call(self, x):
        return ops.cast(ops.mod(x[:, 1:], 1000), "float32")


class OneHot(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.recurrence = keras.layers.GRU(4)

    def call(self, ids):
        return self.recurrence(ops.one_hot(ids, 9))


class Bits(keras.Model):
    def call(self, x):
        return ops.cast(ops.bitwise_and(x, 255), "float32")


class Taken(keras.Model):
    def call(self, places):
        return ops.take(ops.arange(20.0) ** 2, places)


class TakenByName(keras.Model):
    def call(self, inputs):
        return ops.take(inputs["values"], inputs["places"], axis=1) * ops.cast(inputs["scale"], "float32")[:, None]


class Segments(keras.Model):
    def call(self, inputs):
        return ops.segment_sum(inputs["data"], inputs["segments"], num_segments=4)


class Chosen(keras.Model):
    def call(self, inputs):
        numbers, chosen = inputs
        return tf.where(chosen, numbers, tf.zeros_like(numbers))


class Difference(keras.Model):
    def call(self, x):
        return ops.abs(x[:, 1:] - x[:, :-1])


class Angle(keras.Model):
    def call(self, x):
        return ops.mod(x, 6.28)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("model", [Remainder, Quotient])
def test_a_model_that_may_count_on_integers_asks_for_their_dtype(model, shape, dtype):
    with pytest.raises(ValueError, match=r"those were integers.* Pass input_signature="):
        model_signature(called(model, np.zeros(shape, dtype)))


def test_a_part_of_the_input_may_be_what_is_divided():
    with pytest.raises(ValueError, match="Pass input_signature="):
        model_signature(called(RemainderOfPart, np.zeros((3, 4), "int32")))


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_what_a_model_was_run_on_is_its_dtype(tmp_path, dtype):
    model = Remainder()
    model.predict(np.zeros((3, 4), dtype), verbose=0)
    assert model_signature(model).specs[0].dtype.name == dtype
    numbers = np.array([[LARGE, 7, 8, 9], [1001, 5, 6, 7]], dtype)
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, numbers)


class Weighed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_integers_that_become_numbers_at_once_leave_the_file_open_to_numbers(tmp_path):
    model = Weighed()
    model.predict(np.ones((3, 4), "int64"), verbose=0)
    assert model_signature(model).specs[0].dtype.name == "float32"
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, values(2, 4))


def test_a_model_whose_dtype_is_said_is_exported(tmp_path):
    model = called(Remainder, np.zeros((3, 4), "int32"))
    network = exported(
        model, tmp_path / "model.onnx", input_signature=keras.InputSpec(shape=(None, None), dtype="int32")
    )
    assert network.predict(np.array([[LARGE]], np.int32))["output"].tolist() == [[789.0]]


def test_ids_that_become_one_hot_are_integers_of_any_number_of_steps(tmp_path):
    model = called(OneHot, np.zeros((3, 5), "int32"))
    (spec,) = model_signature(model).specs
    assert (spec.shape.as_list(), spec.dtype.name) == ([None, None], "int32")
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, np.array([[1, 2, 8], [0, 3, 4]], np.int32))


@pytest.mark.parametrize("model", [Bits, Taken])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_what_takes_integers_alone_is_given_integers(tmp_path, model, dtype):
    built = called(model, np.array([3, 4], dtype))
    assert_equal_to_keras(exported(built, tmp_path / "model.onnx"), built, np.array([5, 17, 0], np.int32))


def test_of_several_inputs_those_become_integers_that_must_be(tmp_path):
    inputs = {"values": values(2, 6), "places": np.array([1, 2]), "scale": np.array([2, 3])}
    built = called(TakenByName, inputs)
    signature = model_signature(built)
    dtypes = dict(zip(signature.input_names, (spec.dtype.name for spec in signature.specs), strict=True))
    assert dtypes == {"values": "float32", "places": "int32", "scale": "float32"}
    network = exported(built, tmp_path / "model.onnx")
    given = {"values": values(2, 6), "places": np.array([5, 0], np.int32), "scale": np.array([2, 3], np.float32)}
    np.testing.assert_allclose(network.predict(given)["output"], built(given), rtol=1e-6)


def test_segments_are_integers(tmp_path):
    built = called(Segments, {"data": values(5), "segments": np.array([0, 0, 1, 2, 2])})
    network = exported(built, tmp_path / "model.onnx")
    given = {"data": values(4), "segments": np.array([0, 1, 1, 3], np.int32)}
    np.testing.assert_allclose(network.predict(given)["output"], built(given), rtol=1e-6)


def test_what_takes_truth_values_alone_is_given_those(tmp_path):
    built = called(Chosen, [values(2, 3), np.ones((2, 3), bool)])
    assert [spec.dtype.name for spec in model_signature(built).specs] == ["float32", "bool"]
    assert_equal_to_keras(exported(built, tmp_path / "model.onnx"), built, [values(2, 3), values(2, 3) > 0])


@pytest.mark.parametrize("model", [Difference, Angle])
def test_a_model_of_plain_numbers_keeps_them(tmp_path, model):
    built = called(model, values(3, 4))
    assert model_signature(built).specs[0].dtype.name == "float32"
    assert_equal_to_keras(exported(built, tmp_path / "model.onnx"), built, values(2, 4))


class Failing(keras.Model):
    def call(self, x):
        if tf.executing_eagerly():
            return x
        raise ValueError("not now")


def test_a_model_that_takes_no_dtype_is_refused_with_what_to_do():
    with pytest.raises(UnsupportedLayerError, match=r"not now.*input_signature=.*dtype"):
        model_signature(called(Failing, values(2, 3)))

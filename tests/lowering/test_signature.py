"""Which inputs and outputs a model has, and what they are called."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.signature import model_signature

from tests.exported import assert_equal_to_keras, exported, values
from tests.lowering.test_native_recurrence import TOLERANCE, run


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(9, 3, mask_zero=True)
        self.recurrence = keras.layers.Bidirectional(keras.layers.GRU(4))

    def call(self, inputs):
        return {"states": self.recurrence(self.embedding(inputs)), "twice": 2 * self.recurrence(self.embedding(inputs))}


def test_a_model_that_was_never_built_is_refused():
    with pytest.raises(ValueError, match="was never built"):
        model_signature(Subclassed())


def test_a_sequential_model_without_input_is_refused_until_it_is_built():
    model = keras.Sequential([keras.layers.LSTM(4)])
    with pytest.raises(ValueError, match="was never built"):
        model_signature(model)
    model.build((None, None, 3))
    assert model_signature(model).specs[0].shape.as_list() == [None, None, 3]


def test_a_subclassed_model_that_was_called_knows_its_inputs():
    model = Subclassed()
    model(np.array([[1, 2, 0]]))
    (spec,) = model_signature(model).specs
    assert (spec.shape.as_list(), spec.dtype.name) == ([None, None], "int32")


def test_a_subclassed_model_that_only_says_it_was_built_needs_an_input_signature():
    model = Subclassed()
    model.built = True
    with pytest.raises(ValueError, match="input_signature"):
        model_signature(model)


def test_a_subclassed_model_is_exported_with_the_names_of_its_dict():
    model = Subclassed()
    ids = np.array([[1, 2, 0], [0, 3, 4]], np.int32)
    expected = model(ids)
    signature = model_signature(model, keras.layers.InputSpec(shape=(None, None), dtype="int32", name="ids"))
    assert signature.input_names == ("ids",)
    assert signature.output_names == ("states", "twice")
    states, twice = run(convert(model, signature), ids=ids)
    np.testing.assert_allclose(states, expected["states"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(twice, expected["twice"], rtol=0, atol=TOLERANCE)


def test_a_dict_of_inputs_keeps_its_names():
    inputs = {"b": keras.Input((None, 3)), "a": keras.Input((None, 3))}
    model = keras.Model(inputs, keras.layers.LSTM(2)(inputs["b"]) - keras.layers.GRU(2)(inputs["a"]))
    random = np.random.default_rng(0)
    feeds = {name: random.normal(size=(2, 4, 3)).astype(np.float32) for name in ("a", "b")}
    signature = model_signature(model)
    assert signature.input_names == ("a", "b")
    ours = run(convert(model, signature), **feeds)[0]
    np.testing.assert_allclose(ours, model(feeds), rtol=0, atol=TOLERANCE)


def test_an_unnamed_input_is_called_input():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(2)])
    assert model_signature(model).input_names == ("input",)


def test_axes_that_vary_have_names():
    model = keras.Sequential([keras.Input((None, 3), name="x"), keras.layers.LSTM(2, return_sequences=True)])
    proto = convert(model, model_signature(model))
    axes = [[dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*proto.graph.input, *proto.graph.output)]  # fmt: skip
    assert axes == [["batch", "time", 3], ["batch", "time", 2]]


def test_a_sequential_model_that_fit_has_built_takes_any_number_of_steps(tmp_path):
    model = keras.Sequential([keras.layers.Embedding(10, 3, mask_zero=True), keras.layers.LSTM(4)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(np.ones((2, 20), int), np.ones((2, 4)), verbose=0)
    signature = model_signature(model)
    assert (signature.specs[0].shape.as_list(), signature.specs[0].dtype.name) == ([None, None], "int32")
    network = exported(model, tmp_path / "model.onnx")
    for time in (1, 7, 30):
        assert_equal_to_keras(network, model, np.random.default_rng(0).integers(0, 10, (3, time)).astype(np.int32))


def test_a_declared_number_of_steps_stays():
    model = keras.Sequential([keras.Input((20,)), keras.layers.Embedding(10, 3), keras.layers.LSTM(4)])
    assert model_signature(model).specs[0].shape.as_list() == [None, 20]


class CountsSteps(keras.layers.Layer):
    def call(self, x):
        return sum(x[:, step] * step for step in range(x.shape[1]))


def test_a_number_of_steps_that_a_layer_needs_stays():
    model = keras.Sequential([keras.layers.Embedding(10, 3), CountsSteps()])
    model(np.ones((2, 5), int))
    assert model_signature(model).specs[0].shape.as_list() == [None, 5]


def test_a_number_of_steps_that_is_flattened_into_weights_stays(tmp_path):
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    model(values(2, 5, 3))
    assert model_signature(model).specs[0].shape.as_list() == [None, 5, 3]
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx", verify=True), model, values(9, 5, 3))


class LooksUpTwo(keras.Model):
    """One id beside several, and what the tables say of them is multiplied."""

    def __init__(self):
        super().__init__()
        self.one, self.several = keras.layers.Embedding(9, 3), keras.layers.Embedding(9, 3)

    def call(self, pair):
        return tf.einsum("be,bce->bc", self.one(tf.squeeze(pair[0], axis=1)), self.several(pair[1]))


def test_of_two_inputs_one_may_have_its_number_of_steps_fixed():
    model = LooksUpTwo()
    model((np.ones((2, 1), int), np.ones((2, 5), int)))
    signature = model_signature(model)
    assert [spec.shape.as_list() for spec in signature.specs] == [[None, 1], [None, None]]
    assert [spec.dtype.name for spec in signature.specs] == ["int32", "int32"]


class LooksUpColumns(keras.Model):
    def __init__(self, numbers_too):
        super().__init__()
        self.numbers_too = numbers_too
        self.tables = [keras.layers.Embedding(9, 3), keras.layers.Embedding(7, 3)]

    def call(self, x):
        found = self.tables[0](x[:, 0]) + self.tables[1](x[:, 1])
        return found * x[:, 2:] if self.numbers_too else found


@pytest.mark.parametrize(("numbers_too", "dtype"), [(False, "int32"), (True, "float32")])
def test_columns_are_ids_where_all_of_them_are_looked_up(numbers_too, dtype):
    model = LooksUpColumns(numbers_too)
    model(np.ones((2, 3 if numbers_too else 2), np.float32))
    (spec,) = model_signature(model).specs
    assert (spec.shape.as_list(), spec.dtype.name) == ([None, 3 if numbers_too else 2], dtype)


@pytest.mark.parametrize("wrap", [list, tuple, lambda specs: specs[0]], ids=["list", "tuple", "alone"])
def test_a_signature_is_taken_as_keras_takes_it(wrap):
    model = keras.Sequential([keras.layers.Embedding(10, 3), keras.layers.LSTM(4)])
    model(np.ones((2, 5), int))
    signature = model_signature(model, wrap([keras.InputSpec(shape=(None, None), dtype="int64", name="ids")]))
    assert signature.input_names == ("ids",)
    assert (signature.specs[0].shape.as_list(), signature.specs[0].dtype.name) == ([None, None], "int64")


def test_a_signature_that_is_none_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="input_signature must be"):
        model_signature(model, [None])


class TwoArguments(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, left, right):
        return self.dense(left) + right


def test_a_model_of_two_arguments(tmp_path):
    model = TwoArguments()
    model(values(4, 3), values(4, 2))
    with pytest.raises(ValueError, match=r"called with left, right.*input_signature=\["):
        model_signature(model)
    specs = [keras.InputSpec(shape=(None, 3), dtype="float32"), keras.InputSpec(shape=(None, 2), dtype="float32")]
    network = exported(model, tmp_path / "model.onnx", input_signature=specs, verify=True)
    assert network.input_names == ["left", "right"]
    left, right = values(5, 3), values(5, 2)
    np.testing.assert_allclose(network.predict([left, right])["output"], model(left, right), rtol=0, atol=TOLERANCE)


class Nested(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return {"pair": [self.dense(inputs["a"]), inputs["b"][0]], "a": inputs["a"]}


def test_dicts_of_lists_go_in_and_come_out(tmp_path):
    model, inputs = Nested(), {"a": values(4, 3), "b": [values(4, 2)]}
    model(inputs)
    network = exported(model, tmp_path / "model.onnx")
    assert network.input_names == ["a", "b_0"]
    assert network.output_names == ["a_output", "pair_0", "pair_1"]
    assert_equal_to_keras(network, model, inputs)


class KnowsNoSymbols(keras.Model):
    """`call` works, and Keras's symbolic inference of it does not."""

    def __init__(self):
        super().__init__()
        self.embedding, self.recurrence = keras.layers.Embedding(10, 3), keras.layers.LSTM(2)

    def call(self, ids):
        if not isinstance(ids, tf.Tensor):
            raise TypeError("a tensor is expected")
        return self.recurrence(self.embedding(ids))


def test_a_model_without_symbolic_inference(tmp_path):
    model, ids = KnowsNoSymbols(), np.random.default_rng(0).integers(0, 10, (3, 7)).astype(np.int32)
    model(ids[:, :5])
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, ids)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int64", "uint8", "uint16", "uint32", "float32"])
def test_ids_of_any_dtype(dtype, tmp_path):
    ids = keras.Input((None,), dtype=dtype, name="ids")
    model = keras.Model(ids, keras.layers.LSTM(4)(keras.layers.Embedding(100, 3, mask_zero=True)(ids)))
    inputs = np.random.default_rng(0).integers(0, 100, (2, 5)).astype(dtype)
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, inputs)


@pytest.mark.parametrize("name", ["two words", "saída", "_private", "l[1]", "a>b", "日本", "a:0", "100 %"])
def test_names_are_those_of_the_user(name, tmp_path):
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3), name=f"{name} in")
    model = keras.Model(x, keras.layers.LSTM(2, name=name)(x), name=f"{name} model")
    path = tmp_path / "model.onnx"
    network = exported(model, path, verify=True)  # TensorFlow cannot compile such a model, and so neither `predict` it
    assert (network.input_names, network.output_names) == ([f"{name} in"], [name])
    assert_equal_to_keras(network, model, values(2, 4, 3))


def test_an_input_that_is_given_back_has_another_name():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="input")])
    signature = model_signature(model)
    assert (signature.input_names, signature.output_names) == (("input",), ("input_output",))


class OfDict(keras.layers.Layer):
    def call(self, inputs):
        return {"sum": inputs["a"] + inputs["b"], "difference": inputs["a"] - inputs["b"]}


def test_a_sequential_model_of_dicts(tmp_path):
    model, inputs = keras.Sequential([OfDict()]), {"a": values(2, 3), "b": values(2, 3, seed=1)}
    model(inputs)
    network = exported(model, tmp_path / "model.onnx", verify=True)
    assert (network.input_names, network.output_names) == (["a", "b"], ["difference", "sum"])
    assert_equal_to_keras(network, model, inputs)

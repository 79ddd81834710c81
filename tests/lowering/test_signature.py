"""Which inputs and outputs a model has, and what they are called."""

import keras
import numpy as np
import pytest
from seqkit_onnx.lowering.conversion import convert
from seqkit_onnx.lowering.signature import model_signature

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

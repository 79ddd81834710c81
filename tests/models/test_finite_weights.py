"""A weight that is no number is told before a model is exported."""

import keras
import numpy as np
import pytest
import seqkit_onnx

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from keras_seqkit.layers import GloveEmbedding
from keras_seqkit.models.finite_weights import check_finite_weights

NAN = float("nan")


def small_model() -> keras.Model:
    ids = keras.Input((3,), dtype="int32", name="ids")
    x = keras.layers.GRU(2, name="reader")(keras.layers.Embedding(5, 2, name="table")(ids))
    return keras.Model(ids, keras.layers.Dense(2, name="head")(keras.layers.BatchNormalization(name="norm")(x)))


@pytest.mark.parametrize("kind", ["a plain model", "a classifier"])
def test_an_embedding_that_was_never_loaded_is_named_by_export(tmp_path, kind):
    words = Vocabulary(["sun", "moon"])
    loaded = GloveEmbedding(words, {"sun": [1.0, 2.0]}, name="glove")
    empty = GloveEmbedding.from_config(loaded.get_config())
    if kind == "a classifier":
        model = TextClassifier(words, ["neg", "pos"], empty, BidirectionalStack(2))
    else:
        ids = keras.Input((3,), dtype="int32")
        model = keras.Model(ids, keras.layers.GRU(2)(empty(ids)))
    with pytest.raises(ValueError, match=r"12 of the 12 numbers of weight '.*glove/embeddings' are NaN.*load the"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=kind == "a classifier")
    assert list(tmp_path.iterdir()) == []
    empty.set_weights(loaded.get_weights())
    check_finite_weights(model)


@pytest.mark.parametrize("path", ["table/embeddings", "reader/gru_cell/bias", "norm/moving_variance", "head/kernel"])
def test_one_nan_anywhere_is_named(path):
    model = small_model()
    [weight] = [each for each in model.weights if each.path.endswith(path)]
    values = np.array(weight)
    values.flat[-1] = NAN
    weight.assign(values)
    with pytest.raises(ValueError, match=f"1 of the {values.size} numbers of weight '.*{path}' are NaN"):
        check_finite_weights(model)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 0.0, 1e38])
def test_infinite_and_finite_weights_pass(value):
    """Minus infinity is a mask to some models."""
    model = small_model()
    model.get_layer("head").bias.assign([value, 0.0])
    check_finite_weights(model)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_weights_of_any_float_are_looked_at(dtype):
    layer = keras.layers.Dense(1, dtype=dtype)
    layer.build((None, 2))
    check_finite_weights(layer)
    layer.bias.assign([NAN])
    with pytest.raises(ValueError, match="1 of the 1 numbers of weight"):
        check_finite_weights(layer)


def test_weights_that_are_no_floats_and_models_without_weights_pass():
    layer = keras.layers.Embedding(4, 2)
    layer.build()
    layer.quantize("int8")
    check_finite_weights(layer)
    check_finite_weights(keras.Sequential([keras.layers.Dropout(0.5, seed=1)]))

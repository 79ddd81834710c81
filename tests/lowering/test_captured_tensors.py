"""What a model reads from outside of its weights: constants of all kinds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exported import assert_equal_to_keras, exported, values

LAYERS, ops = keras.layers, keras.ops


def normalized() -> tuple:
    layer = LAYERS.Normalization()
    layer.adapt(values(50, 3) * 2 + 1)
    inputs = keras.Input((None, 3))
    return keras.Model(inputs, LAYERS.LSTM(4)(layer(inputs))), values(2, 5, 3)


def positions() -> tuple:
    table = tf.constant(values(1, 50, 8))
    inputs = keras.Input((None, 8))
    encoded = LAYERS.Lambda(lambda x: x + table[:, : tf.shape(x)[1]])(inputs)
    return keras.Model(inputs, LAYERS.GRU(4)(encoded)), values(2, 5, 8)


def arithmetic() -> tuple:
    inputs = keras.Input((3,))
    return keras.Model(inputs, inputs * tf.constant([1.0, 2.0, 3.0]) + ops.ones((3,)) - np.float32(2)), values(2, 3)


class GraphConvolution(LAYERS.Layer):
    def __init__(self, adjacency, **kwargs):
        super().__init__(**kwargs)
        self.adjacency = ops.convert_to_tensor(adjacency)
        self.dense = LAYERS.Dense(4)

    def call(self, x):
        return self.dense(ops.matmul(self.adjacency, x))


def graph_layer() -> tuple:
    inputs = keras.Input((5, 3))
    return keras.Model(inputs, GraphConvolution(values(5, 5))(inputs)), values(2, 5, 3)


def zeros_as_state() -> tuple:
    inputs = keras.Input((None, 3))
    return keras.Model(inputs, LAYERS.GRU(4)(inputs, initial_state=ops.zeros((1, 4)))), values(3, 5, 3)


def constant_output() -> tuple:
    inputs = keras.Input((3,))
    return keras.Model(inputs, [LAYERS.Dense(2)(inputs), ops.ones((2, 2)) + 0 * ops.sum(inputs)]), values(2, 3)


def images_in_steps() -> tuple:
    """As EfficientNet begins: with means and variances that are no weights."""
    layers = [
        LAYERS.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]),
        LAYERS.Conv2D(2, 3),
        LAYERS.Flatten(),
    ]
    inner = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    inputs = keras.Input((None, 8, 8, 3))
    return keras.Model(inputs, LAYERS.LSTM(3)(LAYERS.TimeDistributed(inner)(inputs))), values(2, 3, 8, 8, 3)


MODELS = (normalized, positions, arithmetic, graph_layer, zeros_as_state, constant_output, images_in_steps)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_what_a_trace_captures_is_written_as_constants(make, tmp_path):
    keras.utils.set_random_seed(0)
    model, inputs = make()
    network = exported(model, tmp_path / "model.onnx")
    assert len(network.input_names) == 1
    assert_equal_to_keras(network, model, inputs)


class GivesZeros(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = LAYERS.Dense(2)

    def call(self, x):
        return self.dense(x), ops.zeros((1, 4))


def test_an_output_that_is_a_constant_stays_one(tmp_path):
    model = GivesZeros()
    model(values(1, 3))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, values(1, 3))


class ConnectionistLoss(LAYERS.Layer):
    """As in keras.io's captcha example: the loss is added in the layer, and what is predicted is given on."""

    def call(self, labels, predicted):
        batch, steps = ops.shape(predicted)[0], ops.shape(predicted)[1]
        lengths = ops.ones((batch,), "int32")
        self.add_loss(ops.mean(ops.ctc_loss(labels, predicted, lengths * ops.shape(labels)[1], lengths * steps)))
        return predicted


def test_a_loss_inside_the_model_is_left_out(tmp_path):
    images, labels = keras.Input((None, 8), name="image"), keras.Input((None,), dtype="int32", name="label")
    predicted = LAYERS.Dense(5, activation="softmax")(LAYERS.LSTM(4, return_sequences=True)(images))
    model = keras.Model([images, labels], ConnectionistLoss(name="ctc")(labels, predicted))
    network = exported(model, tmp_path / "model.onnx")
    assert network.input_names == ["image", "label"]
    inputs = [values(2, 6, 8), np.random.default_rng(0).integers(1, 4, (2, 3)).astype(np.int32)]
    assert_equal_to_keras(network, model, inputs)


def test_attention_over_several_axes_is_exported_in_seconds(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3, 4, 5, 8))
    attention = LAYERS.MultiHeadAttention(2, 4, attention_axes=(1, 2, 3))
    model = keras.Model(inputs, attention(inputs, inputs))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, values(2, 3, 4, 5, 8))

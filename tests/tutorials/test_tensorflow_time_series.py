"""TensorFlow's "time series forecasting": one class after the other, single steps and several at once."""

import keras
import pytest
import tensorflow as tf

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, train

layers = keras.layers
FEATURES, WIDTH, OUT_STEPS, UNITS = 4, 6, 5, 8
WEATHER = values(16, WIDTH, FEATURES)
OTHERS = values(500, WIDTH, FEATURES, seed=1)


class Baseline(keras.Model):
    def __init__(self, label_index):
        super().__init__()
        self.label_index = label_index

    def call(self, inputs):
        return inputs[:, :, self.label_index][:, :, tf.newaxis]


class ResidualWrapper(keras.Model):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, inputs, *args, **kwargs):
        return inputs + self.model(inputs, *args, **kwargs)


def dense_multi_step() -> keras.Model:
    return keras.Sequential(
        [layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(1), layers.Reshape([1, -1])]
    )


def convolution() -> keras.Model:
    convolve = layers.Conv1D(filters=8, kernel_size=(3,), activation="relu")
    return keras.Sequential([convolve, layers.Dense(8, activation="relu"), layers.Dense(1)])


def recurrence() -> keras.Model:
    return keras.Sequential([layers.LSTM(UNITS, return_sequences=True), layers.Dense(1)])


def residual() -> keras.Model:
    changes = layers.Dense(FEATURES, kernel_initializer="zeros")
    return ResidualWrapper(keras.Sequential([layers.LSTM(UNITS, return_sequences=True), changes]))


SINGLE_STEP = {
    "baseline": (lambda: Baseline(label_index=1), {}),
    "dense multi-step": (dense_multi_step, {}),
    "convolution": (convolution, {}),
    "recurrence": (recurrence, {"LSTM": 1}),
    "residual": (residual, {"LSTM": 1}),
}


@pytest.mark.parametrize("kind", SINGLE_STEP)
def test_single_step_models(kind, tmp_path):
    make, operators = SINGLE_STEP[kind]
    model = make()
    labels = model(WEATHER).shape
    if model.trainable_variables:
        train(model, WEATHER, values(*labels, seed=2), loss="mse")
    longer = [] if kind == "dense multi-step" else [values(200, 20, FEATURES)]
    assert export_and_compare(model, tmp_path / "model.onnx", OTHERS[:1], OTHERS, *longer) == operators


class LastStep(keras.Model):
    def call(self, inputs):
        return tf.tile(inputs[:, -1:, :], [1, OUT_STEPS, 1])


def to_steps() -> list[keras.layers.Layer]:
    return [layers.Dense(OUT_STEPS * FEATURES, kernel_initializer="zeros"), layers.Reshape([OUT_STEPS, FEATURES])]


class FeedBack(keras.Model):
    """Warms up on what was, and then reads its own predictions, one after the other."""

    def __init__(self, units, out_steps):
        super().__init__()
        self.out_steps = out_steps
        self.lstm_cell = layers.LSTMCell(units)
        self.lstm_rnn = layers.RNN(self.lstm_cell, return_state=True)
        self.dense = layers.Dense(FEATURES)

    def warmup(self, inputs):
        x, *state = self.lstm_rnn(inputs)
        return self.dense(x), state

    def call(self, inputs, training=None):
        prediction, state = self.warmup(inputs)
        predictions = [prediction]
        for _ in range(1, self.out_steps):
            x, state = self.lstm_cell(prediction, states=state, training=training)
            prediction = self.dense(x)
            predictions.append(prediction)
        return tf.transpose(tf.stack(predictions), [1, 0, 2])


SEVERAL_STEPS = {
    "the last one": (LastStep, {}),
    "dense": (
        lambda: keras.Sequential(
            [layers.Lambda(lambda x: x[:, -1:, :]), layers.Dense(8, activation="relu"), *to_steps()]
        ),
        {},
    ),
    "convolution": (
        lambda: keras.Sequential(
            [layers.Lambda(lambda x: x[:, -3:, :]), layers.Conv1D(8, activation="relu", kernel_size=(3)), *to_steps()]
        ),
        {},
    ),
    "recurrence": (
        lambda: keras.Sequential([layers.LSTM(UNITS, return_sequences=False), *to_steps()]),
        {"LSTM": 1},
    ),
    "autoregressive": (lambda: FeedBack(UNITS, OUT_STEPS), {"LSTM": 1}),
}


@pytest.mark.parametrize("kind", SEVERAL_STEPS)
def test_models_of_several_steps(kind, tmp_path):
    make, operators = SEVERAL_STEPS[kind]
    model = make()
    assert model(WEATHER).shape == (16, OUT_STEPS, FEATURES)
    if model.trainable_variables:
        train(model, WEATHER, values(16, OUT_STEPS, FEATURES, seed=2), loss="mse")
    longer = values(200, 20, FEATURES)
    assert export_and_compare(model, tmp_path / "model.onnx", OTHERS[:1], OTHERS, longer) == operators

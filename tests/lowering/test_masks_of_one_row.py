"""A mask that is the same for all rows, (1, time), as Keras takes it."""

import keras
import pytest

from tests.exported import assert_equal_to_keras, exported, operators, values

ops = keras.ops
LAYERS = {
    "lstm": lambda **options: keras.layers.LSTM(4, **options),
    "gru": lambda **options: keras.layers.GRU(4, **options),
    "relu": lambda **options: keras.layers.SimpleRNN(4, activation="relu", **options),
    "both": lambda **options: keras.layers.Bidirectional(keras.layers.GRU(4, **options)),
    "cells": lambda **options: keras.layers.RNN([keras.layers.GRUCell(3), keras.layers.LSTMCell(4)], **options),
}


@keras.saving.register_keras_serializable(package="tests")
class FirstSteps(keras.layers.Layer):
    """Reads the first three steps of each row."""

    def __init__(self, recurrence=None, **kwargs):
        super().__init__(**kwargs)
        self.recurrence = recurrence

    def call(self, x):
        return self.recurrence(x, mask=ops.arange(ops.shape(x)[1])[None] < 3)  # (1, time)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("recurrence", ["native", "auto"])
def test_a_mask_of_one_row_is_that_of_all(tmp_path, kind, sequences, recurrence):
    inputs = keras.Input((None, 3), name="x")
    model = keras.Model(inputs, FirstSteps(LAYERS[kind](return_sequences=sequences))(inputs))
    network = exported(model, tmp_path / "model.onnx", recurrence=recurrence)
    for rows, steps in ((3, 7), (1, 5), (2, 2)):
        assert_equal_to_keras(network, model, values(rows, steps, 3))


def test_a_mask_of_each_row_stays_as_it_is(tmp_path):
    x, ids = keras.Input((None, 3), name="x"), keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model([x, ids], keras.layers.LSTM(4)(x, mask=ops.not_equal(ids, 0)))
    exported(model, tmp_path / "model.onnx", padding="post")
    assert not {"Expand", "TopK"}.intersection(operators(tmp_path / "model.onnx"))

"""Stateful layers: the file takes their states and gives them back, and the caller carries them."""

import keras
import numpy as np
import onnx
import pytest
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.interception import UnsupportedLayerError
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import masked_ids, randomize_weights
from tests.exported import exported
from tests.lowering.test_native_recurrence import TOLERANCE, run

LAYERS = keras.layers
BATCH, UNITS = 2, 4
STATEFUL = {
    "lstm": lambda: LAYERS.LSTM(UNITS, stateful=True, return_sequences=True, name="layer"),
    "gru": lambda: LAYERS.GRU(UNITS, stateful=True, name="layer"),
    "backwards": lambda: LAYERS.GRU(UNITS, stateful=True, go_backwards=True, return_state=True, name="layer"),
    "both": lambda: LAYERS.Bidirectional(LAYERS.LSTM(UNITS, stateful=True, return_sequences=True), name="layer"),
    "cells": lambda: LAYERS.RNN(
        LAYERS.StackedRNNCells([LAYERS.LSTMCell(UNITS), LAYERS.GRUCell(3)]), stateful=True, name="layer"
    ),
}


def stateful_model(layer: keras.layers.Layer, mask_zero: bool = True) -> keras.Model:
    keras.utils.clear_session()
    ids = keras.Input(batch_shape=(BATCH, None), dtype="int32", name="ids")
    model = keras.Model(ids, layer(LAYERS.Embedding(9, 3, mask_zero=mask_zero)(ids)), name="model")
    randomize_weights(model)
    for variable in model.non_trainable_variables:  # the kept states
        variable.assign(np.zeros(variable.shape))
    return model


def names(values) -> list[str]:
    return [value.name for value in values]


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("kind", STATEFUL)
@pytest.mark.parametrize("mask_zero", [True, False])
def test_carried_states_give_what_keras_keeps(kind: str, mask_zero: bool):
    model = stateful_model(STATEFUL[kind](), mask_zero)
    proto = convert(model, model_signature(model))
    onnx.checker.check_model(proto, full_check=True)
    inputs, outputs = names(proto.graph.input)[1:], names(proto.graph.output)
    units = [value.type.tensor_type.shape.dim[1].dim_value for value in proto.graph.input[1:]]
    states = {name: np.zeros((BATCH, size), np.float32) for name, size in zip(inputs, units, strict=True)}
    for seed, mask in enumerate(("none", "holes", "all_masked", "left")):
        ids = masked_ids(mask, BATCH, 5, seed)
        expected = keras.tree.flatten(model(ids))
        ours = run(proto, ids=ids, **states)
        for mine, theirs in zip(ours, expected, strict=False):
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=TOLERANCE, err_msg=mask)
        states = dict(zip(inputs, ours[len(expected) :], strict=True))
    assert outputs[-len(inputs) :] == [name.replace("initial", "final") for name in inputs]


def test_states_are_named_after_their_layer():
    model = stateful_model(STATEFUL["both"]())
    proto = convert(model, model_signature(model))
    sides = ("forward", "backward")
    assert names(proto.graph.input) == ["ids", *(f"layer/{side}/initial_{s}" for side in sides for s in "hc")]
    assert [dim.dim_param or dim.dim_value for dim in proto.graph.input[1].type.tensor_type.shape.dim] == [
        "batch",
        UNITS,
    ]


def test_a_state_that_is_passed_takes_the_place_of_the_kept_one():
    keras.utils.clear_session()
    x = keras.Input(batch_shape=(BATCH, None, 3), name="x")
    state = keras.Input(batch_shape=(BATCH, UNITS), name="state")
    model = keras.Model([x, state], LAYERS.GRU(UNITS, stateful=True)(x, initial_state=state))
    proto = convert(model, model_signature(model))
    assert names(proto.graph.input) == ["x", "state"]
    random = np.random.default_rng(0)
    values = [random.normal(size=shape).astype(np.float32) for shape in ((BATCH, 5, 3), (BATCH, UNITS))]
    ours = run(proto, x=values[0], state=values[1])[0]
    np.testing.assert_allclose(ours, model(values), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("mask_zero", [True, False])
def test_a_stateful_layer_without_an_operator_carries_its_states_as_a_loop(mask_zero: bool):
    layer = LAYERS.LSTM(UNITS, activation="gelu", stateful=True, return_sequences=True, name="carrier")
    model = stateful_model(layer, mask_zero)
    with pytest.warns(UserWarning, match="'carrier' is exported as a loop"):
        proto = convert(model, model_signature(model))
    onnx.checker.check_model(proto, full_check=True)
    assert names(proto.graph.input) == ["ids", "carrier/initial_state_0", "carrier/initial_state_1"]
    assert names(proto.graph.output) == ["carrier", "carrier/final_state_0", "carrier/final_state_1"]
    state_axes = proto.graph.input[1].type.tensor_type.shape.dim
    assert [axis.dim_param or axis.dim_value for axis in state_axes] == ["batch", UNITS]
    states = [np.zeros((BATCH, UNITS), np.float32)] * 2
    for seed, mask in enumerate(("none", "holes", "all_masked", "left")):
        ids = masked_ids(mask, BATCH, 5, seed)
        feeds = dict(zip(names(proto.graph.input), (ids, *states), strict=True))
        ours, *states = run(proto, **feeds)
        np.testing.assert_allclose(ours, model(ids), rtol=0, atol=TOLERANCE, err_msg=mask)


def test_a_stateful_layer_that_is_called_twice_is_refused_by_name():
    keras.utils.clear_session()
    x = keras.Input(batch_shape=(BATCH, None, 3), name="x")
    layer = LAYERS.LSTM(3, stateful=True, return_sequences=True, name="carrier")
    model = keras.Model(x, layer(layer(x)))
    with pytest.raises(UnsupportedLayerError, match=r"'carrier' is stateful.*called twice"):
        convert(model, model_signature(model))


def test_a_stateful_layer_in_each_step_is_refused_by_name():
    keras.utils.clear_session()
    x = keras.Input(batch_shape=(BATCH, 4, 5, 3), name="x")
    model = keras.Model(x, LAYERS.TimeDistributed(LAYERS.LSTM(3, stateful=True, name="carrier"))(x))
    with pytest.raises(UnsupportedLayerError, match=r"'carrier' is stateful.*TimeDistributed"):
        convert(model, model_signature(model))


def test_a_subclassed_stateful_model_of_one_row_is_exported():
    class Wrapper(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = LAYERS.GRU(2, stateful=True, name="layer")

        def call(self, x):
            return self.layer(x)

    model = Wrapper()
    values = np.random.default_rng(0).normal(size=(1, 4, 2)).astype(np.float32)
    expected = model(values)
    proto = convert(model, model_signature(model, keras.InputSpec(shape=(1, None, 2), dtype="float32")))
    ours = run(proto, **{"input": values, "layer/initial_h": np.zeros((1, 2), np.float32)})
    np.testing.assert_allclose(ours[0], expected, rtol=0, atol=TOLERANCE)


class BeginsWithOnes(keras.layers.GRU):
    def get_initial_state(self, batch_size):
        return [keras.ops.ones((batch_size, self.cell.units))]


def test_a_layer_that_makes_its_own_initial_state_begins_with_it():
    keras.utils.clear_session()
    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, BeginsWithOnes(UNITS)(x))
    values = np.random.default_rng(0).normal(size=(BATCH, 5, 3)).astype(np.float32)
    ours = run(convert(model, model_signature(model)), x=values)[0]
    np.testing.assert_allclose(ours, model(values), rtol=0, atol=TOLERANCE)


def test_a_stateful_layer_that_makes_its_own_initial_state_is_refused_by_name():
    model = stateful_model(BeginsWithOnes(UNITS, stateful=True, name="carrier"))
    with pytest.raises(UnsupportedLayerError, match=r"'carrier' is stateful.*of its own making"):
        convert(model, model_signature(model))


def test_stacked_cells_are_compared_with_states_that_begin_with_zeros(tmp_path):
    model = stateful_model(LAYERS.RNN([LAYERS.LSTMCell(3), LAYERS.GRUCell(2)], stateful=True, name="stack"))
    model(masked_ids("none", BATCH, 5, 0))
    exported(model, tmp_path / "model.onnx", verify=True)

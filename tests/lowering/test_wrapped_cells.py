"""Cells that compute something else than the plain cell inside them: never taken for it."""

import keras
import pytest

from tests.exported import assert_equal_to_keras, exported, operators, values

LAYERS, ops = keras.layers, keras.ops


@keras.saving.register_keras_serializable(package="tests")
class ZoneoutCell(LAYERS.LSTMCell):
    """In inference each state is a mean of the old one and the new one (Krueger et al., 2017)."""

    def call(self, inputs, states, training=False):
        _, (hidden, carry) = super().call(inputs, states, training=training)
        hidden, carry = 0.9 * hidden + 0.1 * states[0], 0.7 * carry + 0.3 * states[1]
        return hidden, [hidden, carry]


@keras.saving.register_keras_serializable(package="tests")
class ClippingCell(LAYERS.LSTMCell):
    def call(self, inputs, states, training=False):
        output, (hidden, carry) = super().call(inputs, states, training=training)
        return output, [hidden, ops.clip(carry, -0.1, 0.1)]


@keras.saving.register_keras_serializable(package="tests")
class HalvingCell(LAYERS.Layer):
    """Holds a cell, and halves its state after each step."""

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        self.cell = cell
        self.state_size = cell.state_size
        self.output_size = cell.units

    def build(self, shape):
        self.cell.build(shape)

    def call(self, inputs, states):
        output, states = self.cell(inputs, states)
        return output, [state * 0.5 for state in states]

    def get_config(self):
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)


class Doubled(LAYERS.LSTM):
    """A call of its own around Keras's."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences * 2.0, initial_state=initial_state, mask=mask, training=training)


WRAPPED = {
    "zoneout": lambda: LAYERS.RNN(ZoneoutCell(4), return_sequences=True),
    "clipped": lambda: LAYERS.RNN(ClippingCell(4), return_sequences=True),
    "halved": lambda: LAYERS.RNN(HalvingCell(LAYERS.LSTMCell(4)), return_sequences=True),
    "halved GRU": lambda: LAYERS.RNN(HalvingCell(LAYERS.GRUCell(4)), return_sequences=True),
    "both ways": lambda: LAYERS.Bidirectional(LAYERS.RNN(ClippingCell(4), return_sequences=True)),
}


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])  # tf2onnx looks for loops without a mask
@pytest.mark.parametrize("kind", WRAPPED)
def test_a_wrapped_cell_is_a_loop_that_equals_keras(kind: str, masked: bool, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, WRAPPED[kind]()(LAYERS.Masking()(inputs) if masked else inputs))
    path = tmp_path / "model.onnx"
    network = exported(model, path)
    assert not {"LSTM", "GRU"} & set(operators(path))
    x = 3 * values(3, 6, 3)
    x[1, 4:] = 0
    assert_equal_to_keras(network, model, x)


def test_a_layer_with_a_call_of_its_own_around_a_plain_loop_is_native(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, Doubled(4, return_sequences=True, return_state=True)(LAYERS.Masking()(inputs)))
    path = tmp_path / "model.onnx"
    network = exported(model, path)
    assert operators(path)["LSTM"] == 1
    x = values(3, 6, 3)
    x[1, 4:] = 0
    assert_equal_to_keras(network, model, x)


@pytest.mark.parametrize("mask_zero", [True, False])
def test_both_ways_of_a_layer_with_a_call_of_its_own(mask_zero, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 3))
    x = LAYERS.Masking()(inputs) if mask_zero else inputs
    layers = [
        keras.saving.register_keras_serializable(package="tests")(Doubled)(4, go_backwards=back) for back in (0, 1)
    ]
    model = keras.Model(inputs, LAYERS.Bidirectional(layers[0], backward_layer=layers[1])(x))
    network = exported(model, tmp_path / "model.onnx")
    assert operators(tmp_path / "model.onnx")["LSTM"] == 2
    x = values(3, 6, 3)
    x[1, 4:] = 0
    assert_equal_to_keras(network, model, x)


def test_a_call_that_one_cell_was_given_is_not_left_out(tmp_path):
    layer = LAYERS.LSTM(4)
    own = layer.cell.call

    def shifted(inputs, states, training=False):
        output, states = own(inputs, states, training=training)
        return output + 0.5, states

    layer.cell.call = shifted
    inputs = keras.Input((6, 3))
    model = keras.Model(inputs, layer(inputs))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx", verify=True), model, values(2, 6, 3))

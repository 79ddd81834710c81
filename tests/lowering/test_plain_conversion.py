"""What is exported quietly, natively, or refused in the user's words."""

import warnings

import keras
import numpy as np
import pytest
import seqkit_onnx
import tensorflow as tf
from seqkit_onnx.kinds import network as network_kind
from seqkit_onnx.tracing.interception import UnsupportedLayerError
from seqkit_onnx.verification import VerificationError

from tests.exported import assert_equal_to_keras, exported, operators, values
from tests.test_verification import broken, spoil_row

LAYERS = keras.layers
ACTIVATIONS = [tf.nn.relu, tf.tanh, tf.nn.sigmoid, tf.nn.elu, tf.nn.leaky_relu, tf.identity]
ACTIVATIONS += [keras.ops.relu, keras.ops.softsign, keras.ops.hard_sigmoid]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_a_function_that_computes_what_an_operator_does_is_native(activation, tmp_path):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.SimpleRNN(4, activation=activation)(x))
    network = exported(model, tmp_path / "model.onnx")
    assert operators(tmp_path / "model.onnx")["RNN"] == 1
    assert_equal_to_keras(network, model, values(2, 6, 3))


def test_an_export_says_nothing_and_warns_of_nothing(tmp_path, capfd):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.Dense(2)(LAYERS.Bidirectional(LAYERS.LSTM(4))(x)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_converted_is_named_as_the_user_knows_it(tmp_path, capfd):
    x = keras.Input((3,), name="x")
    odd = LAYERS.Lambda(lambda each: tf.strings.length(tf.strings.as_string(each)), name="odd_one")
    inner = keras.Sequential([keras.Input((3,)), odd], name="inner")
    model = keras.Model(x, inner(x), name="outer")
    with pytest.raises(UnsupportedLayerError) as caught:
        exported(model, tmp_path / "model.onnx")
    assert str(caught.value) == (
        "export: layer 'odd_one' uses TensorFlow's StringLength, which cannot be written with ONNX's operators. Write "
        "it with other operations of keras.ops, or leave it out of the model that is exported."
    )
    assert capfd.readouterr() == ("", "")


def test_a_refusal_of_ours_comes_as_it_is(tmp_path):
    """Keras and TensorFlow wrap what is raised inside a layer."""
    x, mask = keras.Input((4, 3)), keras.Input((4, 3), dtype="bool")
    model = keras.Model([x, mask], LAYERS.LSTM(2, name="masked")(x, mask=mask))
    with pytest.raises(UnsupportedLayerError) as caught:
        exported(model, tmp_path / "model.onnx")
    assert str(caught.value).startswith("export: layer 'masked' received a mask of shape (None, 4, 3)")


MIXING = {
    "softmax over the batch": lambda: LAYERS.Softmax(axis=0),
    "mean of the batch": lambda: LAYERS.Lambda(lambda x: x - keras.ops.mean(x, axis=0, keepdims=True)),
    "size of the batch": lambda: LAYERS.Lambda(lambda x: x / keras.ops.cast(keras.ops.shape(x)[0], x.dtype)),
    "inside": lambda: keras.Sequential([LAYERS.Dense(3), LAYERS.Softmax(axis=0), LAYERS.Dense(2)]),
    "largest number": lambda: LAYERS.Lambda(lambda x: x / (1 + keras.ops.max(x))),
    "place of the largest": lambda: LAYERS.Lambda(lambda x: x + keras.ops.cast(keras.ops.argmax(x), x.dtype)),
    "rows before": lambda: LAYERS.Lambda(lambda x: keras.ops.cumsum(x, 0)),
    "first row": lambda: LAYERS.Lambda(lambda x: x - x[:1]),
    "number of the row": lambda: LAYERS.Lambda(
        lambda x: x + keras.ops.cast(keras.ops.arange(keras.ops.shape(x)[0])[:, None], x.dtype)
    ),
    "a large number": lambda: LAYERS.Lambda(lambda x: keras.ops.where(keras.ops.any(x > 5000), x * 0, x)),
    "an activation": lambda: LAYERS.Dense(3, activation=lambda x: x / (1 + keras.ops.max(x))),
}


@pytest.mark.parametrize("kind", MIXING)
def test_a_layer_that_mixes_rows_is_run_step_by_step_or_refused(kind, tmp_path):
    x = keras.Input((4, 3))
    model = keras.Model(x, LAYERS.TimeDistributed(MIXING[kind]())(x))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, values(3, 4, 3))
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.TimeDistributed(MIXING[kind](), name="steps")(x))
    with pytest.raises(UnsupportedLayerError, match=r"'steps' runs .* in each step, and that layer mixes the rows"):
        exported(model, tmp_path / "model.onnx")


class CountsCalls(LAYERS.Layer):
    def build(self, _shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * 2

    def compute_output_shape(self, shape):
        return shape


def test_an_export_leaves_the_variables_of_the_model_as_they_were(tmp_path):
    x = keras.Input((4, 3))
    counting = CountsCalls()
    model = keras.Model(x, LAYERS.TimeDistributed(counting)(x))
    before = np.asarray(counting.calls.value.numpy())
    exported(model, tmp_path / "model.onnx", verify=True)
    np.testing.assert_array_equal(counting.calls.value.numpy(), before)


def test_a_stateful_layer_over_images_carries_its_states(tmp_path):
    x = keras.Input(batch_shape=(2, None, 6, 6, 1))
    layer = LAYERS.ConvLSTM2D(3, 3, stateful=True, return_sequences=True, name="images")
    model = keras.Model(x, layer(x))
    network = exported(model, tmp_path / "model.onnx")
    state = network.initial_state(2)
    assert {name: array.shape for name, array in state.items()} == {
        "images/initial_state_0": (2, 4, 4, 3),
        "images/initial_state_1": (2, 4, 4, 3),
    }
    for seed in range(3):
        frames = values(2, 4, 6, 6, 1, seed=seed)
        outputs = network.predict({"input": frames, **state})
        np.testing.assert_allclose(outputs["images"], model(frames), rtol=0, atol=1e-5)
        state = network.next_state(outputs)


class NeedsValues(LAYERS.Layer):
    def call(self, x):
        return x * float(np.asarray(x).max())

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


@pytest.mark.parametrize("form", ["functional", "sequential"])
def test_a_layer_that_cannot_be_traced_is_named(form, tmp_path):
    if form == "functional":
        x = keras.Input((3,))
        model = keras.Model(x, NeedsValues(name="needy")(x))
    else:
        model = keras.Sequential([NeedsValues(name="needy")])
        model(values(2, 3))
    advice = "" if form == "functional" else r" Or its inputs have other dtypes.*input_signature=.*"
    sentence = rf"(?s)^export: layer 'needy' cannot be traced.*model\.predict\.{advice}$"
    with pytest.raises(UnsupportedLayerError, match=sentence):
        exported(model, tmp_path / "model.onnx")


def test_ids_that_come_as_floats_are_verified_as_ids(tmp_path, monkeypatch):
    x = keras.Input((5,))
    model = keras.Model(x, LAYERS.GRU(3)(LAYERS.Embedding(9, 4)(x)))
    network = exported(model, tmp_path / "model.onnx", verify=True)
    assert_equal_to_keras(network, model, np.arange(10).reshape(2, 5).astype(np.float32) % 9)
    monkeypatch.setattr(network_kind, "convert", broken(spoil_row("embedding", 8)))  # the last of the ids
    with pytest.raises(VerificationError, match="differ by"):
        exported(model, tmp_path / "model.onnx", verify=True)


@pytest.mark.parametrize("policy", ["int8_from_mixed_bfloat16", "int4_from_mixed_bfloat16"])
def test_quantized_weights_are_computed_with_in_float32(policy, tmp_path):
    x = keras.Input((6,))
    model = keras.Model(x, LAYERS.Dense(4, dtype=policy)(x))
    (answers,) = exported(model, tmp_path / "model.onnx", verify=True).predict(values(3, 6)).values()
    np.testing.assert_allclose(answers, np.asarray(model(values(3, 6)), np.float32), rtol=0, atol=5e-2)

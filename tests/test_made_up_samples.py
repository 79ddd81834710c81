"""Inputs that are made up to compare a file with Keras: of numbers that the model takes, and as long as it needs."""

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.kinds import network as network_kind
from seqkit_onnx.verification import VerificationError

from tests.cases import randomize_weights
from tests.eager import eagerly
from tests.exported import assert_equal_to_keras, exported
from tests.test_verification import broken, spoil_row

LAYERS, ops = keras.layers, keras.ops
OF_POSITIVE_NUMBERS = {
    "logarithm": ops.log,
    "logarithm of one more": ops.log1p,
    "root": ops.sqrt,
    "root by power": lambda x: ops.power(x, 0.5),
    "arc cosine": ops.arccos,
    "a quotient": lambda x: ops.sqrt(x) / (x - 2),
}


def recurrent(before: LAYERS.Layer, **arguments) -> keras.Model:
    model = keras.Sequential([keras.Input((None, 3)), before, LAYERS.LSTM(3, **arguments), LAYERS.Dense(1)])
    randomize_weights(model)
    return model


@pytest.mark.parametrize("function", OF_POSITIVE_NUMBERS.values(), ids=OF_POSITIVE_NUMBERS)
@eagerly()
def test_models_of_positive_numbers_are_compared_and_written(function, tmp_path):
    model = recurrent(LAYERS.Lambda(function, output_shape=(None, 3)))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    numbers = np.random.default_rng(0).uniform(0.05, 0.95, (2, 5, 3)).astype(np.float32)
    assert_equal_to_keras(seqkit_onnx.load(tmp_path / "model.onnx"), model, numbers)


@eagerly()
def test_a_wrong_file_of_a_model_of_positive_numbers_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(network_kind, "convert", broken(spoil_row("dense", 0)))
    with pytest.raises(VerificationError, match="differ by"):
        seqkit_onnx.export(recurrent(LAYERS.Lambda(ops.log)), tmp_path / "model.onnx", text=False)


@eagerly()
def test_a_model_that_overflows_over_large_numbers_is_compared_over_others(tmp_path):
    model = recurrent(LAYERS.Lambda(lambda x: ops.exp(x * x)))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


@pytest.mark.parametrize("layer", [LAYERS.LSTM, LAYERS.GRU])
@eagerly()
def test_a_softplus_of_large_numbers_is_that_of_keras(layer, tmp_path):
    """As a loop: onnxruntime's recurrent operators overflow there."""
    model = keras.Sequential([keras.Input((None, 3)), layer(3, recurrent_activation="softplus")])
    randomize_weights(model)
    network = exported(model, tmp_path / "model.onnx", verify=True)
    assert_equal_to_keras(network, model, 300 * np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32))


@eagerly()
def test_a_model_that_answers_nothing_is_told_what_was_tried(tmp_path):
    nothing = keras.Sequential([keras.Input((3,)), LAYERS.Lambda(lambda x: x * np.float32("nan"))])
    with pytest.raises(VerificationError, match=r"NaN to all samples.*both signs.*verify=False"):
        seqkit_onnx.export(nothing, tmp_path / "model.onnx", text=False)


@eagerly()
def test_a_network_that_needs_many_steps_gets_them(tmp_path):
    sounds = keras.Input((None, 3))
    parts = LAYERS.MaxPooling1D(4)(LAYERS.Conv1D(4, 80, strides=4)(sounds))
    seqkit_onnx.export(keras.Model(sounds, LAYERS.LSTM(3)(parts)), tmp_path / "model.onnx", text=False)


@eagerly()
def test_a_layer_of_keras_that_drops_an_axis_of_one_step_does_not_stand_in_the_way(tmp_path):
    scale = LAYERS.Normalization(invert=True)
    scale.adapt(np.random.default_rng(0).normal(2, 3, (20, 4)).astype(np.float32))
    model = keras.Sequential([keras.Input((None, 4)), scale])
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    numbers = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    assert_equal_to_keras(seqkit_onnx.load(tmp_path / "model.onnx"), model, numbers)


class OtherAxes(LAYERS.Layer):
    """Answers otherwise while it is traced."""

    def call(self, x):
        return x if ops.shape(x)[0] is not None and not hasattr(x, "graph") else ops.concatenate([x, x], axis=1)


@eagerly()
def test_outputs_of_another_shape_are_told_with_both(tmp_path):
    model = keras.Sequential([keras.Input((3,)), OtherAxes()])
    with pytest.raises(VerificationError, match=r"in shape \(8, 3\), and the file in shape \(8, 6\)"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"vocabulary": ["a", "b"]}, r"vocabulary is a Vocabulary; received list\. Vocabulary\(tokens\)"),
        ({"labels": "ab"}, "labels is a list of names; received the string 'ab'"),
    ],
)
def test_arguments_of_another_type_are_one_sentence(options, sentence, tmp_path):
    model = keras.Sequential([keras.Input((3,)), LAYERS.Dense(2)])
    with pytest.raises(TypeError, match=sentence):
        seqkit_onnx.export(model, tmp_path / "model.onnx", **options)


def test_what_cannot_be_known_of_scores_names_the_users_layer(tmp_path):
    model = keras.Sequential([keras.Input((3,)), LAYERS.Dense(2, activation="hard_tanh", name="votes")])
    with pytest.raises(ValueError, match="it ends in layer 'votes'"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", labels=["a", "b"], text=False)


def test_an_export_leaves_what_predict_had_made_as_it_was(tmp_path):
    model = keras.Sequential([keras.Input((3,)), LAYERS.Dense(2)])
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert model.predict_function is None
    model.predict(np.zeros((1, 3), np.float32), verbose=0)
    made = model.predict_function
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert model.predict_function is made

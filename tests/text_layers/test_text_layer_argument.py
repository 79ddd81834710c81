"""`export(model, path, text_layer=layer)`: a layer that stood before the model goes into the file."""

import keras
import numpy as np
import pytest
import seqkit_onnx
import tensorflow as tf

from keras_seqkit import TextClassifier, Vocabulary
from tests.cases import randomize_weights
from tests.exported import operators
from tests.text_layers.test_tutorials import MOVES, TEXTS, adapted

LAYERS = keras.layers


def recurrent_model(layer, steps=None) -> keras.Model:
    ids = keras.Input((steps,), dtype="int64", name="ids")
    read = LAYERS.GRU(4)(LAYERS.Embedding(layer.vocabulary_size(), 4, mask_zero=True)(ids))
    model = keras.Model(ids, LAYERS.Dense(3, activation="softmax", name="topic")(read))
    randomize_weights(model)
    return model


def linear_model(layer) -> keras.Model:
    model = keras.Sequential([keras.Input((layer.vocabulary_size(),)), LAYERS.Dense(3, name="text")])
    randomize_weights(model)
    return model


CASES = {
    "ids": (lambda: adapted(), recurrent_model),
    "ids of pairs, five steps": (lambda: adapted(ngrams=2, output_sequence_length=5), lambda x: recurrent_model(x, 5)),
    "characters": (lambda: adapted(split="character", standardize=None), recurrent_model),
    "tf-idf": (lambda: adapted(output_mode="tf_idf"), linear_model),
}


@pytest.mark.parametrize("name", CASES)
def test_the_file_answers_as_the_model_behind_the_layer(name, tmp_path):
    make_layer, make_model = CASES[name]
    layer = make_layer()
    model, path = make_model(layer), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text_layer=layer)
    file = seqkit_onnx.load(path)
    assert [(value.name, value.shape) for value in file.session.get_inputs()] == [("text", ["batch"])]
    [answer] = file.predict(TEXTS).values()
    np.testing.assert_allclose(answer, model.predict(layer(tf.constant(TEXTS)), verbose=0), atol=1e-5)
    assert [each.shape for each in file.predict([]).values()] == [(0, 3)]
    assert seqkit_onnx.verify(model, path, TEXTS, text_layer=layer).count == len(TEXTS)
    with pytest.raises(ValueError, match="pass the vocabulary, or the text_layer"):
        seqkit_onnx.verify(model, path, TEXTS)
    counts = operators(path)
    assert counts["GRU"] == (make_model is not linear_model)
    assert not any(counts[move] for move in MOVES if counts["GRU"] and "pairs" not in name)


def test_labels_are_answered_too(tmp_path):
    layer = adapted()
    model = recurrent_model(layer)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text_layer=layer, labels=["a", "b", "c"])
    labels, probabilities = seqkit_onnx.load(tmp_path / "model.onnx").predict(TEXTS)
    expected = model.predict(layer(tf.constant(TEXTS)), verbose=0)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert labels == ["abc"[place] for place in expected.argmax(axis=1)]


def two_inputs() -> keras.Model:
    ids, other = keras.Input((4,), name="ids"), keras.Input((4,), name="other")
    return keras.Model([ids, other], LAYERS.Add()([ids, other]))


def a_classifier() -> keras.Model:
    return TextClassifier(Vocabulary(["a"]), ["x", "y"], 4, LAYERS.LSTM(4))


def linear() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), LAYERS.Dense(2)])


REFUSALS = {
    "both make ids of text": (linear, {"vocabulary": Vocabulary(["a"])}),
    "Leave text=False out": (linear, {"text": False}),
    "one input; received a model with the inputs ids, other": (two_inputs, {}),
    "TextClassifier takes no text_layer. A text layer belongs to a model of your own": (a_classifier, {}),
    "an adapted TextVectorization; received function": (linear, {"text_layer": lambda texts: texts}),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_does_not_go_together_is_refused(reason, tmp_path):
    make_model, options = REFUSALS[reason]
    options = {"text_layer": LAYERS.TextVectorization(vocabulary=["a"], output_mode="count"), **options}
    with pytest.raises((ValueError, TypeError), match=reason):
        seqkit_onnx.export(make_model(), tmp_path / "model.onnx", **options)
    assert not list(tmp_path.iterdir())

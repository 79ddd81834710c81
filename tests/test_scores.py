"""Labels of a model of one's own: whether its output is probabilities or logits is found out, or asked for."""

from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.verification import VerificationError

from tests.cases import randomize_weights
from tests.exported import values

LAYERS = keras.layers


def classifier(*head: Any, loss: Any = None) -> keras.Model:
    model = keras.Sequential([keras.Input((None, 3)), LAYERS.LSTM(6), *head])
    randomize_weights(model)
    if loss is not None:
        model.compile("sgd", loss)
    return model


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


BINARY, CATEGORICAL = keras.losses.BinaryCrossentropy, keras.losses.SparseCategoricalCrossentropy
LOGITS = {
    "one column": lambda: classifier(LAYERS.Dense(1)),
    "three columns": lambda: classifier(LAYERS.Dense(3)),
    "one column, compiled": lambda: classifier(LAYERS.Dense(1), loss=BINARY(from_logits=True)),
    "scaled, compiled": lambda: classifier(LAYERS.Dense(3), LAYERS.Rescaling(2.0), loss=CATEGORICAL(from_logits=True)),
}
PROBABILITIES = {
    "sigmoid": lambda: classifier(LAYERS.Dense(1, activation="sigmoid")),
    "softmax": lambda: classifier(LAYERS.Dense(3, activation="softmax")),
    "softmax layer": lambda: classifier(LAYERS.Dense(3), LAYERS.Softmax(), loss="sparse_categorical_crossentropy"),
    "sigmoid for each": lambda: classifier(LAYERS.Dense(3, activation="sigmoid"), LAYERS.Reshape((3,))),
}


@pytest.mark.parametrize("kind", [*LOGITS, *PROBABILITIES])
def test_labels_are_those_of_the_largest_probability(kind: str, tmp_path):
    model = {**LOGITS, **PROBABILITIES}[kind]()
    labels = ["a", "b"] if model.output_shape[-1] == 1 else ["a", "b", "c"]
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, labels=labels)
    x = 3 * values(60, 5, 3)
    scores = np.asarray(model(x))
    if kind in LOGITS:
        scores = 1 / (1 + np.exp(-scores)) if len(labels) == 2 else softmax(scores)
    expected = np.concatenate([1 - scores, scores], axis=1) if len(labels) == 2 else scores
    found, probabilities = seqkit_onnx.load(tmp_path / "model.onnx").predict(x)
    assert found == [labels[index] for index in expected.argmax(axis=1)]
    assert len(set(found)) > 1
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)


UNKNOWN = {
    "relu": lambda: classifier(LAYERS.Dense(3, activation="relu")),
    "a loss that takes no logits": lambda: classifier(LAYERS.Dense(1), loss="mse"),
    "a mean of softmaxes": lambda: averaged(),
    "a softmax over the batch": lambda: classifier(LAYERS.Dense(3), LAYERS.Softmax(axis=0)),
}


def averaged() -> keras.Model:
    x = keras.Input((3,))
    return keras.Model(x, LAYERS.Average()([LAYERS.Dense(3, activation="softmax")(x) for _ in range(2)]))


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_cannot_be_known_is_asked_for(kind: str, tmp_path):
    model = UNKNOWN[kind]()
    labels = ["a", "b", "c"][: max(2, model.output_shape[-1])]
    with pytest.raises(ValueError, match=r"cannot be known.*scores='logits'"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, labels=labels)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, labels=labels, scores="logits")
    assert seqkit_onnx.load(tmp_path / "model.onnx").metadata["scores"] == "logits"


def test_a_mean_of_probabilities_may_be_said_to_be_probabilities(tmp_path):
    model, x = averaged(), values(20, 3)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, labels=["a", "b", "c"], scores="probabilities")
    probabilities = seqkit_onnx.load(tmp_path / "model.onnx").predict(x).probabilities
    np.testing.assert_allclose(probabilities, model(x), rtol=0, atol=1e-6)


def test_what_is_said_to_be_probabilities_must_be_some(tmp_path):
    with pytest.raises(VerificationError, match=r"no probabilities: they are from -"):
        seqkit_onnx.export(
            classifier(LAYERS.Dense(1)), tmp_path / "m.onnx", text=False, labels=["a", "b"], scores="probabilities"
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"scores": "logits"}, {"scores": "odds", "labels": ["a", "b"]}], ids=str)
def test_scores_that_say_nothing_are_refused(options, tmp_path):
    with pytest.raises(ValueError, match="scores"):
        seqkit_onnx.export(classifier(LAYERS.Dense(1)), tmp_path / "model.onnx", text=False, **options)


def of_sums(kind: str) -> keras.Model:
    x = keras.Input((3,))
    first, second = (LAYERS.Dense(3, activation="softmax")(x) for _ in range(2))
    combined = {
        "weighted": lambda: 0.3 * first + 0.7 * second,
        "smoothed": lambda: 0.9 * first + 0.05,
        "mixed": lambda: LAYERS.Dot(axes=(1, 1))(
            [first, LAYERS.Reshape((3, 3))(LAYERS.Dense(9, activation="sigmoid")(x))]
        ),
        "calibrated": lambda: LAYERS.Dense(3)(first),
    }
    return keras.Model(x, combined[kind]())


@pytest.mark.parametrize("kind", ["weighted", "smoothed", "mixed", "calibrated"])
def test_sums_of_probabilities_are_not_taken_for_logits(kind: str, tmp_path):
    with pytest.raises(ValueError, match=r"cannot be known.*scores='logits'"):
        seqkit_onnx.export(of_sums(kind), tmp_path / "model.onnx", text=False, labels=["a", "b", "c"])

"""Several labels for a text, numbers as labels, and numbers as answers, in one file."""

import keras
import numpy as np
import onnxruntime
import pytest
from seqkit_onnx import export, load
from seqkit_onnx.runtime.classifier import TopPrediction
from seqkit_onnx.runtime.multi_label_classifier import MultiLabelClassifier

from keras_seqkit import TextClassifier, TextRegressor, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling

TEXTS = ["wheat and corn fell", "corn rose", "", "oil é 😀", "wheat oil " * 20]
TOPICS = ["wheat", "corn", "oil"]
TOLERANCE = 1e-6  # a few dozen terms below 1, added up in another order


def network(kind, *arguments, **keywords):
    keras.utils.set_random_seed(3)
    model = kind(Vocabulary.from_texts(TEXTS), *arguments, embedding=5, encoder=MaskedMaxPooling(), **keywords)
    for layer in (model.embedding, model.head):
        layer.set_weights([np.random.default_rng(1).normal(size=each.shape) for each in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    model = network(TextClassifier, TOPICS, multi_label=True)
    path = str(tmp_path_factory.mktemp("several") / "topics.onnx")
    export(model, path)
    return model, path


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.9])
def test_the_file_gives_each_text_the_labels_that_keras_gives(several, threshold):
    model, path = several
    found = load(path)
    assert isinstance(found, MultiLabelClassifier)
    labels, probabilities = found.predict(TEXTS, threshold=threshold)
    np.testing.assert_allclose(probabilities, model.predict(TEXTS, verbose=0), rtol=0, atol=TOLERANCE)
    assert labels == model.predict_labels(TEXTS, threshold, verbose=0)
    assert {len(row) for row in labels} != {1}  # else one label would do


def test_a_plain_session_leaves_the_threshold_out_and_finds_empty_strings(several):
    model, path = several
    session = onnxruntime.InferenceSession(path)
    labels, probabilities = session.run(None, {"text": np.array(TEXTS, object)})
    given = model.predict(TEXTS, verbose=0) > 0.5
    np.testing.assert_array_equal(labels, np.where(given, np.array(TOPICS, object), ""))
    assert probabilities.shape == (len(TEXTS), 3)
    assert session.get_modelmeta().custom_metadata_map["kind"] == "multi_label_classifier"


def test_the_best_labels_and_wrong_thresholds(several):
    found = load(several[1])
    best = found.predict("corn", top_k=2)
    assert isinstance(best, TopPrediction)
    assert np.diff(best.probabilities[0]) <= 0
    with pytest.raises(ValueError, match="threshold is from 0 to 1; received 2"):
        found.predict("corn", threshold=2)


def test_two_labels_of_several_have_two_columns(tmp_path):
    model = network(TextClassifier, ["wheat", "corn"], multi_label=True)
    export(model, tmp_path / "two.onnx")
    labels, probabilities = load(tmp_path / "two.onnx").predict(TEXTS)
    assert probabilities.shape == (len(TEXTS), 2)
    assert labels == model.predict_labels(TEXTS, verbose=0)


def test_labels_that_are_numbers_are_strings_in_the_file(tmp_path):
    model = network(TextClassifier, [1, 2, 3, 4, 5])
    export(model, tmp_path / "stars.onnx")
    found = load(tmp_path / "stars.onnx")
    assert found.classes == ["1", "2", "3", "4", "5"]
    assert [int(label) for label in found.predict(TEXTS).labels] == model.predict_labels(TEXTS, verbose=0)


@pytest.mark.parametrize("outputs", [1, 3])
def test_numbers_come_from_text(tmp_path, outputs):
    model = network(TextRegressor, outputs)
    export(model, tmp_path / "value.onnx")
    found = load(tmp_path / "value.onnx").predict({"text": TEXTS})
    values = found["value"]
    np.testing.assert_allclose(values, model.predict(TEXTS, verbose=0), rtol=1e-5, atol=TOLERANCE)
    assert values.shape == (len(TEXTS), outputs)

"""From a trained classifier to a file: the same answers, and an old file that never gets lost."""

import errno
import os
from functools import cache

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from seqkit_onnx.passes.passes import remove_identities
from seqkit_onnx.verification import TOLERANCE, VerificationError

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import randomize_weights
from tests.eager import eagerly

TEXTS = ["A good film!", "bad", "very good é 😀", "", "so so bad a film", "não é bom", "word " * 500]
LOOPS = {"Loop", "Scan"}


def classifier(labels=("neg", "pos"), **arguments) -> TextClassifier:
    arguments = {"encoder": BidirectionalStack((6, 4), name="encoder"), **arguments}
    model = TextClassifier(Vocabulary.from_texts(TEXTS), labels, 5, **arguments)
    randomize_weights(model)
    return model


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    return classifier()


@pytest.fixture(scope="module")
def path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("export") / "sentiment.onnx"
    seqkit_onnx.export(model, path, verify=True)
    return str(path)


CLASSIFIERS = {
    "two labels": (("neg", "pos"), {}),
    "three labels": (("a", "b", "c"), {}),
    "convolution": (("neg", "pos"), {"conv": 4}),
    "max_length": (("neg", "pos"), {"max_length": 3}),
    "plain convolution": (("neg", "pos"), {"conv": keras.layers.Conv1D(4, 3, padding="same")}),
    "reset before": (("neg", "pos"), {"encoder": keras.layers.GRU(4, reset_after=False)}),
    "pooling": (("a", "b", "c"), {"encoder": BidirectionalStack(4, "simple_rnn", return_sequences=True)}),
}


@cache
def classifier_of(variant: str) -> TextClassifier:
    """One model for both files, since Keras compiles it."""
    labels, arguments = CLASSIFIERS[variant]
    return classifier(labels, **arguments)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("variant", CLASSIFIERS)
def test_the_file_answers_as_keras_does(variant, text, tmp_path):
    model, (labels, _) = classifier_of(variant), CLASSIFIERS[variant]
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=text, verify=True)
    inputs = TEXTS if text else model.vocabulary.encode(TEXTS, model.max_length)
    found = seqkit_onnx.verify(model, tmp_path / "model.onnx", inputs)
    assert found.largest_difference <= TOLERANCE
    assert (found.label_agreement, found.count) == (1.0, len(TEXTS))
    loaded = seqkit_onnx.load(tmp_path / "model.onnx")
    assert loaded.classes == list(labels)
    assert loaded.predict(inputs).labels == model.predict_labels(inputs, verbose=0)
    assert loaded.predict(inputs).probabilities.shape == (len(TEXTS), len(labels))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
@settings(max_examples=25)
def test_the_file_answers_as_keras_does_on_any_text(model, path, texts):
    found = seqkit_onnx.verify(model, path, texts)
    assert found.largest_difference <= TOLERANCE
    assert found.label_agreement == 1.0


def test_the_file_has_the_names_of_the_design(path):
    proto = onnx.load(path)
    assert [value.name for value in proto.graph.input] == ["text"]
    assert [value.name for value in proto.graph.output] == ["label", "probabilities"]
    names = {tensor.name for tensor in proto.graph.initializer}
    assert {"encoder/lstm_0/W", "encoder/lstm_1/R", "embedding/embeddings", "head/kernel"} <= names
    assert not any(name.endswith(":0") or "Identity" in name for node in proto.graph.node for name in node.output)


def test_the_recurrence_is_native_and_nothing_is_rearranged(path):
    operators = [node.op_type for node in onnx.load(path).graph.node]
    assert operators.count("LSTM") == 2
    assert not (LOOPS | {"TopK", "GatherND"}).intersection(operators)


def test_metadata_say_what_the_file_is(path, model):
    metadata = seqkit_onnx.load(path).metadata
    assert metadata["kind"] == "classifier"
    assert metadata["labels"] == '["neg", "pos"]'
    assert metadata["vocabulary_digest"] == model.vocabulary.digest
    assert metadata["keras_seqkit_version"]


def test_the_file_is_the_same_each_time(path, model, tmp_path):
    seqkit_onnx.export(model, tmp_path / "again.onnx")
    old, new = onnx.load(path), onnx.load(tmp_path / "again.onnx")
    assert [node.op_type for node in old.graph.node] == [node.op_type for node in new.graph.node]
    assert [tensor.name for tensor in old.graph.initializer] == [tensor.name for tensor in new.graph.initializer]


def test_other_names_of_labels(model, tmp_path):
    seqkit_onnx.export(model, tmp_path / "model.onnx", labels=["ruim", "bom"])
    assert set(seqkit_onnx.load(tmp_path / "model.onnx").predict(TEXTS).labels) <= {"ruim", "bom"}


def test_labels_that_do_not_fit_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match="3 labels need an output"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", labels=["a", "b", "c"])


def plain_model(time=None) -> keras.Model:
    layers = [keras.Input((time,), dtype="int32", name="ids"), keras.layers.Embedding(30, 3, mask_zero=True)]
    layers += [
        keras.layers.Bidirectional(keras.layers.GRU(4)),
        keras.layers.Dense(3, activation="softmax", name="topic"),
    ]
    model = keras.Sequential(layers)
    randomize_weights(model)
    return model


@eagerly()
def test_any_keras_model_goes_by_ids(tmp_path):
    model = plain_model()
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, verify=True)
    loaded = seqkit_onnx.load(tmp_path / "model.onnx")
    assert (loaded.input_names, loaded.output_names) == (["ids"], ["topic"])
    ids = np.array([[0, 3, 4], [5, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(loaded.predict(ids)["topic"], model.predict(ids, verbose=0), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("time", [None, 6])
def test_any_keras_model_takes_text_with_a_vocabulary(time, tmp_path):
    model, vocabulary = plain_model(time), Vocabulary.from_texts(TEXTS)
    path = tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, labels=["a", "b", "c"], vocabulary=vocabulary, verify=True)
    assert seqkit_onnx.verify(model, path, TEXTS, vocabulary).label_agreement == 1.0


def test_text_needs_one_input_of_ids(tmp_path):
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(2)])
    with pytest.raises(ValueError, match="one input is ids"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", vocabulary=Vocabulary.from_texts(TEXTS))


def test_a_model_that_was_never_built_is_refused(tmp_path):
    with pytest.raises(ValueError, match="never built"):
        seqkit_onnx.export(keras.Sequential([keras.layers.LSTM(2)]), tmp_path / "model.onnx", text=False)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@eagerly()
def test_weights_that_are_not_numbers_are_found_and_nothing_is_written(value, tmp_path):
    """Infinite weights may be meant; here the softmax makes NaN of them."""
    model = plain_model()
    model.layers[-1].bias.assign(np.full(3, value, np.float32))
    with pytest.raises(VerificationError, match="NaN"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, verify=True)
    assert os.listdir(tmp_path) == []


@eagerly()
def test_verify_sees_a_file_of_other_weights(path):
    other = classifier()
    other.head.bias.assign(other.head.bias + 1.0)
    found = seqkit_onnx.verify(other, path, TEXTS[:6])
    assert found.largest_difference > 0.01


def test_a_full_disk_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        seqkit_onnx.export(model, path)
    assert os.listdir(tmp_path) == ["model.onnx"]
    assert path.read_bytes() == b"old"


def test_identities_are_removed_without_losing_an_output():
    make = onnx.helper.make_node
    nodes = [make("Identity", ["x"], ["a"]), make("Relu", ["a"], ["b"]), make("Identity", ["b"], ["y"])]
    nodes += [make("Identity", ["b"], ["z"]), make("Identity", ["x"], ["w"])]
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xyzw"]
    graph = onnx.helper.make_graph(nodes, "g", values[:1], values[1:])
    remove_identities(graph)
    assert [(node.op_type, list(node.input), list(node.output)) for node in graph.node] == [
        ("Relu", ["x"], ["y"]),
        ("Identity", ["y"], ["z"]),
        ("Identity", ["x"], ["w"]),
    ]

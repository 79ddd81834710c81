"""A plain onnxruntime session answers no rows with no rows: an empty batch neither raises nor ends the process."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import seqkit_onnx

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import randomize_weights
from tests.generators import generator
from tests.shared_files import shared_file

SETTINGS = {
    "num_beams": np.array(3),
    "max_length": np.array(2),
    "top_k": np.array(2),
    "top_p": np.array(0.5, np.float32),
    "max_new_tokens": np.array(0),
}


def classifier(cell: str) -> keras.Model:
    model = TextClassifier(Vocabulary.from_texts(["a b"]), ["x", "y", "z"], 4, BidirectionalStack(3, cell=cell))
    randomize_weights(model, 0)
    return model


def of_numbers() -> keras.Model:
    return keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(3), keras.layers.Dense(2, "softmax")])


def with_a_vocabulary() -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="ids")
    hidden = keras.layers.GRU(3, return_sequences=True)(keras.layers.Embedding(9, 4)(ids))
    return keras.Model(ids, keras.layers.Dense(2, name="tags")(hidden))


FILES = {
    "classifier": (lambda: classifier("lstm"), {}),
    "classifier of ids": (lambda: classifier("gru"), {"text": False}),
    "classifier as a loop": (lambda: classifier("gru"), {"recurrence": "scan"}),
    "classifier in int8": (lambda: classifier("lstm"), {"quantize": "int8"}),
    "labels of numbers": (of_numbers, {"text": False, "labels": ["x", "y"], "scores": "probabilities"}),
    "tagger": (with_a_vocabulary, {"vocabulary": Vocabulary.from_texts(["a b"])}),
    "generator": (lambda: generator("gru", "word"), {}),
    "generator of ids": ("generator", {"text": False}),
    "generator of beams": (lambda: generator("simple_rnn"), {"sampler": "beam"}),
    "translator": ("translator", {}),
    "translator of ids": ("translator", {"text": False}),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Callable[[str], Path]:
    """Writes one of `FILES` by its name."""

    @cache
    def exported(name: str) -> Path:
        make, options = FILES[name]
        if isinstance(make, str):
            return shared_file(make, **options)
        path = tmp_path_factory.mktemp("files") / "file.onnx"
        seqkit_onnx.export(make(), path, verify=False, **options)
        return path

    return exported


def opened(path: Path) -> onnxruntime.InferenceSession:
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    return onnxruntime.InferenceSession(path, quiet, providers=["CPUExecutionProvider"])


def rows(session: onnxruntime.InferenceSession, count: int, steps: int = 5) -> np.ndarray:
    [value] = session.get_inputs()
    if value.type == "tensor(string)":
        return np.full(count, "a b", object)
    shape = [count, steps, *value.shape[2:]]
    return np.ones(shape, np.int32 if value.type == "tensor(int32)" else np.float32)


@pytest.mark.parametrize("name", FILES)
def test_no_rows_have_no_answer(exported, name):
    session = opened(exported(name))
    [value] = session.get_inputs()
    optional = {each.name for each in session.get_overridable_initializers()}
    of_one = session.run(None, {value.name: rows(session, 1)})
    for settings in ({}, *({name: each} for name, each in SETTINGS.items() if name in optional)):
        found = session.run(None, {value.name: rows(session, 0), **settings})
        for array, one in zip(found, of_one, strict=True):
            assert len(array) == 0
            assert (array.dtype, array.ndim) == (one.dtype, one.ndim)


@pytest.mark.parametrize("name", FILES)
def test_rows_that_are_there_are_all_answered(exported, name):
    session = opened(exported(name))
    [value] = session.get_inputs()
    for array in session.run(None, {value.name: rows(session, 3)}):
        assert len(array) == 3


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("name", [name for name, (_, options) in FILES.items() if options.get("text") is False])
def test_rows_without_steps_are_rows_of_padding(exported, name, count):
    session = opened(exported(name))
    [value] = session.get_inputs()
    none, padding = (0 * rows(session, count, steps) for steps in (0, 1))
    for ours, theirs in zip(*(session.run(None, {value.name: each}) for each in (none, padding)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_network_that_is_opened_answers_no_rows_too(tmp_path):
    """In a session of its own it would end the process: whoever makes arrays looks whether there is a row."""
    model = keras.Sequential([keras.Input((None, 2)), keras.layers.LSTM(3, name="hidden")])
    seqkit_onnx.export(model, tmp_path / "network.onnx", text=False, verify=False)
    file = seqkit_onnx.load(tmp_path / "network.onnx")
    for steps in (4, 0):
        found = file.predict(np.zeros((0, steps, 2), np.float32))["hidden"]
        assert (found.shape, found.dtype) == ((0, 3), np.float32)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("classifier of ids", "predict"),
        ("generator of ids", "generate_ids"),
        ("translator of ids", "translate_ids"),
    ],
)
def test_opened_files_of_ids_answer_no_rows(exported, name, method):
    found = getattr(seqkit_onnx.load(exported(name)), method)(np.zeros((0, 0), int))
    assert [len(each) for each in (found if isinstance(found, tuple) else [found])] in ([0], [0, 0])

"""A folder with saved models, in which the tests of the command line work."""

import shutil
import sys
from pathlib import Path

import keras
import pytest
from seqkit_onnx.cells import operators

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import randomize_weights
from tests.command_line.commands import TEXTS, plain_model

OWN_CELL = """
import keras

@keras.saving.register_keras_serializable(package="tests")
class OwnCell(keras.layers.SimpleRNNCell):
    pass
"""
ITS_LOWERING = """
from seqkit_onnx.cells.operators import lowering_of, lowers
lowers(OwnCell)(lowering_of(keras.layers.SimpleRNNCell(1)))
"""


@pytest.fixture(scope="package")
def classifier() -> TextClassifier:
    model = TextClassifier(Vocabulary.from_texts(TEXTS), ["neg", "pos"], 5, BidirectionalStack((6, 4)))
    randomize_weights(model)
    return model


@pytest.fixture(scope="package")
def saved(classifier, tmp_path_factory) -> Path:
    """A folder with a saved classifier, a saved plain model and its vocabulary."""
    saved = tmp_path_factory.mktemp("saved")
    classifier.save(saved / "classifier.keras")
    plain_model().save(saved / "plain.keras")
    classifier.vocabulary.save(saved / "vocabulary.json")
    return saved


@pytest.fixture
def folder(saved, tmp_path, monkeypatch) -> Path:
    """A working folder with copies of what was saved."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    return tmp_path


@pytest.fixture
def _own_cell(folder, monkeypatch):
    """A saved model with a cell that only the modules `cell` and `lowered_cell` know."""
    (folder / "cell.py").write_text(OWN_CELL)
    (folder / "lowered_cell.py").write_text(OWN_CELL + ITS_LOWERING)
    cell = keras.saving.register_keras_serializable("tests")(type("OwnCell", (keras.layers.SimpleRNNCell,), {}))
    plain_model(keras.layers.RNN(cell(4))).save(folder / "own.keras")
    known = keras.saving.get_custom_objects()
    del known["tests>OwnCell"]
    monkeypatch.setattr(operators, "_LOWERINGS", dict(operators._LOWERINGS))
    yield
    known.pop("tests>OwnCell", None)
    for name in ("cell", "lowered_cell"):
        sys.modules.pop(name, None)

"""The files that `make compatibility` runs under other versions of onnxruntime, under the one that is here."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cases import CASES, MASKS
from tests.compatibility.__main__ import NUMPY, OLDEST_ALLOWED, PROGRAM, ROOT
from tests.compatibility.check_answers import TOLERANCE, check, difference
from tests.compatibility.question_files import CLASSIFIERS, write_case, write_classifier

ALONE = f"""
import runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        first, _, rest = name.partition(".")
        allowed = ("", "_old_paths", "_registration", "extras", "held_files", "text")
        if first in ("keras", "tensorflow", "onnx", "tf2onnx", "tests") or (
            first == "keras_seqkit" and rest.partition(".")[0] not in allowed
        ):
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocker())
sys.argv[0] = {str(PROGRAM)!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A case whose rows may be empty, both ways, and a text classifier."""
    folder = tmp_path_factory.mktemp("files")
    write_case(folder, next(case for case in CASES if case.name == "simple_rnn states"))
    write_classifier(folder, *CLASSIFIERS[0])
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", ALONE, folder, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [[], ["--load"]], ids=["onnxruntime alone", "through load"])
def test_the_files_answer_as_keras_does_where_there_is_numpy_and_onnxruntime_only(folder, options):
    done = run(folder, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"onnxruntime .+, numpy .+: 3 files answer as Keras does, within .+; 0 do not\n", done.stdout)


def test_every_mask_and_rows_without_a_step_are_asked_about(folder):
    with np.load(folder / "simple_rnn_states.npz") as arrays:
        questions = {name.split("/")[0] for name in arrays}
        assert {question.split()[0] for question in questions} == {*MASKS, "empty"}
        assert not arrays["empty rows 64/in"][::2].any()
        assert arrays["empty rows 64/in"][1::2].all()


def one_number_off(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[-1] += 2 * TOLERANCE
    return array


@pytest.mark.parametrize(
    ("file", "answer", "spoil"),
    [
        ("simple_rnn_states", "holes 3x7/out0", one_number_off),
        ("simple_rnn_states", "empty rows 8/out1", lambda array: np.full_like(array, np.nan)),
        ("simple_rnn_states", "none 1x5/out0", lambda array: array[:, :-1]),
        ("text_lstm_words", "all/out0", lambda array: array[::-1].copy()),
    ],
    ids=["a number", "a NaN", "a shape", "a label"],
)
def test_what_differs_is_found_and_named(folder, file, answer, spoil: Callable, tmp_path):
    shutil.copy(folder / f"{file}.onnx", tmp_path)
    with np.load(folder / f"{file}.npz") as archive:
        arrays = dict(archive)
    np.savez(tmp_path / f"{file}.npz", **{**arrays, answer: spoil(arrays[answer])})
    done = run(tmp_path)
    assert done.returncode == 1
    assert f"the first is {answer.split('/')[0]!r}" in done.stdout
    assert "0 files answer as Keras does" in done.stdout


def test_a_file_that_cannot_be_opened_is_named(folder, tmp_path):
    shutil.copy(folder / "text_lstm_words.npz", tmp_path / "cut.npz")
    (tmp_path / "cut.onnx").write_bytes((folder / "text_lstm_words.onnx").read_bytes()[:1000])
    assert "cannot be opened" in str(check(tmp_path / "cut.onnx"))


def test_an_empty_folder_is_a_failure(tmp_path):
    assert run(tmp_path).returncode == 1


def test_numbers_that_are_close_are_no_difference_in_labels():
    numbers, labels = np.float32([1.0, 2.0]), np.array(["a", "é 😀"])
    assert difference([labels.astype(object), numbers], [labels, numbers]) == 0.0


def test_the_oldest_version_that_is_tried_is_the_oldest_that_is_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in ("runtime", "export"):
        [bound] = re.findall(r"onnxruntime>=([\d.]+)", " ".join(project["optional-dependencies"][extra]))
        assert OLDEST_ALLOWED.startswith(bound)
    [bound] = re.findall(r"numpy>=([\d.]+)", " ".join(project["dependencies"]))
    assert NUMPY[OLDEST_ALLOWED].startswith(f"numpy=={bound}")

"""`python -m seqkit_onnx` where it cannot do what was asked: one line that says why, and an old file that stays."""

import errno
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from seqkit_onnx.cli import command_line
from seqkit_onnx.cli.command_line import FAILED, WRONG_COMMAND, main

from tests.command_line.commands import assert_one_line_of_error, plain_model, python
from tests.eager import eagerly

OLD = b"an older file"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.keras"], "there is no file none.keras"),
        (["vocabulary.json"], "vocabulary.json is no .keras file"),
        (["text.keras"], "text.keras is no .keras file"),
        (["empty.keras"], "empty.keras is no .keras file"),
        (["plain.keras", "none/out.onnx"], "there is no folder none to write out.onnx into"),
        (["plain.keras", "none/of/them/out.onnx"], "there is no folder none/of/them to write out.onnx into"),
        (["plain.keras", "../none/out.onnx"], "there is no folder ../none to write out.onnx into"),
        (["plain.keras", "vocabulary.json/out.onnx"], "there is no folder vocabulary.json"),
        (["plain.keras", "."], ". is a folder"),
        (["plain.keras", "plain.keras"], "plain.keras is the model itself"),
        (["plain.keras", "--custom-objects", "no_such_module"], "No module named 'no_such_module'"),
        (["plain.keras", "--custom-objects", "layers.py"], "A module is named without .py: layers."),
        (["plain.keras", "--vocabulary", "none.json"], "No such file or directory: 'none.json'"),
        (["plain.keras", "--vocabulary", "text.keras"], "text.keras"),
        (["plain.keras", "--labels-from", "none.txt"], "No such file or directory: 'none.txt'"),
        (["classifier.keras", "--vocabulary", "vocabulary.json"], "leave --vocabulary out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_is_one_line_and_changes_nothing(folder, arguments, reason, capsys):
    (folder / "text.keras").write_text("not a model")
    with zipfile.ZipFile(folder / "empty.keras", "w"):
        pass
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(arguments) == WRONG_COMMAND
    said = capsys.readouterr()
    assert_one_line_of_error(said.err, reason)
    assert said.out == ""
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "__pycache__"}


def test_a_missing_folder_is_told_before_there_is_any_work(folder, monkeypatch, capsys):
    """Importing Keras and loading the model take seconds, and the export minutes."""
    for name in ("check_saved_model", "_import_keras", "_load"):
        monkeypatch.setattr(command_line, name, lambda *_, name=name: pytest.fail(f"{name} was called"))
    assert main(["plain.keras", "out/model.onnx"]) == WRONG_COMMAND
    assert_one_line_of_error(capsys.readouterr().err, "there is no folder out to write model.onnx into")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["plain.keras", "--ids", "--vocabulary", "vocabulary.json"],
        ["plain.keras", "--labels", "a", "--labels-from", "labels.txt"],
        ["plain.keras", "--dtype", "float8"],
        ["plain.keras", "--dtype", "float16", "--quantize", "int8"],
        ["plain.keras", "--quantize", "int3"],
    ],
    ids=" ".join,
)
def test_arguments_that_do_not_go_together_end_with_a_usage_line(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_COMMAND
    assert capsys.readouterr().err.startswith("usage: python -m seqkit_onnx")


def cut_short(folder: Path) -> None:
    with zipfile.ZipFile(folder / "plain.keras") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(folder / "plain.keras", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content[: len(content) // 2] if name.endswith(".h5") else content)


def without_a_class(folder: Path) -> None:
    with zipfile.ZipFile(folder / "plain.keras", "w") as archive:
        archive.writestr("config.json", "{}")


def with_a_lambda(folder: Path) -> None:
    ids = keras.Input((None,))
    keras.Model(ids, keras.layers.Lambda(lambda x: 2 * x)(ids)).save(folder / "plain.keras")


def with_nan(folder: Path) -> None:
    model = plain_model()
    model.layers[-1].bias.assign(np.full(3, np.nan, np.float32))
    model.save(folder / "plain.keras")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (cut_short, "Keras cannot load plain.keras"),
        (without_a_class, "Keras cannot load plain.keras"),
        (with_a_lambda, "plain.keras holds a lambda, which is code"),
        (with_nan, "3 of the 3 numbers of weight 'topic/bias' are NaN"),
    ],
)
@eagerly()
def test_a_model_that_cannot_be_exported_is_one_line_and_the_old_file_stays(folder, spoil, reason, capsys):
    (folder / "plain.onnx").write_bytes(OLD)
    spoil(folder)
    assert main(["plain.keras"]) == FAILED
    said = capsys.readouterr()
    assert_one_line_of_error(said.err, reason)
    assert said.out == ""
    assert (folder / "plain.onnx").read_bytes() == OLD


def test_labels_that_do_not_fit_are_one_line(folder, capsys):
    assert main(["plain.keras", "--labels", "a", "b"]) == FAILED
    assert "2 labels need an output (batch, 2)" in capsys.readouterr().err
    assert not (folder / "plain.onnx").exists()


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EACCES])
@eagerly()
def test_a_file_that_cannot_be_written_is_one_line_and_the_old_file_stays(folder, problem, monkeypatch, capsys):
    def fails(_descriptor: int) -> None:
        raise OSError(problem, os.strerror(problem))

    (folder / "plain.onnx").write_bytes(OLD)
    monkeypatch.setattr(os, "fsync", fails)
    assert main(["plain.keras"]) == FAILED
    assert capsys.readouterr().err == f"seqkit_onnx: error: cannot write plain.onnx: {os.strerror(problem)}\n"
    assert (folder / "plain.onnx").read_bytes() == OLD


@pytest.mark.usefixtures("_own_cell")
def test_a_class_that_is_not_known_is_named_with_the_option_that_helps(capsys):
    assert main(["own.keras"]) == FAILED
    assert_one_line_of_error(
        capsys.readouterr().err, "'OwnCell', which nothing here has registered", "--custom-objects"
    )


@pytest.mark.usefixtures("_own_cell")
def test_a_process_of_its_own_fails_in_one_line_without_a_traceback():
    done = python("own.keras", KERAS_BACKEND="no such backend")
    assert done.returncode == FAILED
    assert_one_line_of_error(done.stderr, "own.keras holds 'OwnCell'")
    assert done.stdout == ""

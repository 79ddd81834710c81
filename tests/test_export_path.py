"""Where a file is to be written is looked at before there is any work."""

import os
from pathlib import Path

import keras
import pytest
import seqkit_onnx
from seqkit_onnx import exporter

from keras_seqkit import TextGenerator, Vocabulary


def model() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


@pytest.fixture
def no_work(monkeypatch, tmp_path):
    """Makes whatever `export` does after it has looked at the path fail."""

    def work(*_args, **_kwargs):
        raise AssertionError("there was work before the path was looked at")

    monkeypatch.setattr(exporter, "kind_for", work)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("kept")


class OfBytes:
    def __fspath__(self):
        return b"model.onnx"


NO_PLACE = {
    "None": (None, TypeError, r"a string or a pathlib\.Path.*received None"),
    "a number": (3, TypeError, "received 3"),
    "bytes": (b"model.onnx", TypeError, "received b'model"),
    "a path of bytes": (OfBytes(), TypeError, "received <"),
    "nothing": ("", ValueError, r"such as 'model\.onnx'; received ''"),
    "a space": (" ", ValueError, "received ' '"),
    "a null": ("a\0.onnx", ValueError, "received 'a"),
    "this folder": (Path(), ValueError, r"\. is a folder.*: model\.onnx"),
    "a folder": ("..", ValueError, r"is a folder\. Name a file in it: \.\./model\.onnx"),
    "a folder that is missing": ("no/", ValueError, r"is a folder\. Name a file in it: no/model\.onnx"),
    "in a missing folder": ("no/m.onnx", FileNotFoundError, r"no/m\.onnx cannot be written: there is no folder .*no\."),
    "in a home": ("~/no/m.onnx", FileNotFoundError, r"~/no/m\.onnx cannot.*os\.path\.expanduser"),
    "in a file": ("file.txt/m.onnx", NotADirectoryError, r"file\.txt/m\.onnx cannot be written.*file\.txt is a file"),
    "a device": (os.devnull, ValueError, "a device or a pipe"),
}


@pytest.mark.parametrize(("path", "kind", "said"), NO_PLACE.values(), ids=NO_PLACE)
@pytest.mark.usefixtures("no_work")
def test_what_is_no_place_for_a_file_is_refused_before_any_work(path, kind, said, tmp_path):
    with pytest.raises(kind, match=f"^export: .*{said}"):
        seqkit_onnx.export(model(), path, text=False)
    assert (tmp_path / "file.txt").read_text() == "kept"


@pytest.mark.usefixtures("no_work")
def test_a_generator_is_not_worked_on_for_a_missing_folder():
    generator = TextGenerator(Vocabulary.from_texts(["a b"]), units=2, embedding=2, cell="gru")
    with pytest.raises(FileNotFoundError, match=r"no/m\.onnx cannot be written"):
        seqkit_onnx.export(generator, "no/m.onnx")


@pytest.mark.usefixtures("no_work")
def test_a_folder_that_cannot_be_written_is_refused(monkeypatch):
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # root may write everywhere
    with pytest.raises(PermissionError, match=r"^export: m\.onnx cannot be written: nothing may be written into"):
        seqkit_onnx.export(model(), "m.onnx", text=False)


def test_a_name_that_is_none_of_a_model_is_told(tmp_path):
    with pytest.warns(UserWarning, match=r"model does not end in \.onnx"):
        seqkit_onnx.export(model(), tmp_path / "model", text=False, verify=False)
    assert (tmp_path / "model").is_file()


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.onnx").symlink_to(tmp_path / "folder" / "model.onnx")
    seqkit_onnx.export(model(), tmp_path / "link.onnx", text=False, verify=False)
    assert (tmp_path / "folder" / "model.onnx").is_file()
    assert (tmp_path / "link.onnx").is_symlink()

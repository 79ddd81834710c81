"""What `export` is asked for, looked at before there is any work."""

import os
import warnings
from pathlib import Path

import keras


def check_backend() -> None:
    """Exports go through TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"export: Keras runs on {keras.backend.backend()!r} here, and exports go through TensorFlow. Save the "
            "model as .keras, and load and export it in a process with KERAS_BACKEND=tensorflow."
        )


def check_path(path: str | os.PathLike) -> None:
    """Finds what is wrong with the path before there is any work.

    Raises:
        TypeError: it is none.
        ValueError: it is empty, or names a folder, or something else that is there and is no file.
        FileNotFoundError: the folder is not there.
        PermissionError: nothing can be written into the folder.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise TypeError(f"export: path is a string or a pathlib.Path, the file to write; received {path!r}.")
    if not text.strip() or "\0" in text:
        raise ValueError(f"export: path is the file to write, such as 'model.onnx'; received {text!r}.")
    where = Path(text)
    if where.is_dir() or text.endswith(("/", os.sep)):
        raise ValueError(f"export: {text} is a folder. Name a file in it: {where / 'model.onnx'}.")
    if where.exists() and not where.is_file():
        raise ValueError(f"export: {text} is a device or a pipe, in whose place a file would be written. Name a file.")
    if where.suffix != ".onnx":
        warnings.warn(f"export: {text} does not end in .onnx, by which other programs know such files.", stacklevel=3)
    folder = Path(os.path.realpath(where)).parent  # a link stays a link
    if folder.is_file():
        raise NotADirectoryError(f"export: {text} cannot be written: {folder} is a file and no folder.")
    if not folder.is_dir():
        hint = "Python does not replace ~: pass os.path.expanduser(path)." if text.startswith("~") else "Make it first."
        raise FileNotFoundError(f"export: {text} cannot be written: there is no folder {folder}. {hint}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"export: {text} cannot be written: nothing may be written into the folder {folder}.")

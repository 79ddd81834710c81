"""Models and files that several suites only read, made once in a process."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import seqkit_onnx

from tests.generators import generator
from tests.translators import translator

_FOLDER = tempfile.TemporaryDirectory(prefix="shared-files-")
_MODELS = {"generator": generator, "translator": translator}


@cache
def shared(name: str, seed: int = 0) -> Any:
    """Returns a generator or translator that nobody may change."""
    return _MODELS[name](seed=seed)


@cache
def shared_file(name: str, **options: Any) -> Path:
    """Returns the file of `shared(name)`, not compared with Keras.

    Args:
        name: ``"generator"`` or ``"translator"``.
        options: of `export`.
    """
    path = Path(_FOLDER.name) / f"{len(list(Path(_FOLDER.name).iterdir()))}.onnx"
    seqkit_onnx.export(shared(name), path, verify=False, **options)
    return path


def folder_of_files() -> Path:
    """Returns a folder for files that a suite keeps while its process lives."""
    return Path(_FOLDER.name)

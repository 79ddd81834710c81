"""The file of an n-gram model: NumPy arrays in a zip archive, and nothing pickled."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_seqkit.text.files import write_atomically
from keras_seqkit.text.ngrams.ngram_tables import NGramTable, NGramTables

FORMAT = "keras-seqkit n-gram model"
FORMAT_VERSION = 1
_FIELDS = {"order", "discount", "smoothing", "vocabulary"}
_ARRAYS = ("keys", "probabilities", "backoffs")


def save_arrays(path: str | os.PathLike, config: Mapping[str, Any], tables: NGramTables, discounts: np.ndarray) -> None:
    """Writes a model; an old file is replaced only when the new one is whole."""
    header = json.dumps({"format": FORMAT, "version": FORMAT_VERSION, **config}).encode()
    arrays = {"header": np.frombuffer(header, np.uint8), "discounts": discounts}
    for length, table in enumerate(tables.tables, start=1):
        arrays |= {f"{name}_{length}": values for name, values in vars(table).items()}
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    write_atomically(path, file.getvalue())


def load_arrays(path: str | os.PathLike) -> tuple[dict[str, Any], list[NGramTable], np.ndarray]:
    """Reads what `save_arrays` wrote.

    Returns:
        The config, a table for each length, and the discounts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no n-gram model, is cut, or is of a version that is not known.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        config = json.loads(arrays.pop("header").tobytes())
    except (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"NGramModel.load: {path} is not a whole file that NGramModel.save wrote ({error}). Save the model again."
        ) from error
    if not isinstance(config, dict) or config.pop("format", None) != FORMAT:
        raise ValueError(f"NGramModel.load: {path} is not a file that NGramModel.save wrote.")
    version = config.pop("version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"NGramModel.load: {path} is of version {version!r}, and version {FORMAT_VERSION} is expected. "
            "Load it with the release of keras-seqkit that wrote it."
        )
    _check_names(path, "fields", set(config), _FIELDS)
    lengths = range(1, config["order"] + 1)
    _check_names(path, "arrays", set(arrays), {"discounts", *(f"{name}_{n}" for name in _ARRAYS for n in lengths)})
    tables = [NGramTable(*(arrays[f"{name}_{length}"] for name in _ARRAYS)) for length in lengths]
    return config, tables, arrays["discounts"]


def _check_names(path: str | os.PathLike, what: str, received: set[str], expected: set[str]) -> None:
    if received != expected:
        raise ValueError(
            f"NGramModel.load: {path} has the {what} {sorted(received)}, and {sorted(expected)} are expected. "
            "Save the model again."
        )

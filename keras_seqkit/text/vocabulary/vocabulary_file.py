"""The JSON file of a vocabulary, with its version."""

import json
import os
from pathlib import Path
from typing import Any

from keras_seqkit.text.files import write_atomically

FORMAT = "keras-seqkit vocabulary"
FORMAT_VERSION = 1
_FIELDS = {"tokens", "level", "lowercase", "strip_punctuation", "counts", "first_seen"}
_OPTIONAL_FIELDS = {"length"}  # of one with Keras's ids


def save_json(path: str | os.PathLike, config: dict[str, Any]) -> None:
    """Writes a vocabulary's config; an old file is replaced only when the new one is whole."""
    content = {"format": FORMAT, "version": FORMAT_VERSION, **config}
    write_atomically(path, json.dumps(content, ensure_ascii=False).encode())


def load_json(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a config that `save_json` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no vocabulary, is cut, or is of a version that is not known.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"Vocabulary.load: {path} is not whole JSON ({error}). Save the vocabulary again.") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f"Vocabulary.load: {path} is not a file that Vocabulary.save wrote.")
    version = content.pop("version", None)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"Vocabulary.load: {path} is of version {version!r}, and version {FORMAT_VERSION} is expected. "
            "Load it with the release of keras-seqkit that wrote it."
        )
    if set(content) - _OPTIONAL_FIELDS != _FIELDS:
        raise ValueError(
            f"Vocabulary.load: {path} has the fields {sorted(content)}, and {sorted(_FIELDS)} are expected. "
            "Save the vocabulary again."
        )
    return content

"""What `export` is asked for, looked at before there is any work."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_seqkit.models.word_vector_model import WordVectorModel
from keras_seqkit.text import Vocabulary
from seqkit_onnx.lowering.carried_state import CarriedState
from seqkit_onnx.lowering.signature import ModelSignature


def check_backend() -> None:
    """Exports go through TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"export: Keras runs on {keras.backend.backend()!r} here, and exports go through TensorFlow. Save the "
            "model as .keras, and load and export it in a process with KERAS_BACKEND=tensorflow."
        )


def check_choices(
    padding: str | None, dtype: str | None, quantize: str | None, recurrence: str, recurrences: tuple[str, ...]
) -> None:
    """Finds values that are none of the choices."""
    for name, value, choices in (
        ("padding", padding, (None, "post")),
        ("dtype", dtype, (None, "float16")),
        ("quantize", quantize, (None, "int8")),
        ("recurrence", recurrence, recurrences),
    ):
        if value not in choices:
            raise ValueError(f"export: {name} is {' or '.join(map(repr, choices))}; received {value!r}.")
    if dtype and quantize:
        raise ValueError("export: dtype='float16' is for CUDA and quantize='int8' for the CPU. Pass one of them.")


def check_no_generator(model: keras.Model, sampler: Any, step: bool) -> None:
    """Finds arguments of generators."""
    if sampler is not None or step:
        raise ValueError(f"export: sampler and step belong to a TextGenerator; received a {type(model).__name__}.")


def check_no_word_vectors(model: keras.Model) -> None:
    """Word vectors have no answer to a text; they are a layer of one."""
    if isinstance(model, WordVectorModel):
        raise ValueError(  # noqa: TRY004 - as for other models that cannot be exported
            f"export: a {type(model).__name__} scores pairs of words, and has no answer to a text. Export its vectors "
            "as an embedding: keras.Sequential([keras.Input((None,), dtype='int32'), "
            "GloveEmbedding(model.vocabulary, model)]), with vocabulary=model.vocabulary for a file that takes text."
        )


def check_states(states: Sequence[CarriedState], text_or_labels: bool) -> None:
    """States are carried between ids, not between texts."""
    if states and text_or_labels:
        raise ValueError(
            f"export: the model has stateful layers ({states[0].input!r} is a state), whose states the caller carries "
            "from ids to ids. Pass text=False and no labels."
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


def check_rows(name: str, classifier: bool, vocabulary: Vocabulary, rows: int | None) -> None:
    """Finds ids that the model was not trained on."""
    if rows is not None and rows < len(vocabulary):
        hint = (
            "If the model was trained on what a TextVectorization gives, pass Vocabulary.from_keras(layer, "
            "keras_ids=True)."
            if vocabulary.from_other_ids or len(vocabulary) - rows <= len(vocabulary.reserved)
            else "Pass the vocabulary that the model was trained with."
        )
        raise ValueError(
            f"export: the vocabulary has {len(vocabulary)} ids, and the embedding of model {name!r} {rows} rows. "
            + hint
        )
    if vocabulary.from_other_ids and not classifier:
        raise ValueError(
            "export: the vocabulary was taken from a TextVectorization, whose ids begin at 2 and not at 4, and which "
            "ids the model was trained on is not known. Pass Vocabulary.from_keras(layer, keras_ids=True) if on what "
            "the layer gives, and Vocabulary.from_keras(layer, keras_ids=False) if on what vocabulary.encode gives."
        )


def check_ids_input(signature: ModelSignature) -> None:
    """A file takes text in the place of one input of ids."""
    specs = signature.specs
    if len(specs) != 1 or specs[0].shape.rank != 2 or not specs[0].dtype.is_integer:
        received = [
            (name, spec.shape, spec.dtype.name) for name, spec in zip(signature.input_names, specs, strict=True)
        ]
        raise ValueError(
            f"export: with text=True the model's one input is ids (batch, time); received {received}. Pass text=False."
        )


def check_scores(scores: str | None, labels: Sequence[str] | None, classifier: bool) -> None:
    """Scores are said of a model with labels that is no `TextClassifier`."""
    if scores is not None and (labels is None or classifier):
        raise ValueError("export: scores belong to a model of your own with labels. Leave it out.")

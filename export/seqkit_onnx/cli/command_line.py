"""Exports a saved Keras model from the shell: `python -m seqkit_onnx model.keras model.onnx`."""

import argparse
import importlib
import logging
import os
import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqkit_onnx.cli.quiet_import import quiet_import
from seqkit_onnx.cli.saved_model_check import check_saved_model

FAILED = 1  # what was asked for was understood, and could not be done
WRONG_COMMAND = 2  # argparse ends with it too
LONGEST_REASON = 300  # characters of an error of Keras, which may quote the whole model
_PASSED_ON = (
    "labels",
    "padding",
    "recurrence",
    "dtype",
    "quantize",
    "sampler",
    "step",
    "scores",
    "settings",
    "opset",
)  # to `export`, under the same names, where they are given
_UNKNOWN_CLASS = re.compile(r"Could not locate \w+ '([^']+)'")
_LAMBDA = re.compile(r"deserialization of a.{0,60}Python lambda", re.DOTALL)


class CommandError(Exception):
    """Why nothing was written, in one line.

    Args:
        reason: what is shown.
        status: with what the process ends.
    """

    def __init__(self, reason: object, status: int = FAILED):
        super().__init__(" ".join(str(reason).split()).removeprefix("export: "))
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Exports what the arguments name, and prints one line of what was written, or of why nothing was.

    Args:
        argv: the arguments; `None`: those of the process.

    Returns:
        0, or `FAILED`, or `WRONG_COMMAND`.
    """
    arguments = parse_arguments(argv)
    try:
        with _quiet_libraries():
            print(export_file(arguments))
    except CommandError as error:
        print(f"seqkit_onnx: error: {error}", file=sys.stderr)
        return error.status
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line; ends the process with a usage line where it is wrong, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m seqkit_onnx", description="Exports a saved Keras model to one ONNX file."
    )
    parser.add_argument("model", type=Path, help="the .keras file, trained on any backend; loaded in safe mode")
    parser.add_argument(
        "output", type=Path, nargs="?", help="the file to write; by default named like the model, with .onnx"
    )
    takes = parser.add_mutually_exclusive_group()
    takes.add_argument(
        "--ids", action="store_true", help="a classifier's, generator's or translator's file takes ids, not text"
    )
    takes.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="what Vocabulary.save wrote: the file of a plain model takes text",
    )
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--labels", nargs="+", metavar="LABEL", help="the names of the classes, in order; after the files"
    )
    names.add_argument("--labels-from", type=Path, metavar="FILE", help="the same from a text file, one in a line")
    parser.add_argument(
        "--scores",
        choices=["probabilities", "logits"],
        help="what a plain model with labels answers with, where it cannot be found out",
    )
    parser.add_argument("--padding", choices=["post"], help="a promise that all padding stands after the sequence")
    parser.add_argument(
        "--recurrence", choices=["native", "scan", "auto"], help="what recurrent layers become; native by default"
    )
    parser.add_argument(
        "--step", action="store_true", default=None, help="a text generator's file writes one token a call"
    )
    parser.add_argument("--sampler", metavar="NAME", help="how a text generator's file chooses tokens: greedy, beam")
    parser.add_argument(
        "--settings",
        choices=["optional", "required"],
        help="whether callers may leave out temperature, beams and the like; JavaScript and Java need: required",
    )
    parser.add_argument("--opset", type=int, choices=[18, 19, 20], help="of ONNX, with --ids; 18: onnxruntime 1.14")
    parser.add_argument(
        "--shapes",
        nargs="+",
        type=_size_of_axis,
        metavar="AXIS=SIZE",
        help="axes that are fixed, with --ids: batch=1 time=60",
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument("--dtype", choices=["float16"], help="computes in half precision, for CUDA")
    precision.add_argument(
        "--quantize",
        choices=["int8", "int8_dynamic"],
        help="weights of a quarter of the size, for the CPU; int8_dynamic: faster products too",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the file is compared with Keras before it is written; it is by default",
    )
    parser.add_argument(
        "--custom-objects",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module to import first, for its registered classes and lowerings; may be given several times",
    )
    arguments = parser.parse_args(argv)
    arguments.output = arguments.output or arguments.model.with_suffix(".onnx")
    return arguments


def _size_of_axis(text: str) -> tuple[str, int]:
    """Reads ``time=60``."""
    name, _, size = text.partition("=")
    if not name or not size.isdigit():
        raise argparse.ArgumentTypeError(f"an axis and its size are expected, such as time=60; received {text!r}")
    return name, int(size)


def export_file(arguments: argparse.Namespace) -> str:
    """Loads, exports and describes.

    Args:
        arguments: what `parse_arguments` returned.

    Returns:
        What was written, in one line.

    Raises:
        CommandError: nothing was written, and an older file stays.
    """
    check_paths(arguments)
    try:
        check_saved_model(arguments.model)
    except ValueError as error:
        raise CommandError(error) from error
    _import_keras()
    for name in arguments.custom_objects:
        _import_custom_objects(name)
    model = _load(arguments.model)
    options = _options(arguments, model)
    exporter = importlib.import_module("seqkit_onnx.exporter")
    try:
        found = exporter.write_file(model, arguments.output, options, arguments.verify)
    except (ValueError, NotImplementedError, MemoryError) as error:
        raise CommandError(error) from error
    except OSError as error:
        raise CommandError(f"cannot write {arguments.output}: {error.strerror or error}") from error
    line = f"{arguments.output}: {importlib.import_module('seqkit_onnx.cli.file_summary').summarize(arguments.output)}"
    return line if found is None or not arguments.verify else f"{line}; {_difference(found)}"


def check_paths(arguments: argparse.Namespace) -> None:
    """Finds what is wrong with the paths before anything is loaded, which takes a while.

    Raises:
        CommandError: there is no such model, or it is no .keras file, or the output cannot be a file there.
    """
    model, output = arguments.model, arguments.output
    if not model.is_file():
        raise CommandError(f"there is no file {model}", WRONG_COMMAND)
    if model.suffix != ".keras" or not _is_saved_model(model):
        raise CommandError(f"{model} is no .keras file. Save the model with model.save('model.keras').", WRONG_COMMAND)
    if not output.resolve().parent.is_dir():
        raise CommandError(f"there is no folder {output.parent} to write {output.name} into", WRONG_COMMAND)
    if output.is_dir():
        raise CommandError(f"{output} is a folder; name a file in it", WRONG_COMMAND)
    if output.exists() and output.samefile(model):
        raise CommandError(f"{output} is the model itself; name another file to write", WRONG_COMMAND)


def _is_saved_model(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "config.json" in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):  # its directory is damaged, or of a later zip
        return False


def _import_keras() -> None:
    """Imports Keras on TensorFlow, whatever the environment or keras.json says, and what keras_seqkit registers."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with quiet_import():
            for name in ("keras_seqkit.layers", "keras_seqkit.models", "seqkit_onnx.exporter"):
                importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CommandError(f"{error}. Exporting needs pip install 'keras-seqkit[export]'.") from error


def _import_custom_objects(name: str) -> None:
    try:
        importlib.import_module(name)
    except ImportError as error:
        hint = f" A module is named without .py: {name[:-3]}." if name.endswith(".py") else ""
        raise CommandError(f"--custom-objects {name}: {error}.{hint}", WRONG_COMMAND) from error


def _load(path: Path) -> Any:
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (TypeError, ValueError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise CommandError(_why_not_loaded(path, str(error))) from error


def _why_not_loaded(path: Path, said: str) -> str:
    unknown = _UNKNOWN_CLASS.search(said)
    if unknown:
        return (
            f"{path} holds {unknown[1]!r}, which nothing here has registered. Name the module that does: "
            "--custom-objects MODULE."
        )
    if _LAMBDA.search(said):
        return (
            f"{path} holds a lambda, which is code and is not loaded from a file. Write it as a layer or a function "
            "with @keras.saving.register_keras_serializable(), and save the model again."
        )
    return f"Keras cannot load {path}: {said:.{LONGEST_REASON}}"


def _options(arguments: argparse.Namespace, model: Any) -> Any:
    """Returns the options of `export`."""
    from keras_seqkit.text import Vocabulary
    from seqkit_onnx.kinds import Options, kinds_of

    given = {name: value for name in _PASSED_ON if (value := getattr(arguments, name)) is not None}
    if arguments.shapes is not None:
        given["shapes"] = dict(arguments.shapes)
    try:
        if arguments.labels_from is not None:
            given["labels"] = arguments.labels_from.read_text("utf-8-sig").splitlines()
        if arguments.vocabulary is not None:
            given["vocabulary"] = Vocabulary.load(arguments.vocabulary)
    except (ValueError, OSError) as error:  # a file in another encoding is a ValueError too
        raise CommandError(error, WRONG_COMMAND) from error
    try:
        has_vocabulary = kinds_of(model)[0].brings_vocabulary
    except ValueError as error:
        raise CommandError(error) from error
    if has_vocabulary and arguments.vocabulary is not None:
        raise CommandError(f"{arguments.model} has a vocabulary of its own; leave --vocabulary out", WRONG_COMMAND)
    return Options(text=not arguments.ids and (has_vocabulary or arguments.vocabulary is not None), **given)


def _difference(found: Any) -> str:
    """Says how far the file is from Keras, on the samples by which `export` has checked it."""
    if found.texts:
        return "writes the same text as Keras on the samples"
    labels = f", with {found.label_agreement:.0%} of the labels the same" if found.label_agreement < 1 else ""
    return f"differs from Keras by at most {found.largest_difference:.1e}{labels}"


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Shows warnings in one line each, without the place in the code, and of TensorFlow's log only errors."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split()).removeprefix("export: ")
        print(f"seqkit_onnx: warning: {text}", file=sys.stderr)

    log = logging.getLogger("tensorflow")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        log.setLevel(level)

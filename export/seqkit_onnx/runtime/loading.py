"""Opens an exported file."""

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[attr-defined]  # compiled, without stubs

from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.content_digest import KEY, digest_matches
from seqkit_onnx.runtime.generator import Generator
from seqkit_onnx.runtime.multi_label_classifier import MultiLabelClassifier
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.step_generator import StepGenerator
from seqkit_onnx.runtime.translator import Translator

PRODUCER = "keras-seqkit"
FORMAT_VERSION = "2"
WITHOUT_DIGEST = "1"  # the version of format whose files have no digest
KINDS: dict[str, type[Network]] = {
    "classifier": Classifier,
    "multi_label_classifier": MultiLabelClassifier,
    "generator": Generator,
    "generator_step": StepGenerator,
    "translator": Translator,
}
CPU = "CPUExecutionProvider"
PREFERRED_PROVIDERS = ("CUDAExecutionProvider", CPU)
# All that it raises of its own; which they are depends on its version.
ERRORS = tuple(each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception))


def load(
    path: str | os.PathLike | bytes | bytearray | memoryview | BinaryIO,
    providers: Sequence[Any] | None = None,
    session_options: onnxruntime.SessionOptions | None = None,
) -> Any:
    """Opens a file that `seqkit_onnx.export` wrote.

    Args:
        path: the file; or its content, as bytes or as a file that is open for reading bytes.
        providers: onnxruntime's execution providers, the preferred one first; `None`: CUDA where it can be had, and
            the CPU.
        session_options: onnxruntime's options, for example the number of threads.

    Returns:
        A `Classifier` or `MultiLabelClassifier` for a text classifier, a `Generator` or `StepGenerator` for a text
        generator, a `Translator` for a translator, a `Network` for any other Keras model. All can be used by many
        threads at once.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
        TypeError: `path` is neither a path nor bytes nor a file open for bytes, or `providers` is no list of providers.
        ValueError: the file is no ONNX model, it is damaged or was changed after its export, or a provider is not
            there.

    Example:
    >>> import seqkit_onnx
    >>> seqkit_onnx.load("no such file.onnx")
    Traceback (most recent call last):
        ...
    FileNotFoundError: load: there is no file no such file.onnx
    """
    if isinstance(path, (bytes, bytearray, memoryview)):
        return open_model(bytes(path), providers, session_options, "the bytes given")
    if not isinstance(path, (str, os.PathLike)):
        content, shown = _read(path)
        return open_model(content, providers, session_options, shown)
    if not Path(path).is_file():
        raise FileNotFoundError(f"load: there is no file {path}")
    return open_model(os.fspath(path), providers, session_options, os.fspath(path))


def open_model(
    model: str | bytes,
    providers: Sequence[Any] | None = None,
    session_options: onnxruntime.SessionOptions | None = None,
    shown: str = "the model",
) -> Any:
    """Opens a model from its path or its bytes; see `load`.

    Args:
        model: the path, or the bytes.
        providers: see `load`.
        session_options: see `load`.
        shown: what errors call it.
    """
    available = onnxruntime.get_available_providers()
    if providers is None:
        providers = [name for name in PREFERRED_PROVIDERS if name in available]
    missing = [name for name in _names(providers) if name not in available]
    if missing:
        raise ValueError(
            f"load: provider {', '.join(missing)} is not in this onnxruntime, which has {', '.join(available)}. "
            "For CUDA install onnxruntime-gpu instead of onnxruntime."
        )
    options = session_options or onnxruntime.SessionOptions()
    if session_options is None:
        options.log_severity_level = 3  # it warns of each input that has a default
    matches = _digest_matches(model)
    if matches is False:
        raise ValueError(_why_damaged(shown))
    session = _open_session(model, shown, options, list(providers))
    try:
        meta = session.get_modelmeta()
        metadata = meta.custom_metadata_map
        size = len(model) if isinstance(model, bytes) else Path(model).stat().st_size
        network = KINDS.get(metadata.get("kind", ""), Network)(session, size)
    except (ValueError, TypeError, KeyError) as error:  # no UTF-8 or JSON, or an input that is no tensor
        raise ValueError(
            f"load: onnxruntime opens {shown}, but it is no exported file: {error!r}. Export it again."
        ) from error
    ours = meta.producer_name == PRODUCER or "keras_seqkit_version" in metadata  # damage may hide one of them
    if ours and "format_version" not in metadata:  # only the digest stands behind it
        raise ValueError(f"load: {shown} is damaged: its end is missing. Copy it again, or export it again.")
    if matches is None and (KEY in metadata or (ours and metadata["format_version"] != WITHOUT_DIGEST)):
        raise ValueError(_why_damaged(shown))
    return network


def _read(stream: Any) -> tuple[bytes, str]:
    """Reads an open file; returns its content, and what errors call it."""
    read = getattr(stream, "read", None)
    if read is None:
        raise TypeError(
            f"load: a path, the file's bytes, or a file open for reading them is expected; received "
            f"{type(stream).__name__} {stream!r:.60}."
        )
    content, name = read(), getattr(stream, "name", None)
    if not isinstance(content, bytes):
        raise TypeError(
            f"load: a file open for reading bytes is expected; received one that gives {type(content).__name__}. Open "
            "it with open(path, 'rb')."
        )
    return content, name if isinstance(name, str) else "the bytes given"


def _digest_matches(model: str | bytes) -> bool | None:
    if isinstance(model, bytes):
        return digest_matches(io.BytesIO(model))
    try:
        with open(model, "rb") as stream:
            return digest_matches(stream)
    except OSError as error:  # one of a disk that cannot be read names no file
        raise OSError(error.errno, f"load: {error.strerror}", model) from error


def _why_damaged(shown: str) -> str:
    return (
        f"load: {shown} is damaged, or was changed after its export: its {KEY} is not that of its bytes. Copy or "
        f"export it again. Where it was changed on purpose, remove {KEY} from its metadata and set format_version "
        f"to {WITHOUT_DIGEST!r}: a file of that version has no digest, and damage to it is not told."
    )


def _open_session(
    model: str | bytes, shown: str, options: onnxruntime.SessionOptions, providers: list[Any]
) -> onnxruntime.InferenceSession:
    """Opens a session; on the CPU alone, with a warning, where a provider before it cannot start."""
    names = _names(providers)
    try:
        # onnxruntime's own fallback prints to the terminal, and takes the CPU where nobody asked for it.
        return onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except (*ERRORS, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()).removesuffix(".")
        if type(error) is not RuntimeError or CPU not in names[1:]:  # a RuntimeError is a provider's
            raise ValueError(f"load: onnxruntime cannot open {shown}: {reason}. Export it again.") from error
    warnings.warn(f"load: {shown} runs on the CPU alone, since {names[0]} cannot start: {reason}.", stacklevel=4)
    return _open_session(model, shown, options, [CPU])


def _names(providers: Sequence[Any]) -> list[str]:
    if isinstance(providers, str) or not all(isinstance(each, (str, tuple)) for each in providers):
        raise TypeError(
            f"load: providers is a list of names, or of tuples of a name and options; received {providers!r}. "
            "Pass for example ['CPUExecutionProvider']."
        )
    return [each if isinstance(each, str) else each[0] for each in providers]

"""Opens an exported file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[attr-defined]  # compiled, without stubs

from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.generator import Generator
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.step_generator import StepGenerator
from seqkit_onnx.runtime.translator import Translator

PRODUCER = "keras-seqkit"
KINDS: dict[str, type[Network]] = {
    "classifier": Classifier,
    "generator": Generator,
    "generator_step": StepGenerator,
    "translator": Translator,
}
PREFERRED_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


def load(
    path: str | os.PathLike,
    providers: Sequence[Any] | None = None,
    session_options: onnxruntime.SessionOptions | None = None,
) -> Any:
    """Opens a file that `seqkit_onnx.export` wrote.

    Args:
        path: the file.
        providers: onnxruntime's execution providers, the preferred one first; `None`: CUDA where it can be had, and
            the CPU.
        session_options: onnxruntime's options, for example the number of threads.

    Returns:
        A `Classifier` for a text classifier, a `Generator` or `StepGenerator` for a text generator, a `Translator`
        for a translator, a `Network` for any other Keras model. All can be used by many threads at once.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: `providers` is no list of providers.
        ValueError: the file is no ONNX model, or a provider is not there.

    Example:
    >>> import seqkit_onnx
    >>> seqkit_onnx.load("no such file.onnx")
    Traceback (most recent call last):
        ...
    FileNotFoundError: load: there is no file no such file.onnx
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"load: there is no file {path}")
    return open_model(os.fspath(path), providers, session_options)


def open_model(
    model: str | bytes,
    providers: Sequence[Any] | None = None,
    session_options: onnxruntime.SessionOptions | None = None,
) -> Any:
    """Opens a model from its path or its bytes; see `load`."""
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
    shown = model if isinstance(model, str) else "the model"
    try:
        session = onnxruntime.InferenceSession(model, options, providers=list(providers))
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.InvalidArgument, errors.Fail) as error:
        raise ValueError(f"load: onnxruntime cannot open {shown}: {error}. Export it again.") from error
    meta = session.get_modelmeta()
    if meta.producer_name == PRODUCER and "format_version" not in meta.custom_metadata_map:  # it is written last
        raise ValueError(f"load: onnxruntime cannot open {shown}: its end is missing. Export it again.")
    return KINDS.get(meta.custom_metadata_map.get("kind", ""), Network)(session)


def _names(providers: Sequence[Any]) -> list[str]:
    if isinstance(providers, str) or not all(isinstance(each, (str, tuple)) for each in providers):
        raise TypeError(
            f"load: providers is a list of names, or of tuples of a name and options; received {providers!r}. "
            "Pass for example ['CPUExecutionProvider']."
        )
    return [each if isinstance(each, str) else each[0] for each in providers]

"""Exports Keras models for text to one ONNX file, text in and text out, and runs such files.

Public names are resolved when they are first used: `load` needs NumPy and onnxruntime only, `export` and `verify`
need Keras, TensorFlow, tf2onnx and onnx too.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqkit_onnx.exporter import export
    from seqkit_onnx.runtime.loading import load
    from seqkit_onnx.verification import verify

    __version__: str

__all__ = ["export", "load", "verify"]

_HOME_OF_NAME = {"export": "exporter", "load": "runtime.loading", "verify": "verification"}
_EXTRA_OF_NAME = {"export": "export", "load": "runtime", "verify": "export"}


def __getattr__(name: str) -> Any:
    if name == "__version__":  # both packages are installed together
        return importlib.import_module("keras_seqkit").__version__
    if name in _HOME_OF_NAME:
        extras = importlib.import_module("keras_seqkit.extras")
        module = f"{__name__}.{_HOME_OF_NAME[name]}"
        return getattr(extras.import_part(module, f"{__name__}.{name}", _EXTRA_OF_NAME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

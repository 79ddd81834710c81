"""Imports that may not be installed: one sentence says what to do."""

from importlib import import_module
from types import ModuleType

OWN = ("", "keras_seqkit", "seqkit_onnx")
BACKENDS = ("jax", "jaxlib", "torch")  # what Keras may be told to run on, beside TensorFlow


def import_part(module: str, owner: str, extra: str) -> ModuleType:
    """Imports a module that needs one of this package's extras.

    Args:
        module: its whole name.
        owner: what the user asked for: ``"seqkit_onnx.export"``.
        extra: the extra that installs what it needs.

    Raises:
        ModuleNotFoundError: something that it needs is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OWN:
            raise
        extra = "backends" if package in BACKENDS else extra
        raise ModuleNotFoundError(
            f"{owner} needs {package}, which is not installed. Install it with: pip install 'keras-seqkit[{extra}]'",
            name=package,
        ) from error

"""Drop-in Keras 3 layers and models for recurrent text.

Public names are resolved when they are first used, so that ``import keras_seqkit`` imports no Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_seqkit import datasets, evaluation, layers, models, text
    from keras_seqkit.layers import BidirectionalStack, GloveEmbedding
    from keras_seqkit.models import TextClassifier
    from keras_seqkit.text import Vocabulary, sliding_windows

__version__ = "0.1.0"

__all__ = [
    "BidirectionalStack",
    "GloveEmbedding",
    "TextClassifier",
    "Vocabulary",
    "datasets",
    "evaluation",
    "layers",
    "models",
    "sliding_windows",
    "text",
]

_HOME_OF_NAME = {
    "BidirectionalStack": "layers",
    "GloveEmbedding": "layers",
    "TextClassifier": "models",
    "Vocabulary": "text",
    "sliding_windows": "text",
}
_SUBPACKAGES = {"datasets", "evaluation", "layers", "models", "text"}


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME_OF_NAME:
        return getattr(import_module(f"{__name__}.{_HOME_OF_NAME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

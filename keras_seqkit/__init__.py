"""Drop-in Keras 3 layers and models for recurrent text.

Public names are resolved when they are first used, so that ``import keras_seqkit`` imports no Keras.
"""

from typing import TYPE_CHECKING, Any

from keras_seqkit._registration import register_with_keras
from keras_seqkit.extras import import_part

if TYPE_CHECKING:
    from keras_seqkit import datasets, evaluation, layers, models, samplers, text
    from keras_seqkit.layers import BidirectionalStack, GloveEmbedding, RecurrentAttention
    from keras_seqkit.models import (
        CBOW,
        SampleText,
        Seq2SeqTranslator,
        SkipGram,
        SKLearnTextClassifier,
        TextClassifier,
        TextGenerator,
        TextRegressor,
    )
    from keras_seqkit.text import NGramModel, Vocabulary, sliding_windows

__version__ = "0.1.0"

__all__ = [
    "CBOW",
    "BidirectionalStack",
    "GloveEmbedding",
    "NGramModel",
    "RecurrentAttention",
    "SKLearnTextClassifier",
    "SampleText",
    "Seq2SeqTranslator",
    "SkipGram",
    "TextClassifier",
    "TextGenerator",
    "TextRegressor",
    "Vocabulary",
    "datasets",
    "evaluation",
    "layers",
    "models",
    "samplers",
    "sliding_windows",
    "text",
]

_HOME_OF_NAME = {
    "CBOW": "models",
    "BidirectionalStack": "layers",
    "GloveEmbedding": "layers",
    "NGramModel": "text",
    "RecurrentAttention": "layers",
    "SKLearnTextClassifier": "models",
    "SampleText": "models",
    "Seq2SeqTranslator": "models",
    "SkipGram": "models",
    "TextClassifier": "models",
    "TextGenerator": "models",
    "TextRegressor": "models",
    "Vocabulary": "text",
    "sliding_windows": "text",
}
_SUBPACKAGES = {"datasets", "evaluation", "layers", "models", "samplers", "text"}


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_part(f"{__name__}.{name}", f"{__name__}.{name}", "train")
    if name in _HOME_OF_NAME:
        return getattr(import_part(f"{__name__}.{_HOME_OF_NAME[name]}", f"{__name__}.{name}", "train"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


register_with_keras()

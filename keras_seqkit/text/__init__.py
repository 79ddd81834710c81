"""Vocabularies, windows and word vectors: NumPy only."""

from keras_seqkit.text.vocabulary import Vocabulary
from keras_seqkit.text.windows import sliding_windows

__all__ = ["Vocabulary", "sliding_windows"]

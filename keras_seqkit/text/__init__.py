"""Vocabularies, windows, word vectors and n-gram models: NumPy only."""

from keras_seqkit.text.ngram_model import NGramModel
from keras_seqkit.text.vocabulary import Vocabulary
from keras_seqkit.text.windows import sliding_windows

__all__ = ["NGramModel", "Vocabulary", "sliding_windows"]

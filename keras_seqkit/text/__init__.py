"""Vocabularies, windows, word vectors, sentence pairs and n-gram models: NumPy only."""

from keras_seqkit.text.keras_vocabulary import KerasVocabulary
from keras_seqkit.text.ngram_model import NGramModel
from keras_seqkit.text.sentence_pairs import filter_pairs
from keras_seqkit.text.vocabulary import Vocabulary
from keras_seqkit.text.windows import sliding_windows

__all__ = ["KerasVocabulary", "NGramModel", "Vocabulary", "filter_pairs", "sliding_windows"]

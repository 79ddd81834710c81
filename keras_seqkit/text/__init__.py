"""Vocabularies, windows, word vectors, sentence pairs and n-gram models: NumPy only."""

from keras_seqkit._old_paths import keep_old_paths
from keras_seqkit.text.ngrams.ngram_model import NGramModel
from keras_seqkit.text.sentence_pairs import filter_pairs
from keras_seqkit.text.vocabulary import KerasVocabulary, Vocabulary
from keras_seqkit.text.windows import sliding_windows

__all__ = ["KerasVocabulary", "NGramModel", "Vocabulary", "filter_pairs", "sliding_windows"]

keep_old_paths(
    __name__,
    {"keras_vocabulary": f"{__name__}.vocabulary.keras_vocabulary", "ngram_model": f"{__name__}.ngrams.ngram_model"},
)

"""Keras models for recurrent text."""

from keras_seqkit._old_paths import keep_old_paths
from keras_seqkit.models.classification.sklearn_text_classifier import SKLearnTextClassifier
from keras_seqkit.models.classification.text_classifier import TextClassifier
from keras_seqkit.models.classification.text_regressor import TextRegressor
from keras_seqkit.models.generation.sample_text import SampleText
from keras_seqkit.models.generation.text_generator import TextGenerator
from keras_seqkit.models.translation.seq2seq_translator import Seq2SeqTranslator
from keras_seqkit.models.word_vectors.cbow import CBOW
from keras_seqkit.models.word_vectors.skip_gram import SkipGram

__all__ = [
    "CBOW",
    "SKLearnTextClassifier",
    "SampleText",
    "Seq2SeqTranslator",
    "SkipGram",
    "TextClassifier",
    "TextGenerator",
    "TextRegressor",
]

keep_old_paths(
    __name__,
    {
        "cbow": f"{__name__}.word_vectors.cbow",
        "sample_text": f"{__name__}.generation.sample_text",
        "seq2seq_translator": f"{__name__}.translation.seq2seq_translator",
        "skip_gram": f"{__name__}.word_vectors.skip_gram",
        "sklearn_text_classifier": f"{__name__}.classification.sklearn_text_classifier",
        "text_classifier": f"{__name__}.classification.text_classifier",
        "text_generator": f"{__name__}.generation.text_generator",
        "text_regressor": f"{__name__}.classification.text_regressor",
    },
)

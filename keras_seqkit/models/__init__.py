"""Keras models for recurrent text."""

from keras_seqkit.models.cbow import CBOW
from keras_seqkit.models.sample_text import SampleText
from keras_seqkit.models.seq2seq_translator import Seq2SeqTranslator
from keras_seqkit.models.skip_gram import SkipGram
from keras_seqkit.models.sklearn_text_classifier import SKLearnTextClassifier
from keras_seqkit.models.text_classifier import TextClassifier
from keras_seqkit.models.text_generator import TextGenerator
from keras_seqkit.models.text_regressor import TextRegressor

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

"""Keras models for recurrent text."""

from keras_seqkit.models.text_classifier import TextClassifier

__all__ = ["TextClassifier"]

"""Keras layers for recurrent text."""

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from keras_seqkit.layers.glove_embedding import GloveEmbedding

__all__ = ["BidirectionalStack", "GloveEmbedding"]

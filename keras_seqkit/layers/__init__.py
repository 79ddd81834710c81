"""Keras layers for recurrent text."""

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from keras_seqkit.layers.conv_front import ConvFront
from keras_seqkit.layers.glove_embedding import GloveEmbedding
from keras_seqkit.layers.masked_max_pooling import MaskedMaxPooling
from keras_seqkit.layers.recurrent_attention import RecurrentAttention

__all__ = ["BidirectionalStack", "ConvFront", "GloveEmbedding", "MaskedMaxPooling", "RecurrentAttention"]

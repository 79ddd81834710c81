"""A small set of word vectors, and the table that they make."""

import numpy as np
from keras import ops

from keras_seqkit.layers.glove_embedding import GloveEmbedding

VECTORS = {"sun": [3.0, 4.0], "moon": [0.0, 2.0], "star": [-1.0, 0.5], "unused": [9.0, 9.0]}
TOKENS = ["[PAD]", "[UNK]", "sun", "mars", "moon", "star"]
IDS = np.array([[2, 4, 1, 0], [5, 3, 0, 0], [0, 0, 0, 0]])
EXPECTED = np.array([[0, 0], [0, 0], [3, 4], [0, 0], [0, 2], [-1, 0.5]], dtype="float32")


def table_of(layer: GloveEmbedding) -> np.ndarray:
    return ops.convert_to_numpy(layer.embeddings)

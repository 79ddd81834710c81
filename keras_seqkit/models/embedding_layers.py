"""An embedding that a user chose: its size, or a layer, maybe one with pretrained vectors."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.models.embedding_calls import embedded
from keras_seqkit.models.embedding_size import check_embedding
from keras_seqkit.text import Vocabulary

ops: Any = keras.ops  # Keras's annotations know no tensors


def embedding_layer(owner: str, embedding: Any, vocabulary: Vocabulary, policy: Any, name: str = "embedding") -> Any:
    """Returns a layer that makes vectors of ids, built.

    Args:
        owner: the model, for errors.
        embedding: the size of its vectors, or a layer from ids (batch, time) to (batch, time, dim).
        vocabulary: whose tokens the ids are.
        policy: the dtype policy of a layer that is made here.
        name: the argument, for errors.

    Raises:
        TypeError: it is neither.
        ValueError: the size is out of its range, or the layer has too few rows, or those of other tokens.
    """
    is_layer = isinstance(embedding, keras.layers.Layer)
    if not is_layer and (isinstance(embedding, bool) or not isinstance(embedding, (int, np.integer)) or embedding < 1):
        raise ValueError(
            f"{owner}: {name} is an integer of at least 1, or a layer such as a GloveEmbedding; received {embedding!r}."
        )
    check_embedding(owner, embedding, len(vocabulary), name)
    if not is_layer:
        layer = keras.layers.Embedding(len(vocabulary), int(embedding), dtype=policy, name="embedding")
        layer.build()
        return layer
    rows = getattr(embedding, "input_dim", len(vocabulary))
    if rows < len(vocabulary):
        raise ValueError(
            f"{owner}: {name} has {rows} rows and its vocabulary {len(vocabulary)} tokens. Make both from the same "
            "vocabulary."
        )
    tokens = getattr(embedding, "tokens", None)
    own = list(vocabulary.tokens)
    if tokens is not None and list(tokens[: len(own)]) != own:
        place = next(place for place, token in enumerate(own) if tokens[place] != token)
        raise ValueError(
            f"{owner}: {name} was made for other tokens: row {place} is {tokens[place]!r}, and the vocabulary's token "
            f"{place} is {own[place]!r}. Make it from the same vocabulary: GloveEmbedding(vocabulary, vectors)."
        )
    if not embedding.built:
        embedding(np.zeros((1, 2), np.int32))
    return embedding


def width_of(layer: Any) -> int:
    """Returns how many numbers the vectors of an embedding have."""
    width = getattr(layer, "output_dim", None)
    return int(layer.compute_output_shape((1, 2))[-1] if width is None else width)


def embed(layer: Any, ids: Any, dtype: str) -> Any:
    """Returns the vectors of ids, without a mask: integers (...,) to float (..., dim) of a dtype.

    Args:
        layer: an embedding.
        ids: (batch, time), or (rows,), one step of several texts.
        dtype: of the vectors.
    """
    is_table = isinstance(layer, keras.layers.Embedding)
    if len(ids.shape) == 1 and not is_table:  # a layer of a user's own wants its time
        return embed(layer, ops.expand_dims(ids, 1), dtype)[:, 0]
    return ops.cast(embedded(layer, ids), dtype)

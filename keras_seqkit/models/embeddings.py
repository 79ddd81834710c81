"""An embedding that a user chose: its size, or a layer, maybe one with pretrained vectors."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import MAX_WIDTH, check_limit, check_numbers

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
    check_tokens(owner, embedding, vocabulary, name)
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


def embedded(layer: Any, ids: Any) -> Any:
    """Returns vectors of ids, without the mask that Keras attaches where a layer is called as such.

    Args:
        layer: from ids to vectors; an embedding that `quantize` made smaller too.
        ids: integers (...).

    Returns:
        float (..., dim).
    """
    return layer.quantized_call(ids) if getattr(layer, "quantization_mode", None) else layer.call(ids)


def embedding_table(layer: Any) -> Any:
    """Returns the table of a `keras.layers.Embedding` as it is used, its LoRA and its scales applied: (rows, dim)."""
    if getattr(layer, "quantization_mode", None):
        return embedded(layer, ops.arange(layer.input_dim))
    return layer.embeddings


def check_embedding(owner: str, embedding: Any, rows: int, name: str = "embedding") -> None:
    """Checks the size of an embedding before it takes memory.

    Args:
        owner: the model, for the error.
        embedding: the numbers of a vector; or a layer, which may know its rows and numbers.
        rows: the size of the vocabulary.
        name: the argument, for the error.

    Raises:
        ValueError: it is too large.
    """
    dim = getattr(embedding, "output_dim", embedding)
    check_limit(owner, name, dim, MAX_WIDTH)
    if isinstance(dim, int):
        check_numbers(owner, "the embedding", getattr(embedding, "input_dim", rows), dim)


def check_tokens(owner: str, embedding: Any, vocabulary: Vocabulary, name: str = "the embedding") -> None:
    """Checks that each id of a vocabulary has its own row in an embedding.

    A layer that knows its tokens, as `GloveEmbedding` does, must have the vocabulary's tokens under the same ids; more
    tokens may follow, and reserved ones may be called otherwise. A layer that knows none must have rows enough. In a
    `Sequential` or functional model these are the layers that get the ids themselves.

    Args:
        owner: the model, for the error.
        embedding: a layer from ids to vectors.
        vocabulary: what makes the ids.
        name: what the error calls the layer.

    Raises:
        ValueError: there are too few rows, or a row is that of another token.
    """
    for layer in _layers_of_ids(embedding):
        rows = getattr(layer, "input_dim", len(vocabulary))
        if rows < len(vocabulary):
            raise ValueError(
                f"{owner}: {name} has {rows} rows and the vocabulary {len(vocabulary)} tokens. "
                "Make both from the same vocabulary."
            )
        tokens = getattr(layer, "tokens", None)
        if isinstance(tokens, list):
            _compare(owner, tokens, vocabulary, name)


def _compare(owner: str, tokens: list[str], vocabulary: Vocabulary, name: str) -> None:
    first = len(vocabulary.reserved)
    pairs = list(zip(tokens, vocabulary.tokens, strict=False))[first:]
    wrong = [row for row, (theirs, ours) in enumerate(pairs, first) if theirs != ours]
    if wrong:
        row = wrong[0]
        raise ValueError(
            f"{owner}: row {row} of {name} is the vector of {tokens[row]!r}, and id {row} of the vocabulary is "
            f"{vocabulary.tokens[row]!r} (so {len(wrong)} of {len(pairs)} tokens). "
            "Make the embedding of the model's own vocabulary: GloveEmbedding(vocabulary, vectors)."
        )


def _layers_of_ids(layer: Any) -> Iterator[Any]:
    """Yields the layers that get what this one gets: itself, or some of those that it is made of."""
    if isinstance(layer, keras.Sequential):
        inner = layer.layers[:1]
    elif isinstance(layer, keras.Model) and hasattr(layer, "inputs"):
        given = {id(tensor) for tensor in layer.inputs}
        inner = [part for part in layer.layers if any(id(tensor) in given for tensor in keras.tree.flatten(part.input))]
    else:
        yield layer
        return
    for part in inner:
        yield from _layers_of_ids(part)

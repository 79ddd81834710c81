"""The vectors of ids, however their layer holds them."""

from typing import Any

import keras

ops: Any = keras.ops  # Keras's annotations know no tensors


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

"""Embeddings whose rows belong to the tokens of a vocabulary."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_seqkit.text import Vocabulary


def check_tokens(owner: str, embedding: Any, vocabulary: Vocabulary) -> None:
    """Checks that each id of a vocabulary has its own row in an embedding.

    A layer that knows its tokens, as `GloveEmbedding` does, must have the vocabulary's tokens under the same ids; more
    tokens may follow, and reserved ones may be called otherwise. A layer that knows none must have rows enough. In a
    `Sequential` or functional model these are the layers that get the ids themselves.

    Args:
        owner: the model, for the error.
        embedding: a layer from ids to vectors.
        vocabulary: what makes the ids.

    Raises:
        ValueError: there are too few rows, or a row is that of another token.
    """
    for layer in _layers_of_ids(embedding):
        rows = getattr(layer, "input_dim", len(vocabulary))
        if rows < len(vocabulary):
            raise ValueError(
                f"{owner}: the embedding has {rows} rows and the vocabulary {len(vocabulary)} tokens. "
                "Make both from the same vocabulary."
            )
        tokens = getattr(layer, "tokens", None)
        if isinstance(tokens, list):
            _compare(owner, tokens, vocabulary)


def _compare(owner: str, tokens: list[str], vocabulary: Vocabulary) -> None:
    first = len(vocabulary.reserved)
    pairs = list(zip(tokens, vocabulary.tokens, strict=False))[first:]
    wrong = [row for row, (theirs, ours) in enumerate(pairs, first) if theirs != ours]
    if wrong:
        row = wrong[0]
        raise ValueError(
            f"{owner}: row {row} of the embedding is the vector of {tokens[row]!r}, and id {row} of the vocabulary is "
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

"""Embeddings that are not too large."""

from typing import Any

from keras_seqkit.text.limits import MAX_WIDTH, check_limit, check_numbers


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

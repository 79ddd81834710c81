"""What changes logits by what was already written: penalties and bans, applied before temperature and filters."""

from typing import Any

import keras

ops: Any = keras.ops  # Keras's annotations know no tensors


MINUS_INFINITY = float("-inf")


def penalize_repetition(logits: Any, seen: Any, penalty: float) -> Any:
    """Divides positive logits of tokens seen before by `penalty`, and multiplies negative ones (Keskar et al., 2019).

    Args:
        logits: float32 (batch, vocab).
        seen: bool (batch, vocab).
        penalty: above 1 for less repetition.
    """
    return ops.where(seen, ops.where(logits > 0, logits / penalty, logits * penalty), logits)


def seen_tokens(ids: Any, vocabulary_size: int) -> Any:
    """Returns which tokens stand in `ids`: int32 (batch, time) to bool (batch, vocab)."""
    return ops.any(ops.equal(ops.expand_dims(ids, -1), ops.arange(vocabulary_size, dtype="int32")), axis=1)


def ban_repeated_ngrams(logits: Any, history: Any, length: Any, size: int) -> Any:
    """Forbids each token that would complete an n-gram which the text already has (Paulus et al., 2018).

    Args:
        logits: float32 (batch, vocab).
        history: int32 (batch, time), the tokens so far on the left.
        length: int32 (batch,), how many they are.
        size: the n of the n-grams.
    """
    vocabulary_size, count = logits.shape[-1], size - 1
    time = ops.shape(history)[1]
    # Windows may begin anywhere in the history.
    padded = ops.pad(history, ((0, 0), (0, count))) if count else history
    places = ops.arange(time, dtype="int32")  # where a window of `count` tokens begins
    matches = ops.expand_dims(places, 0) + count < ops.expand_dims(length, 1)  # (batch, time)
    for offset in range(count):
        at = ops.maximum(length - count + offset, 0)
        last = ops.take_along_axis(history, ops.expand_dims(at, 1), axis=1)  # (batch, 1)
        matches = ops.logical_and(matches, ops.equal(padded[:, offset : offset + time], last))
    following = padded[:, count : count + time]
    enough = ops.expand_dims(length >= count, 1)
    # One column more, for what is not banned.
    banned = ops.where(ops.logical_and(matches, enough), following, vocabulary_size)
    rows = ops.expand_dims(ops.arange(ops.shape(history)[0], dtype="int32"), 1) + banned * 0
    indices = ops.reshape(ops.stack([rows, banned], axis=-1), (-1, 2))
    marks = ops.scatter(
        indices, ops.ones_like(indices[:, 0], dtype="float32"), (ops.shape(logits)[0], vocabulary_size + 1)
    )
    return ops.where(marks[:, :vocabulary_size] > 0, MINUS_INFINITY, logits)


def append(history: Any, length: Any, token: Any) -> Any:
    """Writes one token behind each row's own: int32 (batch, time)."""
    places = ops.arange(ops.shape(history)[1], dtype="int32")
    here = ops.equal(ops.expand_dims(places, 0), ops.expand_dims(length, 1))
    return ops.where(here, ops.expand_dims(token, 1), history)

"""Which tokens may follow: each filter takes logits (batch, vocab) and sets those of other tokens to minus infinity.

A filter keeps at least one token of each row, and what lies exactly on its border with its equals.
"""

import math
from typing import Any

import keras

ops: Any = keras.ops  # Keras's annotations know no tensors


MINUS_INFINITY = float("-inf")


def keep_top_k(logits: Any, k: int) -> Any:
    """Keeps the `k` most probable tokens of each row; all, where there are no more (Fan et al., 2018)."""
    least = ops.top_k(logits, min(k, logits.shape[-1]))[0][:, -1:]  # (batch, 1)
    return _keep(logits, logits >= least)


def keep_top_p(logits: Any, p: Any) -> Any:
    """Keeps the fewest tokens whose probabilities add up to `p` (nucleus sampling, Holtzman et al., 2020)."""
    return _keep_top_p(logits, _descending(logits), p)


def keep_top_k_and_p(logits: Any, k: Any, p: Any) -> Any:
    """Keeps the top `k`, and of these the top `p`; both are tensors (), and ``k = 0`` and ``p >= 1`` keep all."""
    ordered = _descending(logits)  # (batch, vocab)
    size = ordered.shape[-1]
    last = ops.where(k > 0, ops.minimum(k, size), size) - 1
    least = ops.take(ordered, ops.reshape(last, (1,)), axis=1)  # (batch, 1)
    logits, ordered = _keep(logits, logits >= least), _keep(ordered, ordered >= least)
    return ops.where(p < 1.0, _keep_top_p(logits, ordered, p), logits)


def keep_min_p(logits: Any, min_p: float) -> Any:
    """Keeps tokens at least `min_p` times as probable as the most probable one (Nguyen et al., 2024)."""
    # By logits: equal ones may get probabilities that differ in the last bit, by where in the row they stand.
    return _keep(logits, logits >= ops.max(logits, axis=-1, keepdims=True) + math.log(min_p))


def keep_typical(logits: Any, mass: float) -> Any:
    """Keeps the tokens whose information is nearest to the entropy, until they hold `mass` (Meister et al., 2023)."""
    # The logarithm first: equal logits may get probabilities that differ in the last bit, by where they stand.
    log_probabilities = ops.log_softmax(logits)  # (batch, vocab)
    probabilities = ops.exp(log_probabilities)
    possible = probabilities > 0
    information = -ops.where(possible, log_probabilities, 0.0)
    entropy = ops.sum(probabilities * information, axis=-1, keepdims=True)  # (batch, 1)
    distance = ops.where(possible, ops.abs(information - entropy), float("inf"))
    order = ops.argsort(distance, axis=-1)
    held = ops.take_along_axis(probabilities, order, axis=-1)
    nearest = _before(held) < mass
    ordered = ops.take_along_axis(distance, order, axis=-1)
    farthest = ops.max(ops.where(nearest, ordered, ordered[:, :1]), axis=-1, keepdims=True)  # (batch, 1)
    return _keep(logits, ops.logical_and(distance <= farthest, possible))


def _descending(logits: Any) -> Any:
    return ops.top_k(logits, logits.shape[-1])[0]


def _keep_top_p(logits: Any, ordered: Any, p: Any) -> Any:
    kept = ops.where(_before(ops.softmax(ordered)) < p, ordered, ordered[:, :1])  # (batch, vocab)
    return _keep(logits, logits >= ops.min(kept, axis=-1, keepdims=True))


def _before(probabilities: Any) -> Any:
    """What all tokens before each one hold."""
    return ops.cumsum(probabilities, axis=-1) - probabilities


def _keep(logits: Any, condition: Any) -> Any:
    return ops.where(condition, logits, MINUS_INFINITY)

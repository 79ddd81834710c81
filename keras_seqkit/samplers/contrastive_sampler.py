"""A probable token whose state is not like those before it."""

from typing import Any

import keras

from keras_seqkit.samplers.sampler import (
    GREEDY_BELOW,
    Carry,
    Network,
    Sampler,
    Settings,
    most_probable,
    register,
    states_of,
    warp,
)
from keras_seqkit.text.vocabulary import PADDING_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

SMALLEST_NORM = 1e-12
OPPOSITE = -1.0  # the least that a cosine can be


@register
class ContrastiveSampler(Sampler):
    """Takes, of the `k` most probable tokens, the one with the best ``(1 - alpha) * probability - alpha * similarity``.

    The similarity is the largest cosine between the last layer's output after the token and its outputs after all
    tokens before. The network runs `k` more rows in each step. No random numbers are drawn.

    Args:
        k: how many tokens are tried, at least 1.
        alpha: the weight of the similarity, from 0 (greedy) to 1.
        **kwargs: as in `Sampler`.

    Raises:
        ValueError: `k` or `alpha` is out of its range.

    Example:
    >>> from keras_seqkit.samplers import ContrastiveSampler
    >>> ContrastiveSampler(k=4, alpha=0.5).alpha
    0.5

    Source:
        Su et al. (2022), A contrastive framework for neural text generation, arXiv:2202.06417.
    """

    draws = False
    reads_prompt_outputs = True

    def __init__(self, k: int = 5, alpha: float = 0.6, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(k=k, alpha=alpha)
        self.check("k", k, k >= 1, "at least 1")
        self.check("alpha", alpha, 0 <= alpha <= 1, "0 to 1")
        self.k = k
        self.alpha = alpha

    @property
    def needs_whole_text(self) -> bool:
        """See `Sampler`."""
        return True

    def begin(self, token: Any, states: dict[str, Any], prompt: Any, room: Any, outputs: Any, vocab: int) -> Carry:
        """See `Sampler`."""
        carry = super().begin(token, states, prompt, room, outputs, vocab)
        directions = _direction(outputs)
        free = ops.zeros_like(token[:, None] + room[None, :])  # (batch, max_new_tokens)
        empty = ops.cast(free[:, :, None], directions.dtype) * ops.zeros((1, 1, directions.shape[-1]))
        # What is to come stands in front: its place is then the number of the step.
        carry["outputs"] = ops.concatenate([empty, directions], axis=1)  # (batch, max_new_tokens + time, units)
        carry["is_output"] = ops.concatenate([ops.cast(free, "bool"), ops.not_equal(prompt, PADDING_ID)], axis=1)
        return carry

    def step(self, network: Network, carry: Carry, uniform: Any, index: Any, settings: Settings, allowed: Any) -> Carry:
        """See `Sampler`."""
        del uniform
        output = network(carry["token"], states_of(carry))
        outputs, is_output = _remember(carry, output.hidden, index)
        logits = self.constrain(output.logits + allowed, carry, index)
        temperature = self.temperature * settings.temperature
        count = min(self.k, logits.shape[-1])
        values, candidates = ops.top_k(ops.softmax(warp(logits, temperature, settings)), count)  # (batch, k)
        tried = network(
            ops.cast(ops.reshape(candidates, (-1,)), "int32"),
            {name: ops.repeat(state, count, axis=0) for name, state in output.states.items()},
        )
        ahead = ops.reshape(_direction(tried.hidden), (-1, count, tried.hidden.shape[-1]))  # (batch, k, units)
        cosines = ops.matmul(ahead, ops.transpose(outputs, (0, 2, 1)))  # (batch, k, time)
        similarity = ops.max(ops.where(ops.expand_dims(is_output, 1), cosines, OPPOSITE), axis=-1)
        scores = ops.where(values > 0, (1 - self.alpha) * values - self.alpha * similarity, float("-inf"))
        best = ops.expand_dims(most_probable(scores), 1)  # (batch, 1)
        chosen = ops.cast(ops.squeeze(ops.take_along_axis(candidates, best, axis=1), 1), "int32")
        token = ops.where(temperature < GREEDY_BELOW, most_probable(logits), chosen)
        return {**self.advance(carry, token, output.states), "outputs": outputs, "is_output": is_output}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "k": self.k, "alpha": self.alpha}


def _direction(x: Any) -> Any:
    """Gives vectors the length 1, where they are not 0."""
    norm = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
    return x / ops.maximum(norm, SMALLEST_NORM)


def _remember(carry: Carry, hidden: Any, index: Any) -> tuple[Any, Any]:
    """Writes the output of this step to its place."""
    places = ops.arange(ops.shape(carry["outputs"])[1], dtype="int32")
    here = ops.expand_dims(ops.equal(places, index), 0)  # (1, time)
    outputs = ops.where(ops.expand_dims(here, 2), ops.expand_dims(_direction(hidden), 1), carry["outputs"])
    return outputs, ops.logical_or(here, carry["is_output"])

"""What all samplers share."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_seqkit.samplers import constraints
from keras_seqkit.samplers.filters import MINUS_INFINITY, keep_top_k_and_p
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import MAX_WINDOW, check_limit
from keras_seqkit.text.ngram_arguments import real_number
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, UNKNOWN_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

GREEDY_BELOW = 1e-6  # temperatures under it, which would overflow, take the most probable token
# What [END] gets where it is too early for it: it is still there when nothing else is allowed.
LAST_RESORT = -1e20

Carry = dict[str, Any]


class Settings(NamedTuple):
    """What a caller sets for a call: tensors ().

    Args:
        temperature: float32, what logits are divided by.
        top_k: int32, 0 for all.
        top_p: float32, 1 for all.
        filters: whether `top_k` and `top_p` are applied: a bool where it is known before, `None` where each call
            decides.
    """

    temperature: Any
    top_k: Any
    top_p: Any
    filters: bool | None = None


class NetworkOutput(NamedTuple):
    """What a network says after one more token.

    Args:
        logits: float32 (batch, vocab).
        hidden: float32 (batch, units), the last layer's output.
        states: the states of all layers, by name: (batch, units) each.
    """

    logits: Any
    hidden: Any
    states: dict[str, Any]


Network = Callable[[Any, dict[str, Any]], NetworkOutput]


class Sampler:
    """Chooses the next token; the base of all samplers.

    Logits go, in this order, through repetition penalty, bans, temperature, top-k, top-p and the sampler's own filter.
    `[PAD]`, `[UNK]` and `[START]` are never written.

    Args:
        temperature: what logits are divided by, beside the temperature of the call; 0 takes the most probable token.
        repetition_penalty: above 1, tokens of the prompt and of what was written become less probable (Keskar et al.,
            2019).
        no_repeat_ngram_size: no n-gram of this many tokens, prompt included, is written twice; 0: any may be.
        min_new_tokens: `[END]` is not written before so many tokens are.
        banned_tokens: tokens, or their ids, that are never written.

    Raises:
        TypeError: a number is none.
        ValueError: an argument is out of its range.
    """

    beams = 1  # rows of the network for each text
    draws = True  # whether another seed writes another text
    writes_each_step = True  # whether the token of a step is final when the step is done
    reads_prompt_outputs = False  # whether the network's outputs over the prompt are wanted

    def __init__(
        self,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
        no_repeat_ngram_size: int = 0,
        min_new_tokens: int = 0,
        banned_tokens: Sequence[str | int] = (),
    ):
        self.check_numbers(
            temperature=temperature,
            repetition_penalty=repetition_penalty,
            no_repeat_ngram_size=no_repeat_ngram_size,
            min_new_tokens=min_new_tokens,
        )
        self.check("temperature", temperature, 0 <= temperature < float("inf"), "at least 0, and finite")
        finite_penalty = 0 < repetition_penalty < float("inf")
        self.check("repetition_penalty", repetition_penalty, finite_penalty, "above 0, and finite")
        self.check("no_repeat_ngram_size", no_repeat_ngram_size, no_repeat_ngram_size >= 0, "at least 0")
        check_limit(type(self).__name__, "no_repeat_ngram_size", no_repeat_ngram_size, MAX_WINDOW)
        self.check("min_new_tokens", min_new_tokens, min_new_tokens >= 0, "at least 0")
        self.check("banned_tokens", banned_tokens, not isinstance(banned_tokens, str), "a list of tokens or ids")
        self.temperature = temperature
        self.repetition_penalty = repetition_penalty
        self.no_repeat_ngram_size = no_repeat_ngram_size
        self.min_new_tokens = min_new_tokens
        self.banned_tokens = tuple(each if isinstance(each, str) else operator.index(each) for each in banned_tokens)

    def check(self, name: str, value: Any, right: bool, expected: str) -> None:
        """Raises a ValueError that names the argument, unless `right`."""
        if not right:
            raise ValueError(f"{type(self).__name__}: {name} is {expected}; received {value!r}.")

    def check_numbers(self, **values: Any) -> None:
        """Raises a TypeError that names the argument, where one is no number."""
        for name, value in values.items():
            real_number(f"{type(self).__name__}: {name}", value)

    @property
    def needs_whole_text(self) -> bool:
        """Whether what is carried grows with the text: a caller who carries states himself cannot do that."""
        return self.no_repeat_ngram_size > 0

    def allowed(self, vocabulary: Vocabulary) -> np.ndarray:
        """Returns what is added to logits: 0 for tokens that may be written, else minus infinity; float32 (vocab,).

        Raises:
            ValueError: a banned token is not in the vocabulary.
        """
        bias = np.zeros(len(vocabulary), np.float32)
        bias[[PADDING_ID, UNKNOWN_ID, START_ID]] = MINUS_INFINITY
        for token in self.banned_tokens:
            index = vocabulary.tokens.index(token) if token in vocabulary.tokens else token
            if isinstance(index, str) or not 0 <= index < len(vocabulary):
                self.check("banned_tokens", token, False, f"tokens of the vocabulary, or ids below {len(vocabulary)}")
            bias[int(index)] = MINUS_INFINITY
        return bias

    def begin(self, token: Any, states: dict[str, Any], prompt: Any, room: Any, outputs: Any, vocab: int) -> Carry:
        """Returns what is carried from step to step, before the first.

        Args:
            token: int32 (batch,), the prompt's last token, which the network has not read.
            states: those of the network after all tokens before it.
            prompt: int32 (batch, time), the prompt's tokens, without `[START]`, 0 behind them.
            room: int32 (max_new_tokens,); its length says how many tokens may be written.
            outputs: float32 (batch, time, units), the network's outputs over the prompt, where they are wanted.
            vocab: the size of the vocabulary.
        """
        del outputs  # for samplers that compare outputs
        carry = {"token": token, "done": ops.zeros_like(token, dtype="bool"), **states}
        if self.repetition_penalty != 1.0:
            carry["seen"] = constraints.seen_tokens(prompt, vocab)
        if self.no_repeat_ngram_size:
            free = ops.zeros_like(token[:, None] + room[None, :])
            carry["history"] = ops.concatenate([prompt, free], axis=1)  # (batch, time + max_new_tokens)
            carry["length"] = ops.sum(ops.cast(ops.not_equal(prompt, PADDING_ID), "int32"), axis=1)
        return carry

    def step(self, network: Network, carry: Carry, uniform: Any, index: Any, settings: Settings, allowed: Any) -> Carry:
        """Writes one token for each text.

        Args:
            network: what gives logits for one more token.
            carry: what `begin` or the last step returned.
            uniform: float32 (batch,), a random number for each text.
            index: int32 (), how many tokens were written before.
            settings: of the call.
            allowed: what `allowed` returned.
        """
        output = network(carry["token"], states_of(carry))
        logits = self.constrain(output.logits + allowed, carry, index)
        token = self.choose(logits, uniform, settings)
        return self.advance(carry, token, output.states)

    def choose(self, logits: Any, uniform: Any, settings: Settings) -> Any:
        """Chooses a token by its logits: float32 (batch, vocab) to int32 (batch,)."""
        temperature = self.temperature * settings.temperature
        drawn = draw_scores(self.filter(warp(logits, temperature, settings)), uniform)
        return most_probable(ops.where(temperature < GREEDY_BELOW, logits, drawn))

    def filter(self, logits: Any) -> Any:
        """Sets the logits of tokens that must not follow to minus infinity; the sampler's own rule."""
        return logits

    def constrain(self, logits: Any, carry: Carry, index: Any) -> Any:
        """Applies penalty and bans."""
        if self.repetition_penalty != 1.0:
            logits = constraints.penalize_repetition(logits, carry["seen"], self.repetition_penalty)
        if self.no_repeat_ngram_size:
            size = self.no_repeat_ngram_size
            logits = constraints.ban_repeated_ngrams(logits, carry["history"], carry["length"], size)
        if self.min_new_tokens:
            is_end = ops.equal(ops.arange(logits.shape[-1], dtype="int32"), END_ID)
            logits = ops.where(ops.logical_and(is_end, index < self.min_new_tokens), LAST_RESORT, logits)
        return logits

    def advance(self, carry: Carry, token: Any, states: dict[str, Any]) -> Carry:
        """Returns what is carried on after `token`; a text that has ended goes on with padding."""
        token = ops.where(carry["done"], PADDING_ID, token)
        done = ops.logical_or(carry["done"], token <= END_ID)  # or padding, where no token was allowed
        new = {"token": token, "done": done, **states}
        if "seen" in carry:
            tokens = ops.arange(carry["seen"].shape[-1], dtype="int32")
            new["seen"] = ops.logical_or(carry["seen"], ops.equal(ops.expand_dims(token, 1), tokens))
        if "history" in carry:
            new["history"] = constraints.append(carry["history"], carry["length"], token)
            new["length"] = carry["length"] + 1
        return new

    def result(self, carry: Carry) -> Any:
        """Returns the written tokens, int32 (batch, max_new_tokens), where `writes_each_step` is false."""
        raise NotImplementedError(f"{type(self).__name__} writes a token at each step.")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {
            "temperature": self.temperature,
            "repetition_penalty": self.repetition_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "min_new_tokens": self.min_new_tokens,
            "banned_tokens": list(self.banned_tokens),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Sampler":
        """Returns the sampler that `get_config` described."""
        return cls(**config)


def states_of(carry: Carry) -> dict[str, Any]:
    """Picks the network's states out of what is carried: their names have a slash."""
    return {name: value for name, value in carry.items() if "/" in name}


def warp(logits: Any, temperature: Any, settings: Settings) -> Any:
    """Divides by the temperature, and applies top-k and top-p of the call."""
    logits = logits / ops.where(temperature < GREEDY_BELOW, 1.0, temperature)
    if settings.filters is not None:
        return keep_top_k_and_p(logits, settings.top_k, settings.top_p) if settings.filters else logits
    filters = ops.logical_or(settings.top_k > 0, settings.top_p < 1.0)
    return ops.cond(filters, lambda: keep_top_k_and_p(logits, settings.top_k, settings.top_p), lambda: logits)


def most_probable(logits: Any) -> Any:
    """Returns the token with the largest value, the first of equals: (batch, vocab) to int32 (batch,)."""
    # Backends take different ones of equals for their argmax and top_k.
    tokens = ops.arange(logits.shape[-1], dtype="int32")
    is_largest = logits >= ops.max(logits, axis=-1, keepdims=True)
    return ops.min(ops.where(is_largest, tokens, logits.shape[-1]), axis=-1)


def draw(logits: Any, uniform: Any) -> Any:
    """Draws a token of each row by the inverse of its cumulated probabilities.

    Args:
        logits: float32 (batch, vocab).
        uniform: float32 (batch,), 0 up to 1.

    Returns:
        int32 (batch,): the first token whose cumulated probability is above `uniform`.
    """
    return most_probable(draw_scores(logits, uniform))


def draw_scores(logits: Any, uniform: Any) -> Any:
    """Returns what is largest, and largest first, where `draw` finds its token: float32 (batch, vocab)."""
    probabilities = ops.softmax(logits)
    above = ops.cumsum(probabilities, axis=-1) > ops.expand_dims(uniform, 1)
    # Some backends add up in an order in which a token without probability may seem to have some. Where rounding
    # leaves the sum at or below the number, the most probable token is taken. Where nothing is allowed, probabilities
    # are no numbers, and padding is taken.
    return ops.where(probabilities > 0, ops.where(above, 2.0, probabilities), 0.0)


register = keras.saving.register_keras_serializable(package="keras_seqkit")

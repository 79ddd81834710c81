"""A network that needs no training, and the loop around samplers: what the suites of samplers run."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_seqkit import Vocabulary
from keras_seqkit.samplers import Sampler, Settings
from keras_seqkit.samplers.sampler import NetworkOutput
from tests.samplers import references
from tests.samplers.references import END, PADDING, START

VOCABULARY = Vocabulary(["a", "b", "c", "d"])
WORDS = range(4, 8)
STATE = "layer/h"


def settings(temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Settings:
    return Settings(np.float32(temperature), np.int32(top_k), np.float32(top_p))


class FakeNetwork:
    """Logits that depend on the last token and, by a state, on all before it."""

    def __init__(self, seed: int, vocab: int = len(VOCABULARY), units: int = 3):
        random = np.random.default_rng(seed)
        self.table = _coarse(random.normal(size=(vocab, vocab)) * 1.5)
        self.inputs = _coarse(random.normal(size=(vocab, units)))
        self.outputs = _coarse(random.normal(size=(units, vocab)))
        self.units = units

    def __call__(self, token: Any, states: dict[str, Any]) -> NetworkOutput:
        token, state = ops.convert_to_numpy(token), ops.convert_to_numpy(states[STATE])
        assert token.dtype == np.int32
        state = (state / 2 + self.inputs[token]).astype(np.float32)
        # The sum is the same, bit by bit, whatever rows stand beside.
        logits = self.table[token] + (state[:, :, np.newaxis] * self.outputs).sum(axis=1)
        return NetworkOutput(logits.astype(np.float32), state, {STATE: state})

    def read(self, text: Sequence[int]) -> NetworkOutput:
        """What it says after `[START]` and a text, one row."""
        state = {STATE: np.zeros((1, self.units), np.float32)}
        for token in [START, *text]:
            output = self(np.array([token], np.int32), state)
            state = output.states
        return output

    def begin(self, sampler: Sampler, prompts: Sequence[Sequence[int]], room: int) -> dict[str, Any]:
        """What `PromptReader` gives: all tokens but the last were read."""
        time = max(1, *map(len, prompts))
        ids = np.zeros((len(prompts), time), np.int32)
        outputs = np.full((len(prompts), time, self.units), 7.0, np.float32)  # padding must not be looked at
        states = np.zeros((len(prompts), self.units), np.float32)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = prompt
            for place in range(len(prompt)):
                states[row] = outputs[row, place] = self.read(prompt[:place]).hidden[0]
        last = np.array([[START, *prompt][-1] for prompt in prompts], np.int32)
        return sampler.begin(last, {STATE: states}, ids, np.zeros(room, np.int32), outputs, len(VOCABULARY))


def _coarse(x: np.ndarray) -> np.ndarray:
    """Few bits, so that sums are exact."""
    return (np.round(x * 64) / 64).astype(np.float32)


def write(
    sampler: Sampler,
    network: FakeNetwork,
    prompts: Sequence[Sequence[int]],
    numbers: np.ndarray,
    call: Settings | None = None,
    room: int | None = None,
) -> list[list[int]]:
    """Runs a sampler on prompts: a list of tokens for each; `numbers` is (time, batch)."""
    carry = network.begin(sampler, prompts, room or len(numbers))
    allowed = sampler.allowed(VOCABULARY)
    steps = []
    for index, row in enumerate(numbers):
        names = set(carry)
        carry = sampler.step(network, carry, row, np.int32(index), call or settings(), allowed)
        assert set(carry) == names
        steps.append(ops.convert_to_numpy(carry["token"]))
    if sampler.writes_each_step:
        return np.array(steps).T.tolist()
    return ops.convert_to_numpy(sampler.result(carry))[:, : len(numbers)].tolist()


def padded(tokens: Sequence[int], steps: int) -> list[int]:
    return [*tokens, *[PADDING] * (steps - len(tokens))]


def banned_ids(sampler: Sampler) -> set[int]:
    return {VOCABULARY.index(token) if isinstance(token, str) else token for token in sampler.banned_tokens}


def log_probabilities(sampler: Sampler, network: FakeNetwork, prompt: Sequence[int], temperature: float):
    """What a search asks: the logarithms of probabilities behind the prompt and some tokens."""

    def ask(tokens: tuple[int, ...]) -> list[float]:
        text = [*prompt, *tokens]
        row = references.constrain(network.read(text).logits[0], sampler, text, len(tokens), banned_ids(sampler))
        return references.log_softmax([float(logit) / temperature for logit in row])

    return ask


def write_by_hand(
    sampler: Sampler, network: FakeNetwork, prompt: Sequence[int], numbers: Sequence[float], call: Settings, keep: Any
) -> tuple[list[int], float]:
    """What a sampler that draws writes behind one prompt, and the smallest margin of its decisions.

    `keep` takes logits and gives the tokens of the sampler's own filter.
    """
    tokens: list[int] = []
    margin = math.inf
    temperature = np.float32(sampler.temperature) * call.temperature
    for number in numbers:
        if END in tokens:
            break
        text = [*prompt, *tokens]
        row = references.constrain(network.read(text).logits[0], sampler, text, len(tokens), banned_ids(sampler))
        if temperature == 0:
            tokens.append(references.best(row))
            continue
        row = [logit / temperature for logit in row]
        for rule in (lambda logits: references.top_k_and_p(logits, int(call.top_k), float(call.top_p)), keep):
            kept = rule(row)
            row, margin = references.without(row, kept.tokens), min(margin, kept.margin)
        token, near = references.draw(row, float(number))
        tokens.append(token)
        margin = min(margin, near)
    return padded(tokens, len(numbers)), margin

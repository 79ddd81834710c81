"""A whole text generator in NumPy, as the textbook has it: what Keras and exported files are compared with.

Beside each text it says how near each choice was to another one, so that a rare tie can be told from a mistake.
"""

from typing import Any, NamedTuple

import numpy as np
from seqkit_onnx.runtime.random_numbers import uniform

from keras_seqkit import TextGenerator, samplers
from keras_seqkit.samplers import Sampler
from keras_seqkit.text.continuation import SPACES

PADDING, UNKNOWN, START, END = range(4)
TOO_EARLY = -1e20  # what [END] gets before min_new_tokens
GREEDY_BELOW = 1e-6


class Call(NamedTuple):
    """What a caller of `generate` sets."""

    max_new_tokens: int = 20
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


class Choice(NamedTuple):
    """A token, and how far its choice was from another one: in probability, score or logit."""

    token: int
    margin: float


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max()
    return x - np.log(np.exp(x).sum())


class NumpyNetwork:
    """The network of a `TextGenerator`, float64, one token of one text at a time."""

    def __init__(self, model: TextGenerator):
        self.cell = model.cell
        self.table = np.float64(model.embedding.get_weights()[0])
        self.layers = [[np.float64(weight) for weight in layer.get_weights()] for layer in model.recurrent_layers]
        self.units = model.units
        if model.tie_weights:
            projection = np.eye(model.units[-1]) if model.projection is None else model.projection.get_weights()[0]
            self.kernel, self.bias = np.float64(projection) @ self.table.T, np.float64(model.bias.numpy())
        else:
            self.kernel, self.bias = map(np.float64, model.head.get_weights())

    def begin(self) -> list:
        return [(np.zeros(units),) * (2 if self.cell == "lstm" else 1) for units in self.units]

    def read(self, token: int, states: list) -> tuple[np.ndarray, np.ndarray, list]:
        """Returns logits, the last layer's output, and the new states."""
        x, new = self.table[token], []
        for weights, state in zip(self.layers, states, strict=True):
            new.append(getattr(self, f"_{self.cell}")(x, state, *weights))
            x = new[-1][0]
        return x @ self.kernel + self.bias, x, new

    def log_prob(self, tokens: list[int]) -> float:
        """Of a text's tokens: from [START] up to [END]."""
        total, states = 0.0, self.begin()
        for token, target in zip([START, *tokens], [*tokens, END], strict=True):
            logits, _, states = self.read(token, states)
            total += log_softmax(logits)[target]
        return total

    @staticmethod
    def _lstm(x: Any, state: tuple, kernel: Any, recurrent: Any, bias: Any) -> tuple:
        i, f, c, o = np.split(x @ kernel + state[0] @ recurrent + bias, 4)
        cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(c)
        return sigmoid(o) * np.tanh(cell), cell

    @staticmethod
    def _gru(x: Any, state: tuple, kernel: Any, recurrent: Any, bias: Any) -> tuple:
        of_input, of_state = np.split(x @ kernel + bias[0], 3), np.split(state[0] @ recurrent + bias[1], 3)
        z, r = sigmoid(of_input[0] + of_state[0]), sigmoid(of_input[1] + of_state[1])
        return (z * state[0] + (1 - z) * np.tanh(of_input[2] + r * of_state[2]),)

    @staticmethod
    def _simple_rnn(x: Any, state: tuple, kernel: Any, recurrent: Any, bias: Any) -> tuple:
        return (np.tanh(x @ kernel + state[0] @ recurrent + bias),)


def write(model: TextGenerator, sampler: Sampler, prompt: str, row: int, call: Call) -> list[Choice]:
    """Writes on from a prompt: the tokens, [END] included, and how near each was to another.

    Args:
        model: the generator.
        sampler: how tokens are chosen.
        prompt: the prompt.
        row: its place in the caller's list.
        call: what the caller set.
    """
    network, [ids] = NumpyNetwork(model), model.vocabulary.encode_rows([prompt])
    states, outputs = network.begin(), []
    for token in [START, *ids][:-1]:
        _, hidden, states = network.read(token, states)
        outputs.append(hidden)
    rules = Rules(sampler, call, model)
    if isinstance(sampler, samplers.BeamSampler):
        return _beam_search(network, rules, sampler, ids, states)
    draws = uniform(call.seed, np.array([row]), np.arange(call.max_new_tokens))[:, 0]
    token, found = [START, *ids][-1], []
    for step in range(call.max_new_tokens):
        logits, hidden, states = network.read(token, states)
        outputs.append(hidden)
        logits = rules.constrained(logits, ids, [choice.token for choice in found])
        if isinstance(sampler, samplers.ContrastiveSampler):
            choice = _contrastive(network, rules, sampler, logits, states, outputs)
        else:
            choice = rules.chosen(logits, float(draws[step]))
        found.append(choice)
        token = choice.token
        if token == END:
            break
    return found


def text_of(model: TextGenerator, prompt: str, tokens: list[int]) -> str:
    """Returns a prompt and the text of the tokens behind it, up to [END]."""
    tokens = tokens[: tokens.index(END)] if END in tokens else tokens
    spaced, tables = not prompt or prompt.endswith(SPACES), model.detokenizer
    if tables is None:
        written = model.vocabulary.rules.joiner.join(model.vocabulary.tokens[token] for token in tokens)
        return prompt + (model.vocabulary.rules.joiner if tokens and not spaced else "") + written
    text, before = prompt, [PADDING, *model.vocabulary.encode_rows([prompt])[0]][-1]
    for place, token in enumerate(tokens):
        space = not (tables.glued_after[before] or tables.glued_before[token] or (spaced and not place))
        text += " " * space + (tables.first_forms if tables.ends_sentence[before] else tables.forms)[token]
        before = token
    return text


class Rules:
    """What a sampler and a call do to logits, one text at a time."""

    def __init__(self, sampler: Sampler, call: Call, model: TextGenerator):
        self.sampler, self.call = sampler, call
        tokens = model.vocabulary.tokens
        banned = [tokens.index(token) if isinstance(token, str) else token for token in sampler.banned_tokens]
        self.never = [PADDING, UNKNOWN, START, *banned]
        self.temperature = float(np.float32(sampler.temperature) * np.float32(call.temperature))

    def constrained(self, logits: np.ndarray, prompt: list[int], written: list[int]) -> np.ndarray:
        """Applies repetition penalty, bans and the least length."""
        logits, text = logits.copy(), [*prompt, *written]
        logits[self.never] = -np.inf
        for token in set(text):
            penalty = self.sampler.repetition_penalty
            logits[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty
        size = self.sampler.no_repeat_ngram_size
        if size and len(text) >= size - 1:
            before = text[len(text) - size + 1 :]
            for place in range(len(text) - size + 1):
                if text[place : place + size - 1] == before:
                    logits[text[place + size - 1]] = -np.inf
        if len(written) < self.sampler.min_new_tokens:
            logits[END] = TOO_EARLY
        return logits

    def warped(self, logits: np.ndarray) -> tuple[np.ndarray, float]:
        """Applies temperature, top-k and top-p of the call, and says how near the borders others were."""
        logits = logits / (1.0 if self.temperature < GREEDY_BELOW else self.temperature)
        logits, margin = self._top_k(logits, self.call.top_k)
        if self.call.top_p < 1:
            logits, other = self._top_p(logits, self.call.top_p)
            margin = min(margin, other)
        return logits, margin

    def chosen(self, logits: np.ndarray, draw: float) -> Choice:
        """Chooses a token by a random number."""
        if self.temperature < GREEDY_BELOW or isinstance(self.sampler, samplers.GreedySampler):
            return _best(logits)
        logits, margin = self.warped(logits)
        logits, other = self._filtered(logits)
        probabilities = np.exp(log_softmax(logits))
        cumulated = np.cumsum(probabilities)
        token = int(np.argmax((cumulated > draw) & (probabilities > 0)))
        return Choice(token, min(margin, other, np.abs(cumulated - draw).min()))

    def _filtered(self, logits: np.ndarray) -> tuple[np.ndarray, float]:
        sampler = self.sampler
        probabilities = np.exp(log_softmax(logits))
        if isinstance(sampler, samplers.TopKSampler):
            return self._top_k(logits, sampler.k)
        if isinstance(sampler, samplers.TopPSampler):
            logits, margin = self._top_k(logits, sampler.k or 0)
            logits, other = self._top_p(logits, sampler.p)
            return logits, min(margin, other)
        if isinstance(sampler, samplers.MinPSampler):
            above = probabilities - sampler.min_p * probabilities.max()
            return np.where(above >= 0, logits, -np.inf), np.abs(above).min()
        if isinstance(sampler, samplers.TypicalSampler):
            return self._typical(logits, probabilities, sampler.typical_p)
        return logits, np.inf

    @staticmethod
    def _top_k(logits: np.ndarray, k: int) -> tuple[np.ndarray, float]:
        if not 0 < k < len(logits):
            return logits, np.inf
        ordered = np.sort(logits)[::-1]
        gap = ordered[k - 1] - ordered[k] if np.isfinite(ordered[k - 1]) else np.inf
        return np.where(logits >= ordered[k - 1], logits, -np.inf), gap

    @staticmethod
    def _top_p(logits: np.ndarray, p: float) -> tuple[np.ndarray, float]:
        ordered = np.sort(logits)[::-1]
        held = np.exp(log_softmax(ordered))
        before = np.cumsum(held) - held
        count = max(1, int((before < p).sum()))
        gap = ordered[count - 1] - ordered[count] if count < len(ordered) else np.inf
        return np.where(logits >= ordered[count - 1], logits, -np.inf), min(np.abs(before - p).min(), _real(gap))

    @staticmethod
    def _typical(logits: np.ndarray, probabilities: np.ndarray, mass: float) -> tuple[np.ndarray, float]:
        possible = probabilities > 0
        information = -np.log(np.where(possible, probabilities, 1.0))
        distance = np.where(possible, np.abs(information - (probabilities * information).sum()), np.inf)
        order = np.argsort(distance, kind="stable")
        held = probabilities[order]
        before = np.cumsum(held) - held
        count = max(1, int((before < mass).sum()))
        farthest = distance[order[:count]]
        farthest = farthest[np.isfinite(farthest)].max()
        others = distance[np.isfinite(distance)]
        gaps = np.abs(others[:, None] - others[None, :])[~np.eye(len(others), dtype=bool)]
        margin = min(np.abs(before - mass).min(), gaps.min(initial=np.inf))
        return np.where(distance <= farthest, logits, -np.inf), margin


def _real(gap: float) -> float:
    return gap if np.isfinite(gap) else np.inf


def _best(scores: np.ndarray) -> Choice:
    ordered = np.sort(scores)[::-1]
    return Choice(int(np.argmax(scores)), _real(ordered[0] - ordered[1]))


def _contrastive(network: Any, rules: Rules, sampler: Any, logits: Any, states: list, outputs: list) -> Choice:
    if rules.temperature < GREEDY_BELOW:
        return _best(logits)
    warped, margin = rules.warped(logits)
    probabilities = np.exp(log_softmax(warped))
    order = np.argsort(-probabilities, kind="stable")
    candidates = order[: sampler.k]
    if len(order) > sampler.k and probabilities[order[sampler.k]] > 0:
        margin = min(margin, probabilities[candidates[-1]] - probabilities[order[sampler.k]])
    before = np.array([output / max(np.linalg.norm(output), 1e-12) for output in outputs])
    scores = np.full(len(candidates), -np.inf)
    for place, token in enumerate(candidates):
        if probabilities[token] > 0:
            ahead = network.read(int(token), states)[1]
            similarity = (before @ ahead / max(np.linalg.norm(ahead), 1e-12)).max()
            scores[place] = (1 - sampler.alpha) * probabilities[token] - sampler.alpha * similarity
    best = _best(scores) if len(scores) > 1 else Choice(0, np.inf)
    return Choice(int(candidates[best.token]), min(margin, best.margin))


class _Beam(NamedTuple):
    score: float
    length: int
    tokens: list[int]
    states: list
    token: int
    done: bool


def _beam_search(network: Any, rules: Rules, sampler: Any, ids: list[int], states: list) -> list[Choice]:
    """The margin of all tokens is the smallest relative difference of neighbours in a ranking."""
    beams, margin = [_Beam(0.0, 0, [], states, [START, *ids][-1], False)], np.inf
    for _ in range(rules.call.max_new_tokens):
        found: list[tuple[float, _Beam]] = []
        for beam in beams:
            if beam.done:
                found.append((beam.score / beam.length**sampler.length_penalty, beam))
                continue
            logits, _, new = network.read(beam.token, beam.states)
            warped, near = rules.warped(rules.constrained(logits, ids, beam.tokens))
            margin = min(margin, near)
            for token, log_prob in enumerate(log_softmax(warped)):
                if np.isfinite(log_prob):
                    score, length = beam.score + log_prob, beam.length + 1
                    tokens = [*beam.tokens, token]
                    rank = score / length**sampler.length_penalty
                    found.append((rank, _Beam(score, length, tokens, new, token, token == END)))
        found.sort(key=lambda pair: -pair[0])  # stable, and in the order of beams and tokens before
        ranks = np.array([rank for rank, _ in found[: sampler.num_beams + 1]])
        gaps = np.abs(np.diff(ranks)) / np.maximum(1, np.abs(ranks[1:]))
        margin = min(margin, gaps.min(initial=np.inf))
        beams = [beam for _, beam in found[: sampler.num_beams]]
        if all(beam.done for beam in beams):
            break
    return [Choice(token, margin) for token in beams[0].tokens]

"""What samplers do, once more: plain Python and NumPy of 64 bits, one row at a time, token by token.

Where a decision hangs on a border, its margin is returned with it: float32 may decide otherwise within `BORDER`.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

PADDING, UNKNOWN, START, END = range(4)
# Sums of float32 probabilities are wrong by some 1e-7: within this distance of a border either side is right.
BORDER = 1e-6
# Distances from the entropy are sums of logarithms up to 20, of which float32 keeps some 2e-6.
DISTANCE_BORDER = 1e-5
# Scores of beams are sums of a few logarithms up to 30.
SCORE_BORDER = 1e-4
LAST_RESORT = -1e20
WORD, MASK = 32, 2**32 - 1


class Kept(NamedTuple):
    """The tokens that a filter leaves, and how far its nearest decision was from going the other way."""

    tokens: set[int]
    margin: float


def softmax(row: Sequence[float]) -> list[float]:
    highest = max(row)
    powers = [math.exp(float(logit) - float(highest)) for logit in row]
    return [power / sum(powers) for power in powers]


def possible(row: Sequence[float]) -> list[int]:
    return [token for token, logit in enumerate(row) if logit > -math.inf]


def without(row: Sequence[float], kept: set[int]) -> list[float]:
    return [logit if token in kept else -math.inf for token, logit in enumerate(row)]


def mass_above(row: Sequence[float], token: int) -> float:
    """What all tokens hold that are more probable than this one."""
    return sum(p for other, p in zip(row, softmax(row), strict=True) if other > row[token])


def top_k(row: Sequence[float], k: int) -> Kept:
    kept = {token for token in possible(row) if sum(other > row[token] for other in row) < k}
    return Kept(kept, math.inf)


def top_p(row: Sequence[float], p: float) -> Kept:
    above = {token: mass_above(row, token) for token in possible(row)}
    kept = {token for token in above if above[token] < p or row[token] == max(row)}
    return Kept(kept, min((abs(above[token] - p) for token in above if row[token] < max(row)), default=math.inf))


def top_k_and_p(row: Sequence[float], k: int, p: float) -> Kept:
    row = without(row, top_k(row, k).tokens) if k > 0 else row
    return top_p(row, p) if p < 1 else Kept(set(possible(row)), math.inf)


def min_p(row: Sequence[float], smallest: float) -> Kept:
    ratio = {token: math.exp(float(row[token]) - float(max(row))) for token in possible(row)}
    kept = {token for token in ratio if ratio[token] >= smallest}
    others = (abs(ratio[token] - smallest) for token in ratio if row[token] < max(row))
    return Kept(kept, min(others, default=math.inf))


def typical(row: Sequence[float], mass: float) -> Kept:
    probabilities = softmax(row)
    tokens = [token for token in possible(row) if probabilities[token] > 0]
    information = {token: -math.log(probabilities[token]) for token in tokens}
    entropy = sum(probabilities[token] * information[token] for token in tokens)
    distance = {token: abs(information[token] - entropy) for token in tokens}
    groups = sorted({row[token]: distance[token] for token in tokens}.values())
    nearer = {
        token: sum(probabilities[other] for other in tokens if row[other] != row[token] and distance[other] < limit)
        for token, limit in distance.items()
    }
    kept = {token for token in tokens if nearer[token] < mass}
    margins = [abs(each - mass) for each in nearer.values()]
    # Two tokens that are nearly as far from the entropy may come in either order.
    margins += [(b - a) * BORDER / DISTANCE_BORDER for a, b in itertools.pairwise(groups)]
    return Kept(kept, min(margins))


def draw(row: Sequence[float], number: float) -> tuple[int, float]:
    """The token where the running sum of probabilities first passes `number`, and the margin."""
    total, margin, found = 0.0, math.inf, None
    for token, probability in enumerate(softmax(row)):
        if probability > 0:
            total += probability
            margin = min(margin, abs(total - number))
            if found is None and total > number:
                found = token
    return best(row) if found is None else found, margin


def best(row: Sequence[float]) -> int:
    return list(row).index(max(row))


def repeated_ngram(text: Sequence[int], token: int, size: int) -> bool:
    """Whether `token` behind `text` makes an n-gram that stands in `text`."""
    new = [*text, token][-size:]
    return len(new) == size and any(list(text[at : at + size]) == new for at in range(len(text) - size + 1))


def constrain(row: Sequence[Any], sampler: Any, text: Sequence[int], written: int, banned: set[int]) -> list[Any]:
    """Logits after penalty and bans; `text` is the prompt and what was written."""
    new = []
    for token, logit in enumerate(row):
        if token in text:
            penalty = np.float32(sampler.repetition_penalty)
            logit = logit / penalty if logit > 0 else logit * penalty
        if token == END and written < sampler.min_new_tokens:
            logit = np.float32(LAST_RESORT)
        elif (
            token in banned
            or token in (PADDING, UNKNOWN, START)
            or (sampler.no_repeat_ngram_size and repeated_ngram(text, token, sampler.no_repeat_ngram_size))
        ):
            logit = np.float32(-math.inf)
        new.append(logit)
    return new


def threefry(key: tuple[int, int], counter: tuple[int, int], rounds: int = 20) -> tuple[int, int]:
    """Threefry-2x32 as its paper has it: subkeys by number, then four rounds for each, in integers of any size."""
    subkeys = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    rotations = [13, 15, 26, 6, 17, 29, 16, 24]
    x, y = (counter[0] + key[0]) & MASK, (counter[1] + key[1]) & MASK
    for number in range(rounds):
        bits = rotations[number % 8]
        x = (x + y) & MASK
        y = ((y << bits | y >> WORD - bits) & MASK) ^ x
        if number % 4 == 3:
            group = number // 4 + 1
            x = (x + subkeys[group % 3]) & MASK
            y = (y + subkeys[(group + 1) % 3] + group) & MASK
    return x, y


def uniform(seed: int, row: int, step: int) -> float:
    seed %= 2**64
    return (threefry((seed % 2**32, seed // 2**32), (row, step))[0] >> 9) / 2**23


class Beam(NamedTuple):
    """A text of a search: its tokens, the sum of its logarithms, and whether `[END]` was written."""

    tokens: tuple[int, ...]
    score: float
    ended: bool

    def rank(self, penalty: float) -> float:
        return self.score / max(len(self.tokens), 1) ** penalty


LogProbabilities = Callable[[tuple[int, ...]], Sequence[float]]


def extend(beam: Beam, log_probabilities: LogProbabilities) -> list[Beam]:
    if beam.ended:
        return [beam]
    row = log_probabilities(beam.tokens)
    return [Beam((*beam.tokens, token), beam.score + row[token], token == END) for token in possible(row)]


def beam_search(
    log_probabilities: LogProbabilities, beams: int, steps: int, penalty: float
) -> tuple[list[Beam], float]:
    """The beams after some steps, the best first, and the smallest margin by which one was kept or ranked."""
    found, margin = [Beam((), 0.0, False)], math.inf
    for _ in range(steps):
        longer = [new for beam in found for new in extend(beam, log_probabilities)]
        longer.sort(key=lambda beam: -beam.rank(penalty))
        ranks = [beam.rank(penalty) for beam in longer[: beams + 1] if beam.score > LAST_RESORT / 10]
        margin = min([margin, *(a - b for a, b in itertools.pairwise(ranks))])
        found = longer[:beams]
    return found, margin


def every_text(log_probabilities: LogProbabilities, steps: int) -> list[Beam]:
    """All texts of so many tokens, and all that end before."""
    found = [Beam((), 0.0, False)]
    for _ in range(steps):
        found = [new for beam in found for new in extend(beam, log_probabilities)]
    return found


def log_softmax(row: Sequence[float]) -> list[float]:
    highest = float(max(row))
    if highest == -math.inf:
        return [-math.inf for _ in row]
    total = highest + math.log(sum(math.exp(float(logit) - highest) for logit in row))
    return [float(logit) - total for logit in row]


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    length = math.hypot(*a) * math.hypot(*b)
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True)) / length if length else 0.0

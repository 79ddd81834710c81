"""Beam search and exhaustive search over whole prefixes, in plain Python: what searches are compared with."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from keras_seqkit import Seq2SeqTranslator
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

LONGEST_SOURCE, LONGEST_TARGET = 40, 12

LogProbabilities = Callable[[tuple[int, ...]], np.ndarray]  # of the next token, after a prefix: float64 (vocab,)


class Hypothesis(NamedTuple):
    tokens: tuple[int, ...]
    score: float

    def rank(self, length_penalty: float) -> float:
        return self.score / max(len(self.tokens), 1) ** length_penalty

    @property
    def ended(self) -> bool:
        return END_ID in self.tokens


def next_log_probabilities(model: Seq2SeqTranslator, source: list[int]) -> LogProbabilities:
    """Reads each prefix from its beginning, by teacher forcing: no state is carried. What stands behind it is not read.

    All shapes are the same, so that Keras compiles once.
    """
    inputs: Any = {"source": np.zeros((1, LONGEST_SOURCE), np.int32), "target": np.zeros((1, LONGEST_TARGET), np.int32)}
    inputs["source"][0, : len(source)] = source

    @cache
    def of(prefix: tuple[int, ...]) -> np.ndarray:
        target = np.zeros((1, LONGEST_TARGET), np.int32)
        target[0, : len(prefix) + 1] = [START_ID, *prefix]
        logits = np.asarray(model.predict_on_batch({**inputs, "target": target}))[0, len(prefix)].astype(np.float64)
        logits[[PADDING_ID, START_ID]] = -np.inf
        return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()

    return of


def beam_search(of: LogProbabilities, beams: int, length_penalty: float, max_length: int) -> list[Hypothesis]:
    """Returns the hypotheses that are kept, the best first."""
    kept = [Hypothesis((), 0.0)]
    for _ in range(max_length):
        found = [hypothesis for hypothesis in kept if hypothesis.ended]
        for tokens, score in (hypothesis for hypothesis in kept if not hypothesis.ended):
            found += [
                Hypothesis((*tokens, token), score + value) for token, value in enumerate(of(tokens)) if value > -np.inf
            ]
        kept = sorted(found, key=lambda each: -each.rank(length_penalty))[:beams]
    return kept


def exhaustive_search(of: LogProbabilities, length_penalty: float, max_length: int) -> Hypothesis:
    """Returns the best of all sequences that end, or are as long as may be."""
    vocab = [token for token, value in enumerate(of(())) if value > -np.inf]
    best = Hypothesis((), -np.inf)
    others = [token for token in vocab if token != END_ID]
    for length in range(1, max_length + 1):
        lasts = vocab if length == max_length else [END_ID]
        for tokens in ((*first, last) for first in product(others, repeat=length - 1) for last in lasts):
            score = sum(of(tokens[:place])[token] for place, token in enumerate(tokens))
            best = max(best, Hypothesis(tokens, score), key=lambda each: each.rank(length_penalty))
    return best

"""Kneser-Ney and maximum likelihood in plain Python, and texts to count: shared by the suites of n-gram models."""

from collections import Counter
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from keras_seqkit.text import NGramModel, Vocabulary
from keras_seqkit.text.ngram_arguments import Smoothing

PADDING, UNKNOWN, START, END = range(4)
ROUNDING = 1e-12  # relative: float64 against exact fractions, after some tens of operations
CORPUS = ["a cat sat", "a dog sat", "the dog ran"]

orders = st.integers(1, 4)
letters = st.text("abc", max_size=8)
corpora = st.lists(letters, min_size=1, max_size=6)
seeds = st.integers(0, 2**32)
discount_choices = st.sampled_from([None, 0.25, 0.75])


class Textbook:
    """Interpolated Kneser-Ney and maximum likelihood from the formulas, in fractions and dicts."""

    def __init__(self, rows: list[list[int]], order: int, size: int, discount: float | None):
        self.order, self.predictable, self.discount = order, size - 2, discount
        self.raw = [Counter() for _ in range(order + 1)]
        for row in rows:
            padded = [START] * (order - 1) + row + [END]
            for n in range(1, order + 1):
                self.raw[n].update(tuple(padded[i - n + 1 : i + 1]) for i in range(order - 1, len(padded)))
        self.preceding = [Counter(gram[1:] for gram in seen) for seen in self.raw[1:]]  # each different gram once

    def count(self, gram: tuple[int, ...]) -> int:
        if len(gram) == self.order or gram[0] == START:
            return self.raw[len(gram)][gram]
        return self.preceding[len(gram)][gram]

    def discounts(self, n: int) -> list[Fraction]:
        if self.discount is not None:
            return [Fraction(self.discount)] * 3
        times = Counter(self.count(gram) for gram in self.raw[n])
        n1, n2, n3, n4 = (Fraction(times[k]) for k in (1, 2, 3, 4))
        if not n1 or not n2:
            return [Fraction(1, 2)] * 3
        y = n1 / (n1 + 2 * n2)
        if not n3 or not n4:
            return [y] * 3
        modified = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        return modified if min(modified) > 0 else [y] * 3

    def kneser_ney(self, token: int, context: tuple[int, ...]) -> Fraction:
        shorter = self.kneser_ney(token, context[1:]) if context else Fraction(1, self.predictable)
        followers = [self.count(gram) for gram in self.raw[len(context) + 1] if gram[:-1] == context]
        if not followers:
            return shorter
        discounts = self.discounts(len(context) + 1)
        taken = sum(discounts[min(count, 3) - 1] for count in followers)
        count = self.count((*context, token))
        own = count - discounts[min(count, 3) - 1] if count else Fraction(0)
        return (own + taken * shorter) / sum(followers)

    def likelihood(self, token: int, context: tuple[int, ...]) -> Fraction:
        total = sum(count for gram, count in self.raw[self.order].items() if gram[:-1] == context)
        return Fraction(self.raw[self.order][(*context, token)], total) if total else Fraction(0)

    def of_sentence(self, row: list[int], probability) -> list[Fraction]:
        padded = [START] * (self.order - 1) + row + [END]
        places = range(self.order - 1, len(padded))
        return [probability(padded[i], tuple(padded[i - self.order + 1 : i])) for i in places]


def pair(texts, order, discount=None, smoothing: Smoothing = "kneser_ney", tokens="ab") -> tuple[NGramModel, Textbook]:
    vocabulary = Vocabulary(list(tokens), "char")
    model = NGramModel(order, vocabulary, discount=discount, smoothing=smoothing).fit(texts)
    return model, Textbook(vocabulary.encode_rows(texts), order, len(vocabulary), discount)


def random_texts(seed: int, texts: int = 40, longest: int = 12, alphabet: str = "abcdefgh") -> list[str]:
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(alphabet) + 1)
    lengths = random.integers(0, longest, texts)
    return ["".join(random.choice(list(alphabet), length, p=weights / weights.sum())) for length in lengths]

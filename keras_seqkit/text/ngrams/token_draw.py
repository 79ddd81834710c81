"""One token drawn from a distribution, in NumPy."""

import math
from dataclasses import dataclass

import numpy as np

from keras_seqkit.text.ngram_arguments import real_number, whole_number


@dataclass(frozen=True)
class TokenDraw:
    """How a token is drawn.

    Args:
        temperature: probabilities are raised to ``1 / temperature``; 0: the most probable token is taken.
        top_k: only so many of the most probable tokens stay; 0: all.
        top_p: of these, only the most probable that together reach this part of the whole stay; 1: all.

    Raises:
        TypeError: one is no number.
        ValueError: one is outside its range.

    Example:
    >>> draw = TokenDraw(temperature=0.5, top_k=2)
    >>> [draw(np.array([0.0, 0.2, 0.4, 0.4]), number) for number in (0.0, 0.49, 0.51)]
    [2, 2, 3]
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        whole_number("NGramModel.generate: top_k", self.top_k, 0)
        real_number("NGramModel.generate: temperature", self.temperature)
        real_number("NGramModel.generate: top_p", self.top_p)
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"NGramModel.generate: temperature is finite and at least 0; received {self.temperature}.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"NGramModel.generate: top_p is above 0 and at most 1; received {self.top_p}.")

    def __call__(self, probabilities: np.ndarray, number: float) -> int:
        """Draws a token.

        Args:
            probabilities: float64 (vocab,), not all 0; they need not add up to 1.
            number: evenly distributed, from 0 up to 1.

        Returns:
            The token's id.
        """
        if self.temperature == 0:
            return int(probabilities.argmax())
        weights = (probabilities / probabilities.max()) ** (1 / self.temperature)  # (vocab,)
        if self.top_k or self.top_p < 1:
            ranked = np.argsort(-weights, kind="stable")  # (vocab,): of equals, the lower id first
            if self.top_k:
                weights[ranked[self.top_k :]] = 0.0
            sums = np.cumsum(weights[ranked])  # (vocab,)
            weights[ranked[1:][sums[:-1] >= self.top_p * sums[-1]]] = 0.0
        sums = np.cumsum(weights)  # (vocab,)
        return int(np.searchsorted(sums, number * sums[-1], side="right"))

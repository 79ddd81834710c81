"""From the n-grams of some texts to their probabilities: interpolated Kneser-Ney, and maximum likelihood."""

from collections.abc import Sequence

import numpy as np

from keras_seqkit.text.ngrams.ngram_tables import NGramCounts, NGramTable

DEFAULT_DISCOUNT = 0.5  # where the counts of counts say nothing


def estimate_discounts(counts: np.ndarray) -> np.ndarray:
    """Estimates what Kneser-Ney takes off the counts 1, 2, and 3 and above.

    With ``n_k`` the number of n-grams that were counted ``k`` times and ``y = n_1 / (n_1 + 2 n_2)``, the discounts
    are ``k - (k + 1) y n_(k + 1) / n_k`` (Chen & Goodman 1999, equation 26). In a small or an odd corpus these are
    undefined, or not above 0: where that is so, all three are ``y`` (plain Kneser-Ney), and where ``n_1`` or
    ``n_2`` is 0, all three are 0.5.

    Args:
        counts: integers (ngrams,): how often each n-gram of one length was counted; 0 is passed over.

    Returns:
        float64 (3,): the first below 1, the second below 2, the third below 3, all above 0.

    Example:
    >>> estimate_discounts(np.array([1] * 8 + [2] * 4 + [3] * 2 + [4])).tolist()
    [0.5, 1.25, 2.0]
    >>> estimate_discounts(np.array([1, 1, 2])).tolist(), estimate_discounts(np.array([1, 7])).tolist()
    ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
    """
    _, n1, n2, n3, n4, _ = np.bincount(np.minimum(counts, 5), minlength=6).tolist()
    if n1 == 0 or n2 == 0:
        return np.full(3, DEFAULT_DISCOUNT)
    plain = n1 / (n1 + 2 * n2)
    if n3 == 0 or n4 == 0:
        return np.full(3, plain)
    modified = np.array([1 - 2 * plain * n2 / n1, 2 - 3 * plain * n3 / n2, 3 - 4 * plain * n4 / n3])
    return modified if modified.min() > 0 else np.full(3, plain)


def kneser_ney(levels: Sequence[NGramCounts], size: int, discount: float | None) -> tuple[list[NGramTable], np.ndarray]:
    """Smooths by interpolated Kneser-Ney.

    Args:
        levels: the n-grams of each length, from 1 on.
        size: the tokens of the vocabulary.
        discount: what is taken off every count; `None`: `estimate_discounts` for each length.

    Returns:
        A table for each length, and the discounts, float64 (order, 3).
    """
    tables, discounts = [], np.empty((len(levels), 3))
    for length, level in enumerate(levels):
        counts = level.counts if length == len(levels) - 1 else level.continuations
        discounts[length] = estimate_discounts(counts) if discount is None else discount
        taken = np.concatenate([[0.0], discounts[length]])[np.minimum(counts, 3)]  # (ngrams,)
        contexts = level.keys // size  # (ngrams,)
        totals = np.bincount(contexts, counts)  # (contexts,)
        left = np.bincount(contexts, taken, minlength=level.contexts)  # (contexts,)
        seen = np.flatnonzero(totals)
        backoffs = np.ones(level.contexts + 1)  # 1 where nothing ever followed
        backoffs[seen] = left[seen] / totals[seen]
        tables.append(NGramTable(level.keys, np.append((counts - taken) / totals[contexts], 0.0), backoffs))
    return tables, discounts


def maximum_likelihood(levels: Sequence[NGramCounts], size: int) -> tuple[list[NGramTable], np.ndarray]:
    """Divides counts by counts: what was never seen has probability 0.

    Args:
        levels: the n-grams of each length, from 1 on.
        size: the tokens of the vocabulary.

    Returns:
        A table for each length, and the discounts, all 0, float64 (order, 3).
    """
    tables = []
    for level in levels:
        contexts = level.keys // size  # (ngrams,)
        totals = np.bincount(contexts, level.counts)  # (contexts,)
        probabilities = np.append(level.counts / totals[contexts], 0.0)
        tables.append(NGramTable(level.keys, probabilities, np.zeros(level.contexts + 1)))
    return tables, np.zeros((len(levels), 3))

"""N-grams as sorted integers: counted, and looked up, many at a time.

An n-gram is known by its place in the sorted table of its length. Its key there is ``place * size + token``: the
place of its first n - 1 tokens in the table before, and its last token. A key so fits 64 bits at any length.

A stream holds sentences one after the other, each as ``[START] tokens [END]``. The one ``[START]`` stands for as
many as the order asks for: before it, everything is ``[START]``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

PADDING_ID, _, START_ID, END_ID = range(4)
NEVER_PREDICTED = (PADDING_ID, START_ID)
BLOCK_TOKENS = 1 << 18  # are looked up at once: more take memory, and are no faster


@dataclass
class NGramCounts:
    """The n-grams of one length that some texts hold.

    Attributes:
        keys: int64 (ngrams,), ascending.
        counts: int64 (ngrams,): how often each was seen; 0 for the one that is ``[START]`` only.
        continuations: int64 (ngrams,): after how many different tokens each was seen; its count, where it begins
            with ``[START]``, which nothing else comes before. All 0 at the greatest length.
        begins: bool (ngrams,): whether it begins with ``[START]``.
        contexts: the n-grams in the table before.
    """

    keys: np.ndarray
    counts: np.ndarray
    continuations: np.ndarray
    begins: np.ndarray
    contexts: int


@dataclass(frozen=True)
class NGramTable:
    """The probabilities of the n-grams of one length: an n-gram's own, plus backoff times that of the shorter one.

    The last entry of `probabilities` and `backoffs` stands for what was never seen, whose place is -1.

    Attributes:
        keys: int64 (ngrams,), ascending.
        probabilities: float64 (ngrams + 1,): the part that stays with an n-gram's last token, after discounting.
        backoffs: float64 (contexts + 1,): the weight of the shorter n-gram, for each context.
    """

    keys: np.ndarray
    probabilities: np.ndarray
    backoffs: np.ndarray


def sentence_stream(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Lays sentences one after the other.

    Returns:
        int64 (time,).

    Example:
    >>> sentence_stream([[5, 6], []]).tolist()
    [2, 5, 6, 3, 2, 3]
    """
    parts = chain.from_iterable(([START_ID], row, [END_ID]) for row in rows)
    return np.fromiter(chain.from_iterable(parts), np.int64, sum(map(len, rows)) + 2 * len(rows))  # (time,)


def count_distinct(keys: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts keys, as `np.unique` does, and without sorting where they lie close together (five times as fast).

    Args:
        keys: int64 (time,), from 0 to below `limit`.
        limit: what no key reaches.

    Returns:
        The different keys, ascending; for each of `keys` its place among them; and how often each stands there.

    Example:
    >>> [values.tolist() for values in count_distinct(np.array([7, 3, 7]), 8)]
    [[3, 7], [1, 0, 1], [1, 2]]
    """
    if limit > 4 * len(keys):
        return np.unique(keys, return_inverse=True, return_counts=True)
    counts = np.bincount(keys, minlength=limit)  # (limit,)
    distinct = np.flatnonzero(counts)
    places = np.cumsum(counts > 0) - 1  # (limit,)
    return distinct, places[keys], counts[distinct]


def count_ngrams(ids: np.ndarray, order: int, size: int) -> list[NGramCounts]:
    """Counts the n-grams of a stream that end in something other than ``[START]``.

    Args:
        ids: int64 (time,), a stream.
        order: the greatest length.
        size: the tokens of the vocabulary.

    Returns:
        The n-grams of each length, from 1 on.
    """
    starts = np.flatnonzero(ids == START_ID)
    places = np.zeros(len(ids), np.int64)  # (time,): of the empty n-gram
    levels: list[NGramCounts] = []
    for length in range(1, order + 1):
        contexts = np.roll(places, 1)  # (time,)
        contexts[starts] = places[starts]
        known = len(levels[-1].keys) if levels else 1
        keys, next_places, counts = count_distinct(contexts * size + ids, known * size)
        counts[next_places[0]] = 0  # the stream begins with [START], which is never predicted
        if length == 1:
            begins = keys == START_ID
        else:
            before = levels[-1]
            begins = before.begins[keys // size]
            shorter = np.empty(len(keys), np.int64)
            shorter[next_places] = places  # the n-gram without its first token
            preceding = np.bincount(shorter, minlength=len(before.keys))
            before.continuations = np.where(before.begins, before.counts, preceding)
        levels.append(NGramCounts(keys, counts, np.zeros_like(counts), begins, known))
        places = next_places
    return levels


class NGramTables:
    """The probabilities of all n-grams, up to the order of a model.

    A state tells what stands before the next token: for each length, from 0 on, the place of the tokens just read.

    Args:
        tables: a table for each length, from 1 on.
        size: the tokens of the vocabulary.
    """

    def __init__(self, tables: Sequence[NGramTable], size: int):
        self.tables = tuple(tables)
        self.size = size
        state = [0]
        for table in self.tables[:-1]:
            state.append(int(self._find(table, state[-1], START_ID)))
        self.start_state = np.array(state)  # (order,)

    def _find(self, table: NGramTable, contexts: np.ndarray | int, ids: np.ndarray | int) -> np.ndarray:
        keys = contexts * self.size + ids
        places = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
        return np.where(table.keys[places] == keys, places, -1)

    def read(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads tokens that follow on a state.

        Args:
            ids: int64 (time,), at least one; ``[START]`` begins a new sentence.
            state: int64 (order,).

        Returns:
            The probability of each token, float64 (time,), without meaning at ``[START]``; and the state after.
        """
        starts = np.flatnonzero(ids == START_ID)
        probabilities = np.full(len(ids), 1 / (self.size - len(NEVER_PREDICTED)))  # (time,)
        places = np.zeros(len(ids), np.int64)  # (time,)
        after = [0]
        for table, before, at_start in zip(self.tables, state, self.start_state, strict=True):
            contexts = np.concatenate([[before], places[:-1]])  # (time,)
            contexts[starts] = at_start
            places = self._find(table, contexts, ids)  # (time,)
            probabilities *= table.backoffs[contexts]
            probabilities += table.probabilities[places]
            after.append(places[-1])
        return np.minimum(probabilities, 1.0), np.array(after[:-1])  # rounding may have given 1 + 2e-16

    def state_after(self, ids: Iterable[int]) -> np.ndarray:
        """Returns the state after the beginning of a sentence: int64 (order,)."""
        recent = list(ids)
        recent = recent[max(len(recent) - len(self.tables) + 1, 0) :]
        return self.read(np.array(recent), self.start_state)[1] if recent else self.start_state

    def stream_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Returns the probability of each token of a stream, the ``[START]`` left out: float64 (time,)."""
        state, blocks = self.start_state, [np.empty(0)]
        for begin in range(0, len(ids), BLOCK_TOKENS):
            block = ids[begin : begin + BLOCK_TOKENS]
            probabilities, state = self.read(block, state)
            blocks.append(probabilities[block != START_ID])
        return np.concatenate(blocks)

    def distribution(self, state: np.ndarray) -> np.ndarray:
        """Returns the probability of each token of the vocabulary after a state: float64 (vocab,)."""
        probabilities = np.full(self.size, 1 / (self.size - len(NEVER_PREDICTED)))  # (vocab,)
        probabilities[list(NEVER_PREDICTED)] = 0.0
        for table, context in zip(self.tables, state.tolist(), strict=True):
            probabilities *= table.backoffs[context]
            if context >= 0:
                first = context * self.size
                begin, end = np.searchsorted(table.keys, [first, first + self.size])
                probabilities[table.keys[begin:end] - first] += table.probabilities[begin:end]
        return np.minimum(probabilities, 1.0)  # as in read

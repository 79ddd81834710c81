"""Which word is to predict which: the examples that word vectors are learned from, made anew in every epoch.

Words outside the vocabulary and reserved tokens are taken out first, then `subsample` takes out frequent words by
chance, and then the windows are laid: they reach over the gaps, as those of the word2vec program do.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import keras
import numpy as np

from keras_seqkit.text.vocabulary import RESERVED_TOKENS

FIRST_WORD = len(RESERVED_TOKENS)  # the ids below are no words
NOISE_POWER = 0.75
DRAWN, SEEN, LEFT_OUT = -1.0, 1.0, 0.0  # the signs of candidates


def known_words(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lays the words of all texts in one row; ids that are no words are left out.

    Args:
        rows: for each text its ids.

    Returns:
        `ids` int32 (time,) and `texts` int32 (time,): the number of the text that each stands in.

    Example:
    >>> ids, texts = known_words([[4, 1, 5], [], [6]])
    >>> ids.tolist(), texts.tolist()
    ([4, 5, 6], [0, 0, 2])
    """
    lengths = [len(row) for row in rows]
    ids = np.fromiter(chain.from_iterable(rows), np.int32, sum(lengths))  # (time,)
    texts = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)  # (time,)
    known = ids >= FIRST_WORD
    return ids[known], texts[known]


def keep_probabilities(counts: np.ndarray, subsample: float) -> np.ndarray:
    """Returns with which probability each word stays in a text: ``min(1, sqrt(subsample / frequency))``.

    Args:
        counts: how often each word is seen (vocab,).
        subsample: the frequency, as a fraction of all words, above which words are taken out; 0: none is.

    Returns:
        float64 (vocab,).

    Source: Mikolov et al. (2013), arXiv:1310.4546, equation 5.

    Example:
    >>> keep_probabilities(np.array([0, 4, 96]), 0.01).round(3).tolist()
    [1.0, 0.5, 0.102]
    """
    if not subsample:
        return np.ones(len(counts))
    frequencies = counts / max(counts.sum(), 1)  # (vocab,)
    return np.sqrt(subsample / np.maximum(frequencies, subsample))


def context_table(ids: np.ndarray, texts: np.ndarray, window: int, reach: np.ndarray) -> np.ndarray:
    """Lists for each word what stands around it in the same text.

    Args:
        ids: int32 (time,).
        texts: the number of the text that each stands in (time,), ascending.
        window: the largest reach.
        reach: how many words to the left and to the right of each are its context (time,), at most `window`.

    Returns:
        int32 (time, 2 * window): first what stands on the left, then what stands on the right, in the order of the
        text; 0 where nothing does.

    Example:
    >>> context_table(np.array([4, 5, 6]), np.array([0, 0, 0]), 2, np.array([1, 1, 2])).tolist()
    [[0, 0, 5, 0], [0, 4, 6, 0], [4, 5, 0, 0]]
    """
    table = np.zeros((len(ids), 2 * window), np.int32)  # (time, 2 * window)
    for distance in range(1, min(window, len(ids) - 1) + 1):
        same_text = texts[distance:] == texts[:-distance]
        left, right = table[distance:, window - distance], table[:-distance, window + distance - 1]
        np.copyto(left, ids[:-distance], where=same_text & (reach[distance:] >= distance))
        np.copyto(right, ids[distance:], where=same_text & (reach[:-distance] >= distance))
    return table


class NoiseWords:
    """Draws words with probabilities proportional to their counts to the power of 0.75.

    Args:
        counts: how often each word is seen (vocab,), not all 0. A word with 0 is never drawn.

    Source: Mikolov et al. (2013), arXiv:1310.4546, section 2.2.
    """

    def __init__(self, counts: np.ndarray):
        cumulative = np.cumsum(counts.astype(np.float64) ** NOISE_POWER)  # (vocab,)
        self._cumulative = cumulative / cumulative[-1]

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
        """Returns int32 ids of the shape."""
        return np.searchsorted(self._cumulative, random.random(shape), side="right").astype(np.int32)


class WordPairs(keras.utils.PyDataset):
    """Batches of ``((words, candidates), signs)``, one row for each example; all batches have the same shapes.

    What is subsampled, how far each window reaches, the order and the negatives are drawn anew in every epoch, each
    time as a function of the seed and the epoch's number alone. Each epoch has as many examples as the first: what is
    too many is dropped, what is missing repeated.

    - `words`: int32, what predicts: (batch,) a word, or (batch, 2 * window) its context with 0 where nothing stands.
    - `candidates`: int32 (batch, 1 + negatives): what is to be predicted, and words that are drawn.
    - `signs`: float32 (batch, 1 + negatives): 1 for the first, -1 for the others, 0 where one equals the first.

    Args:
        rows: for each text its ids.
        vocab: the number of ids.
        whole_context: whether the whole context predicts the word, or the word each one of its context.
        window: the largest reach; each word's is drawn from 1 to `window`.
        negatives: how many words are drawn for an example.
        subsample: see `keep_probabilities`.
        batch_size: examples in a batch at most.
        seed: of all that is drawn; the same seed gives the same batches.
        counts: how often each word is seen (vocab,), by which words are left out and drawn; `None`: in these texts.
        renewed: whether each epoch draws anew; else all have the same pairs.
        epoch: the number of the first epoch.
        shuffle: whether the order is drawn; else examples stand in the order of the texts.
        **kwargs: as in `keras.utils.PyDataset`.

    Raises:
        ValueError: there are no texts, or no example in them.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        vocab: int,
        whole_context: bool,
        window: int = 5,
        negatives: int = 5,
        subsample: float = 1e-3,
        batch_size: int = 8192,
        seed: int = 0,
        counts: np.ndarray | None = None,
        renewed: bool = True,
        epoch: int = 0,
        shuffle: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.whole_context, self.window, self.negatives, self.seed = whole_context, window, negatives, seed
        self._ids, self._texts = known_words(rows)
        _check_neighbours(len(rows), self._ids, self._texts)
        self.counts = np.bincount(self._ids, minlength=vocab) if counts is None else counts  # (vocab,)
        self.renewed, self.shuffle = renewed, shuffle
        self._kept = keep_probabilities(self.counts, subsample)
        self._noise = NoiseWords(self.counts)
        self._epoch, self._drawn_epoch = epoch, 0
        self._words, self._targets, self._order = self._draw_epoch(0)
        count = len(self._order)
        if not count:
            raise ValueError(
                f"subsample={subsample} takes out so many of the texts' {len(self._ids)} words that none has a context "
                "left. Pass more text, or subsample=0, which keeps all."
            )
        self._batches = -(-count // batch_size)
        self._size = -(-count // self._batches)  # equal sizes: compilers meet one shape
        self._order = np.resize(self._order, self._batches * self._size)

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> tuple:
        if self._drawn_epoch != self._epoch:
            self._renew()
        chosen = self._order[index * self._size : (index + 1) * self._size]  # (batch,)
        targets = self._targets[chosen][:, np.newaxis]  # (batch, 1)
        random = np.random.default_rng([self.seed, self._epoch, 1 + index])
        noise = self._noise.draw((len(chosen), self.negatives), random)  # (batch, negatives)
        signs = np.full((len(chosen), 1 + self.negatives), SEEN, np.float32)  # (batch, 1 + negatives)
        signs[:, 1:] = np.where(noise == targets, LEFT_OUT, DRAWN)
        return (self._words[chosen], np.concatenate([targets, noise], axis=1)), signs

    def on_epoch_end(self) -> None:
        """Lets the next batch be one of a new epoch."""
        self._epoch += self.renewed

    def _renew(self) -> None:
        size = len(self._order)
        # Where subsampling leaves nothing of an epoch, the one before serves again; of the first there is something.
        for epoch in range(self._epoch, -1, -1):
            self._words, self._targets, order = self._draw_epoch(epoch)
            if len(order):
                break
        self._order = np.resize(order, size)
        self._drawn_epoch = self._epoch

    def _draw_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns what predicts, what is to be predicted, and an order of both."""
        random = np.random.default_rng([self.seed, epoch, 0])
        kept = random.random(len(self._ids)) < self._kept[self._ids]  # (time,)
        ids, texts = self._ids[kept], self._texts[kept]
        reach = random.integers(1, self.window, len(ids), endpoint=True)
        table = context_table(ids, texts, self.window, reach)  # (time, 2 * window)
        if self.whole_context:
            filled = table.any(axis=1)
            words, targets = table[filled], ids[filled]  # (examples, 2 * window), (examples,)
        else:
            words, targets = np.repeat(ids, np.count_nonzero(table, axis=1)), table[table > 0]  # (examples,) both
        return words, targets, random.permutation(len(targets)) if self.shuffle else np.arange(len(targets))


def _check_neighbours(count: int, ids: np.ndarray, texts: np.ndarray) -> None:
    """Raises ValueError if no text has two words."""
    if not count:
        raise ValueError("at least one text is expected; received an empty list.")
    if not (texts[1:] == texts[:-1]).any():
        raise ValueError(
            f"no text has two words of the vocabulary, so no word has a context; received {count} texts with "
            f"{len(ids)} known words. Pass longer texts, or make the vocabulary of the same texts."
        )

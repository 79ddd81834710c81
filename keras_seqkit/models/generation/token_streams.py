"""Tokens of texts, cut into batches for training a language model."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.text import sliding_windows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID


class ContinuousBatches(keras.utils.PyDataset):
    """Reads all texts as `batch_size` streams: row `i` of a batch goes on where row `i` of the one before ended.

    The texts come in a new order each epoch, and the streams begin at another place.

    Args:
        rows: the ids of each text.
        batch_size: how many streams; fewer, where there are not enough tokens.
        length: the tokens of a row at most.
        seed: of the order; `None`: as the texts were given, always.
        epoch: the number of the first epoch; each epoch's order is a function of it and of the seed.
        weights: float32 (texts,), of each text's tokens; `None`: 1.
    """

    def __init__(
        self,
        rows: list[np.ndarray],
        batch_size: int,
        length: int,
        seed: int | None,
        epoch: int = 0,
        weights: np.ndarray | None = None,
    ):
        super().__init__()
        self.rows = rows
        self.weights = np.ones(len(rows), np.float32) if weights is None else weights
        count = sum(map(len, rows)) + 2 * len(rows)
        self.streams = max(1, min(batch_size, (count - 1) // 2))
        self.time = (count - 1) // self.streams  # of each stream
        self.length = min(length, self.time)
        self.seed, self.epoch = seed, epoch
        self._lay_out()

    def __len__(self) -> int:
        return -(-self.time // self.length)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns ids and targets, int32 (batch, length), and float32 weights: 0 for `[START]` and padding, else 1."""
        part = slice(index * self.length, (index + 1) * self.length)
        ids, targets, weights = (tokens[:, part] for tokens in (self._streams, self._targets, self._weights))
        missing = self.length - ids.shape[1]  # in the last batch of an epoch
        ids, targets, weights = (np.pad(tokens, ((0, 0), (0, missing))) for tokens in (ids, targets, weights))
        return ids, targets, np.where((targets != START_ID) & (targets != PADDING_ID), weights, np.float32(0))

    def on_epoch_end(self) -> None:
        """Lays the texts out in another order."""
        self.epoch += 1
        if self.seed is not None:
            self._lay_out()

    def _lay_out(self) -> None:
        random = None if self.seed is None else np.random.default_rng([self.seed, self.epoch])
        order: Any = range(len(self.rows)) if random is None else random.permutation(len(self.rows))
        parts = [part for index in order for part in ([START_ID], self.rows[index], [END_ID])]
        tokens = np.concatenate(parts).astype(np.int32)
        weights = np.repeat(self.weights[list(order)], [len(self.rows[index]) + 2 for index in order])
        if random is not None:
            shift = int(random.integers(len(tokens)))
            if len(tokens) == 2:  # an empty text alone, whose end is the only target
                shift = 0
            tokens, weights = np.roll(tokens, shift), np.roll(weights, shift)
        used = self.streams * self.time
        self._streams = tokens[:used].reshape(self.streams, self.time)
        self._targets = tokens[1 : used + 1].reshape(self.streams, self.time)
        self._weights = weights[1 : used + 1].reshape(self.streams, self.time)


class WindowBatches(keras.utils.PyDataset):
    """Shuffled windows of texts, each beginning without state.

    Args:
        rows: the ids of each text.
        batch_size: windows in a batch.
        length: the tokens of a window at most; a shorter text is one window, with padding behind it.
        step: how far each window begins after the one before.
        seed: of the order; `None`: as the texts were given, always.
        epoch: the number of the first epoch; each epoch's order is a function of it and of the seed.
        weights: float32 (texts,), of each text's tokens; `None`: 1.
    """

    def __init__(
        self,
        rows: list[np.ndarray],
        batch_size: int,
        length: int,
        step: int,
        seed: int | None,
        epoch: int = 0,
        weights: np.ndarray | None = None,
    ):
        super().__init__()
        self.batch_size = batch_size
        longest = max(map(len, rows)) + 1
        windows = [windows_of(row, min(length, longest), step) for row in rows]
        self.windows = np.concatenate(windows)
        weights = np.ones(len(rows), np.float32) if weights is None else weights
        self.weights = np.repeat(weights, [len(each) for each in windows])
        self.seed, self.epoch = seed, epoch
        self.order = self._arranged()

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns ids and targets, int32 (batch, time), and 0 where there is padding, float32 (batch, time)."""
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        ids, targets = self.windows[chosen, :-1], self.windows[chosen, 1:]
        weights = self.weights[chosen, np.newaxis]  # (batch, 1)
        return ids, targets, np.where(targets != PADDING_ID, weights, np.float32(0))

    def on_epoch_end(self) -> None:
        """Shuffles the windows."""
        self.epoch += 1
        self.order = self._arranged()

    def _arranged(self) -> np.ndarray:
        if self.seed is None:
            return np.arange(len(self.windows))
        return np.random.default_rng([self.seed, self.epoch]).permutation(len(self.windows))


def windows_of(row: np.ndarray, length: int, step: int) -> np.ndarray:
    """Cuts a text into windows of ``length + 1`` tokens, its end included: int32 (windows, length + 1)."""
    tokens = np.concatenate([[START_ID], row, [END_ID]]).astype(np.int32)
    if len(tokens) <= length + 1:
        return np.pad(tokens, (0, length + 1 - len(tokens)))[np.newaxis]
    windows, next_ids = sliding_windows(tokens, length, step)
    found = np.concatenate([windows, next_ids[:, np.newaxis]], axis=1)
    last = tokens[-length - 1 :]  # the end belongs to a window, whatever the step
    return found if np.array_equal(found[-1], last) else np.concatenate([found, last[np.newaxis]])

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
    """

    def __init__(self, rows: list[np.ndarray], batch_size: int, length: int, seed: int | None):
        super().__init__()
        self.rows = rows
        count = sum(map(len, rows)) + 2 * len(rows)
        self.streams = max(1, min(batch_size, (count - 1) // 2))
        self.time = (count - 1) // self.streams  # of each stream
        self.length = min(length, self.time)
        self.random = None if seed is None else np.random.default_rng(seed)
        self._lay_out()

    def __len__(self) -> int:
        return -(-self.time // self.length)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns ids and targets, int32 (batch, length), and float32 weights: 0 for `[START]` and padding, else 1."""
        part = slice(index * self.length, (index + 1) * self.length)
        ids, targets = self._streams[:, part], self._targets[:, part]
        missing = self.length - ids.shape[1]  # in the last batch of an epoch
        ids, targets = (np.pad(tokens, ((0, 0), (0, missing))) for tokens in (ids, targets))
        return ids, targets, ((targets != START_ID) & (targets != PADDING_ID)).astype(np.float32)

    def on_epoch_end(self) -> None:
        """Lays the texts out in another order."""
        if self.random is not None:
            self._lay_out()

    def _lay_out(self) -> None:
        order: Any = range(len(self.rows)) if self.random is None else self.random.permutation(len(self.rows))
        parts = [part for index in order for part in ([START_ID], self.rows[index], [END_ID])]
        tokens = np.concatenate(parts).astype(np.int32)
        if self.random is not None:
            tokens = np.roll(tokens, int(self.random.integers(len(tokens))))
        used = self.streams * self.time
        self._streams = tokens[:used].reshape(self.streams, self.time)
        self._targets = tokens[1 : used + 1].reshape(self.streams, self.time)


class WindowBatches(keras.utils.PyDataset):
    """Shuffled windows of texts, each beginning without state.

    Args:
        rows: the ids of each text.
        batch_size: windows in a batch.
        length: the tokens of a window at most; a shorter text is one window, with padding behind it.
        step: how far each window begins after the one before.
        seed: of the order.
    """

    def __init__(self, rows: list[np.ndarray], batch_size: int, length: int, step: int, seed: int):
        super().__init__()
        self.batch_size = batch_size
        longest = max(map(len, rows)) + 1
        self.windows = np.concatenate([_windows(row, min(length, longest), step) for row in rows])
        self.random = np.random.default_rng(seed)
        self.order = self.random.permutation(len(self.windows))

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns ids and targets, int32 (batch, time), and 0 where there is padding, float32 (batch, time)."""
        chosen = self.windows[self.order[index * self.batch_size : (index + 1) * self.batch_size]]
        ids, targets = chosen[:, :-1], chosen[:, 1:]
        return ids, targets, (targets != PADDING_ID).astype(np.float32)

    def on_epoch_end(self) -> None:
        """Shuffles the windows."""
        self.order = self.random.permutation(len(self.windows))


def _windows(row: np.ndarray, length: int, step: int) -> np.ndarray:
    """Cuts a text into windows of ``length + 1`` tokens, its end included: int32 (windows, length + 1)."""
    tokens = np.concatenate([[START_ID], row, [END_ID]]).astype(np.int32)
    if len(tokens) <= length + 1:
        return np.pad(tokens, (0, length + 1 - len(tokens)))[np.newaxis]
    windows, next_ids = sliding_windows(tokens, length, step)
    found = np.concatenate([windows, next_ids[:, np.newaxis]], axis=1)
    last = tokens[-length - 1 :]  # the end belongs to a window, whatever the step
    return found if np.array_equal(found[-1], last) else np.concatenate([found, last[np.newaxis]])

"""Batches of encoded texts, each padded to its own longest text."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

LENGTH_STEP = 8  # lengths are rounded up to a multiple, so that compilers meet few shapes
BATCHES_SORTED_TOGETHER = 50


class TextBatches(keras.utils.PyDataset):
    """Batches of ids (batch, time), with their targets and weights, padding on the right.

    In training, texts of about the same length share a batch, so that little padding is computed; who meets whom
    changes from epoch to epoch. Otherwise the order is that of the texts.

    Args:
        rows: for each text its ids.
        targets: an array with a row for each text, or `None`.
        weights: float (texts,), or `None`.
        batch_size: texts in a batch.
        min_length: the time at least.
        shuffle: whether the order changes in every epoch.
        seed: of the shuffling.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        targets: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        batch_size: int = 32,
        min_length: int = 1,
        shuffle: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.rows, self.targets, self.weights = rows, targets, weights
        self.batch_size, self.min_length, self.shuffle = batch_size, min_length, shuffle
        self._lengths = np.array([len(row) for row in rows], np.int64)
        self._random = np.random.default_rng(seed)
        self._batches: list[np.ndarray] = []
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple:
        chosen = self._batches[index]
        time = self._time(index)
        # Keras takes the first two batches' common axes for fixed, so these two never have the same time.
        if index == 0 and len(self) > 1 and time == self._time(1):
            time += LENGTH_STEP
        ids = np.zeros((len(chosen), time), np.int32)  # (batch, time)
        for place, text in enumerate(chosen):
            ids[place, : self._lengths[text]] = self.rows[text]
        parts = [ids] + [part[chosen] for part in (self.targets, self.weights) if part is not None]
        return tuple(parts)

    def on_epoch_end(self) -> None:
        """Puts the texts into batches anew."""
        order = np.arange(len(self.rows))
        if self.shuffle:
            self._random.shuffle(order)
            pool = self.batch_size * BATCHES_SORTED_TOGETHER
            pools = [order[start : start + pool] for start in range(0, len(order), pool)]
            order = np.concatenate([part[np.argsort(self._lengths[part], kind="stable")] for part in pools])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        if self.shuffle:
            batches = [batches[place] for place in self._random.permutation(len(batches))]
        self._batches = batches

    def _time(self, index: int) -> int:
        longest = max(int(self._lengths[self._batches[index]].max(initial=0)), self.min_length)
        return -(-longest // LENGTH_STEP) * LENGTH_STEP

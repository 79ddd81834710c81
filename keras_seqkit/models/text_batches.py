"""Batches of encoded texts, each padded to its own longest text, and batches without end."""

from collections.abc import Callable, Iterable, Sequence
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
        epoch: the number of the first epoch; each epoch's order is a function of it and of the seed.
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
        epoch: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.seed, self.epoch = seed, epoch
        self.rows, self.targets, self.weights = rows, targets, weights
        self.batch_size, self.min_length, self.shuffle = batch_size, min_length, shuffle
        self._lengths = np.array([len(row) for row in rows], np.int64)
        self._batches = self._arranged()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple:
        chosen = self._batches[index]
        time = self._time(index)
        # Keras takes the first two batches' common axes for fixed, so these two never have the same time.
        if index == 0 and len(self) > 1 and time == self._time(1):
            time += LENGTH_STEP
        ids = padded_ids([self.rows[text] for text in chosen], time)
        parts = [ids] + [part[chosen] for part in (self.targets, self.weights) if part is not None]
        return tuple(parts)

    def on_epoch_end(self) -> None:
        """Puts the texts into batches anew."""
        self.epoch += 1
        if self.shuffle:
            self._batches = self._arranged()

    def _arranged(self) -> list[np.ndarray]:
        order = np.arange(len(self.rows))
        random = np.random.default_rng([self.seed, self.epoch])
        if self.shuffle:
            random.shuffle(order)
            pool = self.batch_size * BATCHES_SORTED_TOGETHER
            pools = [order[start : start + pool] for start in range(0, len(order), pool)]
            order = np.concatenate([part[np.argsort(self._lengths[part], kind="stable")] for part in pools])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        if self.shuffle:
            batches = [batches[place] for place in random.permutation(len(batches))]
        return batches

    def _time(self, index: int) -> int:
        return padded_time([self._lengths[self._batches[index]].max(initial=0), self.min_length])


class EndlessBatches(keras.utils.PyDataset):
    """Goes through data again and again; each batch is a function of its number alone.

    An epoch of `steps_per_epoch` batches then begins where the one before ended, also in another process. Keras reads
    batches ahead, so a dataset that changed with each epoch would give another batch there each time.

    Args:
        make: returns the batches of one pass through the data, a `PyDataset`, by the number of the pass.
        start: how many batches are behind.
    """

    def __init__(self, make: Callable[[int], Any], start: int = 0):
        super().__init__()
        self._make, self._start = make, start
        self._begun = False
        self._number, self._batches = 0, make(0)
        self._length = len(self._batches)

    @property
    def num_batches(self) -> int | None:
        """There is no end."""
        return None

    def __getitem__(self, index: int) -> tuple:
        if not self._begun:  # Keras looks at two batches for what their shapes have in common; a pass begins with such
            return self._make(0)[index % self._length]
        number, place = divmod(self._start + index, self._length)
        number += 1  # as in Keras, which ends an epoch before it begins the first
        if number != self._number:
            self._number, self._batches = number, self._make(number)
        return self._batches[place]

    def on_epoch_begin(self) -> None:
        """Lets the next batch be a real one."""
        self._begun = True


def padded_time(lengths: Iterable[int], first: bool = False) -> int:
    """Returns the time of a batch: its longest text's, rounded up to a multiple of `LENGTH_STEP`.

    Args:
        lengths: of its texts.
        first: whether it is to be a time that no other batch has.
    """
    longest = max(1, *(int(length) for length in lengths))
    return -(-longest // LENGTH_STEP) * LENGTH_STEP + (1 if first else 0)


def padded_ids(rows: Sequence[Sequence[int]], time: int) -> np.ndarray:
    """Returns int32 (batch, time), padding on the right."""
    ids = np.zeros((len(rows), time), np.int32)  # (batch, time)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids

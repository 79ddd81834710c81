"""Batches without end, for epochs of a given number of steps."""

from collections.abc import Callable
from typing import Any

import keras


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

"""Sentence pairs, put into batches of about equal lengths for training a translator."""

from collections.abc import Iterator

import keras
import numpy as np

from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

BATCHES_SORTED_AT_ONCE = 50
JAX_STEP = 8  # JAX compiles for each shape: there lengths are rounded up to it

Row = list[int]


class SentencePairBatches(keras.utils.PyDataset):
    """Batches of sentence pairs, little of them padding: sentences of about the same length stand together.

    Args:
        sources: the ids of each source sentence.
        targets: the ids of each target sentence.
        batch_size: pairs in a batch.
        seed: of the order; `None`: sorted by length, always the same.
        epoch: the number of the first epoch; each epoch's order is a function of it and of the seed.
        weights: float32 (pairs,), or `None`.
        in_order: whether the pairs stay in their order instead.
    """

    def __init__(
        self,
        sources: list[Row],
        targets: list[Row],
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        weights: np.ndarray | None = None,
        in_order: bool = False,
    ):
        super().__init__()
        self.weights = weights
        self.in_order = in_order
        self.sources = sources
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self._batches = self._arranged()

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Returns a batch.

        Returns:
            A dict of ``source`` int32 (batch, time) and ``target`` int32 (batch, target time), which begins with
            `[START]`; the next tokens int32 (batch, target time), which end with `[END]`; and float32 weights, 0 where
            there is padding.
        """
        chosen = self._batches[index]
        rows = [(self.sources[row], self.targets[row]) for row in chosen]
        times = [rounded_time(each) for each in self._shape(chosen)]
        if self.in_order and index == 0 and len(self) > 1:
            # Keras takes the first two batches' common axes for fixed, so these two never have the same times.
            others = [rounded_time(each) for each in self._shape(self._batches[1])]
            times = [time + (time == other) for time, other in zip(times, others, strict=True)]
        return pair_batch(rows, None if self.weights is None else self.weights[chosen], times)

    def on_epoch_end(self) -> None:
        """Puts the pairs together in another way."""
        self.epoch += 1
        if self.seed is not None:
            self._batches = self._arranged()

    def _arranged(self) -> list[np.ndarray]:
        count = len(self.sources)
        if self.in_order:
            return [np.arange(count)[start : start + self.batch_size] for start in range(0, count, self.batch_size)]
        random = None if self.seed is None else np.random.default_rng([self.seed, self.epoch])
        order = np.arange(count) if random is None else random.permutation(count)
        lengths = np.array([(len(t), len(s)) for s, t in zip(self.sources, self.targets, strict=True)])
        sorted_at_once = count if random is None else self.batch_size * BATCHES_SORTED_AT_ONCE
        batches = []
        for first in range(0, count, sorted_at_once):
            part = order[first : first + sorted_at_once]
            part = part[np.lexsort((lengths[part, 1], lengths[part, 0]))]
            batches += [part[start : start + self.batch_size] for start in range(0, len(part), self.batch_size)]
        if random is not None:
            batches = [batches[index] for index in random.permutation(len(batches))]
        return self._two_shapes_first(batches)

    def _two_shapes_first(self, batches: list[np.ndarray]) -> list[np.ndarray]:
        """Puts two batches first that differ in both lengths, if there are: Keras tells from them which axes vary."""
        shapes = [self._shape(batch) for batch in batches]
        for first, second in _pairs_to_try(shapes):
            if shapes[first][0] != shapes[second][0] and shapes[first][1] != shapes[second][1]:
                rest = [index for index in range(len(batches)) if index not in (first, second)]
                return [batches[index] for index in (first, second, *rest)]
        return batches

    def _shape(self, batch: np.ndarray) -> tuple[int, int]:
        """Returns the times that a batch needs: the source's, and the target's with `[START]`."""
        return max(len(self.sources[row]) for row in batch), max(len(self.targets[row]) for row in batch) + 1


def _pairs_to_try(shapes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields pairs of batches; if any two differ in both lengths, so do two of these."""
    sources, targets = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
    ends = sorted({int(pick(lengths)) for lengths in (sources, targets) for pick in (np.argmin, np.argmax)})
    yield from ((a, b) for a in ends for b in range(len(shapes)) if a != b)


def pair_batch(
    rows: list[tuple[Row, Row]], weights: np.ndarray | None, times: list[int]
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Returns a batch of pairs as a translator takes it; see `SentencePairBatches`.

    Args:
        rows: the ids of each source and its target.
        weights: float32 (batch,), or `None`.
        times: of the source, and of the target with `[START]`.
    """
    source = pad_rows([source for source, _ in rows], times[0], "post")
    whole = pad_rows([[START_ID, *target, END_ID] for _, target in rows], times[1] + 1, "post")
    next_tokens = whole[:, 1:]
    of_tokens = (next_tokens != PADDING_ID).astype(np.float32)
    inputs = {"source": source, "target": whole[:, :-1]}
    return inputs, next_tokens, of_tokens if weights is None else of_tokens * weights[:, np.newaxis]


def padded(rows: list[Row]) -> np.ndarray:
    """Pads rows behind: int32 (batch, time), at least one step."""
    return pad_rows(rows, rounded_time(max(map(len, rows), default=1)), "post")


def rounded_time(longest: int) -> int:
    """Returns the time for a batch whose longest row is given: at least one step; on JAX, a multiple of `JAX_STEP`."""
    longest = max(1, longest)
    return -(-longest // JAX_STEP) * JAX_STEP if keras.backend.backend() == "jax" else longest

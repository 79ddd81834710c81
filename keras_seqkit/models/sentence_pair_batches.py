"""Sentence pairs, put into batches of about equal lengths for training a translator."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.validation import check_texts
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
    """

    def __init__(
        self, sources: list[Row], targets: list[Row], batch_size: int, seed: int | None = None, epoch: int = 0
    ):
        super().__init__()
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
        source = padded([self.sources[row] for row in chosen])
        whole = padded([[START_ID, *self.targets[row], END_ID] for row in chosen], extra=1)
        next_tokens = whole[:, 1:]
        inputs = {"source": source, "target": whole[:, :-1]}
        return inputs, next_tokens, (next_tokens != PADDING_ID).astype(np.float32)

    def on_epoch_end(self) -> None:
        """Puts the pairs together in another way."""
        self.epoch += 1
        if self.seed is not None:
            self._batches = self._arranged()

    def _arranged(self) -> list[np.ndarray]:
        count = len(self.sources)
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
        shapes = [
            (max(len(self.sources[row]) for row in batch), max(len(self.targets[row]) for row in batch))
            for batch in batches
        ]
        for first, second in _pairs_to_try(shapes):
            if shapes[first][0] != shapes[second][0] and shapes[first][1] != shapes[second][1]:
                rest = [index for index in range(len(batches)) if index not in (first, second)]
                return [batches[index] for index in (first, second, *rest)]
        return batches


def _pairs_to_try(shapes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields pairs of batches; if any two differ in both lengths, so do two of these."""
    sources, targets = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
    ends = sorted({int(pick(lengths)) for lengths in (sources, targets) for pick in (np.argmin, np.argmax)})
    yield from ((a, b) for a in ends for b in range(len(shapes)) if a != b)


def padded(rows: list[Row], extra: int = 0) -> np.ndarray:
    """Pads rows behind: int32 (batch, time), at least one step; `extra` steps are not counted in rounding up."""
    longest = max(1, *map(len, rows)) - extra
    if keras.backend.backend() == "jax":
        longest = -(-longest // JAX_STEP) * JAX_STEP
    return pad_rows(rows, longest + extra, "post")


def encoded_pairs(translator: Any, sources: Any, targets: Any) -> tuple[list[Row], list[Row]]:
    """Encodes sentence pairs; those without a token on a side, or too long to be written, are left out.

    Args:
        translator: a `Seq2SeqTranslator`.
        sources: strings.
        targets: strings.

    Returns:
        The ids of sources and of targets.

    Raises:
        TypeError: something is not a string.
        ValueError: the lists differ in length, or no pair is left.
    """
    sources, targets = sentence_list(sources), sentence_list(targets)
    if len(sources) != len(targets):
        raise ValueError(
            f"Seq2SeqTranslator: sources and targets are pairs; received {len(sources)} and {len(targets)}."
        )
    source_rows = translator.source_vocabulary.encode_rows(sources)
    target_rows = translator.target_vocabulary.encode_rows(targets)
    kept = [
        (source, target)
        for source, target in zip(source_rows, target_rows, strict=True)
        if source and target and len(target) < translator.max_length
    ]
    if not kept:
        raise ValueError(
            f"Seq2SeqTranslator: of {len(source_rows)} sentence pairs, none has tokens on both sides and fewer than "
            f"max_length={translator.max_length} in its target. Pass more pairs, or a larger max_length."
        )
    return [source for source, _ in kept], [target for _, target in kept]


def sentence_list(texts: Any, many: bool = True) -> list[str]:
    """Returns sentences as a list.

    Args:
        texts: a list of strings.
        many: whether a list is expected; else one string is one sentence.

    Raises:
        TypeError: something is not a string.
        ValueError: a string holds a lone surrogate.
    """
    if isinstance(texts, str) and not many:
        texts = [texts]
    return list(check_texts(texts, "Seq2SeqTranslator: sentences"))

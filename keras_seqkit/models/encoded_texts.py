"""Encoded texts in memory, with targets and weights: what classifiers and regressors train on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_seqkit.models.text_batches import TextBatches


@dataclass(frozen=True)
class EncodedTexts:
    """Texts, their targets, and their weights.

    Args:
        rows: for each text its ids, without padding.
        targets: an array with a row for each text, or `None`.
        weights: float32 (texts,), or `None`.
        min_length: of the time that the network is run on.
    """

    rows: Sequence[Sequence[int]]
    targets: np.ndarray | None
    weights: np.ndarray | None
    min_length: int = 1

    def split(self, fraction: float) -> tuple["EncodedTexts", "EncodedTexts"]:
        """Returns what is trained on, and the last `fraction`, which is held out.

        Raises:
            ValueError: one of them is empty.
        """
        kept = len(self.rows) - int(len(self.rows) * fraction)
        if not 0 < kept < len(self.rows):
            raise ValueError(
                f"validation_split={fraction} of {len(self.rows)} texts leaves {kept} to train on and "
                f"{len(self.rows) - kept} to measure; at least one of each is expected."
            )
        return self._part(slice(kept)), self._part(slice(kept, None))

    def _part(self, part: slice) -> "EncodedTexts":
        targets, weights = (None if values is None else values[part] for values in (self.targets, self.weights))
        return EncodedTexts(self.rows[part], targets, weights, self.min_length)

    def batches(self, batch_size: int, shuffle: bool = False, seed: int = 0, epoch: int = 0) -> TextBatches:
        """Returns batches; the order of an epoch is a function of the seed and of its number."""
        return TextBatches(
            self.rows,
            self.targets,
            self.weights,
            batch_size=batch_size,
            min_length=self.min_length,
            shuffle=shuffle,
            seed=seed,
            epoch=epoch,
        )

    def digest(self) -> str:
        """Returns what tells other texts, targets or weights from these."""
        return hashlib.sha256("".join(self.digests().values()).encode()).hexdigest()

    def digests(self) -> dict[str, str]:
        """Returns what tells other texts from these, and the same of targets and weights."""
        texts = hashlib.sha256()
        for row in self.rows:
            texts.update(np.asarray([len(row), *row], np.int64).tobytes())
        found = {"texts": texts.hexdigest()}
        for name, part in (("labels", self.targets), ("weights", self.weights)):
            found[name] = hashlib.sha256(b"" if part is None else np.ascontiguousarray(part).tobytes()).hexdigest()
        return found


def without_none(*parts: Any) -> tuple:
    """Returns a batch for Keras: inputs, and targets and weights where there are."""
    inputs, targets, weights = parts
    if targets is None:
        return (inputs,)
    return (inputs, targets) if weights is None else (inputs, targets, weights)

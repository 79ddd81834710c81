"""Texts in memory that word vectors are learned from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_seqkit.models.word_vectors.word_pairs import WordPairs, known_words


@dataclass(frozen=True)
class WordTexts:
    """Encoded texts, and how examples are made of them: see `WordPairs`.

    Args:
        owner: how an error begins: ``"SkipGram.fit"``.
        rows: for each text its ids.
        vocab: the number of ids.
        whole_context: whether the whole context predicts the word, or the word each one of its context.
        window: the largest reach.
        negatives: how many words are drawn for an example.
        subsample: see `keep_probabilities`.
        counts: of the texts that are trained on, where these are held out; `None`: they are trained on.
        seed: of held-out texts, whose pairs are the same in all epochs.
    """

    owner: str
    rows: Sequence[Sequence[int]]
    vocab: int
    whole_context: bool
    window: int
    negatives: int
    subsample: float
    counts: np.ndarray | None = None
    seed: int = 0

    def split(self, fraction: float) -> tuple["WordTexts", "WordTexts"]:
        """Returns what is trained on, and the last `fraction`, which is held out.

        Raises:
            ValueError: one of them is empty.
        """
        kept = len(self.rows) - int(len(self.rows) * fraction)
        if not 0 < kept < len(self.rows):
            raise ValueError(
                f"{self.owner}: validation_split={fraction} of {len(self.rows)} texts leaves {kept} to train on "
                f"and {len(self.rows) - kept} to measure; at least one of each is expected."
            )
        trained = replace(self, rows=self.rows[:kept])
        return trained, replace(self, rows=self.rows[kept:]).beside(trained)

    def beside(self, trained: "WordTexts") -> "WordTexts":
        """Returns these texts as held out: words are left out and drawn as often as in those that are trained on."""
        counts = np.bincount(known_words(trained.rows)[0], minlength=self.vocab)  # (vocab,)
        return replace(self, counts=counts, seed=trained.seed)

    def batches(self, batch_size: int, shuffle: bool = False, seed: int = 0, epoch: int = 0) -> WordPairs:
        """Returns batches of examples; those of an epoch are a function of the seed and of its number.

        Raises:
            ValueError: there are no texts, or no example in them.
        """
        held_out = self.counts is not None
        try:
            return WordPairs(
                self.rows,
                self.vocab,
                self.whole_context,
                self.window,
                self.negatives,
                self.subsample,
                batch_size=batch_size,
                seed=self.seed if held_out else seed,
                counts=self.counts,
                renewed=not held_out,
                epoch=0 if held_out else epoch,
                shuffle=shuffle,
            )
        except ValueError as error:
            raise ValueError(f"{self.owner}: {'validation_data: ' if held_out else ''}{error}") from error

    def digest(self) -> str:
        """Returns what tells other texts from these."""
        found = hashlib.sha256()
        for row in self.rows:
            found.update(np.asarray([len(row), *row], np.int64).tobytes())
        return found.hexdigest()

"""The translators that `translation.py` measures: data, vocabularies, networks, training.

No setting was fitted to the test sentences: those that were compared were compared on the validation part.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from timed_rate import TimedRate
from training_dtype import training_dtype

from keras_seqkit import Seq2SeqTranslator, Vocabulary, datasets
from keras_seqkit.datasets import PairSplits, SentencePairs
from keras_seqkit.models.translation.translation_training import SmoothedCrossentropy

EPOCHS = 1000  # the clock ends it


@dataclass(frozen=True)
class Task:
    """Data, and how its translators are trained.

    Args:
        source: of the data, as `datasets.portuguese_english` names it.
        max_words: of held-out pairs, on both sides.
        trained_words: of the pairs that are learned from, on both sides.
        held_out: pairs of the test part, and of the validation part, before those that are too long are left out.
        goal: the BLEU that attention shall reach.
        pieces: of each vocabulary.
        units: of each recurrent layer, in one direction.
        embedding: of both embeddings.
        dropout: in training, of the attention decoder's translator.
        repeat_vector_dropout: likewise, of the other's.
        batch: sentence pairs of a batch.
        peak_rate: the highest learning rate.
        tie_embeddings: of the attention decoder.
    """

    source: str
    max_words: int
    goal: float
    trained_words: int
    held_out: tuple[int, int]
    pieces: int = 2000
    units: int = 256
    embedding: int = 192
    dropout: float = 0.3
    repeat_vector_dropout: float = 0.1
    batch: int = 64
    peak_rate: float = 2e-3
    tie_embeddings: bool = False

    def load(self) -> PairSplits:
        """Returns the data's parts."""
        limit = self.max_words if self.max_words == self.trained_words else None
        parts = datasets.portuguese_english(self.source, limit, *self.held_out)  # type: ignore[arg-type]
        words = (self.trained_words, self.max_words, self.max_words)
        return PairSplits(*(_short(part, count) for part, count in zip(parts, words, strict=True)))

    def make(self, decoder: str, parts: PairSplits, dtype: str) -> Seq2SeqTranslator:
        """Returns a fresh translator."""
        keras.utils.set_random_seed(0)
        attends = decoder == "attention"
        source, target = (
            Vocabulary.from_texts(texts, level="subword", max_tokens=self.pieces) for texts in parts.train
        )
        return Seq2SeqTranslator(
            source,
            target,
            units=self.units,
            embedding=self.embedding,
            decoder=decoder,
            dropout=self.dropout if attends else self.repeat_vector_dropout,
            tie_embeddings=self.tie_embeddings and attends,
            dtype=dtype,
            name=f"{self.source}_{decoder}",
        )


TASKS = {
    "software": Task("software", 15, 30.0, trained_words=15, held_out=(1000, 1000)),
    # There are few short verses: it learns from longer ones too.
    "verses": Task("verses", 20, 15.0, trained_words=30, held_out=(3000, 1000), dropout=0.2, tie_embeddings=True),
}


def _short(pairs: SentencePairs, max_words: int) -> SentencePairs:
    kept = [pair for pair in zip(*pairs, strict=True) if all(len(side.split()) <= max_words for side in pair)]
    return SentencePairs([source for source, _ in kept], [target for _, target in kept])


def trained(task: Task, decoder: str, parts: PairSplits, minutes: float, folder: Path) -> Seq2SeqTranslator:
    """Returns a trained translator, in float32: the one of an earlier run, or one trained for so many minutes."""
    path = folder / f"{task.source}_{decoder}.keras"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _train(task, decoder, parts, minutes).save(path)
    loaded: Any = keras.saving.load_model(path)
    return loaded


def _train(task: Task, decoder: str, parts: PairSplits, minutes: float) -> Seq2SeqTranslator:
    dtype = training_dtype()  # measured and written in float32
    model = task.make(decoder, parts, dtype)
    size = f"{model.count_params():,} weights, {len(parts.train.source):,} pairs"
    print(f"{model.name}: {size}, {minutes:g} minutes in {dtype}")
    model.compile(
        keras.optimizers.Adam(task.peak_rate, clipnorm=1.0),
        SmoothedCrossentropy(0.1),
        weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy("nats", from_logits=True)],
    )
    begin = time.monotonic()
    history = model.fit(
        *parts.train,
        epochs=EPOCHS,
        batch_size=task.batch,
        validation_data=parts.validation,
        callbacks=[TimedRate(60 * minutes, task.peak_rate)],
        verbose=2,
    )
    passed = (time.monotonic() - begin) / 60
    best = min(history.history["val_nats"])
    print(f"{model.name}: {len(history.epoch)} epochs in {passed:.1f} minutes, validation {best:.3f} nats a piece")
    whole = Seq2SeqTranslator.from_config({**model.get_config(), "dtype": "float32"})
    whole.set_weights(model.get_weights())
    return whole

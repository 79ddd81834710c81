"""One small training of each model, of all that a run remembers: dropout, held-out texts, the best epoch, streams."""

from collections.abc import Callable
from typing import Any

import keras

from keras_seqkit import Seq2SeqTranslator, SkipGram, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.models.word_vector_texts import grouped_texts

TEXTS = grouped_texts(24)
LABELS = ["pet" if any(word in text for word in ("furry", "vet", "feeds")) else "tool" for text in TEXTS]
VOCABULARY = Vocabulary.from_texts(TEXTS)
EPOCHS = 3


def train_classifier(checkpoint: Any, callbacks: list[Any]) -> Any:
    """Trains with dropout and early stopping, and returns to the best epoch."""
    model = TextClassifier(VOCABULARY, ["pet", "tool"], 4, MaskedMaxPooling(), dropout=0.3)
    model.fit(
        TEXTS,
        LABELS,
        batch_size=8,
        epochs=EPOCHS,
        validation_split=0.25,
        early_stopping=2,
        checkpoint=checkpoint,
        callbacks=callbacks,
        verbose=0,
    )
    return model


def train_generator(checkpoint: Any, callbacks: list[Any]) -> Any:
    """Trains on streams whose states are carried and at random forgotten, in epochs that end amid the texts."""
    model = TextGenerator(VOCABULARY, 4, "simple_rnn", embedding=3, dropout=0.3)
    model.fit(
        TEXTS,
        batch_size=4,
        epochs=EPOCHS,
        steps_per_epoch=4,
        length=5,
        validation_data=TEXTS[:4],
        checkpoint=checkpoint,
        callbacks=callbacks,
        verbose=0,
    )
    return model


def train_translator(checkpoint: Any, callbacks: list[Any]) -> Any:
    """Trains with dropout and patience, with a learning rate that rises and falls."""
    targets = [" ".join(reversed(text.split())) for text in TEXTS]
    model = Seq2SeqTranslator(VOCABULARY, VOCABULARY, units=3, cell="simple_rnn", embedding=3, dropout=0.3)
    model.fit(
        TEXTS[:16],
        targets[:16],
        batch_size=8,
        epochs=EPOCHS,
        validation_data=(TEXTS[16:], targets[16:]),
        patience=2,
        checkpoint=checkpoint,
        callbacks=callbacks,
        verbose=0,
    )
    return model


def train_word_vectors(checkpoint: Any, callbacks: list[Any]) -> Any:
    """Trains on pairs that are drawn anew in every epoch."""
    model = SkipGram(VOCABULARY, 4, window=2, negatives=2, subsample=0.2)
    model.fit(
        TEXTS,
        batch_size=40,
        epochs=EPOCHS,
        validation_split=0.25,
        checkpoint=checkpoint,
        callbacks=callbacks,
        verbose=0,
    )
    return model


TRAININGS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "TextClassifier": train_classifier,
    "TextGenerator": train_generator,
    "Seq2SeqTranslator": train_translator,
    "SkipGram": train_word_vectors,
}


def train(name: str, checkpoint: Any, callbacks: list[Any]) -> Any:
    """Trains one of `TRAININGS`, by the same seed always, and returns the model."""
    keras.utils.set_random_seed(7)
    return TRAININGS[name](checkpoint, callbacks)

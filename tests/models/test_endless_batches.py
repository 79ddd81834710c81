"""Epochs of `steps_per_epoch` batches go through the texts as whole epochs do, only in other parts."""

from dataclasses import replace

import numpy as np
import pytest

from keras_seqkit import TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from keras_seqkit.models.text_batches import EndlessBatches, TextBatches
from tests.eager import eagerly

TEXTS = ["good " * (1 + place * 7 % 40) + ("fine" if place % 2 else "poor") for place in range(12)]
LABELS = ["pos" if place % 2 else "neg" for place in range(12)]
VOCABULARY = Vocabulary.from_texts(TEXTS)


def classifier() -> TextClassifier:
    model = TextClassifier(VOCABULARY, ["neg", "pos"], 3, MaskedMaxPooling(), dropout=0.0)
    table = np.random.default_rng(0).normal(size=(len(VOCABULARY), 3))
    model.embedding.set_weights([table])
    model.head.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
    return model


@eagerly()
def test_short_epochs_train_a_classifier_as_whole_ones_do(recwarn):
    whole, parts = classifier(), classifier()
    whole.fit(TEXTS, LABELS, batch_size=4, epochs=4, verbose=0)  # of 3 batches each
    history = parts.fit(TEXTS, LABELS, batch_size=4, epochs=6, steps_per_epoch=2, verbose=0)
    assert len(history.epoch) == 6
    for one, other in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not [each for each in recwarn if "ran out of data" in str(each.message)]


@eagerly()
def test_short_epochs_train_a_generator_on_windows_as_whole_ones_do():
    found = []
    for epochs in (1, 2):
        model = TextGenerator(VOCABULARY, 3, "simple_rnn", embedding=2)
        model.set_weights([np.full(weight.shape, 0.1) for weight in model.get_weights()])
        batches = len(replace(model.examples(TEXTS), length=8, step=8).batches(4))
        assert batches % 2 == 0
        steps = None if epochs == 1 else batches // 2
        model.fit(TEXTS, batch_size=4, epochs=epochs, length=8, step=8, steps_per_epoch=steps, verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_batch_is_a_function_of_its_number():
    rows = [[4] * length for length in range(1, 11)]

    def make(number: int) -> TextBatches:
        return TextBatches(rows, batch_size=3, shuffle=True, seed=5, epoch=number)

    first, later = EndlessBatches(make), EndlessBatches(make, start=6)
    peeked = [first[index][0].shape[1] for index in (0, 1)]
    assert peeked[0] != peeked[1]  # Keras takes what they have in common for fixed
    for batches in (first, later):
        batches.on_epoch_begin()
    passes = [[batch[0].tolist() for batch in (make(number)[index] for index in range(4))] for number in (1, 2, 3)]
    expected = [batch for each in passes for batch in each]
    assert [first[index][0].tolist() for index in range(12)] == expected
    assert [later[index][0].tolist() for index in (5, 0, 3)] == [expected[index] for index in (11, 6, 9)]


@pytest.mark.parametrize("steps", [0, 1.5])
def test_steps_that_are_no_number_of_batches_are_refused(steps):
    with pytest.raises((TypeError, ValueError), match="steps_per_epoch is"):
        classifier().fit(TEXTS, LABELS, steps_per_epoch=steps, verbose=0)

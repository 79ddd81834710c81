"""A word predicts each word of its context."""

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit import SkipGram, Vocabulary
from tests.models.word_vector_texts import negative_sampling_objective

DIM, VOCAB = 5, 12
# Sums of float32, of at most 6 terms below about 10.
TOLERANCE = 1e-5


def random_model(seed: int) -> SkipGram:
    model = SkipGram(Vocabulary([f"w{index}" for index in range(4, VOCAB)]), DIM)
    random = np.random.default_rng(seed)
    for table in (model.word_vectors, model.candidate_vectors):
        table.set_weights([random.normal(size=(VOCAB, DIM)).astype(np.float32)])
    return model


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=20)
def test_the_loss_is_the_objective_of_negative_sampling(seed, batch, negatives):
    model, random = random_model(seed), np.random.default_rng(seed)
    words = random.integers(4, VOCAB, batch)
    candidates = random.integers(4, VOCAB, (batch, 1 + negatives))
    signs = np.where(candidates == candidates[:, :1], 0, -1)
    signs[:, 0] = 1
    table, outputs = model.word_vectors.get_weights()[0], model.candidate_vectors.get_weights()[0]
    expected = [
        negative_sampling_objective(
            table[word], outputs[row[0]], outputs[[drawn for drawn in row[1:] if drawn != row[0]]]
        )
        for word, row in zip(words, candidates, strict=True)
    ]
    loss = model.compute_loss(y=signs.astype(np.float32), y_pred=model((words, candidates)))
    np.testing.assert_allclose(ops.convert_to_numpy(loss), np.mean(expected), rtol=TOLERANCE)


def test_scores_are_products_of_the_word_and_the_candidates():
    model = random_model(1)
    words, candidates = np.array([4, 9]), np.array([[5, 6, 4], [9, 9, 11]])
    table, outputs = model.word_vectors.get_weights()[0], model.candidate_vectors.get_weights()[0]
    expected = [[table[word] @ outputs[asked] for asked in row] for word, row in zip(words, candidates, strict=True)]
    np.testing.assert_allclose(ops.convert_to_numpy(model((words, candidates))), expected, atol=TOLERANCE)


def test_one_step_of_training_follows_the_gradient():
    model = random_model(2)
    table, outputs = model.word_vectors.get_weights()[0], model.candidate_vectors.get_weights()[0]
    words, candidates = np.array([4, 6, 4], np.int32), np.array([[5, 7, 8], [4, 9, 9], [8, 5, 8]], np.int32)
    signs = np.array([[1, -1, -1], [1, -1, -1], [1, -1, 0]], np.float32)
    rate = 0.5
    new_table, new_outputs = table.copy(), outputs.copy()
    for word, row, marks in zip(words, candidates, signs, strict=True):
        for asked, mark in zip(row, marks, strict=True):
            slope = -mark / (1 + np.exp(mark * (table[word] @ outputs[asked])))  # of -log sigmoid(mark * score)
            new_table[word] -= rate * slope * outputs[asked] / len(words)
            new_outputs[asked] -= rate * slope * table[word] / len(words)
    model.compile(keras.optimizers.SGD(rate))
    model.train_on_batch((words, candidates), signs)
    np.testing.assert_allclose(model.word_vectors.get_weights()[0], new_table, atol=TOLERANCE)
    np.testing.assert_allclose(model.candidate_vectors.get_weights()[0], new_outputs, atol=TOLERANCE)

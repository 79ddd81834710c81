"""The mean of its context predicts a word."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit import CBOW, Vocabulary
from tests.models.word_vector_texts import negative_sampling_objective

DIM, VOCAB, WINDOW = 5, 12, 3
# Sums of float32, of at most 6 terms below about 10.
TOLERANCE = 1e-5


def random_model(seed: int) -> CBOW:
    model = CBOW(Vocabulary([f"w{index}" for index in range(4, VOCAB)]), DIM, WINDOW)
    random = np.random.default_rng(seed)
    for table in (model.word_vectors, model.candidate_vectors):
        table.set_weights([random.normal(size=(VOCAB, DIM)).astype(np.float32)])
    return model


def random_contexts(seed: int, batch: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    contexts = random.integers(4, VOCAB, (batch, 2 * WINDOW)) * (random.random((batch, 2 * WINDOW)) < 0.6)
    contexts[:, 0] = 4  # never empty
    return contexts


@given(st.integers(0, 10**6), st.integers(1, 4))
@settings(max_examples=20)
def test_a_context_is_the_mean_of_its_words_wherever_the_zeros_are(seed, batch):
    model, contexts = random_model(seed), random_contexts(seed, batch)
    table = model.word_vectors.get_weights()[0]
    expected = [np.mean([table[word] for word in row if word], axis=0) for row in contexts]
    np.testing.assert_allclose(ops.convert_to_numpy(model.predict_from(contexts)), expected, atol=TOLERANCE)


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=20)
def test_the_loss_is_the_objective_of_negative_sampling(seed, batch, negatives):
    model, contexts = random_model(seed), random_contexts(seed, batch)
    candidates = np.random.default_rng(seed).integers(4, VOCAB, (batch, 1 + negatives))
    signs = np.where(candidates == candidates[:, :1], 0, -1)
    signs[:, 0] = 1
    table, outputs = model.word_vectors.get_weights()[0], model.candidate_vectors.get_weights()[0]
    expected = [
        negative_sampling_objective(
            np.mean(table[context[context > 0]], axis=0),
            outputs[row[0]],
            outputs[row[1:][row[1:] != row[0]]],
        )
        for context, row in zip(contexts, candidates, strict=True)
    ]
    loss = model.compute_loss(y=signs.astype(np.float32), y_pred=model((contexts, candidates)))
    np.testing.assert_allclose(ops.convert_to_numpy(loss), np.mean(expected), rtol=TOLERANCE)


def test_an_empty_context_is_zeros_and_not_nan():
    empty = random_model(1).predict_from(np.zeros((2, 2 * WINDOW), np.int32))
    np.testing.assert_array_equal(ops.convert_to_numpy(empty), 0)

"""Attention equals its formula, whatever the mask."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.layers import RecurrentAttention
from tests.cases import randomize_weights

TOLERANCE = 1e-5  # float32, numbers of about 1
SCORES = ("dot", "general", "additive")


def reference(layer: RecurrentAttention, query: np.ndarray, memory: np.ndarray, mask: np.ndarray) -> tuple:
    weights = np.zeros((*query.shape[:2], memory.shape[1]))
    for row, step in np.ndindex(*query.shape[:2]):
        scores = np.array([score(layer, query[row, step], each) for each in memory[row]])
        if mask[row].any():
            powers = np.where(mask[row], np.exp(scores - scores[mask[row]].max()), 0.0)
            weights[row, step] = powers / powers.sum()
    return np.einsum("bst,btm->bsm", weights, memory), weights


def score(layer: RecurrentAttention, query: np.ndarray, step: np.ndarray) -> float:
    if layer.score == "dot":
        return float(query @ step)
    kernel = np.asarray(layer.memory_kernel)
    if layer.score == "general":
        return float(query @ (step @ kernel))
    compared = np.tanh(query @ np.asarray(layer.query_kernel) + step @ kernel + np.asarray(layer.bias))
    return float(compared @ np.asarray(layer.vector)[:, 0])


@given(st.sampled_from(SCORES), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_it_equals_the_formula(how, batch, steps, time, seed):
    random = np.random.default_rng(seed)
    widths = (4, 4) if how == "dot" else (4, 3)
    query, memory = (
        random.normal(size=(batch, length, width)).astype(np.float32)
        for length, width in zip((steps, time), widths, strict=True)
    )
    mask = random.random((batch, time)) < 0.6
    layer = RecurrentAttention(how, units=None if how == "dot" else 5)
    layer.build(query.shape, memory.shape)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    contexts, weights = layer(query, memory, mask=mask)
    expected = reference(layer, query, memory, mask)
    np.testing.assert_allclose(contexts, expected[0], atol=TOLERANCE)
    np.testing.assert_allclose(weights, expected[1], atol=TOLERANCE)


@pytest.mark.parametrize("how", SCORES)
def test_no_mask_is_a_mask_of_real_steps_and_one_without_any_gives_zeros(how):
    query = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    layer = RecurrentAttention(how)
    free = [np.asarray(each) for each in layer(query, query)]
    all_real = layer(query, query, mask=np.ones((2, 3), bool))
    for ours, theirs in zip(free, all_real, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
    for each in layer(query, query, mask=np.zeros((2, 3), bool)):
        assert not np.asarray(each).any()


def test_the_mask_that_keras_attached_to_the_memory_is_taken():
    ids = keras.Input((None,), dtype="int32")
    query = keras.Input((None, 4))
    memory = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    model = keras.Model([query, ids], RecurrentAttention("dot")(query, memory)[1])
    weights = np.asarray(model.predict([np.ones((1, 2, 4)), np.array([[3, 5, 0]])], verbose="0"))
    assert not weights[..., 2].any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=TOLERANCE)


@pytest.mark.parametrize("how", SCORES)
def test_a_saved_model_is_the_same(how, tmp_path):
    query, memory = keras.Input((None, 4)), keras.Input((None, 4))
    model = keras.Model([query, memory], RecurrentAttention(how, units=6)(query, memory))
    randomize_weights(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = [np.random.default_rng(0).normal(size=(2, length, 4)) for length in (3, 5)]
    for ours, theirs in zip(model.predict(inputs, verbose="0"), loaded.predict(inputs, verbose="0"), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_half_precision_keeps_masked_steps_out():
    layer = RecurrentAttention("general", dtype="float16")
    query = np.ones((1, 2, 4), np.float16)
    _, weights = layer(query, query, mask=np.array([[True, False]]))
    assert np.asarray(weights)[0, 0].tolist() == [1.0, 0.0]


def test_wrong_arguments_are_errors():
    with pytest.raises(ValueError, match="score is one of"):
        RecurrentAttention("cosine")
    with pytest.raises(ValueError, match="units must be"):
        RecurrentAttention(units=0)
    with pytest.raises(ValueError, match="needs equal widths"):
        RecurrentAttention("dot")(np.ones((1, 2, 3)), np.ones((1, 2, 4)))

"""The classifier takes strings, learns, and is the same after it was saved."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from keras_seqkit.layers import ConvFront, MaskedMaxPooling
from keras_seqkit.models.text_batches import LENGTH_STEP
from tests.eager import eagerly

GRU, LSTM = keras.layers.GRU, keras.layers.LSTM

TEXTS = ["a good film", "bad", "very good é 😀", "", "so so bad a film", "good good good"]
LABELS = ["pos", "neg", "pos", "neg", "neg", "pos"]
TOPICS = ["earn", "acq", "crude"]
# Equal sums in another order: the networks here have a few dozen terms below 1.
TOLERANCE = 1e-6


def small(labels=("neg", "pos"), **arguments) -> TextClassifier:
    keras.utils.set_random_seed(1)
    arguments = {"encoder": BidirectionalStack((4, 3), name="encoder"), **arguments}
    return TextClassifier(Vocabulary.from_texts(TEXTS), labels, arguments.pop("embedding", 5), **arguments)


def quick(labels=("neg", "pos")) -> TextClassifier:
    """One without a recurrent layer, which TensorFlow compiles in a second."""
    return small(labels, encoder=MaskedMaxPooling())


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    model = small()
    with eagerly():
        model.fit(TEXTS, LABELS, epochs=2, verbose=0)
    return model


def test_it_learns_what_can_be_learned():
    texts, labels = ["good", "bad", "good film", "bad film", "a good one", "a bad one"] * 8, ["pos", "neg"] * 24
    model = TextClassifier(Vocabulary.from_texts(texts), ["neg", "pos"], 8, BidirectionalStack(8), dropout=0.0)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(texts, labels, epochs=8, verbose=0)
    assert model.evaluate(texts, labels, verbose=0)[1] == 1.0
    assert model.predict_labels(["good", "bad"], verbose=0) == ["pos", "neg"]


def test_two_labels_end_in_one_sigmoid_and_more_in_a_softmax(fitted: TextClassifier):
    assert fitted.predict(TEXTS, verbose=0).shape == (6, 1)
    with eagerly():
        many = small(TOPICS).predict(TEXTS, verbose=0)
    assert many.shape == (6, 3)
    np.testing.assert_allclose(many.sum(axis=1), 1, rtol=0, atol=TOLERANCE)


@eagerly()
def test_names_and_indices_of_labels_are_the_same():
    by_name, by_index = quick(), quick()
    by_name.fit(TEXTS, LABELS, epochs=1, verbose=0)
    by_index.fit(TEXTS, [1, 0, 1, 0, 0, 1], epochs=1, verbose=0)
    np.testing.assert_array_equal(by_name.predict(TEXTS, verbose=0), by_index.predict(TEXTS, verbose=0))


@eagerly()
def test_many_labels_train_too():
    model = quick(TOPICS)
    model.fit(TEXTS, ["earn", "acq", "crude"] * 2, epochs=1, verbose=0)
    loss, accuracy = model.evaluate(TEXTS, [0, 1, 2] * 2, verbose=0)
    assert np.isfinite(loss)
    assert 0 <= accuracy <= 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"conv": 4},
        {"conv": {"filters": 4, "kernel_size": 2, "pool_size": 3}},
        {"conv": keras.layers.Conv1D(4, 3, padding="same", name="plain")},
        {"max_length": 2},
    ],
    ids=str,
)
@eagerly()
def test_what_else_is_in_the_batch_does_not_matter(arguments: dict):
    model = small(**arguments)
    texts = [*TEXTS, "good " * LENGTH_STEP]  # the last has no padding when it is alone
    together = model.predict([*texts, "good " * 40], verbose=0)
    alone = model.predict(texts, batch_size=1, verbose=0)
    np.testing.assert_allclose(together[:-1], alone, rtol=0, atol=TOLERANCE)


def test_a_convolution_that_drops_the_mask_and_changes_the_time_is_refused():
    with pytest.raises(ValueError, match="'narrow' changes the time and drops the mask"):
        small(conv=keras.layers.Conv1D(4, 3, name="narrow"))


def test_predictions_stand_in_the_order_of_the_texts(fitted: TextClassifier):
    texts = ["good " * count for count in (9, 1, 30, 2, 0, 17)]
    forwards = fitted.predict(texts, batch_size=2, verbose=0)
    backwards = fitted.predict(texts[::-1], batch_size=2, verbose=0)
    np.testing.assert_allclose(forwards, backwards[::-1], rtol=0, atol=TOLERANCE)


def test_strings_and_their_ids_are_the_same(fitted: TextClassifier):
    ids = fitted.vocabulary.encode(TEXTS)
    np.testing.assert_allclose(fitted.predict(TEXTS, verbose=0), fitted.predict(ids, verbose=0), rtol=0, atol=TOLERANCE)


def test_an_array_of_strings_will_do(fitted: TextClassifier):
    expected = fitted.predict(TEXTS, verbose=0)
    np.testing.assert_array_equal(fitted.predict(np.array(TEXTS), verbose=0), expected)
    np.testing.assert_array_equal(fitted.predict(np.array(TEXTS, dtype=object), verbose=0), expected)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
@settings(max_examples=15)
def test_any_text_has_a_probability(fitted: TextClassifier, texts: list[str]):
    probabilities = fitted.predict(texts, verbose=0)
    assert probabilities.shape == (len(texts), 1)
    assert np.all((probabilities >= 0) & (probabilities <= 1))


@eagerly()
def test_columns_of_a_data_frame_will_do():
    by_list, by_column = quick(), quick()
    by_list.fit(TEXTS, LABELS, epochs=1, verbose=0)
    by_column.fit(pd.Series(TEXTS), pd.Series(LABELS), epochs=1, verbose=0)
    expected = by_list.predict(TEXTS, verbose=0)
    np.testing.assert_array_equal(by_column.predict(pd.Series(TEXTS), verbose=0), expected)
    assert by_column.evaluate(pd.Series(TEXTS), pd.Series(LABELS), verbose=0) == by_list.evaluate(
        TEXTS, LABELS, verbose=0
    )


@pytest.mark.filterwarnings("error::UserWarning")
@eagerly()
def test_a_functional_model_as_encoder_sees_the_mask(tmp_path):
    sequence = keras.Input((None, 5))
    branches = [keras.layers.Bidirectional(cell(3, return_sequences=True))(sequence) for cell in (LSTM, GRU)]
    encoder = keras.Model(sequence, keras.layers.Concatenate()([MaskedMaxPooling()(each) for each in branches]))
    model = small(encoder=encoder)
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)
    together = model.predict([*TEXTS, "good " * 40], verbose=0)
    alone = model.predict(TEXTS, batch_size=1, verbose=0)
    np.testing.assert_allclose(together[:6], alone, rtol=0, atol=TOLERANCE)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))


@eagerly()
def test_max_length_is_all_that_is_read():
    model = small(max_length=2)
    first, second = model.predict(["a good film", "a good surprise"], verbose=0)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("conv", [None, 3, ConvFront(3, pool_size=1, name="front")], ids=["none", "number", "layer"])
@eagerly()
def test_a_saved_model_is_the_same_with_its_vocabulary(conv, tmp_path):
    model = small(conv=conv, encoder=BidirectionalStack(3), max_length=9, dropout=0.3)
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, TextClassifier)
    assert (loaded.vocabulary, loaded.labels, loaded.max_length) == (model.vocabulary, model.labels, 9)
    np.testing.assert_array_equal(loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    loaded.fit(TEXTS, LABELS, epochs=1, verbose=0)  # it goes on from where it was


def test_a_config_survives_json():
    model = small(conv=4)
    text = json.dumps(model.get_config(), sort_keys=True)
    assert json.dumps(TextClassifier.from_config(json.loads(text)).get_config(), sort_keys=True) == text


def test_early_stopping_returns_to_the_best_weights():
    model = quick()
    model.compile(keras.optimizers.SGD(50.0), "binary_crossentropy")  # the loss can only rise after a while
    history = model.fit(TEXTS, LABELS, epochs=30, validation_data=(TEXTS, LABELS), early_stopping=2, verbose=0)
    losses = history.history["val_loss"]
    assert len(losses) < 30
    assert model.evaluate(TEXTS, LABELS, verbose=0) == pytest.approx(min(losses), abs=1e-5)


def test_early_stopping_without_validation_is_refused():
    with pytest.raises(ValueError, match="early_stopping needs validation_data"):
        small().fit(TEXTS, LABELS, early_stopping=True, verbose=0)


@eagerly()
def test_validation_split_holds_out_the_end():
    history = quick().fit(TEXTS, LABELS, epochs=1, validation_split=1 / 3, verbose=0)
    assert "val_accuracy" in history.history


@eagerly()
def test_the_callers_compilation_stays():
    model = quick()
    model.compile("sgd", "mse")
    model.fit(TEXTS, LABELS, epochs=1, verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.SGD)


def test_the_default_compilation_clips_gradients(fitted: TextClassifier):
    assert isinstance(fitted.optimizer, keras.optimizers.Adam)
    assert fitted.optimizer.clipnorm == 1.0


@pytest.mark.parametrize(
    ("texts", "labels", "error", "message"),
    [
        ([], [], ValueError, "empty list"),
        (None, None, TypeError, "list of strings"),
        ([b"\xff"], ["pos"], ValueError, "UTF-8"),
        (["good", None], ["pos", "neg"], TypeError, r"\[1\] is a missing text"),
        (["good", float("nan")], ["pos", "neg"], TypeError, r"\[1\] is a missing text"),
        (["good", 3], ["pos", "neg"], TypeError, "int"),
        (["good", "bad"], ["pos", None], ValueError, "label 1 is missing"),
        (["good", "bad"], ["pos", float("nan")], ValueError, "label 1 is missing"),
        (["good"], ["great"], ValueError, "'great'"),
        (["good"], [2], ValueError, "label 0 is 2"),
        (["good", "bad"], ["pos"], ValueError, "2 texts and 1 labels"),
        (["good"], None, ValueError, "y=None"),
        (["\ud800"], ["pos"], ValueError, "surrogate"),
    ],
)
def test_bad_input_gets_a_clear_error_and_loses_nothing(fitted, texts, labels, error, message):
    before = fitted.get_weights()
    with pytest.raises(error, match=message):
        fitted.fit(texts, labels, verbose=0)
    for old, new in zip(before, fitted.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("labels", [["one"], ["a", "a"], "ab"])
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(ValueError, match="at least two labels"):
        small(labels)


def test_an_embedding_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="the embedding has 3 rows"):
        small(embedding=keras.layers.Embedding(3, 2))


@eagerly()
def test_weights_of_examples_count():
    unweighted, weighted = quick(), quick()
    unweighted.fit(TEXTS, LABELS, epochs=1, verbose=0)
    weighted.fit(TEXTS, LABELS, sample_weight=[0] * 6, epochs=1, verbose=0)
    fresh = quick().predict(TEXTS, verbose=0)
    np.testing.assert_allclose(weighted.predict(TEXTS, verbose=0), fresh, rtol=0, atol=TOLERANCE)
    assert np.abs(unweighted.predict(TEXTS, verbose=0) - fresh).max() > TOLERANCE

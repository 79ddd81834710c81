"""Arguments that Keras would meet deep inside, or take in silence, are refused in one clear sentence."""

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf

from keras_seqkit import CBOW, SkipGram, TextClassifier, TextGenerator, TextRegressor, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.eager import eagerly

TEXTS = ["a good film", "bad", "so bad a film", "good"]
Y = ["pos", "neg", "neg", "pos"]
WORDS = Vocabulary.from_texts(TEXTS)
CALLS = ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch", "__call__"]


def classifier() -> TextClassifier:
    keras.utils.set_random_seed(1)
    return TextClassifier(WORDS, ["neg", "pos"], 4, MaskedMaxPooling())


def regressor() -> TextRegressor:
    keras.utils.set_random_seed(1)
    return TextRegressor(WORDS, embedding=4, encoder=MaskedMaxPooling())


def vectors(kind: Any = SkipGram) -> Any:
    return kind(WORDS, dim=4, window=2, subsample=0)


def fit(model: Any, **arguments: Any) -> Any:
    y = () if isinstance(model, SkipGram) else ([1.0, 2.0, 3.0, 4.0],) if isinstance(model, TextRegressor) else (Y,)
    return model.fit(TEXTS, *y, **{"verbose": 0, "epochs": 1, **arguments})


@pytest.mark.parametrize("make", [classifier, regressor, vectors])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"callbacks": "a"}, TypeError, "callbacks is a list of keras.callbacks.Callback; received 'a'"),
        ({"callbacks": 1}, TypeError, "callbacks is a list of keras.callbacks.Callback; received 1"),
        ({"callbacks": [1]}, TypeError, "callbacks is a list of keras.callbacks.Callback; received 1 in it"),
        ({"callbacks": keras.callbacks.EarlyStopping}, TypeError, ".* received the class EarlyStopping. Make one"),
        ({"callbacks": [keras.callbacks.EarlyStopping]}, TypeError, ".* received the class EarlyStopping. Make one"),
        ({"epochs": None}, TypeError, "epochs is a whole number; received None"),
        ({"epochs": True}, TypeError, "epochs is a whole number; received True"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch is at least 0; received -1"),
        ({"initial_epoch": "a"}, TypeError, "initial_epoch is a whole number; received 'a'"),
        ({"validation_split": "0.2"}, TypeError, "validation_split is a fraction from 0 to 1; received '0.2'"),
        ({"validation_split": -0.2}, ValueError, "validation_split is a fraction from 0 to 1; received -0.2"),
        ({"validation_freq": 0}, ValueError, "validation_freq is at least 1; received 0"),
        ({"validation_freq": "a"}, TypeError, "validation_freq is a whole number; received 'a'"),
        ({"validation_steps": "a"}, TypeError, "validation_steps is a whole number; received 'a'"),
        ({"validation_steps": -1}, ValueError, "validation_steps is at least 1; received -1"),
        ({"validation_batch_size": "a"}, TypeError, "validation_batch_size is a whole number; received 'a'"),
        ({"validation_batch_size": 0}, ValueError, "validation_batch_size is at least 1; received 0"),
        ({"steps_per_epoch": 1.5}, TypeError, "steps_per_epoch is a whole number; received 1.5"),
        ({"checkpoint": 5}, TypeError, "checkpoint is the path of a directory, or None; received 5"),
        ({"checkpoint": __file__}, ValueError, "checkpoint is a directory, .* received the path of a file"),
        ({"seed": "a"}, TypeError, "seed is a whole number; received 'a'"),
        ({"seed": -1}, ValueError, "seed is at least 0; received -1"),
        ({"seed": 1.5}, TypeError, "seed is a whole number; received 1.5"),
        ({"seed": None, "checkpoint": "folder"}, ValueError, "with a checkpoint the seed is the same each time"),
    ],
    ids=str,
)
def test_arguments_of_fit_are_checked(make, arguments, error, message):
    model = make()
    with pytest.raises(error, match=rf"^{type(model).__name__}.fit: {message}"):
        fit(model, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"early_stopping": "a"}, TypeError, "TextClassifier.fit: early_stopping is a whole number; received 'a'"),
        ({"early_stopping": 2.5}, TypeError, "TextClassifier.fit: early_stopping is a whole number; received 2.5"),
        ({"early_stopping": -1}, ValueError, "TextClassifier.fit: early_stopping is at least 1; received -1"),
        ({"sample_weight": ["a"] * 4}, ValueError, "TextClassifier: sample_weight is a column of numbers, .* 'a'"),
        ({"sample_weight": {0: 1.0}}, ValueError, "TextClassifier: sample_weight is a column of numbers"),
    ],
    ids=str,
)
def test_arguments_of_a_classifiers_fit_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        fit(classifier(), validation_split=0.25, **arguments)


@pytest.mark.parametrize(
    ("learning_rate", "error", "message"),
    [
        ("a", TypeError, "a number; received 'a'"),
        (-1, ValueError, "at least 0; received -1"),
        (float("nan"), ValueError, "a finite number"),
    ],
)
def test_learning_rates_are_checked(learning_rate, error, message):
    with pytest.raises(error, match=rf"SkipGram.fit: learning_rate is .*{message}"):
        fit(vectors(), learning_rate=learning_rate)


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"steps": 0}, {"batch_size": -1}])
@pytest.mark.parametrize("call", ["predict", "evaluate"])
def test_sizes_of_batches_and_numbers_of_steps_are_checked(make, arguments, call):
    model = make()
    y = [Y if isinstance(model, TextClassifier) else [1.0] * 4] if call == "evaluate" else []
    for x in (TEXTS, WORDS.encode(TEXTS)):
        with pytest.raises(ValueError, match=rf"{type(model).__name__}.{call}: \w+ is at least 1; received"):
            getattr(model, call)(x, *y, **arguments)


@pytest.mark.parametrize(("threshold", "error"), [(2, ValueError), (-0.1, ValueError), ("a", TypeError)])
def test_a_threshold_is_a_probability(threshold, error):
    with pytest.raises(error, match=r"TextClassifier.predict_labels: threshold is a"):
        classifier().predict_labels(TEXTS, threshold)


@pytest.mark.parametrize("kind", [SkipGram, CBOW])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1.5}, "window is a whole number; received 1.5"),
        ({"dim": "a"}, "dim is a whole number; received 'a'"),
        ({"negatives": None}, "negatives is a whole number; received None"),
        ({"subsample": "a"}, "subsample is a number; received 'a'"),
        ({"vector_size": 10}, "it has no argument vector_size, which is gensim's name: pass dim"),
        ({"min_count": 2}, "it has no argument min_count"),
        ({"sg": 1}, "it has no argument sg"),
    ],
)
def test_arguments_of_word_vectors_are_checked(kind, arguments, message):
    with pytest.raises(TypeError, match=f"^{kind.__name__}: {message}"):
        kind(WORDS, **arguments)


@pytest.mark.parametrize(
    ("x", "advice"),
    [
        ({"text": TEXTS}, "one column of texts"),
        (map(str, TEXTS), "Put what it gives in a list"),
        (iter(TEXTS), "Put what it gives in a list"),
        (io.StringIO("a film\n"), "Put what it gives in a list"),
        ([text.split() for text in TEXTS], "Join the tokens of each text"),
        (list(zip(TEXTS, Y, strict=True)), "as two arguments"),
        ((TEXTS, Y), "as two arguments"),
        ([TEXTS, Y], "as two arguments"),
        (pl.LazyFrame({"x": TEXTS}), "Collect it first"),
        (Path(__file__), "Read the texts first"),
        (len, "Pass a list of texts"),
        (5, "Pass a list of texts"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_neither_texts_nor_a_stream_nor_arrays_is_refused(x, advice, call):
    y = [Y] if call in ("fit", "evaluate", "train_on_batch", "test_on_batch") else []
    with pytest.raises(TypeError, match=rf"^TextClassifier: x is .*received (a )?{type(x).__name__}") as caught:
        getattr(classifier(), call)(x, *y)
    assert advice in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("held_out", [5, {"text": TEXTS}, iter(TEXTS), len])
def test_validation_data_are_named(held_out):
    with pytest.raises(TypeError, match=r"^TextClassifier: validation_data is texts|received a dict"):
        fit(classifier(), validation_data=(held_out, Y))


@pytest.mark.parametrize("data", [("a film", "pos"), (["a film"], "pos")])
def test_one_string_is_no_column_of_labels(data):
    with pytest.raises(ValueError, match=r"TextClassifier: y is a column .* received the one string 'pos'"):
        classifier().fit(*data)
    with pytest.raises(ValueError, match="received the one string 'pos'"):
        classifier().fit((pair for pair in [data]), verbose=0)
    with pytest.raises(ValueError, match="received the one string 'pos'"):
        fit(classifier(), validation_data=data)


def test_streams_of_dicts_are_refused_with_advice():
    stream = tf.data.Dataset.from_tensor_slices({"text": TEXTS, "label": Y}).batch(2)
    for call in ("fit", "evaluate", "predict"):
        with pytest.raises((TypeError, ValueError), match=r"received a dict with \['text', 'label'\]"):
            getattr(classifier(), call)(stream, verbose=0)


@eagerly()
def test_as_many_texts_are_predicted_as_keras_would_predict():
    for model in (classifier(), regressor()):
        texts = ["a good film", "bad", "so bad a film", "good", "a", "a film so bad", "", "good good"]
        whole = model.predict(texts, verbose=0)
        for steps, count in ((1, 3), (2, 6), (3, 8)):
            found = model.predict(texts, batch_size=3, steps=steps, verbose=0)
            np.testing.assert_allclose(found, whole[:count], rtol=1e-6)


@eagerly()
def test_a_table_of_one_column_is_texts():
    expected = fit(model := classifier()).history
    del model
    for table in (pa.table({"x": TEXTS}), pa.record_batch({"x": TEXTS})):
        model = classifier()
        assert model.fit(table, pa.table({"y": Y}), verbose=0).history == expected
        np.testing.assert_array_equal(model.predict(table, verbose=0), model.predict(TEXTS, verbose=0))
    with pytest.raises(TypeError, match="one column of texts; received Table with 2 columns: 'x', 'y'"):
        classifier().predict(pa.table({"x": TEXTS, "y": Y}))


@pytest.mark.parametrize("make", [classifier, regressor, vectors])
@eagerly()
def test_without_a_seed_one_is_drawn(make):
    weights = []
    for _ in range(2):
        model = make()
        keras.utils.set_random_seed(3)
        fit(model, seed=None, batch_size=2)
        weights.append(model.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


@eagerly()
def test_a_list_of_callbacks_of_keras_will_do():
    stopper = keras.callbacks.TerminateOnNaN()
    fit(classifier(), callbacks=keras.callbacks.CallbackList([stopper]))
    assert stopper.model is not None


@eagerly()
def test_a_damaged_checkpoint_is_named(tmp_path):
    fit(classifier(), checkpoint=tmp_path)
    record = (tmp_path / "progress.json").read_text(encoding="utf-8")
    for damaged in (record[:20], "[]", "", json.dumps({**json.loads(record), "last": "gone.weights.h5"})):
        (tmp_path / "progress.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"TextClassifier.fit: checkpoint '.*' is damaged: "):
            fit(classifier(), checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"sample_weight": [1.0, 2.0, 3.0, 4.0]}, "weights"), ({"class_weight": {"pos": 2.0}}, "weights")],
)
@eagerly()
def test_other_weights_than_those_of_the_checkpoint_are_named(arguments, name, tmp_path):
    fit(classifier(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=f"holds another run: its {name} differ"):
        fit(classifier(), checkpoint=tmp_path, **arguments)
    with pytest.raises(ValueError, match="holds another run: its labels differ"):
        classifier().fit(TEXTS, ["pos", "neg", "neg", "neg"], checkpoint=tmp_path)


@eagerly()
def test_rows_of_ids_may_be_lists():
    model, ids = classifier(), WORDS.encode(TEXTS)
    expected = model.predict(ids, verbose=0)
    for rows in (ids.tolist(), tuple(map(tuple, ids.tolist()))):
        np.testing.assert_array_equal(model(rows), model(ids))
        np.testing.assert_array_equal(model.predict(rows, verbose=0), expected)
        np.testing.assert_array_equal(model.predict_on_batch(rows), model.predict_on_batch(ids))
        assert model.evaluate(rows, Y, verbose=0) == model.evaluate(ids, Y, verbose=0)
    with pytest.raises(ValueError, match=r"TextClassifier: rows of ids have one length, .* lengths 1 to 2"):
        model([[4, 5], [4]])


def test_a_generator_refuses_the_same():
    model = TextGenerator(WORDS, 4, embedding=4)
    with pytest.raises(TypeError, match=r"TextGenerator: x is texts .*received map"):
        model.fit(map(str, TEXTS))
    with pytest.raises(TypeError, match=r"TextGenerator.fit: callbacks is a list"):
        model.fit(TEXTS, callbacks="a", length=4, batch_size=2)

"""The regressor learns numbers, and is the same after it was saved."""

import json

import datasets
import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from keras_seqkit import BidirectionalStack, TextRegressor, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.eager import eagerly

TEXTS = ["good", "bad", "very good", "very bad"] * 4
STARS = [4, 2, 5, 1] * 4


def quick(**arguments) -> TextRegressor:
    keras.utils.set_random_seed(1)
    return TextRegressor(Vocabulary.from_texts(TEXTS), embedding=5, encoder=MaskedMaxPooling(), **arguments)


def test_it_learns_what_can_be_learned():
    keras.utils.set_random_seed(1)
    model = TextRegressor(Vocabulary.from_texts(TEXTS), embedding=8, encoder=BidirectionalStack(8), dropout=0.0)
    model.compile(keras.optimizers.Adam(0.05))
    history = model.fit(TEXTS, STARS, batch_size=4, epochs=30, verbose=0).history
    assert set(history) == {"loss", "mean_absolute_error"}
    np.testing.assert_allclose(model.predict(TEXTS[:4], verbose=0)[:, 0], STARS[:4], atol=0.5)


@pytest.mark.parametrize("column", [list, np.array, pd.Series, lambda y: np.array(y, np.float64)[:, np.newaxis]])
@eagerly()
def test_any_column_of_numbers_will_do(column):
    expected, model = quick(), quick()
    expected.fit(TEXTS, STARS, verbose=0)
    model.fit(TEXTS, column(STARS), verbose=0)
    np.testing.assert_array_equal(model.predict(TEXTS, verbose=0), expected.predict(TEXTS, verbose=0))


@eagerly()
def test_several_numbers_are_predicted():
    model = quick(outputs=2)
    model.fit(TEXTS, np.array([STARS, STARS]).T, verbose=0)
    assert model.predict(["good", ""], verbose=0).shape == (2, 2)


@eagerly()
def test_a_saved_model_is_the_same(tmp_path):
    model = quick(conv=3, max_length=4)
    model.fit(TEXTS, STARS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    text = json.dumps(model.get_config(), sort_keys=True)
    assert json.dumps(TextRegressor.from_config(json.loads(text)).get_config(), sort_keys=True) == text
    loaded.fit(TEXTS, STARS, verbose=0)  # it goes on from where it was


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["4", "two", "5", "1"], "no number"),
        ([4, None, 5, 1], "missing or not finite"),
        ([4, float("nan"), 5, 1], "number 1 is missing"),
        ([[4, 1]] * 4, r"\(batch, 1\); received shape \(4, 2\)"),
        ([4, 2], "4 texts and 2 labels"),
        (None, "y=None"),
    ],
)
def test_what_is_no_number_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(TEXTS[:4], y, verbose=0)


def test_classes_have_weights_and_numbers_have_not():
    with pytest.raises(ValueError, match="no classes to weigh"):
        quick().fit(TEXTS, STARS, class_weight={1: 2.0}, verbose=0)
    with pytest.raises(ValueError, match="outputs is a whole number"):
        quick(outputs=0)


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table, datasets.Dataset.from_dict])
def test_columns_of_a_table_are_the_outputs(table):
    y = table({"stars": [1.0, 2.0], "price": [3.0, 4.0]})
    np.testing.assert_array_equal(quick(outputs=2).targets(y), [[1, 3], [2, 4]])


def test_numbers_without_an_order_are_refused():
    with pytest.raises(TypeError, match="TextRegressor: y is a column with a value for each text"):
        quick().targets({0: 1.0, 1: 2.0})

"""Habits: texts in every container, in streams, and in calls."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import tensorflow as tf

from tests.habits.cases import CASES, UNSEEN, WHOLE, Case, assert_same, differ, weights
from tests.habits.table import habit

COLUMNS = "Texts in memory"
STREAMS = "Streams of texts"
CALLS = "Calls and single batches"
TOLERANCE = 1e-6  # of sums in float32 in another order: batches of streams are padded otherwise

CONTAINERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a_list": ("a list", list),
    "a_tuple": ("a tuple", tuple),
    "numpy_objects": ("NumPy, `object`", lambda values: np.array(values, object)),
    "numpy_strings": ("NumPy, `str`", np.array),
    "numpy_of_one_column": ("NumPy `(n, 1)`", lambda values: np.array(values).reshape(-1, 1)),
    "pandas_column": ("pandas, a column", lambda values: pd.Series(values, index=range(7, 7 + len(values)))),
    "pandas_objects": ("pandas, a column of `object`", lambda values: pd.Series(values, dtype=object)),
    "pandas_strings": ("pandas, a column of `string`", lambda values: pd.Series(values, dtype="string")),
    "pandas_categories": ("pandas, a column of `category`", lambda values: pd.Series(values, dtype="category")),
    "pandas_frame": ("pandas, a frame of one column", lambda values: pd.DataFrame({"text": values})),
    "pyarrow_column": ("pyarrow, an array", pa.array),
    "pyarrow_chunks": ("pyarrow, a chunked array", lambda values: pa.chunked_array([values[:3], values[3:]])),
    "polars_column": ("polars, a column", pl.Series),
    "polars_frame": ("polars, a frame of one column", lambda values: pl.DataFrame({"text": values})),
    "hugging_face_column": (
        "Hugging Face `datasets`, a column",
        lambda values: datasets.Dataset.from_dict({"text": values})["text"],
    ),
    "string_tensor": ("a tensor of strings", tf.constant),
    "string_tensor_of_one_column": (
        "a tensor of strings `(n, 1)`",
        lambda values: tf.constant([[value] for value in values]),
    ),
}
# The suite tries these on all models: one function reads all kinds, and has tests of its own.
TRIED_BY_THE_SUITE = ("a_tuple", "numpy_of_one_column", "pandas_column", "polars_frame", "string_tensor")


@cache
def _plain_answers(name: str) -> tuple[Any, Any]:
    """Returns what the model that was trained on lists answers, and measures, of lists."""
    case = next(each for each in CASES if each.name == name)
    model = case.plain(batch_size=WHOLE, validated=True)
    return case.answer(model, case.texts), model.evaluate(*case.data(), verbose=0)


def _tried_container(kind: Callable[[Any], Any]) -> Callable[[Case, Path], None]:
    def check(case: Case, folder: Path) -> None:
        """Trains, holds out and asks with columns of a kind, as with lists."""
        model, expected = case.new(), case.plain(batch_size=WHOLE, validated=True)
        case.fit(*case.data(kind=kind), model=model, validation_data=case.held_out(kind), batch_size=WHOLE)
        assert_same(model, expected)
        assert_same(model.history.history, expected.history.history)
        answer, measured = _plain_answers(case.name)
        assert_same(case.answer(model, kind(case.texts)), answer)
        assert_same(model.evaluate(*case.data(kind=kind), verbose=0), measured)

    return check


for _key, (_shown, _kind) in CONTAINERS.items():
    _check = _tried_container(_kind)
    _check.__name__ = _key
    _described = f"{_shown}: `fit`, `validation_data`, `evaluate`, and what it answers"
    habit(COLUMNS, _described, costly=_key not in TRIED_BY_THE_SUITE)(_check)


@habit(COLUMNS, "one string: the answer to `[text]`")
def one_string(case: Case, folder: Path) -> None:
    model = case.plain()
    assert_same(case.answer(model, "good film"), case.answer(model, ["good film"]))


@habit(COLUMNS, "no text: `fit([], [])`")
def no_text(case: Case, folder: Path) -> None:
    case.fit(*case.data(slice(0)))
    raise AssertionError("no texts were trained on in silence")


def _with_missing_text(case: Case, missing: Any) -> None:
    texts = [*case.texts[:3], missing, *case.texts[4:]]
    case.fit(texts, *case.data()[1:])
    raise AssertionError("a missing text was taken in silence")


@habit(COLUMNS, "a `NaN` among texts")
def nan_among_texts(case: Case, folder: Path) -> None:
    _with_missing_text(case, float("nan"))


@habit(COLUMNS, "a `None` among texts")
def none_among_texts(case: Case, folder: Path) -> None:
    _with_missing_text(case, None)


@habit(COLUMNS, "a `pandas.NA` in a column")
def na_in_a_column(case: Case, folder: Path) -> None:
    texts = pd.Series([*case.texts[:3], pd.NA, *case.texts[4:]], dtype="string")
    case.fit(texts, *case.data()[1:])
    raise AssertionError("a missing text was taken in silence")


@habit(COLUMNS, "a `NaN` among `y`")
def nan_among_targets(case: Case, folder: Path) -> None:
    targets = [*(case.targets or case.texts)[:3], float("nan"), *(case.targets or case.texts)[4:]]
    case.fit(case.texts, targets)
    raise AssertionError("a missing target was taken in silence")


@habit(COLUMNS, "fewer `y` than texts")
def fewer_targets(case: Case, folder: Path) -> None:
    case.fit(case.texts, (case.targets or case.texts)[:-1])
    raise AssertionError("texts without a target were taken in silence")


@habit(COLUMNS, "a number among texts")
def a_number_among_texts(case: Case, folder: Path) -> None:
    _with_missing_text(case, 3)


@habit(COLUMNS, "a frame of two columns as `x`")
def a_frame_of_two_columns(case: Case, folder: Path) -> None:
    frame = pd.DataFrame({"one": case.texts, "two": case.texts})
    case.fit(frame, *case.data()[1:])
    raise AssertionError("two columns were taken for one in silence")


# Streams


class Batches(keras.utils.PyDataset):
    """The data in batches, as a Keras user would write it."""

    def __init__(self, case: Case):
        super().__init__()
        self.found = case.batches(np.array)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: int) -> Any:
        batch = self.found[index]
        return batch if len(batch) > 1 else batch[0]


class DataLoader:
    """What a loader of PyTorch gives: lists of texts and targets, in a list."""

    def __init__(self, case: Case):
        self.found = [list(batch) if len(batch) > 1 else batch[0] for batch in case.batches()]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.found)


def dataset(case: Case) -> Any:
    """Returns single texts as `tf.data`."""
    data = case.data(kind=tf.constant)
    return tf.data.Dataset.from_tensor_slices(data if len(data) > 1 else data[0])


def generated(case: Case, repeats: int = 1) -> Iterator[Any]:
    """Yields batches; may be gone through once."""
    for _ in range(repeats):
        for batch in case.batches():
            yield batch if len(batch) > 1 else batch[0]


def step_by_step(case: Case, batch_size: int | None) -> Any:
    """Returns what comes of the same batches, one after the other; where streams are read whole, of the list."""
    if case.name == "SkipGram":
        return case.fit(batch_size=batch_size)
    model = case.new()
    for batch in case.batches():
        model.train_on_batch(*batch)
    return model


def _tried_stream(case: Case, stream: Any, checks: Any, again: Any, **arguments: Any) -> None:
    settings = {**case.stream_settings, **arguments}
    model = case.new()
    model.fit(stream, verbose=0, epochs=1, validation_data=checks, **settings)
    assert_same(model, step_by_step(case, arguments.get("batch_size")), TOLERANCE)
    assert np.isfinite(model.history.history["val_loss"]).all()
    assert np.isfinite(keras.tree.flatten(model.evaluate(again, verbose=0))).all()


@habit(STREAMS, "`tf.data` of batches: `fit`, `validation_data`, `evaluate`")
def tf_data_of_batches(case: Case, folder: Path) -> None:
    found = dataset(case).batch(4)
    _tried_stream(case, found, found, found)


@habit(STREAMS, "`tf.data` of single texts, `batch_size=4`")
def tf_data_of_texts(case: Case, folder: Path) -> None:
    found = dataset(case)
    _tried_stream(case, found, found, found, batch_size=4)


@habit(STREAMS, "a generator")
def a_generator(case: Case, folder: Path) -> None:
    _tried_stream(case, generated(case), generated(case), generated(case))


@habit(STREAMS, "an endless generator, `steps_per_epoch=2`, `epochs=2`")
def an_endless_generator(case: Case, folder: Path) -> None:
    model = case.new()
    model.fit(generated(case, 1000), verbose=0, steps_per_epoch=2, epochs=2, **case.stream_settings)
    assert len(model.history.history["loss"]) == 2


@habit(STREAMS, "`keras.utils.PyDataset`")
def a_pydataset(case: Case, folder: Path) -> None:
    _tried_stream(case, Batches(case), Batches(case), Batches(case))


@habit(STREAMS, "a `DataLoader` of lists")
def a_data_loader(case: Case, folder: Path) -> None:
    _tried_stream(case, DataLoader(case), DataLoader(case), DataLoader(case))


@habit(STREAMS, "an empty generator")
def an_empty_generator(case: Case, folder: Path) -> None:
    case.new().fit(iter_nothing(), verbose=0, **case.stream_settings)
    raise AssertionError("nothing was trained on in silence")


def iter_nothing() -> Iterator[Any]:
    """Yields nothing."""
    yield from ()


@habit(STREAMS, "a stream and `y` beside it")
def a_stream_and_targets(case: Case, folder: Path) -> None:
    case.new().fit(dataset(case).batch(4), case.targets or case.texts, verbose=0, **case.stream_settings)
    raise AssertionError("y was ignored")


@habit(STREAMS, "a stream with `validation_split=0.25`")
def a_stream_that_is_split(case: Case, folder: Path) -> None:
    model = case.new()
    model.fit(dataset(case).batch(4), validation_split=0.25, verbose=0, **case.stream_settings)
    assert "val_loss" in model.history.history


@habit(STREAMS, "`predict` of `tf.data`")
def predict_of_tf_data(case: Case, folder: Path) -> None:
    texts = tf.data.Dataset.from_tensor_slices(case.texts).batch(len(case.texts))
    model = case.plain()
    assert_same(model.predict(texts, verbose=0), model.predict(case.texts, verbose=0), TOLERANCE)


# Calls


@habit(CALLS, "`model.predict(x)`")
def predict(case: Case, folder: Path) -> None:
    assert len(case.plain().predict(case.texts, verbose=0)) == len(case.texts)


@habit(CALLS, '`model(["text"])`')
def call_of_a_list(case: Case, folder: Path) -> None:
    model = case.plain()
    assert_same(np.asarray(model(UNSEEN)), model.predict(UNSEEN, verbose=0), TOLERANCE)


@habit(CALLS, '`model(tf.constant(["text"]))`')
def call_of_a_tensor(case: Case, folder: Path) -> None:
    model = case.plain()
    assert_same(np.asarray(model(tf.constant(UNSEEN))), model.predict(UNSEEN, verbose=0), TOLERANCE)


@habit(CALLS, "a call within `tf.function`", eager=False)
def call_within_a_graph(case: Case, folder: Path) -> None:
    model = case.plain()
    tf.function(lambda texts: model(texts), autograph=False)(tf.constant(UNSEEN))
    raise AssertionError("texts cannot be encoded in a graph")


@habit(CALLS, "`train_on_batch`")
def train_on_batch(case: Case, folder: Path) -> None:
    model, before = case.new(), weights(case.new())
    found = model.train_on_batch(*case.data(), return_dict=True)
    assert np.isfinite(found["loss"])
    assert differ(model, before)


@habit(CALLS, "`train_on_batch` with weights of 0")
def train_on_batch_with_weights(case: Case, folder: Path) -> None:
    model, before = case.new(), weights(case.new())
    model.train_on_batch(*case.data(), sample_weight=np.zeros(len(case.texts)))
    assert not differ(model, before)


@habit(CALLS, "`test_on_batch`")
def test_on_batch(case: Case, folder: Path) -> None:
    model = case.new()
    found = model.test_on_batch(*case.data(), return_dict=True)
    assert found["loss"] == model.test_on_batch(*case.data(kind=tf.constant), return_dict=True)["loss"] > 0


@habit(CALLS, "`predict_on_batch`")
def predict_on_batch(case: Case, folder: Path) -> None:
    model = case.plain()
    assert_same(model.predict_on_batch(UNSEEN), model.predict(UNSEEN, verbose=0), TOLERANCE)


@habit(CALLS, "`evaluate(return_dict=True)`")
def evaluate_as_a_dict(case: Case, folder: Path) -> None:
    assert case.plain().evaluate(*case.data(), verbose=0, return_dict=True)["loss"] > 0


@habit(CALLS, "`evaluate` with a `sample_weight`")
def evaluate_with_weights(case: Case, folder: Path) -> None:
    model = case.plain()
    chosen = np.arange(len(case.texts)) < 4
    part = model.evaluate(*case.data(slice(4)), verbose=0, return_dict=True)
    whole = model.evaluate(*case.data(), verbose=0, return_dict=True, sample_weight=chosen.astype("float32"))
    # As in Keras, a loss is divided by the number of all texts, or of all tokens, also of those that weigh nothing.
    sizes = [1 if case.name == "TextClassifier" else len(target.split()) + 1 for target in case.targets or case.texts]
    np.testing.assert_allclose(whole["loss"] * sum(sizes) / sum(sizes[:4]), part["loss"], rtol=1e-5)

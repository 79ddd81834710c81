"""Labels are found by their value, whatever type they come in."""

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.models.classification.label_targets import ClassTargets, check_labels, labels_in

NAN = float("nan")


def indices(labels: list, y) -> list[int]:
    return ClassTargets(check_labels(labels)).of(y, "index").tolist()


@pytest.mark.parametrize(
    ("labels", "y", "expected"),
    [
        ([1, 0], [1, 0, 1], [0, 1, 0]),  # values, though they could be places
        ([1, 0], [1.0, 0.0], [0, 1]),
        ([1, 0], ["1", "0"], [0, 1]),
        ([True, False], [1, 0], [0, 1]),
        ([True, False], [True, False], [0, 1]),
        ([True, False], ["True", "False"], [0, 1]),
        (["1", "0"], [1, 0], [0, 1]),
        (["1", "0"], ["1", "0"], [0, 1]),
        (["True", "False"], [True, False], [0, 1]),
        ([1, 2, 3], [1, 2], [0, 1]),
        ([1, 2, 3, 4, 5], ["5", "1"], [4, 0]),
        ([1, 2, 3, 4, 5], [5.0, 1.0], [4, 0]),
        (["1", "2", "3"], [3.0, 1.0], [2, 0]),
        ([-1, 1], [1, -1], [1, 0]),
        ([0.5, 1.5], ["0.5", 1.5], [0, 1]),
        ([1, 2], ["1.0", "2.0"], [0, 1]),
        (["neg", "pos"], [1, 0], [1, 0]),  # places: no label is a number
        (["neg", "pos"], [True, False], [1, 0]),
        (["neg", "pos"], [1.0, 0.0], [1, 0]),
        (["neg", "pos"], [b"pos", b"neg"], [1, 0]),
        (["neg", "pos"], [["pos"], ["neg"]], [1, 0]),  # (batch, 1)
        (["neg", "pos"], [[0, 1], [1, 0]], [1, 0]),  # one-hot
        (["neg", "pos"], np.array([[0.0, 1.0], [1.0, 0.0]]), [1, 0]),
    ],
)
def test_a_label_is_found_by_its_value(labels, y, expected):
    assert indices(labels, y) == expected


@pytest.mark.parametrize(
    "column",
    [
        list,
        tuple,
        iter,
        np.array,
        lambda y: np.array(y, object),
        lambda y: np.array(y)[:, np.newaxis],
        pd.Series,
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.DataFrame({"label": y}),
        pl.Series,
        lambda y: pl.DataFrame({"label": y}),
        pa.array,
        lambda y: pa.chunked_array([y[:1], y[1:]]),
        tf.constant,
    ],
    ids=[
        "list", "tuple", "iterator", "array", "objects", "(n, 1)", "series", "category", "frame", "polars",
        "polars frame", "pyarrow", "chunked", "tensor",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("labels", "y"), [(["b", "a", "c"], ["a", "b", "c"]), ([20, 10, 30], [10, 20, 30])])
def test_any_column_of_labels_will_do(column, labels, y):
    values = column(y) if column is not iter else (each for each in y)
    assert indices(labels, values) == [1, 0, 2]


@pytest.mark.parametrize(
    ("labels", "y", "message"),
    [
        ([1, 2, 3], [0], "label 0 is 0, which is none of"),  # no place: labels are numbers
        (["1", "2"], [0], "label 0 is 0"),
        (["neg", "pos"], [2], "label 0 is 2"),
        (["neg", "pos"], [0.5], "label 0 is 0.5"),
        (["neg", "pos"], ["pos", "other"], "label 1 is 'other'"),
        (["a", "3"], [0], "label 0 is 0"),
        (["neg", "pos"], ["pos", None], "label 1 is missing"),
        (["neg", "pos"], ["pos", NAN], "label 1 is missing"),
        (["neg", "pos"], pd.Series(["pos", pd.NA], dtype="string"), "label 1 is missing"),
        (["neg", "pos"], np.ones((2, 3)), "shape"),
        (["a", "b", "c"], [[0.5, 0.6, 0.1]], "sum to 1"),
        (["a", "b", "c"], [[1.5, -0.5, 0.0]], "at least 0"),
    ],
)
def test_what_is_no_label_is_refused(labels, y, message):
    with pytest.raises(ValueError, match=message):
        indices(labels, y)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ({"a", "b"}, TypeError, "order"),
        ({"a": 1, "b": 2}, TypeError, "order"),
        (2, ValueError, "at least two labels"),
        ("ab", ValueError, "at least two labels"),
        ([1, "1"], ValueError, "each once"),
        ([1, True], ValueError, "each once"),
        ([1, 1.0], ValueError, "each once"),
        (["a", None], TypeError, "None"),
        (["a", NAN], TypeError, "nan"),
    ],
)
def test_what_are_no_classes_is_refused(labels, error, message):
    with pytest.raises(error, match=message):
        check_labels(labels)


def test_labels_of_numpy_and_pandas_become_plain():
    assert check_labels(np.unique(["b", "a"])) == ["a", "b"]
    assert check_labels(pd.Series([2, 1])) == [2, 1]
    assert [type(label) for label in check_labels(np.array([2, 1]))] == [int, int]


def test_soft_labels_become_what_the_loss_takes():
    two, three = ClassTargets(["neg", "pos"]), ClassTargets(["a", "b", "c"])
    np.testing.assert_allclose(two.of([[0.25, 0.75]], "binary"), [[0.75]])
    np.testing.assert_allclose(three.of([[0.2, 0.3, 0.5]], "one_hot"), [[0.2, 0.3, 0.5]], rtol=1e-6)
    np.testing.assert_array_equal(three.of(["c", "a"], "one_hot"), [[0, 0, 1], [1, 0, 0]])
    with pytest.raises(ValueError, match="soft labels need a loss"):
        three.of([[0.2, 0.3, 0.5]], "index")


@pytest.mark.parametrize(
    ("labels", "y"),
    [
        (["a", "b", "c"], [["a", "c"], [], ["b"]]),
        (["a", "b", "c"], [{"c", "a"}, set(), ("b",)]),
        (["a", "b", "c"], [[0, 2], [], [1]]),
        (["a", "b", "c"], [[1, 0, 1], [0, 0, 0], [0, 1, 0]]),
        (["a", "b", "c"], np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], bool)),
        (["a", "b", "c"], pd.Series([["a", "c"], [], ["b"]])),
        ([10, 20, 30], [[10, 30], [], [20]]),
    ],
)
def test_several_labels_are_lists_or_a_matrix(labels, y):
    targets = ClassTargets(check_labels(labels), multi_label=True).of(y, "one_hot")
    np.testing.assert_array_equal(targets, [[1, 0, 1], [0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("y", [["a", "b"], [["a"], ["d"]], np.ones((2, 2)), np.full((2, 3), 2.0), [["a"], None]])
def test_what_are_not_several_labels_is_refused(y):
    with pytest.raises(ValueError, match="TextClassifier"):
        ClassTargets(["a", "b", "c"], multi_label=True).of(y, "one_hot")


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (["pos", "neg", "pos"], ["neg", "pos"]),
        ([10, 9, 100], [9, 10, 100]),
        (pd.Series([2, 1, 2]), [1, 2]),
        ([["b"], ["a"]], ["a", "b"]),
        ([True, False], [False, True]),
        (["10", "9"], ["10", "9"]),
    ],
)
def test_labels_are_found_in_the_data(y, expected):
    assert labels_in(y) == expected


def test_several_labels_are_found_in_the_data():
    assert labels_in([["b", "c"], [], ["a"]], multi_label=True) == ["a", "b", "c"]


def test_weights_of_classes_go_by_label():
    classes = ClassTargets(["neg", "pos"])
    targets = classes.of(["pos", "neg", "pos", "pos"], "binary")
    np.testing.assert_array_equal(classes.weights(targets, {"pos": 2.0, "neg": 0.5}), [2, 0.5, 2, 2])
    np.testing.assert_array_equal(classes.weights(targets, {1: 2.0}), [2, 1, 2, 2])
    np.testing.assert_allclose(classes.weights(targets, "balanced"), [4 / 6, 2, 4 / 6, 4 / 6], rtol=1e-6)
    for wrong in ({"other": 1.0}, "even", {2: 1.0}):
        with pytest.raises(ValueError, match="class_weight"):
            classes.weights(targets, wrong)


def test_balanced_weights_are_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.utils.class_weight", reason="the reference is scikit-learn's")
    labels = ["a", "b", "c"]
    y = ["a"] * 5 + ["b"] * 2 + ["c"]
    classes = ClassTargets(labels)
    expected = sklearn.compute_sample_weight("balanced", y)
    for form in ("index", "one_hot"):
        np.testing.assert_allclose(classes.weights(classes.of(y, form), "balanced"), expected, rtol=1e-6)


values = st.one_of(st.text(max_size=4), st.integers(-5, 5), st.floats(allow_nan=False), st.booleans())


@given(st.lists(values, min_size=2, max_size=5))
def test_whatever_is_a_label_is_found_at_its_place(labels):
    try:
        classes = ClassTargets(check_labels(labels))
    except ValueError:
        assert len({str(label) for label in labels}) < len(labels) or len(set(labels)) < len(labels)
        return
    assert classes.of(labels, "index").tolist() == list(range(len(labels)))


def swapped(names: list, rows: list[list]) -> list:
    """Tables of one-hot labels in all libraries, with the same columns."""
    by_name = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return [pd.DataFrame(by_name), pl.DataFrame(by_name), pa.table(by_name), datasets.Dataset.from_dict(by_name)]


@pytest.mark.parametrize("form", ["binary", "index", "one_hot"])
def test_columns_of_one_hot_labels_are_found_by_their_names(form):
    expected = ClassTargets(["neg", "pos"]).of(["pos", "neg", "pos"], form)
    for table in swapped(["pos", "neg"], [[1, 0], [0, 1], [1, 0]]):
        np.testing.assert_array_equal(ClassTargets(["neg", "pos"]).of(table, form), expected)


def test_columns_that_get_dummies_makes_are_found_by_their_names():
    y = pd.Series([5, 1, 5, 3])
    np.testing.assert_array_equal(
        ClassTargets([5, 3, 1]).of(pd.get_dummies(y), "index"), ClassTargets([5, 3, 1]).of(y, "index")
    )


def test_columns_of_several_labels_are_found_by_their_names():
    for table in swapped(["c", "a", "b"], [[1, 0, 0], [1, 1, 0]]):
        np.testing.assert_array_equal(
            ClassTargets(["a", "b", "c"], multi_label=True).of(table, "one_hot"), [[0, 0, 1], [1, 0, 1]]
        )


def test_columns_without_names_stand_in_the_order_of_the_labels():
    matrix = np.array([[0.25, 0.75], [1.0, 0.0]])
    for table in (pd.DataFrame(matrix), pl.DataFrame(matrix)):
        np.testing.assert_array_equal(ClassTargets(["neg", "pos"]).of(table, "one_hot"), matrix)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("names", [["zz", "qq"], ["neg", "zz"], ["neg", "pos", "zz"]])
def test_columns_with_other_names_are_refused(names, multi_label):
    for table in swapped(names, [[1, 0, 0], [0, 1, 0]]):
        with pytest.raises(ValueError, match=r"named after it; received columns .*zz"):
            ClassTargets(["neg", "pos"], multi_label).of(table, "one_hot")


def test_labels_that_are_to_be_found_stand_in_one_column():
    for table in swapped(["neg", "pos"], [[1, 0], [0, 1]]):
        with pytest.raises(ValueError, match="received a table of 2 columns"):
            labels_in(table)


@pytest.mark.parametrize("y", [{"pos": [1, 0], "neg": [0, 1]}, {"pos", "neg"}])
def test_labels_without_an_order_are_refused(y):
    with pytest.raises(TypeError, match="y is a column with a value for each text"):
        ClassTargets(["neg", "pos"]).of(y, "index")
    with pytest.raises(TypeError, match="y is a column with a value for each text"):
        labels_in(y)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: NAN, 1: 1.0}, r"the weight of class 0 is nan; a finite number is expected"),
        ({"pos": float("inf")}, r"the weight of class 'pos' is inf"),
        ({"pos": "a"}, r"the weight of class 'pos' is 'a'"),
        ({"pos": None}, r"the weight of class 'pos' is None"),
        ({"pos": [1.0, 2.0]}, r"the weight of class 'pos' is \[1.0, 2.0\]"),
        ({"pos": 2.0, 1: 3.0}, r"'pos' and 1 are the same class"),
    ],
)
def test_weights_of_classes_are_numbers_and_each_class_has_one(class_weight, message):
    classes = ClassTargets(["neg", "pos"])
    with pytest.raises(ValueError, match=f"TextClassifier: class_weight: {message}"):
        classes.weights(classes.of(["neg", "pos"], "index"), class_weight)

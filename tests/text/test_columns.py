"""text_column takes a column of texts from any library, and says which text is none."""

import decimal
import subprocess
import sys
from collections import Counter, deque
from typing import ClassVar

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import given

from keras_seqkit.text.columns import text_column
from tests.text_strategies import few_texts

TEXTS = ["A touching story.", "", "é 😀"]
OWNER = "f: x"


class Column:
    """A column as pandas and polars have it: its length, its items, and a method that lists them."""

    def __init__(self, values):
        self.values = list(values)
        self.shape = (len(self.values),)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index]

    def to_list(self):
        return self.values


class PyArrowBackedColumn(Column):
    """Iterating it gives scalars of another library."""

    def __iter__(self):
        return iter(pyarrow.array(self.values))


class Frame:
    """A table as pandas and polars have it: iterating it gives no rows."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.data = {name: Column(values) for name, values in columns.items()}
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __getitem__(self, name):
        return self.data[name]

    def __iter__(self):
        return iter(self.columns)


class Splits(dict):
    """Tables by name, as Hugging Face's datasets come."""

    column_names: ClassVar = {"train": ["review"]}
    shape: ClassVar = {"train": (1, 1)}


class Tensor:
    """An eager tensor: `numpy` gives an array, or bytes where there is one text."""

    def __init__(self, value):
        self.value = value
        self.ndim = np.ndim(value)

    def numpy(self):
        return self.value


class Dataset:
    """A TensorFlow dataset: what it yields are arrays of bytes, or bytes where it is not batched."""

    def __init__(self, *elements):
        self.elements = elements

    def as_numpy_iterator(self):
        return iter(self.elements)


def encoded(texts) -> np.ndarray:
    return np.array([text.encode() for text in texts], object)


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "iterator": iter,
    "generator": lambda texts: (text for text in texts),
    "deque": deque,
    "keys of a dict": lambda texts: dict.fromkeys(texts).keys(),
    "values of a dict": lambda texts: dict(enumerate(texts)).values(),
    "rows of one": lambda texts: [[text] for text in texts],
    "tuples of one": lambda texts: [(text,) for text in texts],
    "array": np.array,
    "array of objects": lambda texts: np.array(texts, object),
    "array of variable width": lambda texts: np.array(texts, np.dtypes.StringDType()),
    "array of bytes": lambda texts: np.array([text.encode() for text in texts]),
    "array of one column": lambda texts: np.array(texts, object)[:, None],
    "masked array": np.ma.array,
    "list of NumPy's strings": lambda texts: [np.str_(text) for text in texts],
    "list of arrays of no axis": lambda texts: [np.array(text) for text in texts],
    "list of bytes": lambda texts: [text.encode() for text in texts],
    "list of bytearrays": lambda texts: [bytearray(text.encode()) for text in texts],
    "pyarrow array": pyarrow.array,
    "pyarrow dictionary": lambda texts: pyarrow.array(texts).dictionary_encode(),
    "pyarrow binary": lambda texts: pyarrow.array([text.encode() for text in texts]),
    "pyarrow chunks": lambda texts: pyarrow.chunked_array([texts[:1], texts[1:]]),
    "pyarrow scalars": lambda texts: list(pyarrow.array(texts)),
    "pyarrow table": lambda texts: pyarrow.table({"review": texts}),
    "pyarrow batch": lambda texts: pyarrow.record_batch({"review": texts}),
    "column": Column,
    "column of scalars": PyArrowBackedColumn,
    "frame of one column": lambda texts: Frame(review=texts),
    "tensor": lambda texts: Tensor(encoded(texts)),
    "tensor of one column": lambda texts: Tensor(encoded(texts)[:, None]),
    "list of tensors": lambda texts: [Tensor(text.encode()) for text in texts],
    "dataset": lambda texts: Dataset(*(text.encode() for text in texts)),
    "batched dataset": lambda texts: Dataset(encoded(texts[:2]), encoded(texts[2:])),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_each_container_gives_the_texts_in_order(container):
    texts = text_column(container(TEXTS), OWNER)
    assert texts == TEXTS
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize(
    "one",
    ["é 😀", "é 😀".encode(), bytearray("é 😀".encode()), np.str_("é 😀"), np.array("é 😀"), Tensor("é 😀".encode())],
    ids=lambda one: type(one).__name__,
)
def test_one_string_is_one_text(one):
    assert text_column(one, OWNER) == ["é 😀"]


@given(few_texts)
def test_texts_pass_unchanged(texts):
    assert text_column(texts, OWNER) == texts
    assert text_column(np.array(texts, object), OWNER) == texts
    assert text_column([text.encode() for text in texts], OWNER) == texts


@pytest.mark.parametrize("none", [[], (), iter([]), np.array([], str), np.zeros((0, 1), object), pyarrow.array([])])
def test_no_text_is_no_error(none):
    assert text_column(none, OWNER) == []


@pytest.mark.parametrize(
    "missing", [None, float("nan"), np.float64("nan"), np.float32("nan"), pandas.NA, pyarrow.scalar(None)], ids=repr
)
def test_a_missing_text_is_named_with_its_place(missing):
    with pytest.raises(TypeError, match=r"^f: x\[1\] is a missing text; received .*\. Leave such rows out, or put ''"):
        text_column(["a", missing, "b", missing], OWNER)


@pytest.mark.parametrize(
    "container",
    [
        lambda texts: np.array(texts, object),
        lambda texts: np.array(texts, object)[:, None],
        pyarrow.array,
        lambda texts: pyarrow.table({"review": texts}),
        lambda texts: np.ma.array(["a", "b", "c"], mask=[False, True, False]),
        Column,
        lambda texts: Frame(review=texts),
    ],
)
def test_a_missing_text_is_named_in_each_container(container):
    with pytest.raises(TypeError, match=r"^f: x\[1\] is a missing text; received None"):
        text_column(container(["a", None, "c"]), OWNER)


@pytest.mark.parametrize(
    "odd", [5, 1.5, True, ["a"], ["a", "b"], {"text": "a"}, np.array(["a"]), decimal.Decimal("nan")], ids=repr
)
def test_what_is_no_text_is_named_with_its_place(odd):
    with pytest.raises(TypeError, match=rf"^f: x\[1\] is a string; received {type(odd).__name__}"):
        text_column(["a", odd], OWNER)


@pytest.mark.parametrize(
    "odd",
    [None, 5, 1.5, {"text": ["a"]}, Counter("ab"), Splits(train=TEXTS), object()],
    ids=lambda odd: type(odd).__name__,
)
def test_what_holds_no_texts_is_refused(odd):
    with pytest.raises(TypeError, match=rf"^f: x is a list of strings; received {type(odd).__name__}"):
        text_column(odd, OWNER)


def test_an_error_is_one_line_whatever_was_received():
    class Table:
        def __repr__(self):
            return "a\n  b"

    with pytest.raises(TypeError, match=r"^f: x is a list of strings; received Table a b\.$"):
        text_column(Table(), OWNER)


@pytest.mark.parametrize("unordered", [{"a", "b"}, frozenset("ab")])
def test_a_set_is_refused_since_its_order_changes(unordered):
    with pytest.raises(TypeError, match=r"^f: x is a list of strings; received a (frozen)?set, which has no order"):
        text_column(unordered, OWNER)


@pytest.mark.parametrize("table", [Frame(a=["x"], b=["y"]), pyarrow.table({"a": ["x"], "b": ["y"]})])
def test_a_table_of_several_columns_is_refused_by_their_names(table):
    with pytest.raises(
        TypeError, match=r"^f: x is one column of texts; received .* with 2 columns: 'a', 'b'\. Pass one"
    ):
        text_column(table, OWNER)


def test_many_names_of_columns_are_cut():
    with pytest.raises(TypeError, match=r"with 100 columns: 'column 0', .*\.\.\.\. Pass one") as said:
        text_column(Frame(**{f"column {index}": ["x"] for index in range(100)}), OWNER)
    assert len(str(said.value)) < 250


@pytest.mark.parametrize("shape", [(1, 2), (2, 2), (2, 1, 1)])
def test_an_array_of_more_axes_is_refused_with_its_shape(shape):
    with pytest.raises(
        TypeError, match=rf"^f: x is one text a row.*received an array of shape \({shape[0]}, {shape[1]}"
    ):
        text_column(np.full(shape, "a"), OWNER)


@pytest.mark.parametrize("element", [(b"a", 1), {"text": b"a"}])
def test_a_dataset_with_labels_is_refused_with_advice(element):
    with pytest.raises(TypeError, match=r"^f: x is a dataset of texts; .* a (tuple|dict) each.*dataset\.map"):
        text_column(Dataset(element), OWNER)


def test_bytes_that_are_no_utf_8_are_named_with_their_place():
    with pytest.raises(ValueError, match=r"^f: x\[1\] is text in UTF-8; received bytes with 0xe9 at place 3"):
        text_column([b"a", b"caf\xe9"], OWNER)


def test_a_lone_surrogate_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"^f: x\[1\] .* lone surrogate at character 1"):
        text_column(np.array(["a", "é\udc80"], object), OWNER)


def test_the_libraries_are_not_imported():
    code = (
        "import sys; from keras_seqkit.text.columns import text_column; text_column(['a'], 'f: x');"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'tensorflow', 'keras', 'datasets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

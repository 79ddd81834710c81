"""Class labels as targets for training."""

import math
import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from keras_seqkit.models.text_data import columns_of, ordered_column

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
TARGETS_OF_FORMS = {
    "binary": "float32 (batch, 1), the probability of the second label",
    "index": "int32 (batch,)",
    "one_hot": "float32 (batch, classes)",
}
SUM_TOLERANCE = 1e-3  # of a row of probabilities, which may have been rounded to four digits

Label = str | int | float | bool


def check_labels(labels: Any) -> list[Label]:
    """Returns the labels of the classes as a list of strings and numbers.

    Raises:
        TypeError: they have no order, or one is neither a string nor a number.
        ValueError: there are less than two, or two are equal.
    """
    if isinstance(labels, (Set, Mapping)):
        advice = "[labels[key] for key in sorted(labels)]" if isinstance(labels, Mapping) else "sorted(labels)"
        raise TypeError(
            f"TextClassifier: labels is a list; received a {type(labels).__name__}, whose order is no part of it. Pass "
            f"{advice}."
        )
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise ValueError(  # noqa: TRY004 - one kind of error for all labels that are no classes
            f"TextClassifier: labels is a list of at least two labels, each once; received {labels!r}. Of "
            "labels=None, fit finds them in its data."
        )
    found = [_plain(label) for label in ordered_column(labels, "TextClassifier: labels")]
    for label in found:
        if not isinstance(label, (str, int, float)) or _is_missing(label):
            raise TypeError(f"TextClassifier: a label is a string or a number; received {label!r} among the labels.")
    if len(found) < 2 or len({str(label) for label in found}) != len(found) or len(set(found)) != len(found):
        raise ValueError(f"TextClassifier: at least two labels are expected, each once; received {labels!r}.")
    return found


def labels_in(y: Any, multi_label: bool = False) -> list[Label]:
    """Returns the labels that stand in a column, sorted: numbers by their size.

    Args:
        y: a label for each text, or a list of labels for each.
        multi_label: whether each text has a list of labels.

    Raises:
        TypeError: they have no order.
        ValueError: a label is missing, or less than two are there.
    """
    columns = columns_of(y)
    if columns is not None:
        raise ValueError(
            f"TextClassifier: labels=None are found in a column of labels; received a table of {len(columns)} columns. "
            "Name the labels when the classifier is made."
        )
    values = ordered_column(y, "TextClassifier: y")
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if isinstance(values, np.ndarray) and (values.ndim > 1 or (multi_label and values.dtype.kind != "O")):
        raise ValueError(
            f"TextClassifier: labels=None are found in a column of labels; received an array of shape {values.shape}. "
            "Name the labels when the classifier is made."
        )
    if multi_label:
        values = [label for row in values for label in row]
    found = set()
    for place, value in enumerate(map(_plain, values)):
        if isinstance(value, list) and len(value) == 1:  # (batch, 1)
            value = _plain(value[0])
        _check_present(value, place)
        found.add(value)
    if any(isinstance(value, str) for value in found):
        return check_labels(sorted(found, key=str))
    return check_labels(sorted(found))


class ClassTargets:
    """The classes of a classifier, and targets made of what users call them.

    A label is found by its value: a number among labels that are numbers or are written as such, a string among the
    labels written out. Only where no label is a number, whole numbers are the places of labels.

    Args:
        labels: what `check_labels` returned.
        multi_label: whether a text has any number of labels.
    """

    def __init__(self, labels: list[Label], multi_label: bool = False):
        self.labels, self.multi_label = labels, multi_label
        self._by_string = {str(label): index for index, label in enumerate(labels)}
        self._by_number: dict[float, int] = {
            label: index for index, label in enumerate(labels) if not isinstance(label, str)
        }
        self._given_as_numbers = dict(self._by_number)
        written = [(_number(label), index) for index, label in enumerate(labels) if isinstance(label, str)]
        numbers = [number for number, _ in written]
        for number, index in written:
            if number is not None and numbers.count(number) == 1:
                self._by_number.setdefault(number, index)
        self._places = not self._by_number and all(number is None for number in numbers)

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, y: Any, form: str) -> np.ndarray:
        """Returns targets.

        Args:
            y: for each text its label, the place of its label, or a row of probabilities (one-hot or soft) with a
                column for each label; where texts have several labels, a list of them for each text, or a matrix of 0
                and 1. The columns of a table of numbers are found by their names.
            form: a key of `TARGETS_OF_FORMS`, which tells what is returned.

        Raises:
            TypeError: labels have no order.
            ValueError: a label is unknown or missing, a row is no distribution, or the columns of a table are not
                named after the labels.
        """
        values = self._values(y)
        if self.multi_label:
            return self._matrix_of_lists(values)
        matrix = self._probabilities(values)
        if matrix is not None:
            if form == "index":
                if not np.isin(matrix, (0, 1)).all():
                    raise ValueError(
                        "TextClassifier: soft labels need a loss that takes probabilities; received a sparse one. "
                        "Compile with loss='categorical_crossentropy', or without a loss."
                    )
                return matrix.argmax(axis=1).astype(np.int32)
            return matrix[:, 1:] if form == "binary" else matrix
        indices = self.indices(values)
        if form == "index":
            return indices
        if form == "binary":
            return indices[:, np.newaxis].astype(np.float32)
        return np.eye(len(self), dtype=np.float32)[indices]

    def _values(self, y: Any) -> Any:
        """Returns labels as a list or an array; of a table of numbers, the columns in the order of the labels."""
        columns = columns_of(y)
        if columns is None or not all(column.dtype.kind in "fiub" for _, column in columns):
            return ordered_column(y, "TextClassifier: y")
        names = [name for name, _ in columns]
        places = [self._found(_plain(name)) for name in names]
        if len(names) == len(self) == len({place for place in places if place is not None}):
            order = np.argsort(np.array(places, np.int32))
        elif len(names) == len(self) and _are_numbered(y, names):
            order = np.arange(len(names))
        else:
            raise ValueError(
                f"TextClassifier: a table of one-hot labels has a column for each of {_shown(self.labels)}, named "
                f"after it; received columns {_shown(names)}. Rename them, or pass frame.to_numpy() if they stand in "
                "the order of the labels."
            )
        return np.stack([columns[place][1] for place in order], axis=1)  # (batch, classes)

    def indices(self, values: Any) -> np.ndarray:
        """Returns the place of each label: int32 (batch,)."""
        if isinstance(values, np.ndarray):
            if values.ndim > 1 and values.shape[1:] != (1,):
                raise ValueError(
                    f"TextClassifier: labels are (batch,), (batch, 1), or a row of {len(self)} probabilities for each "
                    f"text; received shape {values.shape}."
                )
            values = values.reshape(-1).tolist()
        return np.array([self._index(value, place) for place, value in enumerate(values)], np.int32)

    def weights(self, targets: np.ndarray, class_weight: Any) -> np.ndarray:
        """Returns the weight of each example: float32 (batch,).

        Args:
            targets: what `of` returned.
            class_weight: a dict from labels to weights, 1 for labels that it leaves out; or ``"balanced"``: inversely
                proportional to how often each label is there, as in scikit-learn.

        Raises:
            ValueError: a key is no label, or two are the same, a weight is no finite number, or texts have several
                labels.
        """
        if self.multi_label:
            raise ValueError(
                "TextClassifier: class_weight needs one label for each text; received multi_label=True. Pass "
                "sample_weight."
            )
        if targets.ndim == 1:
            indices = targets
        else:
            indices = (targets[:, 0] > 0.5).astype(np.int32) if targets.shape[1] == 1 else targets.argmax(axis=1)
        if isinstance(class_weight, str) and class_weight == "balanced":
            counts = np.bincount(indices, minlength=len(self))
            by_class = len(indices) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        elif isinstance(class_weight, Mapping):
            by_class = self._weights_by_class(class_weight)
        else:
            raise ValueError(
                f"TextClassifier: class_weight is a dict from labels to weights, or 'balanced'; received "
                f"{class_weight!r}."
            )
        return by_class[indices].astype(np.float32)

    def _weights_by_class(self, class_weight: Mapping) -> np.ndarray:
        """Returns the weight of each class: float64 (classes,)."""
        by_class, keys = np.ones(len(self)), dict[int, Any]()
        for label, weight in class_weight.items():
            place = self._index(label, "class_weight")
            if place in keys:
                raise ValueError(
                    f"TextClassifier: class_weight: {keys[place]!r} and {label!r} are the same class. Name each once."
                )
            keys[place] = label
            number = _plain(weight)
            if not isinstance(number, (int, float)) or not math.isfinite(number):
                raise ValueError(
                    f"TextClassifier: class_weight: the weight of class {label!r} is {number!r:.60}; a finite number "
                    "is expected."
                )
            by_class[place] = number
        return by_class

    def _index(self, value: Any, place: Any) -> int:
        value = _plain(value)
        if isinstance(value, list) and len(value) == 1:  # (batch, 1)
            value = _plain(value[0])
        _check_present(value, place)
        found = self._found(value)
        if found is None:
            index = " and no index of one" if self._places else ""
            what = f"label {place}" if isinstance(place, int) else f"the {place} key"
            raise ValueError(
                f"TextClassifier: {what} is {value!r}, which is none of {_shown(self.labels)}{index}. Name all classes "
                "when the classifier is made."
            )
        return found

    def _found(self, value: Any) -> int | None:
        """Returns the place of a plain label; `None` where it is none."""
        found = None
        if isinstance(value, str):
            found = self._by_string.get(value)
            number = _number(value)
            if found is None and number is not None:
                found = self._given_as_numbers.get(number)
        elif isinstance(value, (int, float)):
            found = self._by_number.get(value, self._by_string.get(str(value)))
            if found is None and self._places and value in range(len(self)):
                found = int(value)
        return found

    def _probabilities(self, values: Any) -> np.ndarray | None:
        """Returns one-hot or soft labels as float32 (batch, classes); `None` where `values` are something else."""
        if isinstance(values, np.ndarray):
            if values.ndim != 2 or values.shape[1] != len(self) or values.dtype.kind not in "fiub":
                return None
            matrix = values.astype(np.float32)
        else:
            if not len(values) or not all(_is_row_of_numbers(row, len(self)) for row in values):
                return None
            matrix = np.array([np.asarray(row, np.float32) for row in values])
        wrong = np.flatnonzero(~(np.isclose(matrix.sum(axis=1), 1, atol=SUM_TOLERANCE) & (matrix >= 0).all(axis=1)))
        if len(wrong):
            raise ValueError(
                f"TextClassifier: the row of label {wrong[0]} is {matrix[wrong[0]].tolist()}; one-hot and soft labels "
                "are at least 0 and sum to 1. Where a text may have several labels pass multi_label=True."
            )
        return matrix

    def _matrix_of_lists(self, values: Any) -> np.ndarray:
        """Returns which labels each text has: float32 (batch, classes)."""
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
            if values.ndim != 2 or values.shape[1] != len(self) or not ((values >= 0) & (values <= 1)).all():
                raise ValueError(
                    f"TextClassifier: several labels for each text are a list of labels for each, or a matrix (batch, "
                    f"{len(self)}) of 0 to 1; received {values.dtype} of shape {values.shape}."
                )
            return values.astype(np.float32)
        if len(values) and not self._by_number and all(_is_row_of_numbers(row, len(self)) for row in values):
            return self._matrix_of_lists(np.array([np.asarray(row, np.float32) for row in values]))
        matrix = np.zeros((len(values), len(self)), np.float32)
        for place, row in enumerate(values):
            if isinstance(row, (str, bytes)) or not isinstance(row, Iterable):
                raise ValueError(  # noqa: TRY004 - one kind of error for all labels that do not fit
                    f"TextClassifier: with multi_label=True each text has a list of labels; received {row!r} for text "
                    f"{place}."
                )
            for label in row:
                matrix[place, self._index(label, place)] = 1
        return matrix


def _are_numbered(table: Any, names: list[Any]) -> bool:
    """Whether the columns of a table have only the names that pandas or polars gives where there are none."""
    numbered = hasattr(table, "iloc") and names == list(range(len(names)))
    return numbered or names == [f"column_{place}" for place in range(len(names))]


def _plain(value: Any) -> Any:
    """Returns a label of NumPy, pandas, pyarrow or TensorFlow as Python's own."""
    for name in ("as_py", "numpy", "item"):
        if callable(getattr(value, name, None)) and getattr(value, "ndim", 0) == 0:
            value = getattr(value, name)()
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, tuple) else value


def _number(text: Any) -> float | None:
    """Returns the number that a string writes, an integer exactly; `None` where it is none."""
    if not isinstance(text, str) or not NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and math.isnan(value))
    )


def _check_present(value: Any, place: Any) -> None:
    if _is_missing(value):
        raise ValueError(f"TextClassifier: label {place} is missing; received {value!r}. Leave such rows out.")


def _is_row_of_numbers(row: Any, count: int) -> bool:
    if isinstance(row, np.ndarray):
        return row.shape == (count,) and row.dtype.kind in "fiub"
    return (
        isinstance(row, (list, tuple))
        and len(row) == count
        and all(isinstance(each, (int, float, np.integer, np.floating, np.bool_)) for each in row)
    )


def _shown(labels: list[Label]) -> str:
    text = repr(labels)
    return text if len(text) <= 200 else f"{text[:190]}... ({len(labels)} labels)"

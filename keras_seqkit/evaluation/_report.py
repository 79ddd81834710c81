"""Precision, recall and F1 of each class."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from keras_seqkit.evaluation._labels import check_labels, need


@dataclass(frozen=True, repr=False)
class ClassificationReport:
    """A report that prints as a table and is also to be had as numbers.

    Args:
        text: the table.
        numbers: the same as a dictionary.

    Example:
        >>> ClassificationReport("a table", {"accuracy": 1.0})
        a table
    """

    text: str
    numbers: dict[str, Any] = field(compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return ``{label: {"precision", "recall", "f1-score", "support"}}``, with the averages and ``"accuracy"``."""
        return {name: dict(entry) if isinstance(entry, dict) else entry for name, entry in self.numbers.items()}

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def classification_report(
    true_labels: Iterable[Any], predicted_labels: Iterable[Any], labels: Iterable[Any] | None = None, digits: int = 3
) -> ClassificationReport:
    """Report precision, recall and F1 of each class, by scikit-learn.

    Where nothing was predicted as a class, its precision is given as 0; where nothing is of a class, its
    recall is.

    Args:
        true_labels: (batch,) str or int.
        predicted_labels: (batch,) of the same kind.
        labels: all classes, in the order of the rows; left out, those that occur, sorted.
        digits: decimals in the table.

    Returns:
        A `ClassificationReport`: print it, or take ``.as_dict()``.

    Raises:
        ImportError: scikit-learn is not installed.
        TypeError: labels are neither str nor int, or both.
        ValueError: lengths differ, there are no labels, or one is not in ``labels``.

    Example:
        >>> report = classification_report(["fresh", "rotten", "fresh"], ["fresh", "fresh", "fresh"])
        >>> print(report)
                      precision    recall  f1-score   support
        <BLANKLINE>
               fresh      0.667     1.000     0.800         2
              rotten      0.000     0.000     0.000         1
        <BLANKLINE>
            accuracy                          0.667         3
           macro avg      0.333     0.500     0.400         3
        weighted avg      0.444     0.667     0.533         3
        >>> round(report.as_dict()["accuracy"], 3)
        0.667
    """
    true, predicted, classes = check_labels("classification_report", true_labels, predicted_labels, labels)
    metrics = need("sklearn.metrics", "classification_report")
    arguments = {"labels": classes, "target_names": [str(name) for name in classes], "zero_division": 0}
    text = metrics.classification_report(true, predicted, digits=digits, **arguments)
    numbers = metrics.classification_report(true, predicted, output_dict=True, **arguments)
    return ClassificationReport(text.rstrip("\n"), numbers)

"""What counts as labels, and what is said when something else comes."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Label: TypeAlias = str | int


class CheckedLabels(NamedTuple):
    """Labels as plain lists: the true ones, the predicted ones, and the classes in order."""

    true: list[Label]
    predicted: list[Label]
    classes: list[Label]


def need(module: str, owner: str) -> Any:
    """Import a module of the extra ``evaluation``."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{owner} needs {module.partition('.')[0]}, which is not installed. "
            "Install it with: pip install 'keras-seqkit[evaluation]'"
        ) from error


def check_labels(
    owner: str, true_labels: Iterable[Any], predicted_labels: Iterable[Any], labels: Iterable[Any] | None
) -> CheckedLabels:
    """Return plain lists, or raise an error that says what is wrong with which of them."""
    true = _as_list(owner, "true_labels", true_labels)
    predicted = _as_list(owner, "predicted_labels", predicted_labels)
    if len(true) != len(predicted):
        raise ValueError(
            f"{owner}: {len(true)} true_labels and {len(predicted)} predicted_labels, expected as many of each. "
            "Pass one prediction for each text."
        )
    if not true:
        raise ValueError(f"{owner}: no labels, expected at least one. Pass those of the texts that were tested.")
    classes = _as_list(owner, "labels", labels) if labels is not None else None
    kinds = {type(label).__name__ for label in true + predicted + (classes or [])}
    if len(kinds) > 1:
        raise TypeError(
            f"{owner}: str and int labels are mixed: true_labels begin with {true[0]!r}, predicted_labels with "
            f"{predicted[0]!r}. Pass names everywhere, or class numbers everywhere."
        )
    if classes is None:
        occurring: set[Any] = {*true, *predicted}
        return CheckedLabels(true, predicted, sorted(occurring))
    if len(set(classes)) != len(classes):
        raise ValueError(f"{owner}: labels has a class twice: {classes}. Name each class once.")
    for name, values in (("true_labels", true), ("predicted_labels", predicted)):
        if unknown := sorted(map(repr, set(values) - set(classes))):
            raise ValueError(
                f"{owner}: {name} has {', '.join(unknown[:5])}, expected only what is in labels: {classes[:10]}. "
                "Add it there, or leave labels out."
            )
    return CheckedLabels(true, predicted, classes)


def _as_list(owner: str, name: str, values: Iterable[Any]) -> list[Label]:
    if isinstance(values, str | bytes):
        raise TypeError(f"{owner}: {name} is one string, {values[:20]!r}, expected a sequence of labels.")
    items = list(values)
    checked: list[Label] = []
    for item in items:
        if isinstance(item, str):
            checked.append(str(item))
        elif isinstance(item, int | np.integer | np.bool_):
            checked.append(int(item))
        else:
            shape = f" of shape {np.shape(item)}" if np.ndim(item) else ""
            raise TypeError(
                f"{owner}: {name} holds {type(item).__name__}{shape}, expected str or int. For probabilities, pass "
                "their argmax over the classes."
            )
    return checked

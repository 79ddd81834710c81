"""Reads texts and labels from a CSV, TSV or JSON Lines file, and deals them into three parts."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from class_labels import are_measured, in_order, measured_advice, warnings_about
from printing import listed
from table_rows import TOO_MANY, Row, read_rows
from text_file import DataError

from keras_seqkit.datasets import LabelledTexts, TrainValidationTest

LEAST_ROWS = 10
ROWS_A_LABEL = 2  # on average, at least: below that, the column is no label
HELD_OUT = 0.1  # for each of validation and test


class Table(NamedTuple):
    """What a file holds.

    Args:
        texts: of the rows that have a text and a label.
        labels: likewise, as names.
        skipped: how many rows were left out, by reason.
        warnings: what may be wrong with the labels, as sentences.
    """

    texts: list[str]
    labels: list[str]
    skipped: dict[str, int]
    warnings: list[str]


def read_table(path: Path, text_column: str, label_column: str, encoding: str = "utf-8") -> Table:
    """Reads two columns of a file whose columns have names.

    Args:
        path: see `read_rows`.
        text_column: the column of texts.
        label_column: the column of labels.
        encoding: of the file, which may begin with a byte order mark.

    Raises:
        DataError: see `read_rows`; or too little is in the file, or the column is none of labels.
    """
    if text_column == label_column:
        raise DataError(f"--text and --label are both {listed([text_column])}; expected two columns.")
    texts: list[str] = []
    labels: list[str] = []
    skipped: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for row in read_rows(path, encoding, (text_column, label_column)).rows:
        text, label = ((row.get(column) or "").strip() for column in (text_column, label_column))
        reason = _reason_to_skip(row, text, label, (text, label) in seen)
        if reason:
            skipped[reason] += 1
            continue
        seen.add((text, label))
        texts.append(text)
        labels.append(label)
    _check_enough(path, label_column, labels, skipped)
    return Table(texts, labels, dict(skipped), warnings_about(label_column, labels))


def _reason_to_skip(row: Row, text: str, label: str, is_repeated: bool) -> str:
    if TOO_MANY in row:
        return "more fields than the first line has"
    if not text or not label:
        return "no text" if not text else "no label"
    if not (_is_unicode(text) and _is_unicode(label)):
        return "half a character: a surrogate without its pair"
    return "the same text and label as a row before" if is_repeated else ""


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _check_enough(path: Path, label_column: str, labels: list[str], skipped: Counter[str]) -> None:
    names = in_order(labels)
    column = listed([label_column])
    if len(labels) < LEAST_ROWS:
        besides = f", and {sum(skipped.values())} that were skipped" if skipped else ""
        raise DataError(f"{path} has {len(labels)} rows with text and label{besides}; expected at least {LEAST_ROWS}.")
    if len(names) < 2:
        raise DataError(f"{path}: column {column} holds {listed(names)} only; expected at least two different labels.")
    if len(labels) < ROWS_A_LABEL * len(names):
        count = f"{len(names)} different values in {len(labels)} rows"
        if are_measured(names):
            raise DataError(f"{path}: {count}: {measured_advice(label_column, names)}; or pass another with --label.")
        raise DataError(
            f"{path}: column {column} has {count} ({listed(names, 3)}). "
            "Is it the column of labels? Pass another with --label."
        )


def deal(texts: list[str], labels: list[str], seed: int = 0) -> TrainValidationTest:
    """Deals rows at random into 80 % for training, 10 % for validation and 10 % for the test, label by label.

    A label with three rows or more is in every part; with two, in training and test; with one, in training.
    """
    random = np.random.default_rng(seed)
    places = defaultdict(list)
    for place, label in enumerate(labels):
        places[label].append(place)
    train, validation, test = [], [], []
    for label in sorted(places):
        order = random.permutation(places[label]).tolist()
        count = max(1, round(HELD_OUT * len(order)))
        tested = min(count, len(order) - 1)
        validated = min(count, max(0, len(order) - tested - 1))
        test += order[:tested]
        validation += order[tested : tested + validated]
        train += order[tested + validated :]
    return TrainValidationTest(*(_pick(texts, labels, random.permutation(part)) for part in (train, validation, test)))


def _pick(texts: list[str], labels: list[str], places: np.ndarray) -> LabelledTexts:
    chosen = places.astype(int).tolist()
    return LabelledTexts([texts[place] for place in chosen], [labels[place] for place in chosen])

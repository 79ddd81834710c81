"""Reads texts and labels from a CSV or TSV file, and deals them into three parts."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from text_file import DataError, read_content

from keras_seqkit.datasets import LabelledTexts, TrainValidationTest

DELIMITERS = (",", ";", "\t")
LEAST_ROWS = 10
ROWS_A_LABEL = 2  # on average, at least: below that, the column is no label
HELD_OUT = 0.1  # for each of validation and test


class Table(NamedTuple):
    """What a file holds.

    Args:
        texts: of the rows that have a text and a label.
        labels: likewise, as names.
        skipped: how many rows were left out, by reason.
    """

    texts: list[str]
    labels: list[str]
    skipped: dict[str, int]


def read_table(path: Path, text_column: str, label_column: str, encoding: str = "utf-8") -> Table:
    """Reads two columns of a file whose first line names its columns.

    Args:
        path: a ``.tsv`` or ``.tab`` file, or one with commas, semicolons or tabs: the one that parts the first line.
        text_column: the column of texts.
        label_column: the column of labels.
        encoding: of the file, which may begin with a byte order mark.

    Raises:
        DataError: there is no such file or column, it has another encoding or torn quotes, or too little is in it.
    """
    if text_column == label_column:
        raise DataError(f"--text and --label are both {text_column!r}; expected two columns.")
    texts: list[str] = []
    labels: list[str] = []
    skipped: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for row in _parsed(path, encoding, (text_column, label_column)):
        text, label = (row[text_column] or "").strip(), (row[label_column] or "").strip()
        reason = _reason_to_skip(row, text, label, (text, label) in seen)
        if reason:
            skipped[reason] += 1
            continue
        seen.add((text, label))
        texts.append(text)
        labels.append(label)
    _check_enough(path, label_column, labels, skipped)
    return Table(texts, labels, dict(skipped))


def _reason_to_skip(row: dict, text: str, label: str, is_repeated: bool) -> str:
    if None in row:
        return "more fields than the first line has"
    if not text or not label:
        return "no text" if not text else "no label"
    return "the same text and label as a row before" if is_repeated else ""


def _parsed(path: Path, encoding: str, columns: Sequence[str]) -> Iterator[dict]:
    """Returns a dict for each row, once the columns are found."""
    lines = _lines(path, encoding)
    if not lines:
        raise DataError(f"{path} is empty; expected a first line with the names of the columns.")
    delimiters = ("\t",) if path.suffix.lower() in (".tsv", ".tab") else DELIMITERS
    headers = {delimiter: next(csv.reader(lines[:1], delimiter=delimiter)) for delimiter in delimiters}
    fitting = [delimiter for delimiter, header in headers.items() if set(columns) <= set(header)]
    if not fitting:
        header = max(headers.values(), key=len)
        missing = [column for column in columns if column not in header]
        raise DataError(
            f"{path} has no column {' and no column '.join(map(repr, missing))}. "
            f"Its columns are: {', '.join(header)}. Name them with --text and --label."
        )
    header = headers[fitting[0]]
    for column in columns:
        if header.count(column) > 1:
            raise DataError(f"{path} has {header.count(column)} columns {column!r}. Rename all but one.")
    return _rows(path, lines, fitting[0])


def _lines(path: Path, encoding: str) -> list[str]:
    """Returns the lines with their ends, so that a quoted field may have some within."""
    return list(StringIO(read_content(path, encoding, "CSV or TSV")))


def _rows(path: Path, lines: list[str], delimiter: str) -> Iterator[dict]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"{path}, up to line {reader.line_num}: {error}. "
            'A field with quotes in it is written "so ""to say""": double each quote inside, and close the outer ones.'
        ) from error


def _check_enough(path: Path, label_column: str, labels: list[str], skipped: Counter[str]) -> None:
    names = sorted(set(labels))
    if len(labels) < LEAST_ROWS:
        besides = f", and {sum(skipped.values())} that were skipped" if skipped else ""
        raise DataError(f"{path} has {len(labels)} rows with text and label{besides}; expected at least {LEAST_ROWS}.")
    if len(names) < 2:
        raise DataError(f"{path}: column {label_column!r} holds {names} only; expected at least two different labels.")
    if len(labels) < ROWS_A_LABEL * len(names):
        raise DataError(
            f"{path}: column {label_column!r} has {len(names)} different values in {len(labels)} rows "
            f"({', '.join(map(repr, names[:3]))} ...). Is it the column of labels? Pass another with --label."
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

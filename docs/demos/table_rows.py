"""Reads the rows of a CSV, TSV or JSON Lines file, whose columns have names."""

import csv
import json
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from printing import listed
from text_file import DataError, read_content

DELIMITERS = (",", ";", "\t")
TAB_SUFFIXES = (".tsv", ".tab")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
LONGEST_FIELD = 2**31 - 1
TOO_MANY = None  # the key of fields behind the last column

Row = dict[str | None, str | None]


class Rows(NamedTuple):
    """What a file holds.

    Args:
        columns: their names, in order.
        rows: a dict for each row, from names of columns to strings, read as they are needed.
    """

    columns: list[str]
    rows: Iterator[Row]


def read_rows(path: Path, encoding: str, wanted: Sequence[str]) -> Rows:
    """Reads a file whose columns have names.

    Args:
        path: a JSON Lines file (``.jsonl``, ``.ndjson``, ``.json``), on each line of it an object; a ``.tsv`` or
            ``.tab`` file; or one with commas, semicolons or tabs: the one that parts the first line.
        encoding: of the file, which may begin with a byte order mark.
        wanted: the columns that must be there.

    Raises:
        DataError: there is no such file or column, a column is there twice, or the file has another encoding. While the
            rows are read: quotes are torn, or a line is no JSON.
    """
    is_json = path.suffix.lower() in JSON_SUFFIXES
    content = read_content(path, encoding, "CSV, TSV or JSON Lines")
    if not content.strip():
        first = "on each line a JSON object" if is_json else "a first line with the names of the columns"
        raise DataError(f"{path} is empty; expected {first}.")
    found = _json_rows(path, content) if is_json else _csv_rows(path, content, wanted)
    missing = [column for column in wanted if column not in found.columns]
    if missing:
        raise DataError(_without_columns(path, missing, found.columns))
    for column in wanted:
        if found.columns.count(column) > 1:
            raise DataError(f"{path} has {found.columns.count(column)} columns {listed([column])}. Rename all but one.")
    return found


def _without_columns(path: Path, missing: list[str], columns: list[str]) -> str:
    folded = {name.strip().casefold(): name for name in columns}
    likely = [
        folded[close]
        for column in missing
        for close in get_close_matches(column.strip().casefold(), list(folded), n=1, cutoff=0.75)
    ]
    meant = f" Did you mean {listed(likely)}?" if likely else ""
    missed = " and ".join(f"no column {listed([column])}" for column in missing)
    return f"{path} has {missed}; its columns are {listed(columns)}.{meant} Name them with --text and --label."


def _csv_rows(path: Path, content: str, wanted: Sequence[str]) -> Rows:
    csv.field_size_limit(LONGEST_FIELD)
    lines = list(StringIO(content))  # with their ends, so that a quoted field may have some within
    delimiters = ("\t",) if path.suffix.lower() in TAB_SUFFIXES else DELIMITERS
    headers = {delimiter: next(csv.reader(lines[:1], delimiter=delimiter)) for delimiter in delimiters}
    fitting = [delimiter for delimiter, header in headers.items() if wanted and set(wanted) <= set(header)]
    delimiter = fitting[0] if fitting else max(headers, key=lambda delimiter: len(headers[delimiter]))
    return Rows(headers[delimiter], _parsed(path, lines, delimiter))


def _parsed(path: Path, lines: list[str], delimiter: str) -> Iterator[Row]:
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"{path}, up to line {reader.line_num}: {error}. "
            'A field with quotes in it is written "so ""to say""": double each quote inside, and close the outer ones.'
        ) from error


def _json_rows(path: Path, content: str) -> Rows:
    rows = [_object(path, number, line) for number, line in enumerate(content.split("\n"), 1) if line.strip()]
    columns = list(dict.fromkeys(name for row in rows for name in row))

    def as_strings() -> Iterator[Row]:
        for row in rows:
            yield {name: _json_text(value) for name, value in row.items()}

    return Rows(columns, as_strings())


def _object(path: Path, number: int, line: str) -> dict:
    """Returns one line's object; numbers stay as they are written, and NaN is null."""
    try:
        value = json.loads(line, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}, line {number}, is no JSON ({error}); expected an object on each line.") from error
    if not isinstance(value, dict):
        raise DataError(
            f"{path}, line {number}, is a JSON {type(value).__name__}; expected an object on each line, such as "
            '{"review": "Good.", "stars": 5}.'
        )
    return value


def _json_text(value: object) -> str | None:
    """Returns a value as a string, `None` for null; what is neither text nor a number, as JSON."""
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)

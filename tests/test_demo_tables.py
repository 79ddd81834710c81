"""Tables of the user's own: CSV, TSV and JSON Lines, their columns, and labels that are no classes."""

import csv
import importlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demos import error_of, imported

ROWS = [(f"Texto número {place}", str(place % 3 + 9)) for place in range(30)]


@pytest.fixture(scope="module")
def demo():
    with imported("classify") as module:
        yield module


@pytest.fixture(scope="module")
def table(demo):
    return importlib.import_module("labelled_file")


@pytest.fixture(scope="module")
def labels(demo):
    return importlib.import_module("class_labels")


def write(path: Path, labels: list, texts: list[str] | None = None) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        texts = texts or [f"texto {place}" for place in range(len(labels))]
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".JSON"])
def test_json_lines_are_read_by_the_names_of_columns(table, tmp_path, encoding, suffix):
    data = tmp_path / f"reviews{suffix}"
    lines = [{"stars": int(label), "review": f"{text}\u2028😀", "by": None} for text, label in ROWS]
    written = [json.dumps(line, ensure_ascii=place % 2 == 0) for place, line in enumerate(lines)]
    data.write_bytes("\r\n\r\n".join(written).encode(encoding))
    found = table.read_table(data, "review", "stars")
    assert found.texts == [f"{text}\u2028😀" for text, _ in ROWS]
    assert found.labels == [label for _, label in ROWS]
    assert found.skipped == {}


def test_values_of_json_are_what_is_written_and_missing_ones_are_skipped(table, tmp_path):
    data = tmp_path / "reviews.jsonl"
    odd = ['{"t": "a", "l": null}', '{"t": "a"}', '{"l": 1}', '{"t": "a", "l": NaN}', '{"t": "a \\ud83d", "l": 1}']
    good = [f'{{"t": "{place}", "l": {label}}}' for place, label in enumerate([1, 5.0, 1.50, "true"] * 4)]
    data.write_text("\n".join([*odd, *good]), "utf-8")
    found = table.read_table(data, "t", "l")
    assert set(found.labels) == {"1", "5.0", "1.5", "true"}
    assert found.skipped == {"no label": 3, "no text": 1, "half a character: a surrogate without its pair": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"review": "a", "stars": 1}\n{"review": \n', "line 2, is no JSON"),
        ('["a", 1]\n', "line 1, is a JSON list; expected an object on each line"),
        (" \n", "is empty; expected on each line a JSON object"),
        (
            '{"text": "a"}\n{"Stars": 1}',
            "no column 'stars'; its columns are 'text', 'Stars'. Did you mean 'Stars'?",
        ),
    ],
)
def test_what_is_wrong_with_json_lines_is_said(demo, tmp_path, capsys, content, message):
    data = tmp_path / "reviews.jsonl"
    data.write_text(content, "utf-8")
    assert message in error_of(demo, capsys, "--data", data, "--text", "review", "--label", "stars")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_long_names_and_many_columns_are_cut(demo, tmp_path, capsys, suffix):
    names = ["x" * 9_000, "Review ", *(f"column {place}" for place in range(300))]
    data = tmp_path / f"reviews{suffix}"
    if suffix == ".jsonl":
        data.write_text(json.dumps(dict.fromkeys(names, "a")), "utf-8")
    else:
        data.write_text(("\t" if suffix == ".tsv" else ",").join(names) + "\n", "utf-8")
    said = error_of(demo, capsys, "--data", data, "--text", "review", "--label", "y" * 900)
    assert len(said) < 900
    assert f"'{'x' * 39}…', 'Review', 'column 0'" in said
    assert "and 282 more. Did you mean 'Review'?" in said


def test_a_header_longer_than_a_field_may_be_by_default_is_read(table, tmp_path):
    data = write(tmp_path / "reviews.csv", ["a", "b"] * 10, ["long " * 40_000, *map(str, range(19))])
    content = data.read_text("utf-8")
    data.write_text(content.replace("text,label", f"text,label,{'x' * 200_000}"), "utf-8")
    csv.field_size_limit(131_072)  # Python's own
    assert len(table.read_table(data, "text", "label").texts) == 20


def test_labels_that_are_numbers_are_in_the_order_of_their_size(demo, labels, tmp_path, capsys):
    assert labels.in_order(["10", "9", "-1", "4.5", "4,25", "+7", "9"]) == ["-1", "4,25", "4.5", "+7", "9", "10"]
    assert labels.in_order(["b", "10", "9", "a", "nan", "1_0"]) == ["9", "10", "1_0", "a", "b", "nan"]
    data = write(tmp_path / "reviews.csv", [label for _, label in ROWS])
    parts = demo.load_parts(demo.make_parser().parse_args(["--data", str(data), "--text", "text", "--label", "label"]))
    assert "24 texts: 9 8, 10 8, 11 8\n" in capsys.readouterr().out
    assert demo.make_model(parts.train, "none").labels == ["9", "10", "11"]


@given(st.lists(st.text(max_size=4) | st.integers().map(str) | st.floats().map(str)))
def test_any_labels_have_one_order(labels, names):
    assert labels.in_order(names) == labels.in_order(names[::-1])
    assert set(labels.in_order(names)) == set(names)


def printed_warnings(demo, data, capsys) -> list[str]:
    demo.load_parts(demo.make_parser().parse_args(["--data", str(data), "--text", "text", "--label", "label"]))
    return [line for line in capsys.readouterr().out.split("\n") if line.startswith("warning: ")]


def test_many_classes_and_real_numbers_are_warned_of(demo, tmp_path, capsys):
    data = write(tmp_path / "few.csv", [f"class {place % 50}" for place in range(200)])
    assert printed_warnings(demo, data, capsys) == []
    data = write(tmp_path / "whole.csv", [f"{place % 5}.0" for place in range(200)])
    assert printed_warnings(demo, data, capsys) == []
    data = write(tmp_path / "many.csv", [f"class {place % 51}" for place in range(200)])
    [warning] = printed_warnings(demo, data, capsys)
    assert "column 'label' has 51 different values" in warning
    assert "Is it the column of labels?" in warning
    data = write(tmp_path / "real.csv", [f"{place % 60 / 8}" for place in range(200)])
    real, many = printed_warnings(demo, data, capsys)
    assert "holds real numbers ('0.0', '0.125', '0.25', '0.375' and 56 more)" in real
    assert "round them, or cut them into ranges" in real
    assert "60 different values" in many


def test_a_column_of_measurements_is_no_column_of_classes(demo, tmp_path, capsys):
    data = write(tmp_path / "real.csv", [f"{place / 7:.3f}" for place in range(40)])
    said = error_of(demo, capsys, "--data", data, "--text", "text", "--label", "label")
    assert "40 different values in 40 rows: column 'label' holds real numbers ('0.000', " in said
    assert "cut them into ranges" in said


@pytest.mark.parametrize("name", ["classify", "generate", "translate"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dta", "my.csv"), "unknown option --dta; did you mean --data?"),
        (("--xyzzy=1",), "unknown option --xyzzy: there are --help, --data, "),
        (("my.csv",), "'my.csv' belongs to no option"),
        (("--epochs", "many"), "argument --epochs: invalid int value: 'many'"),
    ],
)
def test_a_wrong_option_is_one_sentence(name, arguments, message, capsys):
    with imported(name) as demo:
        said = error_of(demo, capsys, *arguments)
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1

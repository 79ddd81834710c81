"""The demo that writes runs whole on a small file, without a network, and says what is wrong with other files."""

import importlib
import json
import re
import subprocess
import sys

import pytest
import seqkit_onnx
from hypothesis import given
from hypothesis import strategies as st

from tests.demos import DEMOS, PNG, error_of, imported, printed_by

NAMES = ("Ana", "Bruno", "Célia", "Davi")
THINGS = ("um pão 😀", "o café", "a água", "três maçãs", "um bolo", "nada")
LINES = [f"{name} quer {thing}." for name in NAMES for thing in THINGS] * 3
MADE = ("lines.onnx", "lines_curves.png", "lines_samples.txt")


@pytest.fixture(scope="module")
def demo():
    with imported("generate") as module:
        yield module


@pytest.fixture(scope="module")
def texts(demo):
    return importlib.import_module("text_file")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "UTF_8"),
        ("utf-8-sig", "U8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_text_whatever_the_encoding_is_called(texts, tmp_path, written, named):
    path = tmp_path / "lines.txt"
    path.write_text("ação\n", encoding=written)
    assert texts.read_content(path, named) == "ação\n"
    path.write_text("\ufeffação\n", encoding="utf-16-le")
    assert texts.read_content(path, "utf-16-le") == "ação\n"


@pytest.fixture(scope="module")
def finished(demo, tmp_path_factory):
    """What the demo printed and left behind, for a file of lines."""
    folder = tmp_path_factory.mktemp("demo")
    data = folder / "lines.txt"
    data.write_text("\r\n\r\n".join(LINES), encoding="utf-8-sig", newline="")
    return printed_by(demo, "--data", data, "--epochs", "4", "--output", folder / "made"), folder / "made"


def test_the_demo_says_how_many_texts_each_part_has(finished):
    counts = re.findall(r"^(training|validation|test) +(\d+) texts", finished[0], re.MULTILINE)
    assert {part: int(count) for part, count in counts} == {"training": 60, "validation": 6, "test": 6}


def test_a_line_is_printed_for_each_epoch_and_a_sample(finished):
    epochs = re.findall(r"^epoch +(\d+)  loss .* validation: loss .* s$", finished[0], re.MULTILINE)
    assert epochs == ["1", "2", "3", "4"]
    assert len(re.findall(r"^ +writes: ", finished[0], re.MULTILINE)) == 1
    assert re.search(r"the weights are those of epoch [1-4]$", finished[0], re.MULTILINE)


def test_the_model_stands_beside_one_that_counts(finished):
    rows = re.findall(r"^(LSTM of \d+ units|5-gram, Kneser-Ney) +([\d.]+) +([\d.]+)$", finished[0], re.MULTILINE)
    assert len(rows) == 2
    assert all(float(perplexity) > 1 for _, perplexity, _ in rows)


def test_the_demo_leaves_a_picture_a_model_and_samples_and_says_where(finished):
    printed, folder = finished
    for name in MADE:
        assert str((folder / name).resolve()) in printed
    assert (folder / "lines_curves.png").read_bytes().startswith(PNG)
    assert (folder / "lines_samples.txt").read_text("utf-8").strip("\n") in printed


def test_keras_and_the_file_write_the_same_side_by_side(demo, finished):
    printed, folder = finished
    assert re.search(r"^same text, letter for letter +15 of 15$", printed, re.MULTILINE)
    for temperature in demo.TEMPERATURES:
        assert f"temperature {temperature}: Keras" in printed
    texts = seqkit_onnx.load(folder / "lines.onnx").generate([""] * 5, 160, temperature=0.5, seed=0)
    for text in texts:
        for row in demo.side_by_side(text, text):
            assert row in printed
    for way in ("Keras's generate ", "the file in onnxruntime"):
        assert re.search(rf"^a token, {way} +[\d.]+ ms", printed, re.MULTILINE)
    assert "blocked: jax, keras," in printed


def test_the_other_process_writes_for_readers_and_for_programs(finished):
    command = [sys.executable, DEMOS / "deployed_writer.py", finished[1] / "lines.onnx", "--prompt=Ana", "--count=2"]
    shown, answer = (
        subprocess.run([*command, *more], capture_output=True, encoding="utf-8", check=True).stdout
        for more in ([], ["--json"])
    )
    [texts] = json.loads(answer)["texts"]
    assert len(texts) == 2
    assert all(text.startswith("Ana") for text in texts)
    assert shown.startswith(f"temperature 0.5\n- {texts[0]}\n- {texts[1]}\n(numpy")


def test_a_whole_file_is_one_text_and_time_ends_training(demo, tmp_path):
    data = tmp_path / "verse.txt"
    data.write_text("\n".join(LINES), "utf-8")
    printed = printed_by(demo, "--data", data, "--whole", "--minutes", "0.05", "--output", tmp_path / "made")
    assert len(re.findall(r" 1 texts", printed)) == 3
    assert "15 of 15" in printed
    assert (tmp_path / "made" / "verse.onnx").is_file()


def test_two_columns_stand_side_by_side(demo):
    rows = demo.side_by_side("a" * demo.COLUMN, "b\nc")
    assert [row.index("|") for row in rows] == [demo.COLUMN + 2] * 2
    assert rows[0].endswith("| - b")
    assert rows[1].endswith("|   c")


WRONG_ARGUMENTS = {
    "exclude each other": ("--data", "a.txt", "--character", "penny"),
    "--whole goes with --data": ("--whole",),
    "--epochs is at least 1": ("--epochs", "0"),
    "--minutes is above 0": ("--minutes", "0"),
    "invalid choice: 'amy'": ("--character", "amy"),
    "there is no file nowhere.txt": ("--data", "nowhere.txt"),
}


@pytest.mark.parametrize("message", WRONG_ARGUMENTS)
def test_what_is_wrong_with_the_arguments_is_said(demo, capsys, message):
    assert message in error_of(demo, capsys, *WRONG_ARGUMENTS[message])


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        (b"one line\n" * 30, (), "has 1 different lines; expected at least 20"),
        (b"", (), "has 0 different lines"),
        (b"short", ("--whole",), "has 5 characters; expected at least 1,000"),
        ("ação\n".encode("cp1252") * 30, (), "try --encoding cp1252"),
        (b"a\n" * 30, ("--encoding", "utf-9"), "'utf-9' is not known"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(demo, tmp_path, capsys, content, more, message):
    data = tmp_path / "lines.txt"
    data.write_bytes(content)
    assert message in error_of(demo, capsys, "--data", data, *more, "--output", tmp_path / "made")


@given(st.lists(st.integers(0, 40), min_size=60, max_size=90), st.integers(0, 5))
def test_each_line_is_dealt_once_and_equal_lines_into_one_part(texts, tmp_path_factory, numbers, seed):
    lines = [f"line {number}" for number in [*range(20), *numbers]]
    data = tmp_path_factory.mktemp("lines") / "lines.txt"
    data.write_text("\n".join(lines), "utf-8")
    parts = texts.read_texts(data, seed=seed)
    assert sorted(line for part in parts for line in part) == sorted(lines)
    train, validation, test = map(set, parts)
    assert all((train, validation, test))
    assert not train & validation
    assert not test & (train | validation)
    assert texts.read_texts(data, seed=seed) == parts

"""The demo that translates runs whole on a small file, without a network, and says what is wrong with other files."""

import importlib
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import seqkit_onnx
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.datasets import SentencePairs
from tests.demos import DEMOS, PNG, error_of, imported, printed_by

NOUNS = {"o gato": "the cat", "a vaca": "the cow", "o boi 😀": "the ox 😀", "a ave": "the bird", "o pão": "the bread"}
VERBS = {"vê": "sees", "ouve": "hears", "segue": "follows"}
PAIRS = [
    (f"{subject} {verb} {thing}.", f"{NOUNS[subject]} {VERBS[verb]} {NOUNS[thing]}.")
    for subject in NOUNS
    for verb in VERBS
    for thing in NOUNS
]


@pytest.fixture(scope="module")
def demo():
    with imported("translate") as module:
        yield module


@pytest.fixture(scope="module")
def pairs(demo):
    return importlib.import_module("pair_file")


@pytest.fixture(scope="module")
def finished(demo, tmp_path_factory):
    """What the demo printed and left behind, for a file where the translation stands first, with a credit behind."""
    folder = tmp_path_factory.mktemp("demo")
    data = folder / "frases.tsv"
    lines = [f"{target}\t{source}\tby nobody" for source, target in PAIRS]
    data.write_text("\r\n".join(["no tab here", "", *lines]), encoding="utf-8-sig", newline="")
    arguments = ["--data", data, "--swap", "--epochs", "2", "--output", folder / "made"]
    return printed_by(demo, *arguments), folder / "made"


def test_the_demo_says_how_many_pairs_each_part_has(finished):
    counts = re.findall(r"^(training|validation|test) +(\d+) pairs", finished[0], re.MULTILINE)
    assert {part: int(count) for part, count in counts} == {"training": 59, "validation": 8, "test": 8}


def test_a_line_is_printed_for_each_epoch(finished):
    epochs = re.findall(r"^epoch +(\d+)  nats .* validation: nats .* s$", finished[0], re.MULTILINE)
    assert epochs == ["1", "2"]
    assert re.search(r"the weights are those of epoch [12]$", finished[0], re.MULTILINE)


def test_scores_stand_beside_those_of_the_source(finished):
    rows = re.findall(r"^(the source, copied|greedy|4 beams) +([\d.]+) +([\d.]+)$", finished[0], re.MULTILINE)
    assert [name for name, *_ in rows] == ["the source, copied", "greedy", "4 beams"]


def test_sentences_are_shown_with_reference_and_translation(finished):
    shown = re.findall(r"^source +(.*)\nreference +(.*)\ntranslation ", finished[0], re.MULTILINE)
    assert len(shown) == 8
    assert set(shown) <= set(PAIRS)


def test_keras_and_the_file_translate_the_same(finished):
    printed, folder = finished
    for way in ("greedy", "4 beams"):
        assert re.search(rf"^{way} +same translation  8 of 8$", printed, re.MULTILINE)
    assert len(re.findall(r"a sentence, the file in onnxruntime +[\d.]+ ms$", printed, re.MULTILINE)) == 2
    assert "blocked: jax, keras," in printed
    for source, translation in re.findall(r"^source +(.*)\n.*\ntranslation  (.*)$", printed, re.MULTILINE):
        assert seqkit_onnx.load(folder / "frases.onnx").translate(source, num_beams=4) == [translation]


def test_the_demo_leaves_pictures_and_a_model_and_says_where(finished):
    printed, folder = finished
    for name in ("frases.onnx", "frases_curves.png", "frases_attention.png"):
        assert str((folder / name).resolve()) in printed
    for name in ("curves", "attention"):
        assert (folder / f"frases_{name}.png").read_bytes().startswith(PNG)


def test_the_other_process_translates_for_readers_and_for_programs(finished):
    command = [sys.executable, DEMOS / "deployed_translator.py", finished[1] / "frases.onnx"]
    shown, told = (
        subprocess.run([*command, *more], input="o gato\n\n", capture_output=True, encoding="utf-8", check=True).stdout
        for more in ([], ["--json", "--beams", "2", "1"])
    )
    answers = json.loads(told)["answers"]
    assert len(answers) == 2
    assert shown == "".join(f"{text}\n" for text in answers[1]["translations"])
    assert shown.endswith("\n\n")  # an empty line is an empty translation


def test_differences_are_listed(demo):
    ours, theirs = demo.Answer(["a", "b"], [-1.0, -2.0], 3.0), demo.Answer(["a", "c"], [-1.0, -2.5], 1.5)
    printed = demo.compare([ours] * 2, [theirs] * 2, "versions", "file.onnx")
    assert "same translation  1 of 2" in printed
    assert "Keras 'b' (-2.000000)\n  file.onnx 'c' (-2.500000)" in printed
    assert "2.0 times the file's" in printed


def test_no_picture_of_attention_where_there_is_none(demo, tmp_path):
    vocabulary = SimpleNamespace(split=str.split)
    silent = SimpleNamespace(
        source_vocabulary=vocabulary,
        target_vocabulary=vocabulary,
        translate=lambda text, return_attention: ([""], [np.zeros((0, 0))]),
    )
    assert not demo.draw_attention(silent, ["um dois"], tmp_path / "attention.png")
    assert not (tmp_path / "attention.png").exists()


WRONG_ARGUMENTS = {
    "exclude each other": ("--data", "a.txt", "--corpus", "verses"),
    "--swap goes with --data": ("--swap",),
    "--epochs is at least 1": ("--epochs", "0"),
    "--max-words is at least 1": ("--max-words", "0"),
    "--minutes is above 0": ("--minutes", "0"),
    "invalid choice: 'news'": ("--corpus", "news"),
    "there is no file nowhere.txt": ("--data", "nowhere.txt"),
}


@pytest.mark.parametrize("message", WRONG_ARGUMENTS)
def test_what_is_wrong_with_the_arguments_is_said(demo, capsys, message):
    assert message in error_of(demo, capsys, *WRONG_ARGUMENTS[message])


ONE_SOURCE = "".join(f"sim\tyes {number}\n" for number in range(40))


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("sim\tyes\n" * 40, (), "has 1 different pairs in 40 lines with a tab; expected at least 30"),
        ("", (), "has 0 different pairs"),
        ("um dois três\tone two three\n" * 40, ("--max-words", "2"), "of at most 2 words on both sides"),
        (ONE_SOURCE, (), "1 different sentences are too few"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(demo, tmp_path, capsys, content, more, message):
    data = tmp_path / "pairs.tsv"
    data.write_text(content, "utf-8")
    assert message in error_of(demo, capsys, "--data", data, *more, "--output", tmp_path / "made")


@given(st.lists(st.integers(0, 40), min_size=10, max_size=60), st.booleans(), st.integers(0, 5))
def test_each_pair_is_dealt_once(pairs, tmp_path_factory, numbers, is_swapped, seed):
    rows = [(f"frase {number}", f"sentence {number}") for number in [*range(30), *numbers]]
    data = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    data.write_text("\n".join("\t".join(row[::-1] if is_swapped else row) for row in rows), "utf-8")
    parts = pairs.read_pairs(data, None, is_swapped, seed=seed)
    assert all(isinstance(part, SentencePairs) and part.source for part in parts)
    assert sorted(row for part in parts for row in zip(*part, strict=True)) == sorted(set(rows))
    assert pairs.read_pairs(data, None, is_swapped, seed=seed) == parts

"""`python -m seqkit_onnx`: the same file as `export` writes, and one line that says what it is."""

import re
from pathlib import Path

import keras
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx import exporter
from seqkit_onnx.cli.command_line import main
from seqkit_onnx.kinds import Options
from seqkit_onnx.verification import TOLERANCE, TOLERANCES

from keras_seqkit import TextGenerator, Vocabulary
from tests.cases import randomize_weights
from tests.command_line.commands import TEXTS, python
from tests.eager import eagerly
from tests.translators import SENTENCES, translator


def test_a_classifier_is_exported_and_one_line_says_what_was_written(folder, classifier, capsys):
    assert main(["classifier.keras", "out.onnx"]) == 0
    said = capsys.readouterr()
    assert re.fullmatch(
        r"out\.onnx: \d+\.\d KiB, text \(batch\) -> label \(batch\), probabilities \(batch, 2\), 2 LSTM; "
        r"differs from Keras by at most \d\.\de-\d\d\n",
        said.out,
    )
    assert float(said.out.split()[-1]) <= TOLERANCE
    assert said.err == ""
    with eagerly():
        assert seqkit_onnx.load("out.onnx").predict(TEXTS).labels == classifier.predict_labels(TEXTS, verbose=0)


@eagerly()
def test_the_file_is_called_like_the_model_by_default(folder):
    assert main([str(folder / "plain.keras")]) == 0
    assert seqkit_onnx.load(folder / "plain.onnx").input_names == ["ids"]


def test_a_classifier_takes_ids_where_that_is_asked_for(folder, classifier, capsys):
    assert main(["classifier.keras", "--ids"]) == 0
    assert "ids (batch, time) -> label (batch), probabilities (batch, 2)" in capsys.readouterr().out
    with eagerly():
        found = seqkit_onnx.verify(classifier, "classifier.onnx", classifier.vocabulary.encode(TEXTS))
    assert found.largest_difference <= TOLERANCE


@pytest.mark.parametrize("options", [[], ["--ids"], ["--no-verify"]])
@eagerly()
def test_a_plain_model_without_a_vocabulary_takes_its_own_inputs(folder, options, capsys):
    assert main(["plain.keras", *options]) == 0
    said = capsys.readouterr().out
    assert "ids (batch, time) -> topic (batch, 3), 1 GRU" in said
    assert ("differs from Keras" in said) == ("--no-verify" not in options)


def test_a_plain_model_takes_text_with_a_vocabulary_and_answers_with_labels(folder):
    assert main(["plain.keras", "--vocabulary", "vocabulary.json", "--labels", "a b", "c", "é"]) == 0
    assert seqkit_onnx.load("plain.onnx").classes == ["a b", "c", "é"]
    assert set(seqkit_onnx.load("plain.onnx").predict(TEXTS).labels) <= {"a b", "c", "é"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@eagerly()
def test_labels_may_stand_in_a_file_one_in_a_line(folder, encoding):
    (folder / "labels.txt").write_text("a b\n-c\né\n", encoding)
    assert main(["plain.keras", "--labels-from", "labels.txt", "--no-verify"]) == 0
    assert seqkit_onnx.load("plain.onnx").classes == ["a b", "-c", "é"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], Options()),
        (["--dtype", "float16"], Options(dtype="float16")),
        (["--ids", "--quantize", "int8"], Options(text=False, quantize="int8")),
        (["--ids", "--padding", "post"], Options(text=False, padding="post")),
        (["--labels", "bad", "good"], Options(labels=["bad", "good"])),
    ],
)
def test_options_of_export_are_handed_on_where_they_are_given(folder, options, expected, monkeypatch):
    received: list = []

    def write_file(_model: keras.Model, path: Path, options: Options, verify: bool) -> None:
        received.extend([options, verify])
        path.write_bytes(onnx.ModelProto().SerializeToString())

    monkeypatch.setattr(exporter, "write_file", write_file)
    assert main(["classifier.keras", "--no-verify", *options]) == 0
    assert received == [expected, False]


@pytest.mark.usefixtures("_own_cell")
@eagerly()
def test_classes_of_ones_own_are_imported_and_a_loop_is_warned_of_in_one_line(capsys):
    assert main(["own.keras", "--custom-objects", "json", "--custom-objects", "cell"]) == 0
    said = capsys.readouterr()
    assert "no native recurrent operator" in said.out
    warning = r"seqkit_onnx: warning: layer '\w+' is exported as a loop.*: cell OwnCell has no ONNX operator\.\n"
    assert re.fullmatch(warning, said.err)


@pytest.mark.usefixtures("_own_cell")
@eagerly()
def test_lowerings_of_ones_own_are_used(capsys):
    assert main(["own.keras", "--custom-objects", "lowered_cell"]) == 0
    said = capsys.readouterr()
    assert ", 1 RNN; " in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("options", "precision"),
    [(["--dtype", "float16"], "float16"), (["--quantize", "int8"], "int8"), (["--padding", "post"], None)],
)
@eagerly()
def test_the_difference_of_a_less_exact_file_is_said(folder, options, precision, capsys):
    assert main(["plain.keras", *options]) == 0
    assert float(capsys.readouterr().out.split()[-1]) <= TOLERANCES[precision]
    assert seqkit_onnx.load("plain.onnx").metadata.get("precision") == precision


@eagerly()
def test_a_scan_is_counted_where_recurrent_layers_become_one(folder, capsys):
    assert main(["plain.keras", "--recurrence", "scan"]) == 0
    assert ", 1 Scan; " in capsys.readouterr().out


def test_a_process_of_its_own_is_quiet_and_runs_on_tensorflow_whatever_the_environment_says(folder):
    done = python("classifier.keras", KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("classifier.onnx: ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    "options", [[], ["--ids"], ["--step"], ["--step", "--ids"], ["--sampler", "top_k"]], ids=" ".join
)
@eagerly()
def test_a_text_generator_is_exported_whole_or_as_a_step(folder, options, capsys):
    model = TextGenerator(Vocabulary.from_texts(TEXTS, level="char"), 6, embedding=4)
    randomize_weights(model)
    model.save(folder / "generator.keras")
    assert main(["generator.keras", *options]) == 0
    said = capsys.readouterr().out
    assert said.endswith("; writes the same text as Keras on the samples\n")
    assert ("next_token" in said) == ("--step" in options)
    assert ("ids (batch, time)" in said) == ("--ids" in options)
    if "--ids" not in options:
        file = seqkit_onnx.load("generator.onnx")
        sampler = "top_k" if "--sampler" in options else None
        expected = model.generate(["a", ""], 20, sampler=sampler)
        assert file.generate(["a", ""], 20, sampler=sampler) == expected


@pytest.mark.parametrize("options", [[], ["--ids"]], ids=" ".join)
def test_a_translator_is_exported_for_text_or_for_ids(folder, options, capsys):
    model = translator(decoder="repeat_vector")
    model.save(folder / "translator.keras")
    assert main(["translator.keras", *options]) == 0
    said = capsys.readouterr().out
    assert said.startswith("translator.onnx: ")
    assert said.endswith("; writes the same text as Keras on the samples\n")
    optional = "num_beams (), length_penalty (), max_length ()"
    if "--ids" in options:
        assert f"ids (batch, time), {optional} -> translation_ids (batch, time), score (batch)" in said
    else:
        assert f"text (batch), {optional} -> translation (batch), score (batch)" in said
        assert seqkit_onnx.load("translator.onnx").translate(SENTENCES) == model.translate(SENTENCES)


def test_labels_are_refused_for_a_text_generator(folder, capsys):
    TextGenerator(Vocabulary(["a"], level="char"), 2, embedding=2).save(folder / "generator.keras")
    assert main(["generator.keras", "--labels", "a", "b"]) == 1
    assert "a TextGenerator takes no labels" in capsys.readouterr().err

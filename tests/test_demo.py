"""The demo runs whole on a small file, without a network, and says clearly what is wrong with other files."""

import contextlib
import csv
import importlib
import io
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import seqkit_onnx
from hypothesis import given
from hypothesis import strategies as st

from tests.demos import DEMOS, PNG, error_of, imported, printed_by

WORDS = {
    "positivo 😀": ("ótimo", "adorei", "lindo", "excelente"),
    "negativo": ("péssimo", "horrível", "quebrado", "ruim"),
    "neutro": ("normal", "comum", "médio", "padrão"),
}
SKIPPED_ROWS = (["", "neutro"], ["sem rótulo", ""], ["demais", "neutro", "campos"], [" \t ", "negativo"])


@pytest.fixture(scope="module")
def demo():
    with imported("classify") as module:
        yield module


@pytest.fixture(scope="module")
def table(demo):
    return importlib.import_module("labelled_file")


def rows_of_reviews() -> list[list[str]]:
    return [
        [f"Produto {first}, entrega {second}{'!' * (place % 3)}", label]
        for label, words in WORDS.items()
        for place, first in enumerate(words)
        for second in words
        if first != second
    ]


def write_table(path: Path, rows: list[list[str]], header=("comentário", "avaliação"), **how) -> Path:
    with path.open("w", encoding=how.pop("encoding", "utf-8"), newline="") as file:
        csv.writer(file, **how).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def finished(demo, tmp_path_factory):
    """What the demo printed and left behind, for a file with three labels and vectors for some words."""
    folder = tmp_path_factory.mktemp("demo")
    data = write_table(folder / "reviews.tsv", [*rows_of_reviews(), *SKIPPED_ROWS], delimiter="\t")
    words = [word for words in WORDS.values() for word in words]
    vectors = folder / "vectors.txt"
    vectors.write_text("".join(f"{word} {place / 4} {place % 4} 1\n" for place, word in enumerate(words)), "utf-8")
    arguments = ["--data", data, "--text", "comentário", "--label", "avaliação", "--vectors", vectors]
    arguments += ["--epochs", "12", "--output", folder / "made"]
    return printed_by(demo, *arguments), folder / "made"


def test_the_demo_says_which_rows_it_skipped(finished):
    printed, _ = finished
    assert "36 texts" in printed
    assert "skipped 2 with no text" in printed
    assert "skipped 1 with no label" in printed
    assert "skipped 1 with more fields than the first line has" in printed


def test_the_demo_reads_the_vectors_that_it_is_given(finished):
    assert re.search(r"word vectors for 12 of \d+ different words of the training texts", finished[0])


def test_words_that_come_with_the_vectors_are_not_counted_as_words_of_the_texts(demo, tmp_path, monkeypatch, capsys):
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"w{place} 1 2\n" for place in range(500)) + "filme 1 2\n", "utf-8")
    monkeypatch.setattr(demo.datasets, "glove", lambda dim: path)
    examples = demo.LabelledTexts(["um filme bom", "um filme ruim , w7"], ["bom", "ruim"])
    model = demo.make_model(examples, "glove")
    assert len(model.vocabulary) > 500
    printed = capsys.readouterr().out
    assert "vocabulary 509 tokens: 6 of the training texts, 499 frequent ones of GloVe" in printed
    assert "word vectors for 2 of 6 different words of the training texts (33.3 %)" in printed
    assert "half of them have none" in printed


def test_the_demo_reports_on_every_label(finished):
    for label in WORDS:
        assert re.search(rf"^ *{label} +[01]\.\d{{3}}", finished[0], re.MULTILINE), label


def test_the_demo_leaves_two_pictures_and_a_model_named_after_the_data_and_says_where(finished):
    printed, folder = finished
    made = {f"reviews{end}" for end in (".onnx", "_confusion_matrix.png", "_training_curves.png")}
    assert {path.name for path in folder.iterdir()} == made
    for name in made:
        assert str((folder / name).resolve()) in printed
        assert name.endswith(".onnx") or (folder / name).read_bytes().startswith(PNG)
    assert seqkit_onnx.load(folder / "reviews.onnx").classes == sorted(WORDS)


def test_the_other_process_labels_held_out_texts_beside_their_true_labels(finished):
    printed, folder = finished
    part = printed.partition("in another process")[2].partition("The file beside Keras")[0]
    counts = re.findall(r"^(right|wrong): (\d+) of (\d+)$", part, re.MULTILINE)
    assert [kind for kind, *_ in counts] == ["right", "wrong"]
    assert sum(int(count) for *_, count in counts) == 3  # the texts of the test part
    rows = re.findall(r"^(\S.*?) +\| (\S.*?) +(\d+\.\d)%  (Produto .+)$", part, re.MULTILINE)
    assert len(rows) == 3
    labels, probabilities = seqkit_onnx.load(folder / "reviews.onnx").predict([text for *_, text in rows])
    assert [label for _, label, *_ in rows] == labels
    assert [float(share) for *_, share, _ in rows] == pytest.approx(100 * probabilities.max(axis=1), abs=0.051)
    label_of = dict(rows_of_reviews())
    assert [true for true, *_ in rows] == [label_of[text] for *_, text in rows]
    right = int(counts[0][1])
    assert [true == label for true, label, *_ in rows] == [True] * right + [False] * (3 - right)
    assert "blocked: jax, keras," in part


def test_two_baselines_stand_beside_the_model(finished):
    rows = dict(re.findall(r"^  (always .*|TF-IDF .*|this model) +([\d.]+)%$", finished[0], re.MULTILINE))
    assert [name.strip() for name in rows] == [
        "always the most frequent label",
        "TF-IDF and logistic regression",
        "this model",
    ]
    [accuracy] = re.findall(r"^accuracy +([\d.]+%)$", finished[0], re.MULTILINE)
    assert f"{list(rows.values())[-1]}%" == accuracy


def test_the_baselines_are_the_frequent_label_and_the_words_that_decide(demo):
    train = demo.LabelledTexts(["good film", "good book", "bad film", "bad book", "bad plot"], list("ppnnn"))
    test = demo.LabelledTexts(["good plot", "good", "bad", "good !"], list("ppnn"))
    found = demo.baseline_accuracies(train, test, str.split)
    assert list(found.values()) == [0.5, 0.75]
    unheard = demo.LabelledTexts(["", "?"], list("pn"))
    assert len(demo.baseline_accuracies(train, unheard, lambda text: [])) == 2  # no word anywhere


def test_where_the_words_decide_the_demo_says_that_the_simple_way_is_better(demo):
    train = demo.LabelledTexts(["good", "bad"] * 4, list("pn") * 4)
    model = demo.make_model(train, "none")
    parts = demo.TrainValidationTest(train, train, train)
    assert "labels more of these texts rightly" in demo.beside_baselines(model, parts, ["n"] * 8)
    assert "labels more of these texts rightly" not in demo.beside_baselines(model, parts, train.labels)


def test_right_and_wrong_ones_are_drawn_by_the_seed(demo):
    true, predicted = list("aaaaaaaabbbbbbbb"), list("aaaaaaaaaaaaaabb")
    right, wrong = demo.draw(true, predicted, 0)
    assert (right.kind, right.count, wrong.kind, wrong.count) == ("right", 10, "wrong", 6)
    assert len(right.places) == len(wrong.places) == 4
    assert all(true[place] == predicted[place] for place in right.places)
    assert all(true[place] != predicted[place] for place in wrong.places)
    assert demo.draw(true, predicted, 0) == [right, wrong]
    assert any(demo.draw(true, predicted, seed) != [right, wrong] for seed in range(1, 4))
    assert demo.draw(true, true, 0)[1].places == []


def test_the_weights_are_those_of_the_epoch_that_is_starred(demo, table, monkeypatch):
    monkeypatch.setattr(demo, "SMALL", 0)
    monkeypatch.setattr(demo, "LEARNING_RATE", 0.03)
    demo.keras.utils.set_random_seed(0)
    train, validation, _ = table.deal(*map(list, zip(*rows_of_reviews(), strict=True)))
    labels = list(WORDS)
    wrong = [labels[labels.index(label) - 1] for label in validation.labels]  # what is learned makes the accuracy fall
    validation = demo.LabelledTexts(validation.texts, wrong)
    model = demo.make_model(train, "none")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        history, kept = demo.train(model, demo.TrainValidationTest(train, validation, validation), 3)
    losses, accuracies = history.history["val_loss"], history.history["val_accuracy"]
    assert f"the weights are those of epoch {kept}\n" in printed.getvalue()
    assert kept == accuracies.index(max(accuracies)) + 1
    assert kept < 3
    assert model.evaluate(*validation, verbose=0)[0] == pytest.approx(losses[kept - 1], rel=1e-4)


def test_the_demo_compares_the_file_with_keras(finished):
    printed, _ = finished
    [difference] = re.findall(r"largest difference of a probability +(\S+)", printed)
    assert float(difference) < 1e-5
    assert "100.00% of 3 texts" in printed
    for name, pattern in {"predict": "Keras predict ", "on batch": "predict_on_batch", "file": "onnxruntime"}.items():
        assert re.search(rf"{pattern} +[\d.]+ ms \(median\), [\d.]+ times", printed), name
    accuracy = re.search(r"^accuracy +([\d.]+)%$", printed, re.MULTILINE)
    same = re.search(r"^ +accuracy +([\d.]+) +3$", printed, re.MULTILINE)  # of the report
    assert accuracy
    assert same
    assert float(accuracy[1]) / 100 == pytest.approx(float(same[1]), abs=1e-3)


def test_a_line_is_printed_for_each_epoch(finished):
    epochs = re.findall(r"^epoch +(\d+)  loss .* validation: loss .* s$", finished[0], re.MULTILINE)
    assert epochs == [str(epoch) for epoch in range(1, len(epochs) + 1)]
    assert epochs


def test_the_other_process_takes_any_text_as_one_line(demo, finished):
    texts = ["a\nb\r\nc\x85d\u2028e", "", "😀 'quoted'", "\x00"]
    printed = demo.label_elsewhere(finished[1] / "reviews.onnx", texts)
    assert len(printed) == len(texts) + 1
    assert printed[0].endswith("a b c d e")


@pytest.mark.parametrize(
    "name", ["keras", "keras.layers", "tensorflow", "onnx", "tf2onnx", "keras_seqkit.models.text_model"]
)
def test_the_other_process_refuses_what_training_needs(demo, name):
    blocker = importlib.import_module("deployed").Blocker()
    with pytest.raises(ImportError, match="is blocked"):
        blocker.find_spec(name)
    assert all(blocker.find_spec(name) is None for name in ("onnxruntime", "keras_seqkit.text", "keras_seqkit"))


def test_a_file_too_small_for_a_validation_part_is_trained_on(demo, table):
    labels = [f"label {place % 5}" for place in range(10)]
    parts = table.deal([f"word {place}" for place in range(10)], labels)
    assert not parts.validation.texts
    model = demo.make_model(parts.train, "none")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        history, kept = demo.train(model, parts, 1)
    assert "validation" not in printed.getvalue()
    assert kept == 1
    assert len(history.history["loss"]) == 1


GOOD_ROWS = rows_of_reviews()
COLUMNS = ("--text", "comentário", "--label", "avaliação")
WRONG_FILES = {
    "no file": (None, COLUMNS, "there is no file"),
    "no column": (
        GOOD_ROWS,
        ("--text", "texto", "--label", "avaliação"),
        "no column 'texto'; its columns are 'comentário', 'avaliação'.",
    ),
    "one column twice": (GOOD_ROWS, ("--text", "avaliação", "--label", "avaliação"), "expected two columns"),
    "one label": ([[text, "bom"] for text, _ in GOOD_ROWS], COLUMNS, "at least two different labels"),
    "few rows": (GOOD_ROWS[::9], COLUMNS, "has 4 rows with text and label; expected at least 10"),
    "a label a row": ([[text, text] for text, _ in GOOD_ROWS], COLUMNS, "Is it the column of labels?"),
    "an unknown encoding": (GOOD_ROWS, (*COLUMNS, "--encoding", "utf-9"), "'utf-9' is not known"),
    "no vectors": (GOOD_ROWS, (*COLUMNS, "--vectors", "nowhere.txt"), "there is no file nowhere.txt"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_what_is_wrong_with_a_file_is_said(demo, tmp_path, capsys, case):
    rows, options, message = WRONG_FILES[case]
    data = tmp_path / "reviews.csv"
    if rows is not None:
        write_table(data, rows)
    assert message in error_of(demo, capsys, "--data", data, *options, "--output", tmp_path / "made")


def test_an_empty_file_and_torn_quotes_are_said(demo, tmp_path, capsys):
    data = tmp_path / "reviews.csv"
    data.write_bytes(b"")
    assert "is empty" in error_of(demo, capsys, "--data", data, *COLUMNS)
    data.write_text('comentário,avaliação\n"aberto,bom\n' + "texto,bom\n" * 20, "utf-8")
    assert "double each quote" in error_of(demo, capsys, "--data", data, *COLUMNS)


def test_a_file_needs_its_columns_named(demo, tmp_path, capsys):
    data = write_table(tmp_path / "reviews.csv", GOOD_ROWS)
    for named in ((), ("--text", "comentário"), ("--label", "avaliação")):
        said = error_of(demo, capsys, "--data", data, *named)
        assert "--text and --label" in said
        assert "are 'comentário', 'avaliação'." in said
    assert "there is no file" in error_of(demo, capsys, "--data", tmp_path / "nowhere.csv")
    assert "go with --data" in error_of(demo, capsys, "--text", "review", "--label", "stars")


def test_epochs_are_at_least_one(demo, capsys):
    assert "at least 1" in error_of(demo, capsys, "--epochs", "0")


def test_a_windows_file_is_refused_with_advice_and_read_with_it(demo, table, tmp_path, capsys):
    rows = [[text, label.removesuffix(" 😀")] for text, label in GOOD_ROWS]
    data = write_table(tmp_path / "my reviews.csv", rows, encoding="cp1252")
    message = error_of(demo, capsys, "--data", data, *COLUMNS)
    assert "is not utf-8" in message
    assert "--encoding cp1252" in message
    assert f"{shlex.quote(str(data))} > new.csv" in message
    found = table.read_table(data, "comentário", "avaliação", "cp1252")
    assert [[text, label] for text, label in zip(found.texts, found.labels, strict=True)] == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_and_a_byte_order_mark_left_out(table, tmp_path, delimiter):
    rows = [[f'{text}, "so"; to say\tit\nin two lines', label] for text, label in GOOD_ROWS]
    data = write_table(tmp_path / "reviews.csv", rows, encoding="utf-8-sig", delimiter=delimiter)
    assert table.read_table(data, "comentário", "avaliação").texts == [text for text, _ in rows]


def test_a_repeated_row_counts_once(table, tmp_path):
    data = write_table(tmp_path / "reviews.csv", [*GOOD_ROWS, GOOD_ROWS[0], [GOOD_ROWS[0][0], "neutro"]])
    found = table.read_table(data, "comentário", "avaliação")
    assert len(found.texts) == len(GOOD_ROWS) + 1
    assert found.skipped == {"the same text and label as a row before": 1}


@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=5), seed=st.integers(0, 5))
def test_each_row_is_dealt_once_and_each_label_to_every_part_that_it_can_fill(table, counts, seed):
    labels = [f"label {index}" for index, count in enumerate(counts) for _ in range(count)]
    texts = [f"text {place}" for place in range(len(labels))]
    parts = table.deal(texts, labels, seed)
    dealt = [pair for part in parts for pair in zip(part.texts, part.labels, strict=True)]
    assert sorted(dealt) == sorted(zip(texts, labels, strict=True))
    by_part = [Counter(part.labels) for part in parts]
    for index, count in enumerate(counts):
        train, validation, test = (found[f"label {index}"] for found in by_part)
        assert train >= 1
        assert bool(test) == (count >= 2)
        assert bool(validation) == (count >= 3)
        if count >= 5:
            assert abs(test - count / 10) <= 1
            assert abs(validation - count / 10) <= 1
    assert table.deal(texts, labels, seed) == parts


@pytest.mark.parametrize("fails", [False, True])
def test_tensorflow_is_silent_while_it_is_imported_unless_that_fails(tmp_path, fails):
    noisy = "import os\nos.write(2, b'chatter\\n')\n" + "raise ImportError('broken')\n" * fails
    (tmp_path / "tensorflow.py").write_text(noisy)
    paths = [str(tmp_path), str(DEMOS)]
    program = f"import sys; sys.path[:0] = {paths}; import quiet_tensorflow; sys.exit('at the end')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if fails:
        assert done.stderr.startswith("chatter\n")
        assert "broken" in done.stderr
    else:
        assert done.stderr == "at the end\n"

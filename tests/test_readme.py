"""The code of the READMEs and of the site runs, as a reader would run it, and does what they say."""

import doctest
import re
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx.cells import operators

from keras_seqkit import Vocabulary, datasets, samplers
from tests.eager import eagerly

ROOT = Path(__file__).parents[1]
LINES_OF_A_LOWERING = 30


def code_blocks(name: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run_blocks(blocks: list[str]) -> dict:
    names: dict = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    return names


def operator_types(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.fixture
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _lowerings_stay(monkeypatch):
    monkeypatch.setattr(operators, "_LOWERINGS", dict(operators._LOWERINGS))


@pytest.mark.usefixtures("_in_empty_folder")
def test_the_readme_trains_exports_and_runs(tmp_path, capsys):
    keras.utils.set_random_seed(0)
    names = run_blocks(code_blocks("README.md"))
    assert capsys.readouterr().out == "['fresh', 'rotten']\n"
    assert "GRU" in operator_types(tmp_path / "sentiment.onnx")
    with eagerly():
        found = seqkit_onnx.verify(names["model"], tmp_path / "sentiment.onnx", ["Not dull!", "São 😀", ""])
    assert found.largest_difference < 1e-5
    assert found.label_agreement == 1


def test_the_readme_needs_about_fifteen_lines():
    [block] = code_blocks("README.md")
    assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_the_table_of_the_readme_says_what_the_page_on_benchmarks_says():
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    rows = table_rows((ROOT / "README.md").read_text("utf-8"), "measured")
    assert 0 < len(rows) <= 8
    for row in rows:
        for figure in re.findall(r"\d[\d.,e-]*", " ".join(row[1:])):
            assert figure.strip(".,") in page, row


@pytest.mark.usefixtures("_in_empty_folder", "_lowerings_stay")
@pytest.mark.filterwarnings("error:export")
def test_the_example_of_a_lowering_gives_a_native_operator_that_equals_keras(tmp_path):
    names = run_blocks(code_blocks("export/README.md"))
    kinds = operator_types(tmp_path / "elman.onnx")
    assert "RNN" in kinds
    assert "Loop" not in kinds
    ids = np.array([[1, 2, 3, 0], [0, 4, 0, 5], [0, 0, 0, 0]])
    with eagerly():
        expected = names["model"].predict(ids, verbose=0)
    np.testing.assert_allclose(
        seqkit_onnx.load(tmp_path / "elman.onnx").predict(ids)["scores"], expected, rtol=0, atol=1e-5
    )


@pytest.mark.usefixtures("_in_empty_folder", "_lowerings_stay")
def test_without_its_lowering_the_same_cell_is_a_loop_with_a_warning(tmp_path):
    lowering, model = code_blocks("export/README.md")
    without = re.sub(r"^@lowers\(.*\)\n", "", lowering, flags=re.MULTILINE)
    assert without != lowering
    with pytest.warns(UserWarning, match="ElmanCell has no ONNX operator"):
        run_blocks([without, model])
    assert "RNN" not in operator_types(tmp_path / "elman.onnx")


def test_a_lowering_takes_less_than_thirty_lines():
    lowering = code_blocks("export/README.md")[0]
    assert len(lowering.splitlines()) < LINES_OF_A_LOWERING


def test_the_links_of_the_readmes_lead_somewhere():
    for readme in ("README.md", "export/README.md"):
        links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / readme).read_text("utf-8"))
        for link in links:
            assert (ROOT / readme).parent.joinpath(link).exists(), f"{readme}: {link}"


def table_rows(text: str, first_column: str) -> list[list[str]]:
    """The cells of the table whose first column has this name."""
    [table] = re.findall(rf"^\| {first_column} \|.*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]


@pytest.mark.usefixtures("_in_empty_folder")
def test_the_code_of_the_site_runs_and_the_metadata_are_those_of_the_table(monkeypatch):
    monkeypatch.setattr(datasets, "glove", lambda dim: {"story": [1.0] * dim, "funny": [0.5] * dim}, raising=False)
    names = run_blocks([*code_blocks("docs/index.md"), *code_blocks("docs/exported_file.md")])
    assert names["embedding"].output_dim == 50
    assert len(names["labels"]) == len(names["label"]) == 2
    text = (ROOT / "docs" / "exported_file.md").read_text("utf-8")
    keys = {key for cells in table_rows(text, "key") for key in re.findall(r"`(\w+)`", cells[0])}
    assert keys == set(seqkit_onnx.load("sentiment.onnx").metadata)


@pytest.mark.usefixtures("_in_empty_folder")
def test_the_page_on_training_runs(capsys):
    with eagerly():
        names = run_blocks(code_blocks("docs/training.md"))
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["(1, 1) (2, 1)", "<class 'int'>", "['neg', 'pos']"]
    assert printed[-4:-2] == ["['AUC', 'loss', 'val_AUC', 'val_loss']", "2"]
    assert printed[-2] in ("{'model_kwargs': {'units': 2}}", "{'model_kwargs': {'units': 4}}")
    assert printed[-1] == "(2,)"
    assert names["other"].labels == ["cheap", "fair", "dear"]


@pytest.mark.usefixtures("_in_empty_folder")
def test_the_code_of_the_page_on_generation_runs(capsys):
    keras.utils.set_random_seed(0)
    names = run_blocks(code_blocks("docs/generation.md"))
    printed = capsys.readouterr().out
    assert "--- epoch 4 ---" in printed
    assert "['loss', 'val_loss']" in printed
    for name in ("writer", "step"):
        assert names[name].generate("a ", seed=2) == names["model"].generate("a ", seed=2)
    # By hand, with 0 for each random number: the first token that is possible.
    assert names["written"].startswith("the ")
    assert names["embedding"].coverage.found == names["words"].tokens[4:]


@pytest.mark.usefixtures("_in_empty_folder")
def test_the_page_on_translation_runs(tmp_path, capsys):
    keras.utils.set_random_seed(0)
    names = run_blocks(code_blocks("docs/translation.md"))
    printed = capsys.readouterr().out
    assert "[' O', ' gato', ' vê', ' o', ' gato', '.']" in printed
    assert "(2, 3, 6) (2, 3, 5)" in printed
    assert "['loss', 'nats', 'val_loss', 'val_nats']" in printed
    assert names["score"] == pytest.approx(names["scores"], abs=1e-5)
    assert set(names["found"]) == {"loss", "perplexity", "bleu", "chrf"}
    assert "LSTM" in operator_types(tmp_path / "translator.onnx")


def test_the_page_on_generation_names_the_inputs_and_samplers_that_there_are():
    text = (ROOT / "docs" / "generation.md").read_text("utf-8")
    rows = {row[0].strip("`"): row[1].strip("`") for row in table_rows(text, "name")}
    assert set(rows) == set(samplers.SAMPLERS)
    for name, shown in rows.items():
        sampler = samplers.get(name)
        assert shown.startswith(type(sampler).__name__)
        own = set(sampler.get_config()) - set(samplers.Sampler().get_config())
        for argument in own:
            assert f"{argument}={sampler.get_config()[argument]}" in shown
        assert shown.count("=") == len(own)
    shared = {row[0].strip("`"): row[1].strip("`") for row in table_rows(text, "argument")}
    for name, default in samplers.Sampler().get_config().items():
        assert shared.pop(name) == str(() if default == [] else default)
    assert not shared


def test_the_doctests_of_the_site_pass():
    found = doctest.testfile(str(ROOT / "docs" / "vocabulary.md"), module_relative=False, encoding="utf-8")
    assert found.attempted
    assert not found.failed


def test_the_table_of_tokens_says_what_the_vocabulary_does():
    rows = table_rows((ROOT / "docs" / "vocabulary.md").read_text("utf-8"), "text")
    assert len(rows) > 5
    for text, tokens in rows:
        expected = re.findall(r"`([^`]+)`", tokens)
        assert Vocabulary([]).rules.split(text.strip("`")) == expected, text

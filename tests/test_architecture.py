"""What holds the house together, beside the contracts of imports in pyproject.toml."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("source_facts", ROOT / "benchmarks" / "source_facts.py")
assert _spec is not None
assert _spec.loader is not None
facts = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(facts)


def test_only_kinds_ask_what_class_a_model_or_a_file_is():
    assert facts.class_checks(ROOT) == []


def test_no_family_of_models_imports_another():
    assert facts.imports_between_families(ROOT) == []


def test_a_check_of_a_class_is_found(tmp_path):
    folder = tmp_path / "export" / "seqkit_onnx"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text("if isinstance(model, (int, TextGenerator)):\n    pass\n")
    assert facts.class_checks(tmp_path) == ["export/seqkit_onnx/module.py:1"]


def test_an_import_of_another_family_is_found(tmp_path):
    folder = tmp_path / "keras_seqkit" / "models" / "generation"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text("from keras_seqkit.models.translation import search\n")
    assert facts.imports_between_families(tmp_path) == ["keras_seqkit/models/generation/module.py:1"]


def test_the_page_on_architecture_names_files_and_what_stands_in_them():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`((?:keras_seqkit|export|tests|benchmarks)/[\w/.]+)`", page))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]
    source = "".join(path.read_text("utf-8") for name in facts.PACKAGES for path in facts.sources(ROOT, name))
    for name in (
        "DEFAULTS",
        "SAMPLERS",
        "KINDS",
        "translator_model",
        "write_metadata",
        "ClassifierFile",
        "PromptReader",
    ):
        assert f"`{name}`" in page
        assert re.search(rf"^(class |def )?{name}\b", source, re.MULTILINE)

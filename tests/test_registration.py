"""Keras loads our models after ``import keras_seqkit``, whichever is imported first."""

import subprocess
import sys

import pytest

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary

LOAD = "model = keras.saving.load_model({path!r}); print(type(model).__name__, model.predict(['good']).shape)"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("saved") / "model.keras")
    TextClassifier(Vocabulary.from_texts(["good", "bad"]), ["neg", "pos"], 4, BidirectionalStack(2)).save(path)
    return path


@pytest.mark.parametrize("imports", ["import keras, keras_seqkit", "import keras_seqkit; import keras"])
def test_a_model_loads_after_the_package_was_imported(imports: str, saved: str):
    assert run(f"{imports}; {LOAD.format(path=saved)}") == "TextClassifier (1, 1)"


def test_all_classes_are_named_where_they_are_found():
    code = (
        "import keras, pkgutil, importlib, keras_seqkit as ours; from keras_seqkit._registration import HOMES\n"
        "for module in pkgutil.walk_packages(ours.__path__, 'keras_seqkit.'):\n"
        "    '._' in module.name or importlib.import_module(module.name)\n"
        "found = {name: kind for name, kind in keras.saving.get_custom_objects().items() if 'keras_seqkit>' in name}\n"
        "named = {f'keras_seqkit>{name}': home for home, names in HOMES.items() for name in names}\n"
        "assert found.keys() == named.keys(), found.keys() ^ named.keys()\n"
        "for name, kind in found.items():\n"
        "    assert getattr(importlib.import_module(f'keras_seqkit.{named[name]}'), name.split('>')[1]) is kind\n"
        "print(len(found))"
    )
    assert int(run(code)) > 15


def test_importing_the_package_imports_no_keras_and_leaves_keras_its_loader():
    code = (
        "import sys, keras_seqkit; assert 'keras' not in sys.modules; import keras; "
        "assert not any('keras_seqkit' in type(finder).__module__ for finder in sys.meta_path); "
        "assert type(keras.__loader__).__name__ == 'SourceFileLoader'; "
        "assert type(keras.__spec__.loader).__name__ == 'SourceFileLoader'; print('fine')"
    )
    assert run(code) == "fine"


def test_a_missing_keras_stays_missing():
    code = (
        "import sys, keras_seqkit; sys.path[:] = [place for place in sys.path if 'site-packages' not in place]\n"
        "try:\n    import keras\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    assert run(code) == "No module named 'keras'"

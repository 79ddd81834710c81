"""Keras loads our models after ``import keras_seqkit``, whichever is imported first."""

import subprocess
import sys

import pytest

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary

LOAD = (
    "model = keras.saving.load_model({path!r}); print(type(model).__name__, model.predict(['good'], verbose=0).shape)"
)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("saved") / "model.keras")
    TextClassifier(Vocabulary.from_texts(["good", "bad"]), ["neg", "pos"], 4, BidirectionalStack(2)).save(path)
    return path


@pytest.mark.parametrize("imports", ["import keras, keras_seqkit", "import keras_seqkit; import keras"])
def test_a_model_loads_after_the_package_was_imported(imports: str, saved: str):
    assert run(f"{imports}; {LOAD.format(path=saved)}") == "TextClassifier (1, 1)"


def test_importing_the_package_imports_no_keras_and_leaves_keras_its_loader():
    code = (
        "import sys, keras_seqkit; assert 'keras' not in sys.modules; count = len(sys.meta_path); import keras; "
        "assert len(sys.meta_path) == count - 1; assert type(keras.__loader__).__name__ == 'SourceFileLoader'; "
        "assert type(keras.__spec__.loader).__name__ == 'SourceFileLoader'; print('fine')"
    )
    assert run(code) == "fine"


def test_a_missing_keras_stays_missing():
    code = (
        "import sys, keras_seqkit; sys.path[:] = [place for place in sys.path if 'site-packages' not in place]\n"
        "try:\n    import keras\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    assert run(code) == "No module named 'keras'"

"""Deployment needs NumPy and onnxruntime only, and importing a package imports nothing heavy."""

import importlib.metadata
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import seqkit_onnx

import keras_seqkit
from tests.runtime.conftest import TEXTS

HEAVY = ["keras", "tensorflow", "onnx", "tf2onnx", "jax", "torch", "sklearn", "matplotlib", "sentencepiece"]

BLOCK = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY}:
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocker())
"""

PREDICT = """
import json
import seqkit_onnx

classifier = seqkit_onnx.load(sys.argv[1])
labels, probabilities = classifier.predict(json.loads(sys.argv[2]))
print(json.dumps([labels, probabilities.tolist(), classifier.classes]))
"""

GENERATE = """
import json
import seqkit_onnx

generator = seqkit_onnx.load(sys.argv[1])
print(json.dumps(generator.generate(json.loads(sys.argv[2]), 20, temperature=0.8, seed=5, stop="mat")))
"""

LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def python(code: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Runs code in a fresh interpreter that knows nothing of this one."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"})


def test_a_file_is_run_where_keras_and_onnx_cannot_be_imported(classifier_path):
    expected = seqkit_onnx.load(classifier_path).predict(TEXTS)
    labels, probabilities, classes = json.loads(python(BLOCK + PREDICT, classifier_path, json.dumps(TEXTS)).stdout)
    assert labels == expected.labels
    assert set(labels) <= set(classes)
    np.testing.assert_array_equal(np.array(probabilities, np.float32), expected.probabilities)


def test_a_generator_is_run_where_keras_and_onnx_cannot_be_imported(generator_path):
    prompts = ["the cat", "", "é 😀 "]
    expected = seqkit_onnx.load(generator_path).generate(prompts, 20, temperature=0.8, seed=5, stop="mat")
    assert json.loads(python(BLOCK + GENERATE, generator_path, json.dumps(prompts)).stdout) == expected


@pytest.mark.parametrize("package", HEAVY[:4])
def test_the_block_blocks(package):
    ended = python(BLOCK + f"import {package}", check=False)
    assert ended.returncode == 1
    assert f"blocked: {package}" in ended.stderr


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import seqkit_onnx", set()),
        (
            "import seqkit_onnx; seqkit_onnx.load; dir(seqkit_onnx)",
            {"_old_paths", "_registration", "extras", "held_files", "text"},
        ),
        ("import seqkit_onnx; seqkit_onnx.__version__", {"_registration", "extras"}),
        ("import keras_seqkit; dir(keras_seqkit)", {"_registration", "extras"}),
        (
            "from keras_seqkit import Vocabulary, sliding_windows",
            {"_old_paths", "_registration", "extras", "held_files", "text"},
        ),
    ],
)
def test_importing_imports_nothing_heavy(code, allowed):
    loaded = json.loads(python(f"{code}\n{LOADED}").stdout)
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)
    assert {name.split(".")[1] for name in loaded if name.startswith("keras_seqkit.")} == allowed


@pytest.mark.parametrize("package", ["seqkit_onnx", "keras_seqkit"])
def test_a_bare_import_imports_neither_numpy_nor_onnxruntime(package):
    loaded = json.loads(python(f"import {package}\n{LOADED}").stdout)
    assert package in loaded
    assert not {"numpy", "onnxruntime"} & set(loaded)


def test_both_packages_have_one_version():
    assert seqkit_onnx.__version__ == keras_seqkit.__version__ == importlib.metadata.version("keras-seqkit")
    assert "__version__" in dir(seqkit_onnx)


MISSING = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize(
    ("package", "code", "needs"),
    [
        ("keras", "import seqkit_onnx; seqkit_onnx.export", "seqkit_onnx.export needs keras, [export]"),
        ("tensorflow", "from seqkit_onnx import export", "seqkit_onnx.export needs tensorflow, [export]"),
        ("tf2onnx", "import seqkit_onnx; seqkit_onnx.export", "seqkit_onnx.export needs tf2onnx, [export]"),
        ("onnx", "import seqkit_onnx; seqkit_onnx.verify", "seqkit_onnx.verify needs onnx, [export]"),
        ("onnxruntime", "import seqkit_onnx; seqkit_onnx.load", "seqkit_onnx.load needs onnxruntime, [runtime]"),
        ("keras", "import keras_seqkit; keras_seqkit.SkipGram", "keras_seqkit.SkipGram needs keras, [train]"),
        ("keras", "from keras_seqkit import samplers", "keras_seqkit.samplers needs keras, [train]"),
        ("tensorflow", "from keras_seqkit import layers", "keras_seqkit.layers needs tensorflow, [train]"),
    ],
)
def test_what_is_not_installed_is_one_sentence_with_the_command(package, code, needs):
    ended = python(MISSING + code, package, check=False)
    owner, extra = needs.split(", ")
    assert ended.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: {owner}, which is not installed. Install it with: pip install 'keras-seqkit{extra}'"
    )


def test_another_backend_has_an_extra_of_its_own(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    ended = python(MISSING + "from keras_seqkit import layers", "jax", check=False)
    assert ended.stderr.splitlines()[-1].endswith(
        "needs jax, which is not installed. Install it with: pip install 'keras-seqkit[backends]'"
    )


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras():
    code = "import keras_seqkit.extras as extras; extras.import_part('keras_seqkit.none', 'f', 'train')"
    assert (
        python(code, check=False).stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'keras_seqkit.none'"
    )


@pytest.mark.parametrize("package", ["seqkit_onnx", "keras_seqkit"])
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'no_such_name'"):
        _ = sys.modules[package].no_such_name

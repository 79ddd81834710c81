"""Deployment needs NumPy and onnxruntime only, and importing a package imports nothing heavy."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import seqkit_onnx

from tests.runtime.conftest import TEXTS

HEAVY = ["keras", "tensorflow", "onnx", "tf2onnx", "keras_seqkit", "jax", "torch", "sklearn", "matplotlib"]

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

LOADED = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


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


@pytest.mark.parametrize("package", HEAVY[:5])
def test_the_block_blocks(package):
    ended = python(BLOCK + f"import {package}", check=False)
    assert ended.returncode == 1
    assert f"blocked: {package}" in ended.stderr


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import seqkit_onnx", set()),
        ("import seqkit_onnx; seqkit_onnx.load; dir(seqkit_onnx)", set()),
        ("import keras_seqkit; dir(keras_seqkit)", {"keras_seqkit"}),
        ("from keras_seqkit import Vocabulary, sliding_windows", {"keras_seqkit"}),
    ],
)
def test_importing_imports_nothing_heavy(code, allowed):
    loaded = set(json.loads(python(f"{code}\n{LOADED}").stdout))
    assert loaded & set(HEAVY) == allowed


@pytest.mark.parametrize("package", ["seqkit_onnx", "keras_seqkit"])
def test_a_bare_import_imports_neither_numpy_nor_onnxruntime(package):
    loaded = json.loads(python(f"import {package}\n{LOADED}").stdout)
    assert package in loaded
    assert not {"numpy", "onnxruntime"} & set(loaded)


@pytest.mark.parametrize("package", ["seqkit_onnx", "keras_seqkit"])
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'no_such_name'"):
        _ = sys.modules[package].no_such_name

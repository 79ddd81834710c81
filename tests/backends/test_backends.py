"""What was trained on JAX or PyTorch and saved answers alike as a file that TensorFlow exported.

The training runs in a process of its own: under this interpreter, or under the one that BACKENDS_PYTHON names, which
`make backends` sets to an environment that has no TensorFlow at all.
"""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx.cli.command_line import main

from tests.backends.train import (
    BEAMS,
    CASE_NAMES,
    CLASSIFIERS,
    GENERATOR,
    PROMPTS,
    SAMPLERS,
    SETTINGS,
    TEXTS,
    TRANSLATORS,
    file_name,
    questions,
)

ROOT = Path(__file__).parents[2]
# Each backend sums float32 in an order of its own: about 1e-7 a step, over 20 steps and 3 layers of small networks.
TOLERANCE = 5e-6
NATIVE = {"LSTM", "GRU", "RNN"}


@pytest.fixture(scope="module", params=["jax", "torch"])
def backend(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def trained(backend, tmp_path_factory) -> Path:
    """The folder that a process on the other backend has filled."""
    chosen = os.environ.get("BACKENDS_PYTHON")
    interpreter = chosen or sys.executable
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({backend!r}) is None)"
    if subprocess.run([interpreter, "-c", find], check=False).returncode:
        assert not chosen, f"{backend} is not installed for {chosen}"
        pytest.skip(f"{backend} is not installed; `make backends` installs it")
    folder = tmp_path_factory.mktemp(backend)
    done = subprocess.run(
        [interpreter, "-m", "tests.backends.train", folder],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [backend]
    return folder


@pytest.fixture(autouse=True)
def _backend_of_this_process_stays(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")


def exported(trained: Path, name: str) -> tuple[Path, np.lib.npyio.NpzFile]:
    """Exports a model by the command line, once; returns the file, and what the other backend had answered."""
    model = trained / file_name(name)
    if not model.with_suffix(".onnx").exists():
        assert main([str(model.with_suffix(".keras"))]) == 0
    return model.with_suffix(".onnx"), np.load(model.with_suffix(".npz"))


@pytest.mark.parametrize("name", CASE_NAMES, ids=file_name)
def test_a_model_of_another_backend_is_exported_with_the_same_answers_under_every_mask(trained, name):
    path, answers = exported(trained, name)
    network = seqkit_onnx.load(path)
    for question, ids in questions():
        for index, output in enumerate(network.predict(ids).values()):
            np.testing.assert_allclose(
                output, answers[f"{question} {index}"], rtol=0, atol=TOLERANCE, err_msg=f"{question}: {ids.tolist()}"
            )


@pytest.mark.parametrize("name", CLASSIFIERS, ids=file_name)
def test_a_classifier_of_another_backend_gives_the_same_labels_of_strings(trained, name):
    path, answers = exported(trained, name)
    labels, probabilities = seqkit_onnx.load(path).predict(TEXTS)
    expected = answers["probabilities"]
    np.testing.assert_allclose(probabilities[:, -expected.shape[1] :], expected, rtol=0, atol=TOLERANCE)
    assert labels == answers["labels"].tolist()
    assert np.ptp(expected, axis=0).max() > 0.5  # it has learned something


@pytest.mark.parametrize("name", [CASE_NAMES[0], *CLASSIFIERS], ids=file_name)
def test_a_model_of_another_backend_has_native_operators(trained, name):
    path, _ = exported(trained, name)
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert NATIVE & operators
    assert not {"Loop", "Scan"} & operators


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_generator_of_another_backend_writes_the_same_texts(trained, sampler):
    model = keras.saving.load_model(trained / f"{GENERATOR}.keras")
    expected = np.load(trained / f"{GENERATOR}.npz")[sampler].tolist()
    assert model.generate(PROMPTS, sampler=sampler, **SETTINGS) == expected
    path = trained / f"{sampler}.onnx"
    seqkit_onnx.export(model, path, sampler=sampler)
    assert seqkit_onnx.load(path).generate(PROMPTS, **SETTINGS) == expected


def test_a_generator_of_another_backend_finds_texts_as_probable(trained):
    model = keras.saving.load_model(trained / f"{GENERATOR}.keras")
    expected = np.load(trained / f"{GENERATOR}.npz")["log_probs"]
    np.testing.assert_allclose(model.log_prob(TEXTS), expected, rtol=1e-5)  # sums of up to 600 logarithms


@pytest.mark.parametrize("decoder", TRANSLATORS)
@pytest.mark.parametrize("beams", BEAMS)
def test_a_translator_of_another_backend_gives_the_same_translations(trained, decoder, beams):
    answers = np.load(trained / f"{decoder}.npz")
    model = keras.saving.load_model(trained / f"{decoder}.keras")
    path = trained / f"{decoder}.onnx"
    if not path.exists():
        seqkit_onnx.export(model, path)
    for translate in (model.translate, seqkit_onnx.load(path).translate):
        translations, scores = translate(TEXTS, num_beams=beams, return_scores=True)
        assert translations == answers[f"{beams} translations"].tolist()
        np.testing.assert_allclose(scores, answers[f"{beams} scores"], rtol=0, atol=TOLERANCE)

"""Habits: what stands around a model: strategies, tuners, other processes, the warnings of TensorFlow."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.habits.cases import CASES, Case, assert_same
from tests.habits.table import habit

AROUND = "Around the model"
ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join(sys.path)
TOLERANCE = 1e-5  # compiled and not: sums in another order


@habit(AROUND, "`tf.distribute.MirroredStrategy`", eager=False, costly=True)
def mirrored_strategy(case: Case, folder: Path) -> None:
    strategy: Any = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        model = case.new()
        model.compile("sgd")
        case.fit(model=model, shuffle=False)
    plain = case.new()
    plain.compile("sgd", run_eagerly=True)
    assert_same(model, case.fit(model=plain, shuffle=False), TOLERANCE)


@habit(AROUND, "`keras_tuner.RandomSearch`", costly=True)
def keras_tuner(case: Case, folder: Path) -> None:
    import keras_tuner as tuning

    def build(choices: Any) -> Any:
        model = case.new()
        model.compile(keras.optimizers.Adam(choices.Choice("rate", [1e-2, 1e-9])))
        return model

    objective = tuning.Objective("loss", "min")
    tuner = tuning.RandomSearch(build, objective, max_trials=2, seed=0, directory=folder, project_name="search")
    tuner.search(*case.data(), verbose=0, epochs=2, **case.settings)
    assert tuner.get_best_hyperparameters()[0].values == {"rate": 1e-2}
    [best] = tuner.get_best_models(1)
    assert type(best).__name__ == case.name
    assert len(case.answer(best, case.texts))


@cache
def _elsewhere() -> dict[str, tuple[dict[str, Any], list[np.ndarray]]]:
    """Returns what a fresh process found: of each model a report, and its weights as they were loaded."""
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            case.plain().save(f"{folder}/{case.name}.keras")
        names = " ".join(case.name for case in CASES)
        command = [sys.executable, "-m", "tests.habits.elsewhere", folder, names]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": PYTHONPATH}
        )
        assert done.returncode == 0, done.stderr
        return {
            case.name: (
                json.loads(Path(folder, f"{case.name}.json").read_text(encoding="utf-8")),
                [*np.load(f"{folder}/{case.name}.npz").values()],
            )
            for case in CASES
        }


@habit(AROUND, "`import keras_seqkit; keras.saving.load_model(...)` in a fresh process")
def load_elsewhere(case: Case, folder: Path) -> None:
    report, weights = _elsewhere()[case.name]
    assert report["class"].startswith("keras_seqkit.")
    assert report["class"].endswith(f".{case.name}")
    assert_same(weights, case.plain())


@habit(AROUND, "`fit`, `evaluate` and answers, of texts of many lengths, in one process: no warning of retracing")
def no_retracing(case: Case, folder: Path) -> None:
    report, _ = _elsewhere()[case.name]
    assert not [each for each in report["warnings"] if "retracing" in each]

"""A bounded form of `make kill-tests`: two kills of each model, amid an epoch and amid the writing of a checkpoint."""

import random

import pytest

from tests.killed_training.lives import differences, killed_run, undisturbed_run
from tests.killed_training.trainings import TRAININGS


@pytest.mark.parametrize("name", TRAININGS)
def test_a_killed_training_ends_with_the_same_weights_and_the_same_history(name, tmp_path):
    whole = undisturbed_run(name, tmp_path / "undisturbed")
    assert any(key.startswith("history val_") for key in whole.arrays)
    draw = random.Random(name)
    ending = killed_run(name, tmp_path / "killed", whole, ("step", "file"), draw, most=2)
    assert ending.killed
    assert differences(ending.arrays, whole.arrays) == [], ending.killed

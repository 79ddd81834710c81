"""Tutorials begin with the same weights on every run."""

import keras
import pytest


@pytest.fixture(autouse=True)
def _same_weights_each_time():
    keras.utils.set_random_seed(0)

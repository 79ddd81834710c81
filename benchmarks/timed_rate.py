"""A learning rate by the clock, for trainings that take a fixed time."""

import time
from typing import Any

import keras
import numpy as np


class TimedRate(keras.callbacks.Callback):
    """Lets the learning rate rise, then fall along a cosine to zero, by the clock; then stops.

    Args:
        seconds: of the whole training.
        peak: the highest rate.
        warm_up: the fraction of the time in which the rate rises.
    """

    def __init__(self, seconds: float, peak: float = 3e-3, warm_up: float = 0.02):
        super().__init__()
        self.seconds = seconds
        self.peak = peak
        self.warm_up = warm_up
        self.begin = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self.begin = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the rate of the next step."""
        passed = (time.monotonic() - self.begin) / self.seconds
        rate = passed / self.warm_up if passed < self.warm_up else 0.5 * (1 + np.cos(np.pi * min(1.0, passed)))
        model: Any = self.model
        model.optimizer.learning_rate = self.peak * max(rate, 1e-4)
        model.stop_training = passed >= 1

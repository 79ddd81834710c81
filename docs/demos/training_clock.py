"""A training that takes so many minutes, or so many epochs."""

import argparse
import math
import time
from collections.abc import Callable

import keras


def add_training_options(parser: argparse.ArgumentParser, minutes: float) -> None:
    """Adds how long a training takes: `--minutes`, with this default, or `--epochs`."""
    parser.add_argument("--minutes", type=float, default=minutes, help=f"of training (default: {minutes:g})")
    parser.add_argument("--epochs", type=int, help="in place of minutes: the same result in every run")


def check_training_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the process with a usage line where one of the two is out of its range."""
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs is at least 1; received {options.epochs}")
    if options.minutes <= 0:
        parser.error(f"--minutes is above 0; received {options.minutes}")


class TrainingClock(keras.callbacks.Callback):
    """Prints one line for each epoch, moves the learning rate, and ends training when the time is over.

    The rate rises over the first part of the training, then falls to 0 along a cosine.

    Args:
        minutes: of training; without what TensorFlow takes to compile, before the first batch.
        epochs: in place of minutes, where given: the same result in every run.
        peak: the highest learning rate.
        describe: what is printed of an epoch's logs.
        warm_up: the part of the training in which the rate rises.
    """

    def __init__(
        self,
        minutes: float,
        epochs: int | None,
        peak: float,
        describe: Callable[[dict[str, float]], str],
        warm_up: float = 0.0,
    ):
        super().__init__()
        self.seconds = 60 * minutes
        self.epochs = epochs
        self.peak = peak
        self.describe = describe
        self.warm_up = warm_up
        self.seen = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts the clock."""
        self.start: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the epoch's clock."""
        self.begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Sets the learning rate of the next batch."""
        self.start = self.start or time.perf_counter()
        self.seen += 1
        if self.epochs is None:
            done = (time.perf_counter() - self.start) / self.seconds
        else:
            done = self.seen / (self.epochs * self.params["steps"])
        rising = done / self.warm_up if done < self.warm_up else 1.0
        self.model.optimizer.learning_rate = self.peak * rising * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        if done >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the line."""
        seconds = time.perf_counter() - self.begin
        print(f"epoch {epoch + 1:2}  {self.describe(logs or {})}   {seconds:.1f} s", flush=True)

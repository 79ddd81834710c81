"""Weights that are numbers."""

from typing import Any

import keras
import numpy as np


def check_finite(model: Any) -> None:
    """Checks that each weight of a model is a number.

    Raises:
        ValueError: one is not.
    """
    for weight in model.weights:
        if not np.isfinite(np.asarray(keras.ops.convert_to_numpy(weight))).all():
            raise ValueError(
                f"{type(model).__name__}: weight {weight.path!r} has values that are not finite. Training went wrong: "
                "load an earlier state, and train with a smaller learning rate or clipped gradients."
            )

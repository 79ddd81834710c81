"""Weights that are numbers."""

import math
from typing import Any

import keras

ops: Any = keras.ops  # Keras's annotations know no tensors


def check_finite(model: Any) -> None:
    """Checks that each weight of a model is a number.

    Raises:
        ValueError: one is not.
    """
    for weight in model.weights:
        if not bool(ops.all(ops.isfinite(weight))):
            raise ValueError(
                f"{type(model).__name__}: weight {weight.path!r} has values that are not finite. Training went wrong: "
                "load an earlier state, and train with a smaller learning rate or clipped gradients."
            )


def check_finite_weights(model: Any) -> None:
    """Checks that no weight of a Keras model of any kind has a NaN.

    Infinite weights pass: minus infinity is what some models add to mask. A NaN makes NaN of all that it meets, and no
    model means that.

    Args:
        model: a Keras model or layer; the text models are asked for more, by `check_finite`.

    Raises:
        ValueError: a weight has one.
    """
    for weight in model.weights:
        if not keras.backend.is_float_dtype(weight.dtype):
            continue
        found = int(ops.sum(ops.cast(ops.isnan(weight), "int32")))
        if found:
            raise ValueError(
                f"{type(model).__name__}: {found:,} of the {math.prod(weight.shape):,} numbers of weight "
                f"{weight.path!r} are NaN. If it was never loaded (so starts a GloveEmbedding that is made from a "
                "config), load the weights. If training went wrong, load an earlier state, and train with a smaller "
                "learning rate or clipped gradients."
            )

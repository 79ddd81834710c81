"""An optimizer that has its variables before the first step is traced."""

from contextlib import nullcontext
from typing import Any


def build_optimizer(model: Any) -> None:
    """Makes the variables of a compiled model's optimizer, where it has none yet.

    TensorFlow traces a training step twice if variables are made in it, and tracing recurrent layers takes seconds.

    Args:
        model: a compiled `keras.Model` that is built.
    """
    if model.optimizer.built:
        return
    strategy = getattr(model, "distribute_strategy", None)  # on TensorFlow
    with nullcontext() if strategy is None else strategy.scope():
        model.optimizer.build(model.trainable_variables)

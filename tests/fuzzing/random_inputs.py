"""Random inputs of a described model, and masks of every kind."""

from typing import Any

import numpy as np

from tests.fuzzing.described_models import VOCAB
from tests.fuzzing.model_descriptions import Description, Run

PADDINGS = ("none", "right", "left", "holes", "all_masked")
RIGHT_PADDINGS = ("none", "right", "all_masked")  # the real steps stand in front


def inputs_of(description: Description, inputs: dict[str, Any], run: Run) -> dict[str, np.ndarray]:
    """Returns an array for each input of the model, by name.

    Args:
        description: the model.
        inputs: the model's inputs, as `build` returns them.
        run: what is wanted.
    """
    random = np.random.default_rng((description.seed, run.seed))
    return {name: _array(name, _shape(tensor, run), tensor.dtype, run, random) for name, tensor in inputs.items()}


def real_steps(padding: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Returns bool (batch, time) or (batch, time, time): the steps that are not masked."""
    *rows, time = shape
    real = np.ones((int(np.prod(rows)), time), bool)
    for row in range(len(real)):
        length = int(random.integers(0, time + 1))
        if padding == "right":
            real[row, length:] = False
        elif padding == "left":
            real[row, : time - length] = False
        elif padding == "holes":
            real[row] = random.random(time) < 0.5
        elif padding == "all_masked":
            real[row] = row == 1
    return real.reshape(shape)


def _shape(tensor: Any, run: Run) -> tuple[int, ...]:
    axes = (run.batch, *run.steps)
    return tuple(axes[axis] if size is None else size for axis, size in enumerate(tensor.shape))


def _array(name: str, shape: tuple[int, ...], dtype: str, run: Run, random: np.random.Generator) -> np.ndarray:
    if dtype == "bool":
        return real_steps(run.padding, shape, random)
    if dtype == "int32":
        return (random.integers(1, VOCAB, shape) * real_steps(run.padding, shape, random)).astype(np.int32)
    values = random.normal(size=shape).astype(np.float32)
    if name == "x":  # what Masking takes for padding
        values *= real_steps(run.padding, shape[:-1], random)[..., None]
    return values

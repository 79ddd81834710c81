"""Random inputs of a described model, and masks of every kind."""

from typing import Any

import numpy as np

from tests.fuzzing.described_models import VOCAB, WORDS
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
    found = {name: _array(name, _shape(tensor, run), tensor.dtype, run, random) for name, tensor in inputs.items()}
    return found | ({"x": _texts(run, random)} if description.source.kind == "text" else {})


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


def _texts(run: Run, random: np.random.Generator) -> np.ndarray:
    """Returns texts (batch, 1), of which the first has all steps: padding stands behind the others."""
    real = real_steps(run.padding, (run.batch, *run.steps), random)
    words = [random.choice(WORDS, size) for size in (run.steps[0], *real[1:].sum(axis=1))]
    return np.array([[" ".join(row)] for row in words], object)


def _array(name: str, shape: tuple[int, ...], dtype: str, run: Run, random: np.random.Generator) -> np.ndarray:
    if dtype == "bool":
        return real_steps(run.padding, shape, random)
    if dtype == "int32":
        return (random.integers(1, VOCAB, shape) * real_steps(run.padding, shape, random)).astype(np.int32)
    if dtype == "string":
        ids = random.integers(1, VOCAB, shape) * real_steps(run.padding, shape, random)
        return np.array(["", *WORDS], object)[ids]
    values = random.normal(size=shape).astype(np.float32)
    if name == "x":  # what Masking takes for padding
        values *= real_steps(run.padding, shape[:-1], random)[..., None]
    return values

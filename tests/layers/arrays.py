"""Arrays and weights that several tests of layers make and compare."""

import keras
import numpy as np
from keras import ops


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomize(layer: keras.layers.Layer) -> None:
    """Give every weight, biases and norms too, a value that shows when it is used wrongly."""
    for index, weight in enumerate(layer.weights):
        if "seed_generator" not in weight.path:
            weight.assign(normal(*weight.shape, seed=index) * 0.5)


def flat(outputs) -> list[np.ndarray]:
    return [ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]


def assert_same(got, expected, tolerance: float) -> None:
    got, expected = flat(got), flat(expected)
    assert [a.shape for a in got] == [b.shape for b in expected]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)

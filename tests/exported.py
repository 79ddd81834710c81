"""Exports a model, runs its file, and holds it to Keras."""

import warnings
from collections import Counter
from typing import Any

import keras
import numpy as np
import onnx
import seqkit_onnx

TOLERANCE = 1e-5


def exported(model: keras.Model, path: Any, **options: Any) -> Any:
    """Exports a model that takes ids or numbers, without comparing, and opens the file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is exported as a loop")
        seqkit_onnx.export(model, path, text=False, **{"verify": False, **options})
    return seqkit_onnx.load(path, ["CPUExecutionProvider"])


def assert_equal_to_keras(network: Any, model: keras.Model, inputs: Any, tolerance: float = TOLERANCE) -> None:
    """Compares all outputs with what Keras answers to a plain call, which runs nothing of the exporter."""
    expected = keras.tree.flatten(model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False))
    flat = [np.asarray(each) for each in keras.tree.flatten(inputs)]
    states = network.initial_state(len(flat[0]))
    names = [name for name in network.input_names if name not in states]
    outputs = list(network.predict({**dict(zip(names, flat, strict=True)), **states}).values())
    for ours, theirs in zip(outputs[: len(expected)], map(np.asarray, expected), strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def operators(path: Any) -> Counter[str]:
    """Counts the operators of a file's main graph."""
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def values(*shape: int, seed: int = 0) -> np.ndarray:
    """Returns random numbers, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)

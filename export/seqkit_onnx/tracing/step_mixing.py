"""Tells whether a layer treats the steps of a sequence apart from each other, found by trying."""

import enum
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqkit_onnx.ignored_warnings import SOFTMAX_OF_ONE, ignored_here
from seqkit_onnx.layer_walk import unchanged
from seqkit_onnx.tracing.refusals import REFUSED_INPUTS

ROWS, STEPS = 3, 7
CUTS = (3, 6)  # behind the second one is a single step
TOLERANCE = 1e-4  # sums of float32 in another order, relative to the largest output
LIMIT = 2  # of integers


class Mixing(enum.Enum):
    """What a layer does with the axis of steps that it must not."""

    STEPS = "what it gives for a step depends on others"
    ANSWER = "it gives one answer, which depends on more than the newest step"
    OTHER_NUMBER = "it gives another number of steps"
    REFUSED = "it does not take so many steps"


def mixing_of(layer: Any, call: Callable, args: tuple, kwargs: dict[str, Any]) -> Mixing | None:
    """Runs a layer on a whole sequence and on its parts.

    Args:
        layer: a built layer, or an operation of `keras.ops`.
        call: its call, in which other layers are not asked.
        args: what it is called with while the model is traced: of tensors, shapes and dtypes are looked at.
        kwargs: the same, by name.

    Returns:
        `None` where it treats each step apart, or gives one answer that depends on the newest step alone.
    """
    structure = (args, kwargs)
    random = np.random.default_rng(0)
    flat = keras.tree.flatten(structure)
    samples = [_made_up(each, random) if tf.is_tensor(each) and hasattr(each, "graph") else each for each in flat]
    steps = [
        mine is not own and len(own.shape) > 1 and own.shape[1] is None for mine, own in zip(samples, flat, strict=True)
    ]

    def run(start: int, stop: int) -> list[np.ndarray]:
        part = [each[:, start:stop] if has else each for each, has in zip(samples, steps, strict=True)]
        tensors = [keras.ops.convert_to_tensor(each) if isinstance(each, np.ndarray) else each for each in part]
        own_args, own_kwargs = keras.tree.pack_sequence_as(structure, tensors)
        return [np.asarray(each) for each in keras.tree.flatten(call(*own_args, **own_kwargs))]

    kept = unchanged(layer) if isinstance(layer, keras.Layer) else nullcontext()
    with tf.init_scope(), kept, ignored_here(SOFTMAX_OF_ONE):
        try:
            whole = run(0, STEPS)
            parts = [(cut, run(0, cut), run(cut, STEPS)) for cut in CUTS]
        except REFUSED_INPUTS:
            return Mixing.REFUSED
    found = (
        _mixing(output, cut, first[place], second[place])
        for place, output in enumerate(whole)
        for cut, first, second in parts
    )
    return next((each for each in found if each is not None), None)


def _mixing(whole: np.ndarray, cut: int, first: np.ndarray, second: np.ndarray) -> Mixing | None:
    sizes = [each.shape[1:2] for each in (whole, first, second)]
    if sizes == [(STEPS,), (cut,), (STEPS - cut,)]:
        if first.shape[2:] != whole.shape[2:] or second.shape[2:] != whole.shape[2:]:
            return Mixing.OTHER_NUMBER
        return None if _is_same(whole, np.concatenate([first, second], axis=1)) else Mixing.STEPS
    if whole.shape == first.shape == second.shape:
        return None if _is_same(whole, second) else Mixing.ANSWER
    if STEPS - cut == 1 and whole.ndim > second.ndim:
        return None  # some layers of Keras (3.15) drop an axis of a single step
    return Mixing.OTHER_NUMBER


def _made_up(tensor: Any, random: np.random.Generator) -> np.ndarray | Any:
    shape = [ROWS, *(size or STEPS for size in tensor.shape[1:])] if len(tensor.shape) else []
    dtype = tensor.dtype.as_numpy_dtype
    if tensor.dtype.is_floating or tensor.dtype.is_complex:
        return np.asarray(random.normal(size=shape)).astype(dtype)
    if tensor.dtype.is_integer or tensor.dtype.is_bool:
        return np.asarray(random.integers(0, LIMIT, shape)).astype(dtype)
    return np.full(shape, "", object)


def _is_same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    if ours.dtype.kind not in "fiub":
        return bool(np.all(ours == theirs))
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    scale = max(1.0, float(np.max(np.abs(ours[np.isfinite(ours)]), initial=0.0)))
    return np.allclose(ours, theirs, rtol=0, atol=TOLERANCE * scale, equal_nan=True)

"""Inputs that are made up to compare a file with its Keras model."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_seqkit.text import Vocabulary
from seqkit_onnx.layer_walk import all_layers
from seqkit_onnx.tracing.signature import ModelSignature

SAMPLE_ROWS = 8
UNUSUAL_TEXTS = ("ÀÉÎ ção ß İ Ωδός 你好 😀👍🏽 \u2019t 12,5%",)
UNKNOWN_INPUT_SIZE = 7  # for axes that vary
OTHER_SHAPES = ((1, 1), (3, 19))  # rows and the size of axes that vary
OTHER_SHAPES_OF_IMAGES = ((1, 12), (3, 19))  # onnxruntime runs no convolution with strides over an image of 1 x 1
LONG_INPUT_SIZES = (64, 512, 4096)  # for networks that need many steps, such as a stack of convolutions
UNKNOWN_LIMIT = 3  # of integers that no table limits
# Each row's size beside the first's: values are not always about 1.
SIZES = (1.0, 1.0, 1.0, 1.0, 10.0, 100.0, 1e-3, 0.0)


def sample_texts(vocabulary: Vocabulary) -> list[str]:
    """Returns texts that try what a vocabulary has: known and unknown words, none, one, many, other scripts."""
    random = np.random.default_rng(0)
    known = vocabulary.tokens[len(vocabulary.reserved) :] or ["?"]
    texts = [vocabulary.rules.joiner.join(random.choice(known, size)) for size in (1, 2, 5, 13, 40, 500)]
    return [*texts, "", " ", *UNUSUAL_TEXTS, texts[2].upper()]


def sample_inputs(
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool = False,
    limits: Mapping[str, int] | None = None,
    rows: int = SAMPLE_ROWS,
    size: int = UNKNOWN_INPUT_SIZE,
    tame: bool = True,
    states: Collection[str] = (),
) -> Any:
    """Returns random inputs for a model: zeros among ids and masks, in front, behind, all over and nowhere.

    Args:
        model: the model.
        signature: its inputs.
        padded_after: whether the zeros of ids and masks stand after all else.
        limits: one more than the largest id of each input that is looked up; see `id_limits`.
        rows: the size of the batch, where the model does not have it fixed.
        size: of the other axes that vary.
        tame: whether floats are about 1; else some rows are much larger or smaller.
        states: inputs that recurrences begin with, which are about 1 in any case.
    """
    random = np.random.default_rng(0)
    layers = list(all_layers(model))
    tables = [layer.input_dim for layer in layers if isinstance(layer, keras.layers.Embedding)]
    masked = [layer.mask_value for layer in layers if isinstance(layer, keras.layers.Masking)]
    arrays = []
    for name, spec in zip(signature.input_names, signature.specs, strict=True):
        shape = [signature.batch or rows, *(each or size for each in spec.shape[1:])] if spec.shape.rank else []
        dtype = spec.dtype.as_numpy_dtype
        if spec.dtype.name == "string":
            arrays.append(_strings(random, layers, shape))
        elif spec.dtype.is_integer or spec.dtype.is_bool or name in (limits or {}):  # ids may be floats
            limit = 2 if spec.dtype.is_bool else (limits or {}).get(name, min(tables, default=UNKNOWN_LIMIT))
            arrays.append(_integers(random, shape, limit, padded_after).astype(dtype))
        else:
            arrays.append(_numbers(random, shape, masked, tame or name in states).astype(dtype))
    return signature.pack_inputs(tuple(arrays))


def sample_batches(
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool,
    limits: Mapping[str, int],
    tame: bool,
    states: Collection[str] = (),
) -> Iterator[Any]:
    """Yields inputs of several shapes, where the model takes several; the first ones are those of `sample_inputs`."""
    fixed = all(size for spec in signature.specs for size in spec.shape[1:])
    images = any(spec.shape.rank and spec.shape.rank > 3 and None in spec.shape[1:] for spec in signature.specs)
    others = OTHER_SHAPES_OF_IMAGES if images else OTHER_SHAPES
    for rows, size in [(SAMPLE_ROWS, UNKNOWN_INPUT_SIZE), *others[: 1 if fixed else None]]:
        yield sample_inputs(model, signature, padded_after, limits, rows, size, tame, states)


def long_samples(
    model: keras.Model, signature: ModelSignature, padded_after: bool, limits: Mapping[str, int], tame: bool
) -> Iterator[Any]:
    """Yields inputs for a network that needs many steps, longer and longer ones."""
    for size in LONG_INPUT_SIZES:
        yield sample_inputs(model, signature, padded_after, limits, 2, size, tame)


def of_other_numbers(samples: Any) -> Iterator[Any]:
    """Yields the same inputs with floats that more models take: about 1, positive ones, some between 0 and 1."""
    for change in (_about_one, lambda array: np.abs(_about_one(array)), _between_zero_and_one):
        yield keras.tree.map_structure(
            lambda array, by=change: by(array) if array.dtype.kind == "f" else array, samples
        )


def _about_one(array: np.ndarray) -> np.ndarray:
    """Brings the rows that are much larger than 1 back to about 1."""
    if not array.ndim or not array.size:
        return array
    largest = np.max(np.abs(array), axis=tuple(range(1, array.ndim)), keepdims=True)
    return (array / np.maximum(1, largest / 2)).astype(array.dtype)


def _between_zero_and_one(array: np.ndarray) -> np.ndarray:
    sizes = np.abs(array)
    return ((0.1 + sizes) / (0.2 + sizes)).astype(array.dtype)


def _pad(array: np.ndarray, value: Any) -> None:
    """Writes padding into some rows: behind, in front, with holes, all of it; in others there is none."""
    time = array.shape[1]
    where = (slice(time // 2, None), slice(None, (time + 1) // 2), slice(1, None, 2), slice(None))
    for row, steps in zip(range(1, len(array)), where, strict=False):
        array[row, steps] = value
    if array.dtype.kind == "i":  # the first row has no padding at all
        array[0][array[0] == 0] = 1


def _integers(random: np.random.Generator, shape: list[int], limit: int, padded_after: bool) -> np.ndarray:
    """Returns ids below a limit, some steps of which are 0."""
    array = random.integers(0, min(limit, np.iinfo(np.int32).max), shape)
    if array.ndim > 1 and limit > 1:
        _pad(array, 0)
    if padded_after:
        array = np.take_along_axis(array, np.argsort(array == 0, axis=-1, kind="stable"), axis=-1)
    return array


def _numbers(random: np.random.Generator, shape: list[int], masked: list[Any], tame: bool) -> np.ndarray:
    """Returns numbers about 1, or some rows much larger or smaller; some steps are what `Masking` masks."""
    values = random.normal(size=shape)
    if values.ndim and not tame:
        values *= np.resize(SIZES, len(values)).reshape(-1, *[1] * (values.ndim - 1))
    if values.ndim > 2 and masked:
        _pad(values, masked[0])
    return values


def _strings(random: np.random.Generator, layers: list[Any], shape: list[int]) -> np.ndarray:
    """Returns texts: tokens that the model's own layers know, alone and several together, and what they do not know."""
    lookups = (keras.layers.TextVectorization, keras.layers.StringLookup)
    known = [token for layer in layers if isinstance(layer, lookups) for token in layer.get_vocabulary()]
    known = [str(token) for token in known if token] or ["a"]
    texts = [" ".join(random.choice(known, size)) for size in (1, 1, 1, 2, 5, 13, 40)]
    texts += [texts[4].upper() + "!", "", " ", *UNUSUAL_TEXTS]
    array = np.empty(shape, object)
    array.ravel()[:] = [texts[place % len(texts)] for place in range(array.size)]
    return array


def in_batches_of(samples: Any, rows: int) -> Iterator[Any]:
    """Yields all rows of some inputs in batches of one size; the last ones begin again with the first."""
    count = max(len(array) for array in keras.tree.flatten(samples) if array.ndim)
    for start in range(0, count, rows):
        places = np.arange(start, start + rows) % count
        yield keras.tree.map_structure(lambda array, places=places: array[places] if array.ndim else array, samples)


def first_rows(samples: Any, count: int) -> Any:
    """Returns so many rows, from the beginning again where there are fewer."""
    if isinstance(samples, list) and isinstance(samples[0], str):
        return [samples[place % len(samples)] for place in range(count)]
    return keras.tree.map_structure(lambda array: np.resize(array, (count, *array.shape[1:])), samples)

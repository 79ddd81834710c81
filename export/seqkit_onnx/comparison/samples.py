"""Inputs that are made up to compare a file with its Keras model."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from keras_seqkit.text import Vocabulary
from seqkit_onnx.layer_walk import all_layers
from seqkit_onnx.tracing.signature import ModelSignature

SAMPLE_ROWS = 8
SAMPLE_TEXTS = 12  # rows, where there are texts among the inputs
UNKNOWN_INPUT_SIZE = 7  # for axes that vary
OTHER_SHAPES = ((1, 1), (3, 19))  # rows and the size of axes that vary
OTHER_SHAPES_OF_IMAGES = ((1, 12), (3, 19))  # onnxruntime runs no convolution with strides over an image of 1 x 1
LONG_INPUT_SIZES = (64, 512, 4096)  # for networks that need many steps, such as a stack of convolutions
TEXT_LENGTHS = (1, 2, 5, 13, 40, 500)  # words
LATER_TEXTS = 7  # words at most, of texts to which Keras answers step by step
UNKNOWN_LIMIT = 3  # of integers that no table limits
# Each row's size beside the first's: values are not always about 1.
SIZES = (1.0, 1.0, 1.0, 1.0, 10.0, 100.0, 1e-3, 0.0)


@dataclass(frozen=True)
class Keys:
    """What inputs are looked up among, and which texts are made of it.

    Args:
        of_inputs: the strings or integers that each input is looked up among, texts being split before.
        alone: whether such inputs have no others, for layers that refuse them.
        longest: how many words a text has at most.
        first: the place of the first text, among those that are made up.
    """

    of_inputs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    alone: bool = False
    longest: int = TEXT_LENGTHS[-1]
    first: int = 0


NO_KEYS = Keys()


def sample_texts(vocabulary: Vocabulary) -> list[str]:
    """Returns texts that try what a vocabulary has: known and unknown words, none, one, many, other scripts."""
    return _texts_of(vocabulary.tokens[len(vocabulary.reserved) :], vocabulary.rules.joiner)


def _texts_of(words: Sequence[str], joiner: str = " ", longest: int = TEXT_LENGTHS[-1]) -> list[str]:
    random = np.random.default_rng(0)
    known, lengths = list(words) or ["?"], [min(length, longest) for length in TEXT_LENGTHS]
    texts = [joiner.join(known[place] for place in random.integers(0, len(known), length)) for length in lengths]
    return [*texts, "", " ", "ÀÉÎ ção ß İ Ωδός 你好 😀👍🏽 \u2019t 12,5%", texts[2].upper()]


def sample_inputs(
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool = False,
    limits: Mapping[str, int] | None = None,
    rows: int = SAMPLE_ROWS,
    size: int = UNKNOWN_INPUT_SIZE,
    tame: bool = True,
    states: Collection[str] = (),
    keys: Keys = NO_KEYS,
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
        keys: what inputs are looked up among.
    """
    random = np.random.default_rng(0)
    layers = list(all_layers(model))
    tables = [layer.input_dim for layer in layers if isinstance(layer, keras.layers.Embedding)]
    masked = [layer.mask_value for layer in layers if isinstance(layer, keras.layers.Masking)]
    arrays = []
    for name, spec in zip(signature.input_names, signature.specs, strict=True):
        shape = [signature.batch or rows, *(each or size for each in spec.shape[1:])] if spec.shape.rank else []
        dtype = spec.dtype.as_numpy_dtype
        known = list(keys.of_inputs.get(name, ()))
        if known or dtype is object:
            arrays.append(_some_of(keys, known, shape, dtype))
            continue
        if spec.dtype.is_integer or spec.dtype.is_bool or name in (limits or {}):  # ids may be floats
            limit = 2 if spec.dtype.is_bool else (limits or {}).get(name, min(tables, default=UNKNOWN_LIMIT))
            array = random.integers(0, min(limit, np.iinfo(np.int32).max), shape)
            if array.ndim > 1 and limit > 1:
                _pad(array, 0)
            if padded_after:
                array = np.take_along_axis(array, np.argsort(array == 0, axis=-1, kind="stable"), axis=-1)
            arrays.append(array.astype(dtype))
            continue
        values = random.normal(size=shape)
        if values.ndim and not tame and name not in states:
            values *= np.resize(SIZES, len(values)).reshape(-1, *[1] * (values.ndim - 1))
        if values.ndim > 2 and masked:
            _pad(values, masked[0])
        arrays.append(values.astype(dtype))
    return signature.pack_inputs(tuple(arrays))


def _some_of(keys: Keys, known: list[Any], shape: list[int], dtype: Any) -> np.ndarray:
    """Returns strings or integers of a table, and others; where each row has one string, texts."""
    rows, size = shape[0] if shape else 1, int(np.prod(shape))
    if dtype is object and not keys.alone and size == rows:
        pool = _texts_of([key for key in known if key], longest=keys.longest)
        pool += [f"{pool[0]}!, ({pool[0]})... '{pool[0]}'", "unheard of"]
        return np.array(pool, object)[(keys.first + np.arange(rows)) % len(pool)].reshape(shape)
    strings = ["", "unheard of", *(key.upper() for key in known[-1:] if isinstance(key, str))]
    others = strings if dtype is object else [max(known) + 1, -1, 0]
    pool = known if keys.alone and known else [*known[: 3 * len(others)], *others]
    return np.array(pool, dtype)[np.random.default_rng(keys.first).integers(0, len(pool), shape)]


def sample_batches(
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool,
    limits: Mapping[str, int],
    tame: bool,
    states: Collection[str] = (),
    keys: Keys = NO_KEYS,
) -> Iterator[Any]:
    """Yields inputs of several shapes, where the model takes several; the first ones are those of `sample_inputs`."""
    texts = any(spec.dtype.as_numpy_dtype is object for spec in signature.specs)
    fixed = not texts and all(size for spec in signature.specs for size in spec.shape[1:])
    images = any(spec.shape.rank and spec.shape.rank > 3 and None in spec.shape[1:] for spec in signature.specs)
    others = OTHER_SHAPES_OF_IMAGES if images else OTHER_SHAPES
    rows = SAMPLE_TEXTS if texts else SAMPLE_ROWS
    for count, size in [(rows, UNKNOWN_INPUT_SIZE), *others[: 1 if fixed else None]]:
        yield sample_inputs(model, signature, padded_after, limits, count, size, tame, states, keys)
        keys = replace(keys, longest=LATER_TEXTS)
    for first in range(signature.batch or rows, rows if texts else 0, signature.batch or rows):
        yield sample_inputs(model, signature, padded_after, limits, tame=tame, keys=replace(keys, first=first))
    if keys.of_inputs:
        yield sample_inputs(model, signature, padded_after, limits, tame=tame, keys=replace(keys, alone=True))


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

"""The dtypes of inputs of which Keras notes the shapes alone: those of a subclassed model's first call."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from seqkit_onnx.layer_walk import all_layers
from seqkit_onnx.tracing.keras_internals import predicted_dtypes
from seqkit_onnx.tracing.refusals import UnsupportedLayerError

# Takes a dtype for each input, and returns the inputs in a trace of the model.
TraceWith = Callable[[tuple[str, ...]], list[Any]]

_DTYPES = ("float32", "int32", "bool", "int64")
_TAKE_STRINGS = (keras.layers.TextVectorization, keras.layers.StringLookup)
_MOST_TRACES = 64
# What an input may go through that leaves its numbers as they are, and what only looks at them.
_MOVES = {"Squeeze", "ExpandDims", "Reshape", "Transpose", "Identity", "StridedSlice", "Slice", "Split", "SplitV"}
_MOVES |= {"Unpack", "Pack", "ConcatV2", "Tile", "ReverseV2", "PadV2"}
_LOOKS = {"Shape", "NotEqual", "Equal"}
# What people compute of integers mostly, and what float32 gives another answer to where they are large.
_DIVIDES = {"FloorMod", "FloorDiv", "TruncateMod", "TruncateDiv"}


def find_dtypes(model: Any, count: int, trace_with: TraceWith) -> tuple[str, ...]:
    """Finds out what a model's inputs are.

    That is what it was run on by `predict`, but for integers of which it makes floats before all else. If it never was,
    they are numbers, float32, but for those that the model casts to integers before all else, and for those where it
    cannot be traced with numbers.

    Args:
        model: a built model.
        count: how many inputs it has.
        trace_with: raises `UnsupportedLayerError` where the model cannot be traced.

    Raises:
        UnsupportedLayerError: the model cannot be traced with any dtypes that were tried.
        ValueError: it divides an input by an integer and goes on with the whole part or the remainder, of which float32
            gives another one for large integers.
    """
    seen = predicted_dtypes(model)
    if len(seen) == count:
        tensors = trace_with(seen)
        return tuple("float32" if _becomes_float(each) else dtype for each, dtype in zip(tensors, seen, strict=True))
    dtypes, tensors = _traceable(model, count, trace_with)
    dtypes = tuple("int32" if _becomes_integer(each) else dtype for each, dtype in zip(tensors, dtypes, strict=True))
    if any(_divided(each) for each in tensors):
        _check_no_integers(model, dtypes, trace_with)
    return dtypes


def _traceable(model: Any, count: int, trace_with: TraceWith) -> tuple[tuple[str, ...], list[Any]]:
    """Returns the first dtypes with which the model can be traced, and its inputs in that trace."""
    first: UnsupportedLayerError | None = None
    strings = any(isinstance(layer, _TAKE_STRINGS) for layer in all_layers(model))
    others = (*(["string"] if strings else []), *_DTYPES[1:])
    for dtypes in itertools.islice(_choices(count, others), _MOST_TRACES):
        try:
            tensors = trace_with(dtypes)
            if not any(map(_casts_strings, tensors)):  # which TensorFlow refuses when the trace is run
                return dtypes, tensors
        except UnsupportedLayerError as error:
            if error.__cause__ is None:  # a refusal of ours
                raise
            first = first or error
    cause = first.__cause__ if first else None
    raise UnsupportedLayerError(
        f"{first} Or its inputs have other dtypes, which Keras does not note of a first call: then pass "
        "input_signature=keras.InputSpec(shape=..., dtype=...), or a list or dict of them."
    ) from cause


def _choices(count: int, others: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields dtypes for all inputs: first those in which few are not numbers."""
    for many in range(count + 1):
        for dtypes in itertools.product(others, repeat=many):
            for places in itertools.combinations(range(count), many):
                of_place = dict(zip(places, dtypes, strict=True))
                yield tuple(of_place.get(place, _DTYPES[0]) for place in range(count))


def _casts_strings(tensor: Any) -> bool:
    return tensor.dtype == tf.string and any(reader.type == "Cast" for reader in _readers(tensor))


def _readers(tensor: Any) -> Iterator[Any]:
    """Yields the operations that compute something of a tensor's numbers."""
    for reader in tensor.consumers():
        if reader.type in _MOVES:
            for output in reader.outputs:
                yield from _readers(output)
        elif reader.type not in _LOOKS:
            yield reader


def _becomes_integer(tensor: Any) -> bool:
    """Whether numbers are cast to integers before all else."""
    readers = list(_readers(tensor)) if tensor.dtype.is_floating else []
    return bool(readers) and all(each.type == "Cast" and each.outputs[0].dtype.is_integer for each in readers)


def _becomes_float(tensor: Any) -> bool:
    """Whether integers are cast to floats before all else."""
    readers = list(_readers(tensor)) if tensor.dtype.is_integer else []
    return bool(readers) and all(each.type == "Cast" and each.outputs[0].dtype.is_floating for each in readers)


def _divided(tensor: Any) -> bool:
    return tensor.dtype.is_floating and any(each.type in _DIVIDES for each in _readers(tensor))


def _check_no_integers(model: Any, dtypes: tuple[str, ...], trace_with: TraceWith) -> None:
    """Refuses a model that divides integers as such, if it was called with some."""
    try:
        tensors = trace_with(tuple("int32" if each == "float32" else each for each in dtypes))
    except UnsupportedLayerError:  # it takes no integers
        return
    for tensor, dtype in zip(tensors, dtypes, strict=True):
        divides = [each for each in _readers(tensor) if each.type in _DIVIDES and tensor.dtype in (tf.int32, tf.int64)]
        if divides and dtype == "float32":
            raise ValueError(
                f"export: model {model.name!r} takes the remainder or the whole part of its input's numbers, and Keras "
                "does not note whether those were integers, of which float32 keeps 24 bits. Pass "
                "input_signature=keras.InputSpec(shape=..., dtype='int32'), or 'int64', or 'float32', or a list or "
                "dict of them."
            )

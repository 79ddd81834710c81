"""All layers of a model, wherever it keeps them."""

import functools
import math
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

LARGEST_KEPT = 100_000  # numbers; what a call changes are counters, statistics and states, not tables


def all_layers(model: Any) -> Iterator[Any]:
    """Yields a model and all layers below it, each once.

    Layers are found in the attributes of models, layers and operations, in lists and dicts, and in what functions
    capture, as those of `keras.layers.Lambda` do.

    Args:
        model: a model, a layer or anything that holds some.
    """
    return (each for each in all_operations(model) if isinstance(each, keras.Layer))


def all_operations(model: Any) -> Iterator[Any]:
    """Yields what `all_layers` does, and the operations of `keras.ops` that functional models hold.

    Args:
        model: a model, a layer or anything that holds some.
    """
    seen: set[int] = set()
    waiting: list[Any] = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, keras.Operation):  # a layer is one
            yield part
        waiting += reversed(list(_parts(part)))


def _parts(part: Any) -> Iterable[Any]:
    if isinstance(part, keras.Operation):
        return list(vars(part).values())
    if isinstance(part, Mapping):
        return list(part.values())
    if isinstance(part, (list, tuple, set, frozenset)):
        return list(part)
    if isinstance(part, types.FunctionType):
        return [*(part.__defaults__ or ()), *_captured(part)]
    if isinstance(part, types.MethodType):
        return [part.__self__, part.__func__]
    if isinstance(part, functools.partial):
        return [part.func, *part.args, *part.keywords.values()]
    return ()


def _captured(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def reads_text(model: Any) -> bool:
    """Whether a model takes strings itself, and has a layer that looks them up."""
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup)
    return any(isinstance(layer, kinds) for layer in all_layers(model))


def owner_of_node(node: str, model: keras.Model) -> str:
    """Says which layer a node comes from, as the user knows it."""
    names = {layer.name for layer in all_layers(model) if layer is not model}
    for part in reversed(node.split("/")):
        for name in (part, re.sub(r"_\d+$", "", part)):
            if name in names:
                return f"layer {name!r}"
    return f"model {model.name!r}, outside of its layers,"


def array_of(variable: Any) -> np.ndarray:
    """Returns the value of one of Keras's variables."""
    tensor: Any = keras.ops.convert_to_tensor(variable)  # np.asarray of the variable makes NumPy 2 warn
    return tensor.numpy()


def states_of(layer: Any) -> list[Any]:
    """Returns the variables of a stateful layer, however its cells are nested."""
    return [variable for variable in keras.tree.flatten(layer.states) if variable is not None]


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Gives the variables of a model that calls change, statistics and states among them, their values back.

    Args:
        model: a model or layer; variables that are trained stay as they are when it is called.
    """
    recurrent = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    # Not all states are tracked as variables of the model; a layer that was never called has none.
    states = [variable for layer in recurrent for variable in states_of(layer)]
    others = [each for each in model.non_trainable_variables if math.prod(each.shape) <= LARGEST_KEPT]
    kept = [(variable, array_of(variable)) for variable in (*states, *others)]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)

"""Functions of the user's that a model's configuration names, or writes down without what they read."""

import base64
import marshal
import types
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from seqkit_onnx.layer_walk import all_layers


def with_own_functions(config: Any, model: keras.Model) -> tuple[Any, dict[str, Any]]:
    """Lets a configuration stand for the very functions that the model has.

    Keras writes a lambda as its code, without the names of the module that it reads, and another function as its name,
    which it does not find again unless it was registered.

    Args:
        config: what `keras.saving.serialize_keras_object` gives for the model.
        model: the model.

    Returns:
        The configuration, and the functions that it names, for `custom_objects`.
    """
    functions = {id(each): each for each in _functions(model)}
    kept: dict[str, Any] = {}

    def convert(part: Any) -> Any:
        if isinstance(part, (list, tuple)):
            return [convert(each) for each in part]
        if not isinstance(part, Mapping):
            return part
        found = [each for each in functions.values() if _is_meant(part, each)]
        # Of two that look alike Keras's own way is left: it refuses, or gives each what its configuration says.
        if len(found) != 1:
            return {key: convert(value) for key, value in part.items()}
        name = f"seqkit_onnx>function_{id(found[0])}"
        kept[name] = found[0]
        return {"class_name": "function", "config": name, "module": None, "registered_name": name}

    return convert(config), kept


def _functions(model: keras.Model) -> Iterator[types.FunctionType]:
    """Yields the functions that layers hold, but for those that hold layers, which are to be built anew."""
    for layer in all_layers(model):
        for value in vars(layer).values():
            if isinstance(value, types.FunctionType) and not any(True for _ in all_layers(value)):
                yield value


def _is_meant(config: Mapping, function: types.FunctionType) -> bool:
    if config.get("class_name") == "function":
        return config["config"] == function.__name__ and not str(function.__module__).startswith("keras.")
    if config.get("class_name") == "__lambda__":
        return _dumped_code(config["config"]) == function.__code__
    return set(config) == {"value"} and _dumped_code(config) == function.__code__  # as Keras writes an activation


def _dumped_code(config: Any) -> types.CodeType | None:
    """Returns the code of a lambda that Keras has written: alone, or with its defaults and what it captures."""
    code: Any = config["code"] if "code" in config else config["value"]
    code = code[0] if isinstance(code, (list, tuple)) and len(code) == 3 else code
    try:
        return marshal.loads(base64.b64decode(code))  # noqa: S302  # written a moment ago
    except (TypeError, ValueError, EOFError):  # a value of something else
        return None

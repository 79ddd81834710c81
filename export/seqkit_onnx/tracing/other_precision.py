"""The same model, computing in another precision."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras

from seqkit_onnx.ignored_warnings import ignored_here
from seqkit_onnx.layer_walk import all_layers, array_of
from seqkit_onnx.tracing.keras_internals import LOOKUPS, copy_vocabulary, lookup_of
from seqkit_onnx.tracing.own_functions import with_own_functions
from seqkit_onnx.tracing.refusals import CANNOT_REBUILD, UnsupportedLayerError, said

HALF = ("float16", "bfloat16")
BUILD_IT_YOURSELF = (
    "Build the model with dtype='float32', set_weights(model.get_weights()), and export that; or register what it is "
    "made of by @keras.saving.register_keras_serializable()."
)
_LAMBDA_IS_UNSAFE = "The object being serialized includes a `lambda`"  # in a file, and none is written
_POLICIES = ("DTypePolicy", "FloatDTypePolicy")


def in_float32(model: keras.Model) -> keras.Model:
    """Returns a model that computes in float32: the model itself where it does, else one with the same weights.

    Args:
        model: a built model under any dtype policy: ``"mixed_float16"``, ``"bfloat16"``, ...

    Raises:
        UnsupportedLayerError: a layer computes in float8, or the model cannot be built a second time.
    """
    half = None
    for layer in all_layers(model):
        if layer.dtype_policy.quantization_mode == "float8":
            raise UnsupportedLayerError(
                f"export: layer {layer.name!r} computes in float8, which ONNX's operators cannot. Export the model as "
                "it was before model.quantize('float8')."
            )
        if not isinstance(layer, keras.layers.InputLayer) and {layer.compute_dtype, layer.variable_dtype} & set(HALF):
            half = half or layer
    if half is None:
        return model
    try:
        return rebuilt(model, "float32")
    except CANNOT_REBUILD as error:
        raise UnsupportedLayerError(
            f"export: layer {half.name!r} computes in {half.compute_dtype}, and the model, which would be exported in "
            f"float32, cannot be built from its configuration: {said(error)} {BUILD_IT_YOURSELF}"
        ) from error


def rebuilt(model: keras.Model, dtype: str) -> keras.Model:
    """Builds a model from its configuration, with another dtype policy everywhere, and gives it the same weights.

    Args:
        model: the model.
        dtype: ``"float32"`` or ``"float64"``.

    Raises:
        Exception: one of `CANNOT_REBUILD`: Keras cannot build it.
    """
    known = {type(layer).__name__: type(layer) for layer in all_layers(model)}
    with ignored_here(_LAMBDA_IS_UNSAFE):
        written = keras.saving.serialize_keras_object(model)
    config, functions = with_own_functions(written, model)
    config = _with_policy(config, dtype)
    drawn = random.getstate()  # from which Keras takes the seeds of new layers
    try:
        with default_policy(dtype):  # for layers that are made by others, or do not take a dtype
            copy: Any = keras.saving.deserialize_keras_object(config, custom_objects=known | functions, safe_mode=False)
    finally:
        random.setstate(drawn)
    if len(copy.variables) != len(model.variables):
        raise ValueError(f"it has {len(copy.variables)} variables then, and {len(model.variables)} are expected.")
    _give_vocabularies(copy, model)
    for new, old in zip(copy.variables, model.variables, strict=True):
        new.assign(array_of(old).astype(new.dtype))
    return copy


def _give_vocabularies(copy: keras.Model, model: keras.Model) -> None:
    """Gives the lookups of a copy what those of the model have learned, which does not stand in a configuration."""
    of_copy, of_model = _lookups(copy), _lookups(model)
    for name, old in of_model.items():
        if name in of_copy and old.get_config()["vocabulary"] is None:
            copy_vocabulary(old, of_copy[name])


def _lookups(model: keras.Model) -> dict[str, Any]:
    """Returns the text and lookup layers of a model by their names; what a `TextVectorization` has inside has none."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, LOOKUPS)]
    inner = {id(lookup_of(layer)) for layer in layers if isinstance(layer, keras.layers.TextVectorization)}
    return {layer.name: layer for layer in layers if id(layer) not in inner}


@contextmanager
def default_policy(dtype: str) -> Iterator[None]:
    """Sets the policy of this thread's new layers: Keras keeps one for each thread."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _with_policy(config: Any, dtype: str, owner: str = "") -> Any:
    """Replaces the dtype policies in a configuration; casts that the user wrote stay."""
    if isinstance(config, (list, tuple)):
        return [_with_policy(each, dtype, owner) for each in config]
    if not isinstance(config, Mapping):
        return config
    kind = str(config.get("class_name", owner))
    if kind in _POLICIES:
        return {**config, "config": {**config["config"], "name": dtype}}
    if kind.endswith("DTypePolicy"):  # of quantized weights: what they are turned into, to be computed with
        return {**config, "config": {**config["config"], "source_name": dtype}}
    return {
        key: dtype if key == "dtype" and _is_of_layer(kind, value) else _with_policy(value, dtype, kind)
        for key, value in config.items()
    }


def _is_of_layer(kind: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if kind == "InputLayer":  # ids and masks stay what they are
        return value in (*HALF, "float32", "float64")
    return kind != "Cast" and (value in (*HALF, "float32", "float64") or value.startswith("mixed_"))

"""The inputs and outputs of a model, with their names."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf


@dataclass(frozen=True)
class ModelSignature:
    """What goes into a model and comes out of it.

    Args:
        structure: the model's inputs as it is called: one spec, or a list or dict of them.
        specs: the same, flat.
        input_names: a name for each.
        output_names: a name for each output.
        batch: the size of the batch where Keras has it fixed, as for stateful layers; the file takes any.
    """

    structure: Any
    specs: tuple[tf.TensorSpec, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    batch: int | None = None

    @property
    def input_axes(self) -> tuple[tuple[int | str, ...], ...]:
        """The sizes of the inputs' axes, or the names of those that vary."""
        several = len(self.specs) > 1
        return tuple(
            _axes(spec, name if several else "") for spec, name in zip(self.specs, self.input_names, strict=True)
        )

    def with_dtype(self, dtype: str) -> "ModelSignature":
        """Returns the same signature with inputs of another dtype."""
        return replace(self, specs=tuple(tf.TensorSpec(spec.shape, dtype, spec.name) for spec in self.specs))

    def pack_inputs(self, inputs: tuple) -> Any:
        """Gives flat inputs the structure in which the model is called."""
        return keras.tree.pack_sequence_as(self.structure, inputs)

    def flatten_outputs(self, outputs: Any) -> list[Any]:
        """Lays the model's outputs in a row."""
        return list(keras.tree.flatten(outputs))


def _axes(spec: tf.TensorSpec, owner: str) -> tuple[int | str, ...]:
    names = ["batch", f"{owner}_time" if owner else "time"]
    return tuple(
        size if size is not None else (names[index] if index < len(names) else f"axis_{index}")
        for index, size in enumerate(spec.shape)
    )


def model_signature(model: keras.Model, input_signature: Any = None) -> ModelSignature:
    """Reads the signature of a built model.

    Args:
        model: a functional, sequential or subclassed model.
        input_signature: `keras.InputSpec` or `keras.KerasTensor`, or a list or dict of them, for a subclassed model
            that does not know its inputs; a `None` in a shape is an axis that varies.

    Raises:
        ValueError: the model was not built, or does not know its inputs and none are given.
    """
    if not model.built:
        raise ValueError(
            f"export: model {model.name!r} was never built, so it has no weights. Call it once on a batch, or "
            "model.build(shape), or train it, before it is exported."
        )
    inputs = input_signature if input_signature is not None else _own_inputs(model)
    if inputs is None:
        raise ValueError(
            f"export: model {model.name!r} is subclassed and does not say what its inputs are. Pass "
            "input_signature=keras.InputSpec(shape=(None, None), dtype='int32'), or a list or dict of them."
        )
    flat = keras.tree.flatten(inputs)
    names = _input_names(inputs, flat)
    specs = tuple(
        tf.TensorSpec(
            [None, *tuple(each.shape)[1:]] if len(each.shape) else [],
            keras.backend.standardize_dtype(each.dtype or "float32"),
            name,
        )
        for each, name in zip(flat, names, strict=True)
    )
    structure = keras.tree.map_structure(lambda _: 0, inputs)
    outputs = tuple(
        f"{name}_output" if name in names else name  # a model that gives one of its inputs back
        for name in _output_names(model, structure, flat)
    )
    return ModelSignature(structure, specs, names, outputs, flat[0].shape[0] if len(flat[0].shape) else None)


def _own_inputs(model: keras.Model) -> Any:
    """Returns the inputs of a functional or sequential model in the structure in which it is called."""
    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    return model.input if hasattr(model, "operations") else None


def _input_names(inputs: Any, flat: list) -> tuple[str, ...]:
    if isinstance(inputs, dict):
        return tuple(sorted(inputs))
    names = [getattr(each, "name", None) for each in flat]
    automatic = [not name or name.startswith("keras_tensor") for name in names]
    only = len(flat) == 1
    return tuple(
        ("input" if only else f"input_{index}") if auto else str(name)
        for index, (name, auto) in enumerate(zip(names, automatic, strict=True))
    )


def _output_names(model: keras.Model, structure: Any, inputs: list[Any]) -> tuple[str, ...]:
    arguments = [keras.KerasTensor(each.shape, each.dtype or "float32") for each in inputs]
    outputs = model.compute_output_spec(keras.tree.pack_sequence_as(structure, arguments))
    flat = keras.tree.flatten(outputs)
    if isinstance(outputs, dict):
        return tuple(sorted(outputs))
    if isinstance(model, keras.Sequential):
        return (model.layers[-1].name,)
    own = list(getattr(model, "output_names", None) or [])
    if len(own) == len(flat) == len(set(own)):
        return tuple(own)
    return ("output",) if len(flat) == 1 else tuple(f"output_{index}" for index in range(len(flat)))

"""The inputs and outputs of a model, with their names."""

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from seqkit_onnx.layer_walk import all_layers, unchanged
from seqkit_onnx.tracing.input_dtypes import find_dtypes
from seqkit_onnx.tracing.interception import errors_named_by_layer, intercepted_recurrence
from seqkit_onnx.tracing.keras_internals import was_built_from_data
from seqkit_onnx.tracing.refusals import REFUSED_INPUTS, UnsupportedLayerError
from seqkit_onnx.tracing.tensorflow_graph import trace


@dataclass(frozen=True)
class ModelSignature:
    """What goes into a model and comes out of it.

    Args:
        structure: the model's inputs as it is called: one spec, or a list or dict of them.
        specs: the same, flat.
        input_names: a name for each.
        output_names: a name for each output.
        batch: the size of the batch where Keras has it fixed, as for stateful layers; the file takes any.
        several_arguments: whether the structure is a list of arguments, as for ``call(self, x, y)``.
    """

    structure: Any
    specs: tuple[tf.TensorSpec, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    batch: int | None = None
    several_arguments: bool = False

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

    def in_float32(self) -> "ModelSignature":
        """Returns the same signature, its inputs of half precision in float32."""
        half = (tf.float16, tf.bfloat16)
        specs = [tf.TensorSpec(spec.shape, tf.float32 if spec.dtype in half else spec.dtype) for spec in self.specs]
        return replace(self, specs=tuple(specs))

    def with_sizes(self, sizes: Mapping[str, int]) -> "ModelSignature":
        """Returns the same signature with axes fixed that varied.

        Args:
            sizes: of axes, by the names that `input_axes` gives them.

        Raises:
            ValueError: there is no such axis, or a size is no whole number of at least 1.
        """
        varying = sorted({axis for axes in self.input_axes for axis in axes if isinstance(axis, str)})
        for name, size in sizes.items():
            if name not in varying:
                raise ValueError(
                    f"export: shapes are sizes of axes that vary, {varying} of this model; received {name!r}."
                )
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ValueError(f"export: shapes are whole numbers of at least 1; received {name!r}: {size!r}.")
        shapes = [
            [sizes.get(str(axis), size) for axis, size in zip(axes, spec.shape, strict=True)]
            for axes, spec in zip(self.input_axes, self.specs, strict=True)
        ]
        specs = [tf.TensorSpec(shape, spec.dtype, spec.name) for shape, spec in zip(shapes, self.specs, strict=True)]
        return replace(self, specs=tuple(specs), batch=sizes.get("batch", self.batch))

    @property
    def inputs_with_steps(self) -> tuple[str, ...]:
        """The inputs whose second axis is one of steps: it varies; where none does, those of most axes, or of ids."""
        pairs = list(zip(self.input_names, self.specs, strict=True))
        have_two = [(name, spec) for name, spec in pairs if spec.shape.rank and spec.shape.rank > 1]
        return tuple(
            [name for name, spec in have_two if spec.shape[1] is None]
            or [name for name, spec in have_two if spec.shape.rank > 2]
            or [name for name, spec in have_two if spec.dtype.is_integer]
        )

    def with_open_steps(self, names: Sequence[str]) -> "ModelSignature":
        """Returns the same signature, with any number of steps.

        Args:
            names: of the inputs that have steps, (batch, time, ...).
        """
        specs = [
            tf.TensorSpec([spec.shape[0], None, *spec.shape[2:]], spec.dtype, spec.name) if name in names else spec
            for name, spec in zip(self.input_names, self.specs, strict=True)
        ]
        return replace(self, specs=tuple(specs))

    def pack_inputs(self, inputs: tuple) -> Any:
        """Gives flat inputs the structure in which the model is called."""
        return keras.tree.pack_sequence_as(self.structure, inputs)

    def call(self, model: keras.Model, inputs: Sequence[Any]) -> list[Any]:
        """Calls the model in inference mode, with flat inputs; returns flat outputs."""
        return list(keras.tree.flatten(_call(model, self.pack_inputs(tuple(inputs)), self.several_arguments)))


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
        input_signature: `keras.InputSpec`, `keras.KerasTensor` or `tf.TensorSpec`, or a list or dict of them; a `None`
            in a shape is an axis that varies. A list of one is that one, as for Keras's own export. `None`: as the
            model was built; then an axis of steps varies where the model does not say otherwise.

    Raises:
        ValueError: the model was not built, or does not know its inputs and none are given.
    """
    if not model.built:
        raise ValueError(
            f"export: model {model.name!r} was never built, so it has no weights. Call it once on a batch, or "
            "model.build(shape), or train it, before it is exported."
        )
    if input_signature is not None:
        return _signature(model, *_given(model, input_signature))
    if isinstance(model, keras.Sequential) and getattr(model, "inputs", None):
        inputs = model.inputs[0]
        return _inferred(model, inputs, False) if was_built_from_data(model) else _signature(model, inputs, False)
    if hasattr(model, "operations"):
        return _signature(model, model.input, False)
    return _inferred(model, *_seen_inputs(model))


def _given(model: keras.Model, inputs: Any) -> tuple[Any, bool]:
    """Returns the structure of inputs that the user gave, and whether they are several arguments."""
    flat = keras.tree.flatten(inputs)
    for each in flat:
        if not hasattr(each, "shape") or not hasattr(each, "dtype") or each.shape is None:
            raise ValueError(
                "export: input_signature must be keras.InputSpec(shape=..., dtype=...), or a list or dict of them; "
                f"received {each!r}."
            )
    if not isinstance(inputs, (list, tuple)):
        return inputs, False
    if len(inputs) == 1:
        return inputs[0], False
    return inputs, not hasattr(model, "operations") and len(_arguments(model)) >= len(inputs)


def _seen_inputs(model: keras.Model) -> tuple[Any, bool]:
    """Returns the inputs that a subclassed model was first called with."""
    config = model.get_build_config() or {}
    shapes = config.get("shapes_dict") or ([config["input_shape"]] if config.get("input_shape") else [])
    if not shapes:
        raise ValueError(
            f"export: model {model.name!r} is subclassed and does not say what its inputs are. Pass "
            "input_signature=keras.InputSpec(shape=(None, None), dtype='int32'), or a list or dict of them."
        )
    values = list(shapes.values()) if isinstance(shapes, dict) else shapes
    needed = _arguments(model, with_default=False)
    if len(values) < len(needed):
        raise ValueError(
            f"export: model {model.name!r} is called with {', '.join(needed)}. Pass input_signature=[keras.InputSpec("
            "shape=..., dtype=...), ...], one for each."
        )
    specs = [keras.tree.map_shape_structure(_as_float32, each) for each in values]
    return (specs, True) if len(specs) > 1 else (specs[0], False)


def _as_float32(shape: Any) -> keras.InputSpec:
    return keras.InputSpec(shape=shape, dtype="float32")


def _inferred(model: keras.Model, inputs: Any, several: bool) -> ModelSignature:
    """Reads a signature from what the model was first called with: ids are integers, and steps may be any number."""
    flat = keras.tree.flatten(inputs)
    shapes = [list(each.shape) for each in flat]

    def trace_with(dtypes: tuple[str, ...]) -> list[Any]:
        tensors, _ = _traced(model, inputs, several, list(zip(shapes, dtypes, strict=True)))
        return tensors

    specs = list(zip(shapes, find_dtypes(model, len(flat), trace_with), strict=True))
    looked_up = _looked_up(model, inputs, several, specs)
    dtypes = ["int32" if parts else dtype for (_, dtype), parts in zip(specs, looked_up, strict=True)]
    has_steps = [  # ids of one column, or of one step, are looked up without that axis
        len(shape) == 3 or (len(shape) == 2 and dtype.startswith("int") and all(part.shape.rank != 1 for part in parts))
        for (shape, _), dtype, parts in zip(specs, dtypes, looked_up, strict=True)
    ]
    names = [getattr(each, "name", None) for each in flat]

    def with_open(places: Sequence[int]) -> Any:
        shapes = [[shape[0], None, *shape[2:]] if place in places else shape for place, (shape, _) in enumerate(specs)]
        each = zip(shapes, dtypes, names, strict=True)
        return keras.tree.pack_sequence_as(
            inputs, [keras.InputSpec(shape=shape, dtype=dtype, name=name) for shape, dtype, name in each]
        )

    def can_be_open(places: Sequence[int]) -> bool:
        opened = with_open(places)
        return _can_be_called(model, opened, several) and _answers_to_other_steps(model, opened, specs, several)

    places = [place for place, steps in enumerate(has_steps) if steps]
    if not can_be_open(places):
        together, places = places, []
        for place in together if len(together) > 1 else []:  # one of several inputs may be the one that is fixed
            places += [place] if can_be_open([*places, place]) else []
    return _signature(model, with_open(places), several)


def _looked_up(model: keras.Model, inputs: Any, several: bool, specs: list[tuple]) -> list[list]:
    """Returns what of each input embeddings look up."""
    tensors, embedded = _traced(model, inputs, several, specs)
    return [_looked_up_parts(tensor, embedded) for tensor in tensors]


def _traced(model: keras.Model, inputs: Any, several: bool, specs: list[tuple]) -> tuple[list[Any], list[Any]]:
    """Traces the model with these shapes and dtypes: returns its inputs, and what embeddings look up."""
    with intercepted_recurrence(model) as found:
        flat: list[Any] = []

        def call(*tensors: Any) -> list[Any]:
            found.begin()
            flat[:] = tensors
            return keras.tree.flatten(_call(model, keras.tree.pack_sequence_as(inputs, tensors), several))

        with errors_named_by_layer(model):
            trace(call, [tf.TensorSpec([None, *shape[1:]], dtype) for shape, dtype in specs])
        return flat, list(found.embedded)


# What ids may go through on their way to an embedding, and what only looks at them.
_MOVES = {"Squeeze", "ExpandDims", "Reshape", "Transpose", "Identity", "Cast", "StridedSlice", "Split", "Unpack"}
_LOOKS = {"Shape", "NotEqual", "Equal"}


def _looked_up_parts(tensor: Any, embedded: Sequence[Any]) -> list[Any]:
    """Returns what embeddings look up of a tensor: itself, or its parts; nothing where a part goes elsewhere too."""
    if any(tensor is each for each in embedded):
        return [tensor]
    parts: list[Any] = []
    for reader in tensor.consumers():
        if reader.type in _LOOKS:
            continue
        found = [_looked_up_parts(output, embedded) for output in reader.outputs] if reader.type in _MOVES else []
        if not found or not all(found):
            return []
        parts += [each for some in found for each in some]
    return parts


def _can_be_called(model: keras.Model, inputs: Any, several: bool) -> bool:
    """Whether the model can be traced with these inputs."""
    with intercepted_recurrence(model) as found:

        def call(*tensors: Any) -> list[Any]:
            found.begin()
            return keras.tree.flatten(_call(model, keras.tree.pack_sequence_as(inputs, tensors), several))

        try:
            trace(call, [tf.TensorSpec([None, *each.shape[1:]], each.dtype) for each in keras.tree.flatten(inputs)])
        except UnsupportedLayerError:  # it is told when the model is converted
            return True
        except REFUSED_INPUTS:  # a layer needs to know the steps
            return False
        return True


def _answers_to_other_steps(model: keras.Model, inputs: Any, seen: list[tuple], several: bool) -> bool:
    """Whether the model answers to more or fewer steps than it has seen: a trace does not tell of each that it refuses.

    Flattened steps in front of a `Dense` can be traced with any number of them, and so can an axis that is squeezed.
    """
    if any(getattr(layer, "stateful", False) for layer in all_layers(model)):  # it would keep what it answers
        return True
    flat = keras.tree.flatten(inputs)
    for other in (lambda steps: steps + 1, lambda steps: 2 * steps, lambda steps: steps - 1):
        shapes = [
            [shape[0] or 2, *(size or other(then or 1) for size, then in zip(each.shape[1:], shape[1:], strict=True))]
            for each, (shape, _) in zip(flat, seen, strict=True)
        ]
        if any(0 in shape for shape in shapes):
            continue
        zeros = [tf.zeros(shape, each.dtype) for shape, each in zip(shapes, flat, strict=True)]
        with unchanged(model), contextlib.suppress(*REFUSED_INPUTS):
            _call(model, keras.tree.pack_sequence_as(inputs, zeros), several)
            return True
    return False


def _call(model: keras.Model, inputs: Any, several: bool) -> Any:
    return model(*inputs, training=False) if several else model(inputs, training=False)


def _arguments(model: keras.Model, with_default: bool = True) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        parameter.name
        for parameter in inspect.signature(model.call).parameters.values()
        if parameter.kind in kinds
        and parameter.name not in ("training", "mask")
        and (with_default or parameter.default is inspect.Parameter.empty)
    ]


def _signature(model: keras.Model, inputs: Any, several: bool) -> ModelSignature:
    flat = keras.tree.flatten(inputs)
    names = _distinct(_input_names(model, inputs, flat, several), ())
    specs = tuple(
        tf.TensorSpec(
            [None, *tuple(each.shape)[1:]] if len(each.shape) else [],
            keras.backend.standardize_dtype(each.dtype or "float32"),
        )
        for each in flat
    )
    structure = keras.tree.map_structure(lambda _: 0, inputs)
    outputs = _distinct(_output_names(model, structure, specs, several), names)
    batch = flat[0].shape[0] if flat and len(flat[0].shape) else None
    return ModelSignature(structure, specs, names, outputs, batch, several)


def _distinct(names: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    """Gives each name once: a model may give one of its inputs back, or two layers may be called alike."""
    used = set(taken)
    distinct = []
    for name in names:
        new, count = name, 1
        while new in used:
            new, count = f"{name}_output" if name in taken and count == 1 else f"{name}_{count}", count + 1
        used.add(new)
        distinct.append(new)
    return tuple(distinct)


def _input_names(model: keras.Model, inputs: Any, flat: list, several: bool) -> list[str]:
    if several:
        arguments = _arguments(model)
        return [
            "_".join([argument, *path])
            for argument, each in zip(arguments, inputs, strict=False)
            for path in _paths(each)
        ]
    if isinstance(inputs, dict):
        return ["_".join(path) for path in _paths(inputs)]
    names = [getattr(each, "name", None) for each in flat]
    automatic = [not name or name.startswith("keras_tensor") for name in names]
    only = len(flat) == 1
    return [
        ("input" if only else f"input_{index}") if auto else str(name)
        for index, (name, auto) in enumerate(zip(names, automatic, strict=True))
    ]


def _output_names(model: keras.Model, structure: Any, specs: Sequence[tf.TensorSpec], several: bool) -> list[str]:
    if isinstance(model, keras.Sequential) and len(getattr(model, "outputs", None) or ()) == 1:
        return [model.layers[-1].name]
    outputs = model.output if hasattr(model, "operations") else _traced_outputs(model, structure, specs, several)
    paths = _paths(outputs)
    if isinstance(outputs, dict):
        return ["_".join(path) for path in paths]
    own = list(getattr(model, "output_names", None) or [])
    if len(own) == len(paths) == len(set(own)):
        return own
    return ["output"] if len(paths) == 1 else [f"output_{index}" for index in range(len(paths))]


def _traced_outputs(model: keras.Model, structure: Any, specs: Sequence[tf.TensorSpec], several: bool) -> Any:
    """Returns the structure of what a subclassed model answers."""
    with intercepted_recurrence(model) as found:
        answers: list[Any] = []

        def call(*tensors: Any) -> list[Any]:
            found.begin()
            answers.append(_call(model, keras.tree.pack_sequence_as(structure, tensors), several))
            return keras.tree.flatten(answers[-1])

        with errors_named_by_layer(model):
            trace(call, specs)
        return answers[-1]


def _paths(structure: Any) -> list[list[str]]:
    """Returns where each leaf is: keys of dicts and places in lists."""
    return [[str(part) for part in path] for path, _ in keras.tree.flatten_with_path(structure)]

"""A Keras model as an ONNX model, its recurrence native."""

from typing import Literal

import keras
import numpy as np
import onnx

from seqkit_onnx.passes.naming import give_readable_names
from seqkit_onnx.passes.ordering import put_in_order
from seqkit_onnx.passes.passes import remove_dead_nodes, remove_identities, rename_values
from seqkit_onnx.recurrence.choice_by_rows import ScanFrom, never
from seqkit_onnx.recurrence.expansion import expand_placeholders
from seqkit_onnx.recurrence.right_padding import RightPadding
from seqkit_onnx.text.token_tables import padded_on_the_right, write_token_tables
from seqkit_onnx.tracing.signature import ModelSignature
from seqkit_onnx.tracing.traced_model import trace_model

OPSET = 20  # the first with StringSplit and StringConcat; CUDA has its recurrent operators registered for it
IR_VERSIONS = {18: 8, 19: 9, 20: 9}  # what the first onnxruntime with that opset reads


def convert(
    model: keras.Model,
    signature: ModelSignature,
    right_padded_inputs: tuple[str, ...] | Literal["all"] = (),
    scan_from: ScanFrom = never,
    *,
    inputs_are_finite: bool = False,
    opset: int = OPSET,
    stream: bool = False,
) -> onnx.ModelProto:
    """Converts a built Keras model, in inference mode.

    Args:
        model: the model.
        signature: its inputs and the names of its outputs.
        right_padded_inputs: inputs whose zeros are known to be on the right only; ``"all"``: every mask is.
        scan_from: which recurrences are run as a `Scan`, and from how many rows on.
        inputs_are_finite: whether no input ever holds NaN: floating ones are states that the graph gives itself.
        opset: of `IR_VERSIONS`.
        stream: whether the graph takes the next steps of a sequence and states, and gives new states.

    Returns:
        The ONNX model, with the signature's names.

    Raises:
        UnsupportedLayerError: a layer cannot be converted.
    """
    traced = trace_model(model, signature, stream)
    proto = onnx.version_converter.convert_version(traced.proto, opset)
    _name_values(proto.graph, traced.inputs, traced.outputs)
    remove_identities(proto.graph)
    right_padded = right_padded_inputs
    if right_padded != "all":
        right_padded = (*right_padded, *padded_on_the_right(proto.graph, traced.tables))
    expand_placeholders(
        proto, traced.recurrences, RightPadding(right_padded), scan_from, inputs_are_finite=inputs_are_finite
    )
    remove_identities(proto.graph)
    remove_dead_nodes(proto.graph)
    put_in_order(proto.graph)
    give_readable_names(proto.graph, model)
    write_token_tables(proto, traced.tables)  # which describes values, and those passes forget that
    _name_shapes(proto.graph, signature)
    proto.ir_version = IR_VERSIONS[opset]
    return proto


def _name_values(graph: onnx.GraphProto, inputs: dict[str, str], outputs: dict[str, str]) -> None:
    """Gives inputs and outputs their names, whatever else in the graph is called so."""
    for node in graph.node:  # a name of the user's may be one that is taken
        for name in (*node.input, *node.output):
            if name in {*inputs.values(), *outputs.values()} and name not in (*inputs, *outputs):
                rename_values(graph, {name: f"{name}/inner"})
    rename_values(graph, {**inputs, **outputs})


def _name_shapes(graph: onnx.GraphProto, signature: ModelSignature) -> None:
    """Writes the axes' names into the graph's inputs and outputs."""
    own = list(graph.input)[: len(signature.specs)]  # states of stateful layers come after them
    for value, axes in zip(own, signature.input_axes, strict=True):
        _set_axes(value, axes)
    for value in list(graph.input)[len(own) :]:
        first = value.type.tensor_type.shape.dim[0]
        if not first.HasField("dim_value"):
            first.dim_param = "batch"
    for value in graph.output:
        dims = value.type.tensor_type.shape.dim
        names = {0: "batch", 1: "time"} if len(dims) > 2 else {0: "batch"}
        for index, dim in enumerate(dims):
            if not dim.HasField("dim_value"):
                dim.dim_param = names.get(index, f"{value.name}_{index}")


def _set_axes(value: onnx.ValueInfoProto, axes: tuple[int | str, ...]) -> None:
    for dim, axis in zip(value.type.tensor_type.shape.dim, axes, strict=True):
        dim.Clear()
        if isinstance(axis, str):
            dim.dim_param = axis
        else:
            dim.dim_value = int(np.int64(axis))

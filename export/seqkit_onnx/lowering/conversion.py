"""A Keras model as an ONNX model, its recurrence native."""

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
import onnx
import tensorflow as tf

from seqkit_onnx.lowering import cells as _cells  # noqa: F401  # registers the lowerings
from seqkit_onnx.lowering.choice_by_rows import ScanFrom, never
from seqkit_onnx.lowering.expansion import PLACEHOLDER_DOMAIN, PLACEHOLDER_TYPE, expand_placeholders
from seqkit_onnx.lowering.interception import errors_named_by_layer, intercepted_recurrence
from seqkit_onnx.lowering.naming import give_readable_names, owner_of_node
from seqkit_onnx.lowering.nesting_limit import limited_nesting
from seqkit_onnx.lowering.operator_handlers import HANDLERS
from seqkit_onnx.lowering.ordering import put_in_order
from seqkit_onnx.lowering.passes import remove_dead_nodes, remove_identities, rename_values
from seqkit_onnx.lowering.placeholder import PLACEHOLDER_OP, TOKEN_ATTRIBUTE
from seqkit_onnx.lowering.recurrence import Recurrence
from seqkit_onnx.lowering.refusals import UnsupportedLayerError
from seqkit_onnx.lowering.right_padding import RightPadding
from seqkit_onnx.lowering.signature import ModelSignature
from seqkit_onnx.lowering.tensorflow_graph import freeze, trace
from seqkit_onnx.lowering.tf2onnx_driver import Handler, NotConverted, to_onnx

OPSET = 20  # the first with StringSplit and StringConcat; CUDA has its recurrent operators registered for it
IR_VERSION = 9  # what the first onnxruntime with opset 20 reads


def convert(
    model: keras.Model,
    signature: ModelSignature,
    right_padded_inputs: tuple[str, ...] | Literal["all"] = (),
    scan_from: ScanFrom = never,
    *,
    inputs_are_finite: bool = False,
) -> onnx.ModelProto:
    """Converts a built Keras model, in inference mode.

    Args:
        model: the model.
        signature: its inputs and the names of its outputs.
        right_padded_inputs: inputs whose zeros are known to be on the right only; ``"all"``: every mask is.
        scan_from: which recurrences are run as a `Scan`, and from how many rows on.
        inputs_are_finite: whether no input ever holds NaN: floating ones are states that the graph gives itself.

    Returns:
        The ONNX model, with the signature's names, opset 20.

    Raises:
        UnsupportedLayerError: a layer cannot be converted.
    """
    with intercepted_recurrence(model) as found:

        def call(*inputs: Any) -> list[Any]:
            found.begin()
            with limited_nesting(found.refuse):
                outputs = signature.call(model, inputs)
            return [tf.identity(output) for output in (*outputs, *(state.final for state in found.loop_states))]

        with errors_named_by_layer(model):
            concrete = trace(call, signature.specs)
        graph = freeze(concrete, [state.initial for state in found.loop_states])
        try:
            handlers = {**HANDLERS, PLACEHOLDER_OP: _keeper_of(found.recurrences)}
            proto = to_onnx(graph, handlers, {PLACEHOLDER_DOMAIN: 1})
        except NotConverted as error:
            raise UnsupportedLayerError(_why_not(error, model)) from error
    inputs = [*signature.input_names, *(state.name for state in found.loop_states)]
    outputs = [*signature.output_names, *(state.final_name for state in found.loop_states)]
    proto = onnx.version_converter.convert_version(proto, OPSET)
    _name_values(
        proto.graph, dict(zip(graph.inputs, inputs, strict=True)), dict(zip(graph.outputs, outputs, strict=True))
    )
    remove_identities(proto.graph)
    expand_placeholders(
        proto, found.recurrences, RightPadding(right_padded_inputs), scan_from, inputs_are_finite=inputs_are_finite
    )
    remove_identities(proto.graph)
    remove_dead_nodes(proto.graph)
    put_in_order(proto.graph)
    give_readable_names(proto.graph, model)
    _name_shapes(proto.graph, signature)
    proto.ir_version = IR_VERSION
    return proto


def _name_values(graph: onnx.GraphProto, inputs: dict[str, str], outputs: dict[str, str]) -> None:
    """Gives inputs and outputs their names, whatever else in the graph is called so."""
    for node in graph.node:  # a name of the user's may be one that is taken
        for name in (*node.input, *node.output):
            if name in {*inputs.values(), *outputs.values()} and name not in (*inputs, *outputs):
                rename_values(graph, {name: f"{name}/inner"})
    rename_values(graph, {**inputs, **outputs})


def _why_not(error: NotConverted, model: keras.Model) -> str:
    reason = f" ({error.reason})" if error.reason else ""
    return (
        f"export: {owner_of_node(error.node, model)} uses TensorFlow's {error.operation}, which cannot be written with "
        f"ONNX's operators{reason}. Write it with other operations of keras.ops, or leave it out of the model that is "
        "exported."
    )


def _keeper_of(recurrences: Mapping[bytes, Recurrence]) -> Handler:
    """Returns what carries the placeholders of these recurrences through tf2onnx, as an operator of our own domain."""

    def keep(ctx: Any, node: Any, name: str, _args: list) -> None:
        token = node.attr[TOKEN_ATTRIBUTE].s
        if token not in recurrences:  # a tf.numpy_function of the user's
            raise NotConverted(name, node.type)
        inputs, outputs = list(node.input), list(node.output)
        shapes = [ctx.get_shape(output) for output in outputs]
        ctx.remove_node(node.name)
        ctx.make_node(
            PLACEHOLDER_TYPE,
            inputs,
            outputs=outputs,
            name=node.name,
            domain=PLACEHOLDER_DOMAIN,
            attr={TOKEN_ATTRIBUTE: token},
            shapes=shapes,
            dtypes=[onnx.TensorProto.FLOAT] * len(outputs),
        )

    return keep


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

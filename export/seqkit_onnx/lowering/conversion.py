"""A Keras model as an ONNX model, its recurrence native."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from seqkit_onnx.lowering import cells as _cells  # noqa: F401  # registers the lowerings
from seqkit_onnx.lowering.choice_by_rows import ScanFrom, never
from seqkit_onnx.lowering.expansion import PLACEHOLDER_DOMAIN, PLACEHOLDER_TYPE, expand_placeholders
from seqkit_onnx.lowering.interception import UnsupportedLayerError, intercepted_recurrence
from seqkit_onnx.lowering.naming import give_readable_names
from seqkit_onnx.lowering.ordering import put_in_order
from seqkit_onnx.lowering.passes import remove_dead_nodes, remove_identities, rename_values
from seqkit_onnx.lowering.placeholder import PLACEHOLDER_OP, TOKEN_ATTRIBUTE
from seqkit_onnx.lowering.right_padding import RightPadding
from seqkit_onnx.lowering.signature import ModelSignature
from seqkit_onnx.lowering.tf2onnx_patch import transposes_stay_transposes

TF2ONNX_OPSET = 18  # the last one that tf2onnx writes
OPSET = 20  # the first with StringSplit and StringConcat; CUDA has its recurrent operators registered for it
IR_VERSION = 9  # what the first onnxruntime with opset 20 reads


def convert(
    model: keras.Model,
    signature: ModelSignature,
    right_padded_inputs: tuple[str, ...] | Literal["all"] = (),
    scan_from: ScanFrom = never,
) -> onnx.ModelProto:
    """Converts a built Keras model, in inference mode.

    Args:
        model: the model.
        signature: its inputs and the names of its outputs.
        right_padded_inputs: inputs whose zeros are known to be on the right only; ``"all"``: every mask is.
        scan_from: which recurrences are run as a `Scan`, and from how many rows on.

    Returns:
        The ONNX model, with the signature's names, opset 20.

    Raises:
        UnsupportedLayerError: a layer cannot be converted.
    """
    with intercepted_recurrence(model.name) as recurrences, transposes_stay_transposes(), _quiet():
        function = tf.function(lambda *inputs: _call(model, signature, inputs), input_signature=signature.specs)
        proto, _ = tf2onnx.convert.from_function(
            function,
            input_signature=signature.specs,
            opset=TF2ONNX_OPSET,
            custom_op_handlers={
                PLACEHOLDER_OP: (_keep_placeholder, []),
                "Erfc": (_convert_erfc, []),
                "Expm1": (_convert_expm1, []),
                "SelectV2": (_convert_select, []),
            },
            extra_opset=[onnx.helper.make_opsetid(PLACEHOLDER_DOMAIN, 1)],
        )
    _check_all_converted(proto.graph, model)
    proto = onnx.version_converter.convert_version(proto, OPSET)
    names = dict(zip((value.name for value in proto.graph.input), signature.input_names, strict=True))
    names |= dict(zip((value.name for value in proto.graph.output), signature.output_names, strict=True))
    rename_values(proto.graph, names)
    remove_identities(proto.graph)
    expand_placeholders(proto, recurrences, RightPadding(right_padded_inputs), scan_from)
    remove_identities(proto.graph)
    remove_dead_nodes(proto.graph)
    put_in_order(proto.graph)
    give_readable_names(proto.graph, model)
    _name_shapes(proto.graph, signature)
    proto.ir_version = IR_VERSION
    return proto


def _call(model: keras.Model, signature: ModelSignature, inputs: tuple) -> list[Any]:
    outputs = signature.flatten_outputs(model(signature.pack_inputs(inputs), training=False))
    return [tf.identity(output, name=name) for output, name in zip(outputs, signature.output_names, strict=True)]


def _keep_placeholder(ctx: Any, node: Any, _name: str, _args: list) -> None:
    """Carries the placeholder through tf2onnx as an operator of our own domain."""
    token = node.attr[TOKEN_ATTRIBUTE].s
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


def _convert_erfc(ctx: Any, node: Any, _name: str, _args: list) -> None:
    """Writes 1 - Erf(x): Keras's exact gelu is made of it, and tf2onnx does not know it."""
    _replace_by_difference(ctx, node, lambda function, one: [one, function], "Erf")


def _convert_expm1(ctx: Any, node: Any, _name: str, _args: list) -> None:
    """Writes Exp(x) - 1: Keras's celu is made of it, and tf2onnx does not know it."""
    _replace_by_difference(ctx, node, lambda function, one: [function, one], "Exp")


def _convert_select(ctx: Any, node: Any, _name: str, _args: list) -> None:
    """Writes a Where: tf2onnx multiplies by 0 and 1 in some cases, which makes NaN of infinity."""
    output = node.output[0]
    types: dict[str, Any] = {"shapes": [ctx.get_shape(output)], "dtypes": [ctx.get_dtype(output)]}
    condition, x, y = node.input
    ctx.remove_node(node.name)
    if types["dtypes"] != [onnx.TensorProto.BOOL]:
        ctx.make_node("Where", [condition, x, y], outputs=[output], name=node.name, **types)
        return
    # onnxruntime has no Where of bool.
    first = ctx.make_node("And", [condition, x], **types).output[0]
    other = ctx.make_node("Not", [condition], shapes=[ctx.get_shape(condition)], dtypes=types["dtypes"]).output[0]
    second = ctx.make_node("And", [other, y], **types).output[0]
    ctx.make_node("Or", [first, second], outputs=[output], name=node.name, **types)


def _replace_by_difference(ctx: Any, node: Any, in_order: Callable[[str, str], list[str]], op_type: str) -> None:
    """Replaces a node by the difference of 1 and an operator of its input, `in_order`."""
    x, output = node.input[0], node.output[0]
    shape, dtype = ctx.get_shape(output), ctx.get_dtype(output)
    types: dict[str, Any] = {"shapes": [shape], "dtypes": [dtype]}
    ctx.remove_node(node.name)
    one = ctx.make_const(f"{node.name}/one", np.ones((), onnx.helper.tensor_dtype_to_np_dtype(dtype))).output[0]
    function = ctx.make_node(op_type, [x], **types).output[0]
    ctx.make_node("Sub", in_order(function, one), outputs=[output], name=node.name, **types)


def _check_all_converted(graph: onnx.GraphProto, model: keras.Model) -> None:
    """tf2onnx leaves what it does not know as it was; here that is an error that names it."""
    for node in graph.node:
        if not node.domain and not onnx.defs.has(node.op_type):
            raise UnsupportedLayerError(
                f"export: {node.name.removeprefix(model.name)!r} uses TensorFlow's {node.op_type}, which tf2onnx "
                "cannot convert. Write that layer with other operations of keras.ops."
            )
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _check_all_converted(attribute.g, model)


def _name_shapes(graph: onnx.GraphProto, signature: ModelSignature) -> None:
    """Writes the axes' names into the graph's inputs and outputs."""
    own = list(graph.input)[: len(signature.specs)]  # states of stateful layers come after them
    for value, axes in zip(own, signature.input_axes, strict=True):
        _set_axes(value, axes)
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps tf2onnx's progress lines out of the user's terminal; its errors are raised all the same."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

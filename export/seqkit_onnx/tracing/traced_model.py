"""A Keras model as an ONNX graph in which each native recurrence is a placeholder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import onnx
import tensorflow as tf

from seqkit_onnx.cells import cells as _cells  # noqa: F401  # registers the lowerings
from seqkit_onnx.cells.recurrence import PLACEHOLDER_DOMAIN, PLACEHOLDER_TYPE, Recurrence
from seqkit_onnx.cells.token_table import TABLE_TYPE, TokenTable
from seqkit_onnx.layer_walk import owner_of_node
from seqkit_onnx.tracing.interception import errors_named_by_layer, intercepted_recurrence
from seqkit_onnx.tracing.nesting_limit import limited_nesting
from seqkit_onnx.tracing.operator_handlers import HANDLERS
from seqkit_onnx.tracing.placeholder import PLACEHOLDER_OP, TOKEN_ATTRIBUTE
from seqkit_onnx.tracing.refusals import UnsupportedLayerError
from seqkit_onnx.tracing.signature import ModelSignature
from seqkit_onnx.tracing.tensorflow_graph import freeze, trace
from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted, to_onnx


@dataclass(frozen=True)
class TracedModel:
    """What `trace_model` returns.

    Args:
        proto: the model in tf2onnx's newest opset; a node of `PLACEHOLDER_TYPE` stands for each native recurrence.
        inputs: the name that each input is to have, by the one that it has; states of loops come last.
        outputs: the same for the outputs.
        recurrences: what each placeholder of `PLACEHOLDER_TYPE` stands for, by its attribute.
        tables: the same for those of `TABLE_TYPE`.
    """

    proto: onnx.ModelProto
    inputs: dict[str, str]
    outputs: dict[str, str]
    recurrences: dict[bytes, Recurrence]
    tables: dict[bytes, TokenTable]


def trace_model(model: keras.Model, signature: ModelSignature, stream: bool = False) -> TracedModel:
    """Traces a built Keras model once, in inference mode, and lets tf2onnx convert all but its native recurrences.

    Args:
        model: the model.
        signature: its inputs and the names of its outputs.
        stream: whether it takes the next steps of a sequence, and states.

    Raises:
        UnsupportedLayerError: a layer cannot be converted.
    """
    with intercepted_recurrence(model, stream) as found:

        def call(*inputs: Any) -> list[Any]:
            found.begin()
            with limited_nesting(found.refuse):
                outputs = signature.call(model, inputs)
            return [tf.identity(output) for output in (*outputs, *(state.final for state in found.loop_states))]

        with errors_named_by_layer(model):
            concrete = trace(call, signature.specs)
        graph = freeze(concrete, [state.initial for state in found.loop_states])
        try:
            handlers = {**HANDLERS, PLACEHOLDER_OP: _keeper_of(found.recurrences, found.tables)}
            proto = to_onnx(graph, handlers, {PLACEHOLDER_DOMAIN: 1})
        except NotConverted as error:
            raise UnsupportedLayerError(_why_not(error, model)) from error
    inputs = [*signature.input_names, *(state.name for state in found.loop_states)]
    outputs = [*signature.output_names, *(state.final_name for state in found.loop_states)]
    return TracedModel(
        proto,
        dict(zip(graph.inputs, inputs, strict=True)),
        dict(zip(graph.outputs, outputs, strict=True)),
        found.recurrences,
        found.tables,
    )


def _why_not(error: NotConverted, model: keras.Model) -> str:
    reason = f" ({error.reason})" if error.reason else ""
    return (
        f"export: {owner_of_node(error.node, model)} uses TensorFlow's {error.operation}, which cannot be written with "
        f"ONNX's operators{reason}. Write it with other operations of keras.ops, or leave it out of the model that is "
        "exported."
    )


def _keeper_of(recurrences: Mapping[bytes, Recurrence], tables: Mapping[bytes, TokenTable]) -> Handler:
    """Returns what carries these placeholders through tf2onnx, as operators of our own domain."""

    def keep(ctx: Any, node: Any, name: str, _args: list) -> None:
        token = node.attr[TOKEN_ATTRIBUTE].s
        if token not in recurrences and token not in tables:  # a tf.numpy_function of the user's
            raise NotConverted(name, node.type)
        inputs, outputs = list(node.input), list(node.output)
        shapes = [ctx.get_shape(output) for output in outputs]
        dtypes = [ctx.get_dtype(output) for output in outputs]
        ctx.remove_node(node.name)
        ctx.make_node(
            PLACEHOLDER_TYPE if token in recurrences else TABLE_TYPE,
            inputs,
            outputs=outputs,
            name=node.name,
            domain=PLACEHOLDER_DOMAIN,
            attr={TOKEN_ATTRIBUTE: token},
            shapes=shapes,
            dtypes=dtypes,
        )

    return keep

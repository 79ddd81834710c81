"""A Keras model as an ONNX graph in which each native recurrence, and each lookup, is a placeholder."""

from dataclasses import dataclass
from typing import Any

import keras
import onnx
import tensorflow as tf

from seqkit_onnx.cells import cells as _cells  # noqa: F401  # registers the lowerings
from seqkit_onnx.cells.recurrence import PLACEHOLDER_DOMAIN, PLACEHOLDER_TYPE, Recurrence
from seqkit_onnx.layer_walk import owner_of_node
from seqkit_onnx.tracing.interception import errors_named_by_layer, intercepted_recurrence
from seqkit_onnx.tracing.nesting_limit import limited_nesting
from seqkit_onnx.tracing.operator_handlers import HANDLERS
from seqkit_onnx.tracing.placeholder import PLACEHOLDER_OP, TOKEN_ATTRIBUTE
from seqkit_onnx.tracing.refusals import UnsupportedLayerError
from seqkit_onnx.tracing.signature import ModelSignature
from seqkit_onnx.tracing.tensorflow_graph import freeze, trace
from seqkit_onnx.tracing.text_lookup import LOOKUP_TYPE, TextLookup
from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted, to_onnx
from seqkit_onnx.tracing.traced_calls import TracedCalls


@dataclass(frozen=True)
class TracedModel:
    """What `trace_model` returns.

    Args:
        proto: the model in tf2onnx's newest opset; a node of `PLACEHOLDER_TYPE` stands for each native recurrence, and
            one of `LOOKUP_TYPE` for each lookup.
        inputs: the name that each input is to have, by the one that it has; states of loops come last.
        outputs: the same for the outputs.
        recurrences: what each placeholder of a recurrence stands for, by its attribute.
        lookups: what each placeholder of a lookup stands for.
    """

    proto: onnx.ModelProto
    inputs: dict[str, str]
    outputs: dict[str, str]
    recurrences: dict[bytes, Recurrence]
    lookups: dict[bytes, TextLookup]


def trace_model(model: keras.Model, signature: ModelSignature, stream: bool = False) -> TracedModel:
    """Traces a built Keras model once, in inference mode, and lets tf2onnx convert all but its native recurrences.

    Args:
        model: the model.
        signature: its inputs and the names of its outputs.
        stream: whether it takes the next steps of a sequence, and states.

    Raises:
        UnsupportedLayerError: a layer cannot be converted.
    """
    with intercepted_recurrence(model, *signature.layers_in_front, stream=stream) as found:

        def call(*inputs: Any) -> list[Any]:
            found.begin()
            with limited_nesting(found.refuse):
                outputs = signature.call(model, inputs)
            return [tf.identity(output) for output in (*outputs, *(state.final for state in found.loop_states))]

        with errors_named_by_layer(model):
            concrete = trace(call, signature.specs)
        graph = freeze(concrete, [state.initial for state in found.loop_states])
        try:
            handlers = {**HANDLERS, PLACEHOLDER_OP: _keeper_of(found)}
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
        found.lookups,
    )


def _why_not(error: NotConverted, model: keras.Model) -> str:
    reason = f" ({error.reason})" if error.reason else ""
    return (
        f"export: {owner_of_node(error.node, model)} uses TensorFlow's {error.operation}, which cannot be written with "
        f"ONNX's operators{reason}. Write it with other operations of keras.ops, or leave it out of the model that is "
        "exported."
    )


def _keeper_of(found: TracedCalls) -> Handler:
    """Returns what carries the placeholders of a trace through tf2onnx, as operators of our own domain."""

    def keep(ctx: Any, node: Any, name: str, _args: list) -> None:
        token = node.attr[TOKEN_ATTRIBUTE].s
        if token in found.recurrences:
            kind, dtype = PLACEHOLDER_TYPE, onnx.TensorProto.FLOAT
        elif token in found.lookups:
            strings = found.lookups[token].table.gives_strings
            kind, dtype = LOOKUP_TYPE, onnx.TensorProto.STRING if strings else onnx.TensorProto.INT64
        else:  # a tf.numpy_function of the user's
            raise NotConverted(name, node.type)
        inputs, outputs = list(node.input), list(node.output)
        shapes = [ctx.get_shape(output) for output in outputs]
        ctx.remove_node(node.name)
        ctx.make_node(
            kind,
            inputs,
            outputs=outputs,
            name=node.name,
            domain=PLACEHOLDER_DOMAIN,
            attr={TOKEN_ATTRIBUTE: token},
            shapes=shapes,
            dtypes=[dtype] * len(outputs),
        )

    return keep

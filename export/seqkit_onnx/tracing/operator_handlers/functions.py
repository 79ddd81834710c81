"""Functions that TensorFlow calls: their nodes are put where the call is."""

from typing import Any

from tf2onnx.onnx_opset.controlflow import inline_subgraph, parameter_binding
from tf2onnx.tf_loader import find_function

from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted


def _inline(ctx: Any, node: Any, name: str, _args: list) -> None:
    """Puts a function's nodes, which tf2onnx has converted before, in the place of its call."""
    called = node.get_attr_value("f")
    body = find_function(called.decode()) if called else None
    if body is None:
        raise NotConverted(name, node.type, "the function that it calls is not in the graph")
    outputs = inline_subgraph(ctx, body, name, parameter_binding(body, list(node.input)))
    own, shapes, dtypes = list(node.output), node.output_shapes, node.output_dtypes
    ctx.remove_node(name)
    for index, (value, output, shape, dtype) in enumerate(zip(outputs, own, shapes, dtypes, strict=True)):
        ctx.make_node("Identity", [value], outputs=[output], shapes=[shape], dtypes=[dtype], name=f"{name}/out_{index}")


HANDLERS: dict[str, Handler] = {"PartitionedCall": _inline, "StatefulPartitionedCall": _inline}

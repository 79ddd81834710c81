"""Loops that keep a state in a list of one, as `keras.ops.scan` does, or write their results from the end."""

from typing import Any

import numpy as np
from tf2onnx.onnx_opset import controlflow

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter
from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted

RESERVED = ("TensorListReserve", "TensorListResize")


def _set_item(ctx: Any, node: Any, name: str, _args: list) -> None:
    """Writes the only item of a list alone; what a loop writes is left to `_while`."""
    if node.inputs[0].type in RESERVED and _is_constant(node.inputs[0].inputs[1], 1):
        _write_alone(ctx, node)


def _write_alone(ctx: Any, node: Any) -> None:
    """Replaces a list of one by its item, with an axis of size 1 in front."""
    if not _is_constant(node.inputs[1], 0):
        raise NotConverted(node.name, node.type, "it writes to a place of a list that is computed")
    item, output = node.input[2], node.output[0]
    shape, dtype = ctx.get_shape(item), ctx.get_dtype(item)
    ctx.remove_node(node.name)
    axes = ctx.make_const(f"{node.name}/axes", np.array([0])).output[0]
    types = {"shapes": [None if shape is None else [1, *shape]], "dtypes": [dtype]}
    ctx.make_node("Unsqueeze", [item, axes], outputs=[output], name=node.name, **types)


def _get_item(ctx: Any, node: Any, name: str, _args: list) -> None:
    """Reads an item; what stands first in one may be a state of the loop; any other is read from outside of it."""
    if not _is_constant(node.inputs[1], 0):
        ctx.ta_reads.append(node.input[0])
    node.type = "Gather"
    ctx.replace_inputs(node, node.input[:2])


def _while(ctx: Any, node: Any, name: str, _args: list) -> None:
    """Writes a Loop; tf2onnx takes each result of a step for the next of a list, wherever it is written."""
    body: Any = controlflow.find_function(node.get_attr_str("body"))
    for place, source in enumerate(node.inputs):
        written = _behind_identities(body, body.outputs[place])
        if source.type not in RESERVED and written.type == "TensorListSetItem":
            if _behind_identities(ctx, source.output[0]).type != "Unsqueeze":  # what `_write_alone` has written
                raise NotConverted(name, node.type, "it writes into a list of more than one item")
            _write_alone(body, written)  # a state of the loop
            _give_type(body, body.outputs[place], written.output[0])
            _give_type_to_readers(ctx, node.output[place], source.output[0])
            _give_type_to_readers(body, body.input_names[place], written.output[0])
        if source.type in RESERVED:
            if written.type != "TensorListSetItem" or written.inputs[2].type == "RaggedTensorToVariant":
                continue  # tf2onnx's own
            step = _step(node, body, written.input[1], source)
            if step is None:
                raise NotConverted(name, node.type, "it writes its results in another order than one after the other")
            if step < 0:
                _cut_stacks(ctx, node, place, -1, int(np.iinfo(np.int64).min), -1)
            elif step == 0:
                _cut_stacks(ctx, node, place, -1, int(np.iinfo(np.int64).max), 1)
    controlflow.While.version_7(ctx, node)


def _give_type(graph: Any, value: str, source: str) -> None:
    """Says what a list is, now that it is a tensor, as far back as it is handed on."""
    while value != source:
        _copy_type(graph, source, value)
        value = graph.get_node_by_output(value).input[0]


def _give_type_to_readers(graph: Any, value: str, source: str) -> None:
    """Says what a list is, now that it is a tensor, as far as it is handed on."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        _copy_type(graph, source, value)
        waiting += [each.output[0] for each in graph.find_output_consumers(value) if each.type == "Identity"]


def _copy_type(graph: Any, source: str, value: str) -> None:
    shape = graph.get_shape(source)
    graph.set_shape(value, shape if shape is None else [1, *[-1] * (len(shape) - 1)])
    graph.copy_dtype(source, value)


def _step(node: Any, body: Any, index: str, reserved: Any) -> int | None:
    """Returns 1 where results are written from the first on, -1 where from the last on, 0 where to one place."""
    if _is_constant(body.get_node_by_output(index), 0) and _is_constant(reserved.inputs[1], 1):
        return 0
    counter = _behind_identities(body, index).output[0]
    if counter not in body.input_names:
        return None
    place = body.input_names.index(counter)
    if place == 0:
        return 1
    following = _behind_identities(body, body.outputs[place])
    step = _added(following, body, counter)
    begin, count = node.inputs[place], reserved.inputs[1]
    if step == 1 and _is_constant(begin, 0):
        return 1
    if step == -1 and count.is_const() and _is_constant(begin, int(count.get_tensor_value()) - 1):
        return -1
    return -1 if step == -1 and _added(begin, node.graph, count.output[0]) == -1 else None


def _added(node: Any, graph: Any, value: str) -> int | None:
    """Returns what constant a node adds to a value."""
    if node.type not in ("Add", "AddV2", "Sub") or not node.inputs[1].is_const():
        return None
    if _behind_identities(graph, node.input[0]).output[0] != value:
        return None
    number = int(node.inputs[1].get_tensor_value())
    return -number if node.type == "Sub" else number


def _cut_stacks(ctx: Any, node: Any, place: int, start: int, end: int, step: int) -> None:
    """Takes a slice of what a loop has written, step by step."""
    waiting = [node.output[place]]
    while waiting:
        for reader in ctx.find_output_consumers(waiting.pop()):
            if reader.type == "Identity":
                waiting.append(reader.output[0])
            elif reader.type != "TensorListStack":
                raise NotConverted(node.name, node.type, "it does not stack what it writes from the last on")
            else:
                write, stacked = NodeWriter(ctx, reader), reader.output[0]
                cut = write("Slice", stacked, *(write.integers(number) for number in (start, end, 0, step)))
                ctx.copy_shape(stacked, cut)
                ctx.copy_dtype(stacked, cut)
                readers = [each for each in ctx.find_output_consumers(stacked) if each.output[0] != cut]
                ctx.replace_all_inputs(stacked, cut, ops=readers)


def _behind_identities(graph: Any, value: str) -> Any:
    source = graph.get_node_by_output(value)
    while source.type == "Identity":
        source = source.inputs[0]
    return source


def _is_constant(node: Any, value: int) -> bool:
    return node is not None and node.is_const() and np.array_equal(node.get_tensor_value(as_list=False), value)


HANDLERS: dict[str, Handler] = {
    "TensorListSetItem": _set_item,
    "TensorListGetItem": _get_item,
    "While": _while,
    "StatelessWhile": _while,
}

"""A batch of no rows is answered by no rows, whatever onnxruntime's operators make of it."""

from collections.abc import Mapping
from typing import Any

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.passes import rename_values

BATCH = "batch"
INT64_MAX = 2**63 - 1


def answer_no_rows(graph: GraphProto, fillers: Mapping[str, Any] | None = None) -> None:
    """Lets a file run one row, of padding or an empty text, where it is given none, and leaves its answer out.

    onnxruntime (1.32) raises an error over no rows in some of its operators, and its `LSTM` and `GRU` end the process.
    Where ids have no step, they get one of padding too.

    Args:
        graph: a finished graph, whose inputs are texts and arrays (batch, ...); changed in place. What has no axis that
            is called ``batch`` stays as it is.
        fillers: what the one row is filled with, by input, where it is not an empty text or 0.
    """
    inputs, outputs = ([value for value in values if _has_batch(value)] for values in (graph.input, graph.output))
    if not inputs:
        return
    inside = {value.name: f"rows/inner/{value.name}" for value in (*inputs, *outputs)}
    outside = {new: old for old, new in inside.items()}
    rename_values(graph, inside)
    for value in (*inputs, *outputs):
        value.name = outside[value.name]
    builder = GraphBuilder(graph, "rows")
    axis = builder.constant([0], name="rows_axis")
    count = builder.node("Shape", [inputs[0].name], "count", start=0, end=1)
    for value in inputs:
        _add_at_least_one(builder, value, axis, inside[value.name], (fillers or {}).get(value.name))
    after = [
        helper.make_node(
            "Slice", [inside[value.name], axis, count, axis], [value.name], name=f"rows/all_of_{value.name}"
        )
        for value in outputs
    ]
    whole = [*builder.nodes, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(whole)


def _add_at_least_one(builder: GraphBuilder, value: ValueInfoProto, axis: str, name: str, filler: Any) -> None:
    """Adds what fills up axes of length 0 to length 1."""
    tensor = value.type.tensor_type
    zero = builder.constant(0, name="rows_none")
    shape = builder.node("Shape", [value.name], "shape")
    is_none = builder.node("Equal", [shape, zero], "is_none")
    missing = builder.node("Cast", [is_none], "missing", to=TensorProto.INT64)
    if tensor.elem_type == TensorProto.STRING:  # which Pad does not know
        text = builder.constant([filler or ""], object, "rows_empty_text")
        if len(tensor.shape.dim) == 1:
            row = builder.node("Slice", [text, axis, missing, axis], "filler")
        else:
            row = builder.node("Expand", [text, _shape_of_filler(builder, shape, missing, axis)], "filler")
        builder.nodes.append(helper.make_node("Concat", [value.name, row], [name], name=name, axis=0))
    else:
        in_front = builder.constant([0] * len(tensor.shape.dim), name="rows_in_front")
        pads = builder.node("Concat", [in_front, missing], "pads", axis=0)
        inputs = [value.name, pads]
        if filler:
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            inputs.append(builder.constant(filler, dtype, "rows_filler"))
        builder.nodes.append(helper.make_node("Pad", inputs, [name], name=name))


def _shape_of_filler(builder: GraphBuilder, shape: str, missing: str, axis: str) -> str:
    """Adds the shape of the rows that are missing, as long as those that are there."""
    one, end = (builder.constant([value], name=f"rows_{what}") for value, what in ((1, "one"), (INT64_MAX, "end")))
    rows = builder.node("Slice", [missing, axis, one, axis], "missing_rows")
    rest = builder.node("Slice", [shape, one, end, axis], "row_shape")
    return builder.node("Concat", [rows, rest], "filler_shape", axis=0)


def _has_batch(value: ValueInfoProto) -> bool:
    dims = value.type.tensor_type.shape.dim
    return bool(dims) and dims[0].dim_param == BATCH

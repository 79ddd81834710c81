"""A batch of no rows is answered by no rows, whatever onnxruntime's operators make of it."""

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.passes import rename_values

BATCH = "batch"


def answer_no_rows(graph: GraphProto) -> None:
    """Lets a file run one row, of padding or an empty text, where it is given none, and leaves its answer out.

    onnxruntime (1.32) raises an error over no rows in some of its operators, and its `LSTM` and `GRU` end the process.
    Where ids have no step, they get one of padding too.

    Args:
        graph: a finished graph, whose inputs are texts (batch,) and arrays (batch, ...); changed in place. What has no
            axis that is called ``batch`` stays as it is.
    """
    inputs, outputs = ([value for value in values if _has_batch(value)] for values in (graph.input, graph.output))
    if not inputs:
        return
    inside = {value.name: f"rows/{value.name}" for value in (*inputs, *outputs)}
    outside = {new: old for old, new in inside.items()}
    rename_values(graph, inside)
    for value in (*inputs, *outputs):
        value.name = outside[value.name]
    builder = GraphBuilder(graph, "rows")
    axis = builder.constant([0], name="rows_axis")
    count = builder.node("Shape", [inputs[0].name], "count", start=0, end=1)
    for value in inputs:
        _add_at_least_one(builder, value, axis, inside[value.name])
    after = [
        helper.make_node(
            "Slice", [inside[value.name], axis, count, axis], [value.name], name=f"rows/all_of_{value.name}"
        )
        for value in outputs
    ]
    whole = [*builder.nodes, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(whole)


def _add_at_least_one(builder: GraphBuilder, value: ValueInfoProto, axis: str, name: str) -> None:
    """Adds what fills up axes of length 0 to length 1."""
    tensor = value.type.tensor_type
    zero = builder.constant(0, name="rows_none")
    is_none = builder.node("Equal", [builder.node("Shape", [value.name], "shape"), zero], "is_none")
    missing = builder.node("Cast", [is_none], "missing", to=TensorProto.INT64)
    if tensor.elem_type == TensorProto.STRING:  # which Pad does not know
        empty = builder.constant([""], object, "rows_empty_text")
        if len(tensor.shape.dim) == 1:
            filler = builder.node("Slice", [empty, axis, missing, axis], "filler")
        else:
            first = builder.node("Slice", [missing, axis, builder.constant([1], name="rows_one"), axis], "missing_rows")
            others = builder.node("Shape", [value.name], "others", start=1)
            filler_shape = builder.node("Concat", [first, others], "filler_shape", axis=0)
            filler = builder.node("Expand", [empty, filler_shape], "filler")
        builder.nodes.append(helper.make_node("Concat", [value.name, filler], [name], name=name, axis=0))
    else:
        in_front = builder.constant([0] * len(tensor.shape.dim), name="rows_in_front")
        pads = builder.node("Concat", [in_front, missing], "pads", axis=0)
        builder.nodes.append(helper.make_node("Pad", [value.name, pads], [name], name=name))


def _has_batch(value: ValueInfoProto) -> bool:
    dims = value.type.tensor_type.shape.dim
    return bool(dims) and dims[0].dim_param == BATCH

"""A recurrence twice, as its operator and as a `Scan`, and an `If` that runs the faster one for the number of rows."""

from collections.abc import Callable

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.masking import Mask
from seqkit_onnx.lowering.native_operator import add_operator
from seqkit_onnx.lowering.recurrence import Recurrence
from seqkit_onnx.lowering.scan import add_scan

# From so many rows on, a Scan was faster on two cores: 100 steps of 128 units, 50 of 512, 400 of 64.
MANY_ROWS = {"RNN": 2, "GRU": 16}


def add_by_rows(
    builder: GraphBuilder, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str], many: int
) -> tuple[str, list[str]]:
    """Adds a recurrence that is run as a `Scan` from `many` rows on; it takes and gives what `add_operator` does."""

    def branch(add: Callable, name: str) -> GraphProto:
        nodes, prefix = builder.nodes, builder.prefix
        builder.nodes = []
        builder.prefix = f"{prefix}/{name}" if name else prefix
        y, finals = add(builder, recurrence, x, mask, states)
        outputs = [_value(final, *axes_of_final) for final in finals]
        if recurrence.return_sequences:
            outputs.insert(0, _value(y, None, *axes_of_final))
        graph = helper.make_graph(builder.nodes, name or "operator", [], outputs)
        builder.nodes, builder.prefix = nodes, prefix
        return graph

    cell = recurrence.directions[0]
    axes_of_final = (len(recurrence.directions), None, cell.units)
    rows = builder.squeeze(builder.node("Shape", [x], "rows", start=1, end=2), 0)
    has_many = builder.node("GreaterOrEqual", [rows, builder.constant(many, name="many_rows")], "has_many_rows")
    few_branch, many_branch = branch(add_operator, ""), branch(add_scan, "scan")
    count = len(few_branch.output)
    outputs = builder.node_with(count, "If", [has_many], "by_rows", then_branch=many_branch, else_branch=few_branch)
    return (outputs[0], outputs[1:]) if recurrence.return_sequences else ("", outputs)


def _value(name: str, *axes: int | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)

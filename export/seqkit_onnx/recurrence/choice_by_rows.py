"""A recurrence twice, as its operator and as a `Scan`, and an `If` that runs the faster one for the number of rows."""

from collections.abc import Callable

from onnx import GraphProto, TensorProto, ValueInfoProto, helper, numpy_helper

from seqkit_onnx.cells.operators import CellOperator
from seqkit_onnx.cells.recurrence import Lookup, Recurrence
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.recurrence.masking import Mask
from seqkit_onnx.recurrence.native_operator import add_operator
from seqkit_onnx.recurrence.scan import add_scan

# Takes a cell and whether the product of its input is looked up; returns from how many rows on a `Scan` is run instead
# of the operator: from 0, always; from `None`, never.
ScanFrom = Callable[[CellOperator, bool], int | None]


_HAS_MANY_ROWS = "has_many_rows"


def never(_cell: CellOperator, _is_looked_up: bool) -> None:
    """Keeps every operator."""


def always(cell: CellOperator, _is_looked_up: bool) -> int | None:
    """Makes a `Scan` of all but LSTM, whose operator runs its rows in parallel, and is mostly faster."""
    return None if cell.op_type == "LSTM" else 0


def where_faster(cell: CellOperator, is_looked_up: bool) -> int | None:
    """Makes a `Scan` for so many rows as it was faster for than the operator.

    That was measured on two cores, with 64, 128, 256 and 512 units and 1 to 256 rows: the larger the products in each
    step are, the sooner a loop of few nodes is worth it.
    """
    units = cell.units
    if cell.op_type == "RNN":
        return 0 if is_looked_up and units >= 128 else 2
    if cell.op_type == "GRU":
        rows = min(16, 1024 // units) if is_looked_up else 16
    elif is_looked_up and units >= 256:
        rows = 2**20 // units**2
    else:
        return None
    return rows if rows > 1 else 0


def add_by_rows(
    builder: GraphBuilder,
    recurrence: Recurrence,
    x: str,
    mask: Mask | None,
    states: list[str],
    lookup: Lookup | None,
    many: int,
) -> tuple[str, list[str]]:
    """Adds a recurrence that is run as a `Scan` from `many` rows on; it takes and gives what `add_scan` does."""

    def operator() -> tuple[str, list[str]]:
        # Looked up in this branch, for the other does not read it.
        own = builder.node("Gather", [lookup.table, lookup.ids], "embedded", axis=0) if lookup else x
        return add_operator(builder, recurrence, own, mask, states)

    def scan() -> tuple[str, list[str]]:
        return add_scan(builder, recurrence, x, mask, states, lookup)

    def branch(add: Callable[[], tuple[str, list[str]]], name: str) -> GraphProto:
        nodes, prefix = builder.nodes, builder.prefix
        builder.nodes, builder.prefix = [], f"{prefix}/{name}" if name else prefix
        y, finals = add()
        outputs = [_value(y, None, *axes_of_final)] if recurrence.return_sequences else []
        read = finals if recurrence.gives_states else finals[:1]
        outputs += [_value(final, *axes_of_final) for final in read]
        graph = helper.make_graph(builder.nodes, name or "operator", [], outputs)
        builder.nodes, builder.prefix = nodes, prefix
        return graph

    axes_of_final = (len(recurrence.directions), None, recurrence.units)
    steps = lookup.ids if lookup else x  # (time, batch, ..)
    rows = builder.squeeze(builder.node("Shape", [steps], "rows", start=1, end=2), 0)
    has_many = builder.node("GreaterOrEqual", [rows, builder.constant(many, name="many_rows")], _HAS_MANY_ROWS)
    few_branch, many_branch = branch(operator, ""), branch(scan, "scan")
    count = len(few_branch.output)
    outputs = builder.node_with(count, "If", [has_many], "by_rows", then_branch=many_branch, else_branch=few_branch)
    return (outputs[0], outputs[1:]) if recurrence.return_sequences else ("", outputs)


def both_sides(graph: GraphProto) -> list[int]:
    """Returns numbers of rows on both sides of each number from which a graph does otherwise."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    limits = {
        int(numpy_helper.to_array(constants[node.input[1]]))
        for node in graph.node
        if node.op_type == "GreaterOrEqual" and node.name.rpartition("/")[2].startswith(_HAS_MANY_ROWS)
    }
    return sorted({limit - side for limit in limits for side in (1, 0)} - {0})


def _value(name: str, *axes: int | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)

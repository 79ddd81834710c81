"""What an exported file holds, in one line."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import onnx

from seqkit_onnx.runtime.description import readable_size

RECURRENT_OPERATORS = ("LSTM", "GRU", "RNN", "Scan")  # not Loop: lower-casing has one


def summarize(path: Path) -> str:
    """Describes a file.

    Args:
        path: the file.

    Returns:
        Its size, its inputs and outputs with their axes, and how many recurrent operators it has.

    Raises:
        OSError: the file cannot be read.

    Example:
    >>> import tempfile
    >>> from onnx import TensorProto, helper
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Tanh", ["x"], ["y"])], "tanh", [x], [y])
    >>> path = Path(tempfile.mkdtemp(), "tanh.onnx")
    >>> onnx.save(helper.make_model(graph), path)
    >>> summarize(path).partition(" bytes, ")[2]
    'x (batch, 3) -> y (batch, 3), no native recurrent operator'
    """
    graph = onnx.load(path).graph
    counts = Counter(node.op_type for node in _nodes(graph) if node.op_type in RECURRENT_OPERATORS and not node.domain)
    operators = ", ".join(f"{counts[kind]} {kind}" for kind in RECURRENT_OPERATORS if counts[kind])
    signature = f"{_values(graph.input)} -> {_values(graph.output)}"
    return f"{readable_size(path.stat().st_size)}, {signature}, {operators or 'no native recurrent operator'}"


def _values(values: Iterable[onnx.ValueInfoProto]) -> str:
    return ", ".join(f"{value.name} ({', '.join(_axes(value))})" for value in values)


def _axes(value: onnx.ValueInfoProto) -> list[str]:
    dims = value.type.tensor_type.shape.dim
    return [str(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or "?" for dim in dims]


def _nodes(graph: onnx.GraphProto) -> Iterable[onnx.NodeProto]:
    """Yields the nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)

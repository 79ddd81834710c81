"""Looking into exported graphs, shared by the suites of exports."""

from collections.abc import Iterator

import onnx


def graphs_of(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Goes through a graph and all that its nodes hold."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def count_of(graph: onnx.GraphProto, operator: str) -> int:
    return sum(node.op_type == operator for node in graph.node)

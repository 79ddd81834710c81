"""Joins converted graphs into one: names made distinct, equal weights kept once."""

import hashlib
from collections.abc import Iterable, Iterator

from onnx import GraphProto, NodeProto, TensorProto

from seqkit_onnx.passes.passes import rename_values


class GraphJoiner:
    """Moves parts into a main graph.

    Args:
        main: the graph that weights and constants go to; changed in place.
    """

    def __init__(self, main: GraphProto):
        self.main = main
        self._by_content: dict[tuple, str] = {}

    def join(self, part: GraphProto, prefix: str, bindings: dict[str, str]) -> dict[str, str]:
        """Prepares a part: its names get a prefix, and its constants move to the main graph.

        Args:
            part: a graph of its own; changed in place: its nodes may then stand in the main graph or in one inside it.
            prefix: what its names begin with.
            bindings: for inputs of the part, the value that each becomes; it may be left out for others.

        Returns:
            The new name of each input and output.
        """
        names = {name: f"{prefix}/{name}" for name in _all_names(part)} | bindings
        for tensor in list(part.initializer):
            names[tensor.name] = self._shared(tensor)
        ends = [value.name for value in (*part.input, *part.output)]
        del part.initializer[:]
        del part.value_info[:]
        rename_values(part, names)
        _rename_nodes(part, prefix)
        return {name: names[name] for name in ends}

    def _shared(self, tensor: TensorProto) -> str:
        """Returns the name of an equal tensor of the main graph, which is added where there is none."""
        content = TensorProto()
        content.CopyFrom(tensor)
        content.ClearField("name")
        digest = hashlib.sha256(content.SerializeToString(deterministic=True)).digest()
        key = (tuple(tensor.dims), tensor.data_type, digest)
        if key not in self._by_content:
            taken = {each.name for each in self.main.initializer}
            name, count = tensor.name, 1
            while name in taken:
                name, count = f"{tensor.name}_{count}", count + 1
            self.main.initializer.add().CopyFrom(tensor)
            self.main.initializer[-1].name = name
            self._by_content[key] = name
        return self._by_content[key]


def invariant_nodes(body: GraphProto) -> list[NodeProto]:
    """Takes nodes out of a loop's body whose values are the same in each step.

    Args:
        body: the body; changed in place. It has no constants of its own.

    Returns:
        The nodes, in order; they belong before the loop.
    """
    varying = {value.name for value in body.input}
    outputs = {value.name for value in body.output}
    moved, kept = [], []
    for node in body.node:
        names = set(reads(node))
        if names & varying or outputs.intersection(node.output):
            varying.update(node.output)
            kept.append(node)
        else:
            moved.append(node)
    kept = list(map(_copy, kept))
    moved = list(map(_copy, moved))
    del body.node[:]
    body.node.extend(kept)
    return moved


def reads(node: NodeProto) -> Iterator[str]:
    """Yields all that a node reads, in its subgraphs too; what these make themselves is among it."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                yield from reads(inner)
            yield from (output.name for output in attribute.g.output)


def _copy(node: NodeProto) -> NodeProto:
    copied = NodeProto()
    copied.CopyFrom(node)
    return copied


def _all_names(graph: GraphProto) -> set[str]:
    names = {value.name for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)}
    for node in graph.node:
        names.update(name for name in (*node.input, *node.output) if name)
        for subgraph in _subgraphs(node):
            names |= _all_names(subgraph)
    return names


def _rename_nodes(graph: GraphProto, prefix: str) -> None:
    for node in graph.node:
        node.name = f"{prefix}/{node.name}"
        for subgraph in _subgraphs(node):
            subgraph.name = f"{prefix}/{subgraph.name}"
            _rename_nodes(subgraph, prefix)


def _subgraphs(node: NodeProto) -> Iterable[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))

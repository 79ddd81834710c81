"""Small clean-ups of a finished graph, each one pass."""

from collections.abc import Iterable

from onnx import GraphProto, NodeProto

_OPERATORS_WITH_OPTIONAL_OUTPUTS = {"LSTM", "GRU", "RNN"}


def rename_values(graph: GraphProto, names: dict[str, str]) -> None:
    """Gives values of a graph other names, wherever they stand.

    Args:
        graph: the graph, its subgraphs included; changed in place.
        names: the new name of each old one.
    """
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for subgraph in _subgraphs(node):
            rename_values(subgraph, names)
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = names.get(value.name, value.name)


def remove_identities(graph: GraphProto) -> None:
    """Removes Identity nodes of the main graph: what read their output reads their input."""
    outputs = {output.name for output in graph.output}
    outer = {value.name for value in (*graph.input, *graph.initializer)}
    sources: dict[str, str] = {}
    for node in list(graph.node):
        if node.op_type != "Identity" or node.domain:
            continue
        source, target = sources.get(node.input[0], node.input[0]), node.output[0]
        if target not in outputs:
            sources[target] = source
            graph.node.remove(node)
        elif source not in outer | outputs:
            # The source takes the output's name; everything that read it reads the output.
            graph.node.remove(node)
            rename_values(graph, {source: target})
            sources = {old: target if new == source else new for old, new in sources.items()}
    rename_values(graph, sources)


def remove_dead_nodes(graph: GraphProto) -> None:
    """Removes nodes and initializers of the main graph that no output needs; optional outputs too."""
    wanted = {output.name for output in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(list(graph.node)):
        if not wanted.intersection(node.output):
            continue
        if node.op_type in _OPERATORS_WITH_OPTIONAL_OUTPUTS:
            node.output[:] = [name if name in wanted else "" for name in node.output]
            while not node.output[-1]:
                del node.output[-1]
        kept.append(node)
        wanted.update(_reads(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    needed = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(needed)
    del graph.value_info[:]


def _subgraphs(node: NodeProto) -> Iterable[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def _reads(node: NodeProto) -> set[str]:
    names = set(node.input)
    for subgraph in _subgraphs(node):
        names.update(output.name for output in subgraph.output)
        for inner in subgraph.node:
            names |= _reads(inner)
    return names

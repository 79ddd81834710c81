"""Small clean-ups of a finished graph, each one pass."""

from collections.abc import Iterable

from onnx import GraphProto, NodeProto

_OPERATORS_WITH_OPTIONAL_OUTPUTS = {"LSTM", "GRU", "RNN"}
_DOMAINS_OF_ONNX = ("", "ai.onnx.ml")


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
        wanted.update(reads(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    needed = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(needed)
    unknown = {output for node in kept if node.domain not in _DOMAINS_OF_ONNX for output in node.output}
    described = [value for value in graph.value_info if value.name in unknown]  # the rest can be inferred
    del graph.value_info[:]
    graph.value_info.extend(described)


def move_weights_into_branches(graph: GraphProto) -> None:
    """Moves the weights that are read by loops of one branch, and nowhere else, from the main graph into that branch.

    onnxruntime (1.32) packs a weight for its products when it opens the file, if the weight stands in the loop or in
    the graph around it; not if it stands further out, and those products then take a fifth longer.
    """
    branches = [branch for node in graph.node for branch in _subgraphs(node)]
    inside = [
        {name for node in branch.node for loop in _subgraphs(node) for name in _reads_of(loop)} for branch in branches
    ]
    outside = {name for node in graph.node for name in node.input}
    outside |= {name for branch in branches for node in branch.node for name in node.input}
    for tensor in list(graph.initializer):
        readers = [branch for branch, names in zip(branches, inside, strict=True) if tensor.name in names]
        if len(readers) == 1 and tensor.name not in outside:
            readers[0].initializer.append(tensor)
            graph.initializer.remove(tensor)


def _subgraphs(node: NodeProto) -> Iterable[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def reads(node: NodeProto) -> set[str]:
    """Returns the names of what a node reads, the graphs inside it included."""
    names = set(node.input)
    for subgraph in _subgraphs(node):
        names |= _reads_of(subgraph)
    return names


def _reads_of(graph: GraphProto) -> set[str]:
    return {output.name for output in graph.output}.union(*map(reads, graph.node))

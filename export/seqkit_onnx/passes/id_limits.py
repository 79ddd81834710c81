"""What a graph does with its inputs: which are looked up in tables, and which recurrences begin with."""

from onnx import GraphProto

# What gives a value's ids on as they are, in another order or shape.
_GIVES_ON = {
    "Cast",
    "Identity",
    "Transpose",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Split",
    "Gather",
    "GatherElements",
    "ReverseSequence",
}


def id_limits(graph: GraphProto) -> dict[str, int]:
    """Returns, for each input that is looked up in tables of weights, the size of the smallest one.

    Args:
        graph: a finished graph; branches and loops are looked into.
    """
    found: dict[str, int] = {}
    _walk(graph, {value.name: value.name for value in graph.input}, {}, found)
    return found


def initial_states(graph: GraphProto) -> set[str]:
    """Returns the inputs that recurrences begin with: states, which are of the size of what recurrences give.

    Args:
        graph: a finished graph; branches are not looked into.
    """
    sources = {value.name: value.name for value in graph.input}
    found: set[str] = set()
    for node in graph.node:
        begins = _BEGINS.get(node.op_type)
        if begins is not None:
            found.update(sources[name] for name in node.input[begins] if name in sources)
        elif node.op_type in _GIVES_ON | {"Concat", "Expand", "Where"}:
            own = [sources[name] for name in node.input if name in sources]
            sources.update((output, own[0]) for output in node.output if own)
    return found


# Which inputs of an operator are the states that it begins with.
_BEGINS = {"LSTM": slice(5, 7), "GRU": slice(5, 6), "RNN": slice(5, 6), "Loop": slice(2, None), "Scan": slice(0, None)}


def _walk(graph: GraphProto, sources: dict[str, str], tables: dict[str, int], found: dict[str, int]) -> None:
    """Follows each input through the nodes of a graph; `sources` says which input a value comes from."""
    tables = {**tables, **{tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}}
    sources = dict(sources)
    for node in graph.node:
        if node.op_type == "MatMul" and all(name in tables for name in node.input):
            tables[node.output[0]] = tables[node.input[0]]  # a table that is multiplied by a kernel when it is opened
        looked_up = node.op_type == "Gather" and node.input[0] in tables and node.input[1] in sources
        if looked_up and not any(attribute.name == "axis" and attribute.i for attribute in node.attribute):
            name = sources[node.input[1]]
            found[name] = min(found.get(name, tables[node.input[0]]), tables[node.input[0]])
        elif node.op_type in _GIVES_ON and node.input[0] in sources:
            sources.update((output, sources[node.input[0]]) for output in node.output)
        elif node.op_type == "Where":  # a mask may choose which ids are read
            sources.update((node.output[0], sources[name]) for name in node.input[1:] if name in sources)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _walk(attribute.g, sources, tables, found)

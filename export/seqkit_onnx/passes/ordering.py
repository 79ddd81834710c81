"""One order for the nodes and weights of a graph, whatever order they came in."""

from onnx import GraphProto, NodeProto


def put_in_order(graph: GraphProto) -> None:
    """Orders nodes and initializers by where the outputs first need them, so that equal models give equal files.

    tf2onnx's order depends on the hashes of names that it counts up in each process.

    Args:
        graph: the graph, its subgraphs included; changed in place. What no output needs comes last.
    """
    producers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    needs = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                put_in_order(attribute.g)
        needs.append(_needed_names(node))
    wanted = [output.name for output in graph.output]
    order = _depth_first(wanted, producers, needs)
    order += sorted(set(range(len(needs))).difference(order))
    rank: dict[str, int] = {}
    for name in [name for index in order for name in needs[index]] + wanted:
        rank.setdefault(name, len(rank))
    place = {index: position for position, index in enumerate(order)}
    graph.node.sort(key=lambda node: place[producers[next(filter(None, node.output))]])
    graph.initializer.sort(key=lambda tensor: rank.get(tensor.name, len(rank)))


def _depth_first(wanted: list[str], producers: dict[str, int], needs: list[list[str]]) -> list[int]:
    """Lists nodes so that each follows those that it needs; without recursion, for graphs that are deep."""
    order: list[int] = []
    seen: set[int] = set()
    for output in wanted:
        waiting = [(producers[output], False)] if output in producers else []
        while waiting:
            index, needs_are_there = waiting.pop()
            if needs_are_there:
                order.append(index)
            elif index not in seen:
                seen.add(index)
                waiting.append((index, True))
                waiting.extend((producers[name], False) for name in reversed(needs[index]) if name in producers)
    return order


def _needed_names(node: NodeProto) -> list[str]:
    names = list(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                names += _needed_names(inner)
            names += [output.name for output in attribute.g.output]
    return [name for name in names if name]

"""Clean-ups of a graph that reads one token: what is written for any number of steps, made smaller for one."""

from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from seqkit_onnx.passes.joining import reads
from seqkit_onnx.passes.passes import remove_identities

_RECURRENT = {"LSTM", "GRU", "RNN"}


def simplify_step(graph: GraphProto) -> None:
    """Applies all passes of this file; the graph is changed in place."""
    _output_of_the_only_step(graph)
    _columns_turned_to_rows(graph)
    _first_of_the_largest(graph)
    _constants_added_once(graph)
    _negative_indices_left_to_gather(graph)
    remove_unread(graph)


def carry_expanded(graph: GraphProto, states: list[str]) -> list[str]:
    """Lets states keep the form that recurrent operators take and give: (1, batch, units) for (batch, units).

    Args:
        graph: a step, whose input ``x`` is carried on by the output ``x_output``; changed in place.
        states: names of inputs.

    Returns:
        The states of which it was possible: whose input is only unsqueezed, and whose output is squeezed.
    """
    return [state for state in states if _carry_expanded(graph, state)]


def remove_unread(graph: GraphProto) -> None:
    """Removes nodes whose results nobody reads."""
    wanted = {value.name for value in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(list(graph.node)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(reads(node))
    copies = [NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del graph.node[:]
    graph.node.extend(copies)


def _carry_expanded(graph: GraphProto, state: str) -> bool:
    readers = [node for node in graph.node if state in node.input]
    makers = _makers(graph)
    squeeze = makers.get(f"{state}_output")
    unsqueezed = [node for node in readers if node.op_type == "Unsqueeze" and _constant(graph, node.input[1]) == [0]]
    if not readers or len(readers) != len(unsqueezed) or squeeze is None or squeeze.op_type != "Squeeze":
        return False
    for node in unsqueezed:
        node.op_type = "Identity"
        del node.input[1:]
    expanded, old = squeeze.input[0], squeeze.output[0]
    # What else reads the output takes it squeezed, as before.
    squeeze.output[0] = f"{old}/flat"
    for node in graph.node:
        node.input[:] = [f"{old}/flat" if name == old else name for name in node.input]
    graph.node.append(helper.make_node("Identity", [expanded], [old], name=f"{old}/as"))
    for value in (*graph.input, *graph.output):
        if value.name in (state, old):
            shape = value.type.tensor_type.shape
            dims = [_copied(dim) for dim in shape.dim]
            del shape.dim[:]
            shape.dim.add().dim_value = 1
            shape.dim.extend(dims)
    remove_unread(graph)
    remove_identities(graph)
    return True


def _output_of_the_only_step(graph: GraphProto) -> None:
    """Takes an operator's final state for the output of its only step: (1, batch, units) both."""
    makers = _makers(graph)
    for node in graph.node:
        if node.op_type != "Squeeze" or _constant(graph, node.input[1]) != [1]:
            continue
        maker = makers.get(node.input[0])
        if maker is None or maker.op_type not in _RECURRENT or maker.output[0] != node.input[0]:
            continue
        node.op_type = "Identity"
        del node.input[:]
        node.input.append(_final_state(maker))
        if not any(maker.output[0] in other.input for other in graph.node):
            maker.output[0] = ""
    remove_identities(graph)


def _final_state(operator: NodeProto) -> str:
    """Returns the name of a recurrent operator's final state, which gets one where nobody asked for it."""
    if len(operator.output) == 1:
        operator.output.append("")
    operator.output[1] = operator.output[1] or f"{operator.output[0]}/final"
    return operator.output[1]


def _columns_turned_to_rows(graph: GraphProto) -> None:
    """Makes one Unsqueeze of a column that is transposed to a row: (batch, ...) to (1, batch, ...)."""
    makers = _makers(graph)
    for node in graph.node:
        if node.op_type != "Transpose":
            continue
        order = list(node.attribute[0].ints)
        maker = makers.get(node.input[0])
        if order[:2] != [1, 0] or order[2:] != list(range(2, len(order))):
            continue
        if maker is not None and maker.op_type == "Unsqueeze" and _constant(graph, maker.input[1]) == [1]:
            zero = "constant/row_axis"
            if all(tensor.name != zero for tensor in graph.initializer):
                graph.initializer.append(helper.make_tensor(zero, 7, [1], [0]))
            node.op_type = "Unsqueeze"
            del node.attribute[:]
            node.input[:] = [maker.input[0], zero]


def _negative_indices_left_to_gather(graph: GraphProto) -> None:
    """Gives Gather the indices as they are, where the axis's size was added to negative ones: it does so itself."""
    makers = _makers(graph)
    for node in graph.node:
        where = makers.get(node.input[1]) if node.op_type == "Gather" else None
        if where is None or where.op_type != "Where":
            continue
        is_negative, added = makers.get(where.input[0]), makers.get(where.input[1])
        indices = where.input[2]
        if is_negative is None or added is None or is_negative.op_type != "Less" or added.op_type != "Add":
            continue
        axis = next((each.i for each in node.attribute if each.name == "axis"), 0)
        compared = _without_casts(makers, is_negative.input[0]) == _without_casts(makers, indices)
        size = _size_of_axis(graph, makers, added.input[1])
        if compared and added.input[0] == indices and size == (node.input[0], axis):
            node.input[1] = indices


def _without_casts(makers: dict[str, NodeProto], name: str) -> str:
    while name in makers and makers[name].op_type == "Cast":
        name = makers[name].input[0]
    return name


def _size_of_axis(graph: GraphProto, makers: dict[str, NodeProto], name: str) -> tuple[str, int] | None:
    """Returns x and the axis of ``Squeeze(Slice(Cast(Shape(x)), axis, axis + 1))``, or `None`."""
    squeeze = makers.get(name)
    cut = makers.get(squeeze.input[0]) if squeeze is not None and squeeze.op_type == "Squeeze" else None
    if cut is None or cut.op_type != "Slice":
        return None
    first, end = (_constant(graph, each) for each in cut.input[1:3])
    shape = makers.get(_without_casts(makers, cut.input[0]))
    if shape is None or shape.op_type != "Shape" or not first or end != [first[0] + 1]:
        return None
    return shape.input[0], first[0]


def _first_of_the_largest(graph: GraphProto) -> None:
    """Writes an ArgMax for the smallest index at which the largest value stands: both take the first of equals."""
    makers = _makers(graph)
    for node in list(graph.node):
        values = _indexed_largest(graph, makers, node)
        if values is None:
            continue
        index = f"{node.output[0]}/index"
        largest = helper.make_node("ArgMax", [values], [index], name=index, axis=-1, keepdims=0)
        replaced = helper.make_node("Cast", [index], [node.output[0]], name=node.name, to=TensorProto.INT32)
        place = list(graph.node).index(node)
        graph.node.remove(node)
        graph.node.insert(place, replaced)
        graph.node.insert(place, largest)


def _indexed_largest(graph: GraphProto, makers: dict[str, NodeProto], smallest: NodeProto) -> str | None:
    """Returns x of ``ReduceMin(Where(x >= ReduceMax(x), 0 1 2 ..., size))``, or `None`."""
    where = makers.get(smallest.input[0]) if smallest.op_type == "ReduceMin" else None
    compared = makers.get(where.input[0]) if where is not None and where.op_type == "Where" else None
    if where is None or compared is None or compared.op_type != "GreaterOrEqual":
        return None
    values, largest = compared.input[0], makers.get(compared.input[1])
    indices, size = _constant(graph, where.input[1]), _constant(graph, where.input[2])
    is_reduced = largest is not None and largest.op_type == "ReduceMax" and largest.input[0] == values
    is_indexed = indices is not None and indices == list(range(len(indices))) and size == [len(indices)]
    return values if is_reduced and is_indexed else None


def _constants_added_once(graph: GraphProto) -> None:
    """Adds the sum of two constants instead of one after the other."""
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    makers = _makers(graph)
    for node in graph.node:
        if node.op_type != "Add" or node.input[1] not in arrays:
            continue
        inner = makers.get(node.input[0])
        if inner is None or inner.op_type != "Add" or inner.input[1] not in arrays:
            continue
        if sum(inner.output[0] in other.input for other in graph.node) != 1:
            continue
        total = numpy_helper.to_array(arrays[inner.input[1]]) + numpy_helper.to_array(arrays[node.input[1]])
        name = f"{inner.input[1]}_and_bans"
        graph.initializer.append(numpy_helper.from_array(total, name))
        node.input[:] = [inner.input[0], name]


def _makers(graph: GraphProto) -> dict[str, NodeProto]:
    return {output: node for node in graph.node for output in node.output if output}


def _constant(graph: GraphProto, name: str) -> list | None:
    for tensor in graph.initializer:
        if tensor.name == name:
            return numpy_helper.to_array(tensor).ravel().tolist()
    return None


def _copied(dim):
    copied = type(dim)()
    copied.CopyFrom(dim)
    return copied

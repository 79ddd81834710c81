"""The order of nodes and weights depends on what a graph computes, not on how it was written down."""

import random

import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import GraphProto, TensorProto, helper
from seqkit_onnx.passes.ordering import put_in_order


@st.composite
def graphs(draw: st.DrawFn) -> GraphProto:
    """Sums of earlier values, some in the branch of an `If`; not all are needed."""
    names, nodes = ["x", "w0", "w1", "w2"], []
    for index in range(draw(st.integers(1, 12))):
        pair = [draw(st.sampled_from(names)) for _ in range(2)]
        if draw(st.booleans()):
            inner = helper.make_node("Add", pair, [f"inner{index}"])
            value = helper.make_tensor_value_info(f"inner{index}", TensorProto.FLOAT, [1])
            branch = helper.make_graph([inner], "branch", [], [value])
            nodes.append(helper.make_node("If", ["yes"], [f"v{index}"], then_branch=branch, else_branch=branch))
        else:
            nodes.append(helper.make_node("Add", pair, [f"v{index}"]))
        names.append(f"v{index}")
    outputs = draw(st.lists(st.sampled_from([name for name in names if name[0] == "v"]), min_size=1, unique=True))
    weights = [helper.make_tensor(f"w{index}", TensorProto.FLOAT, [1], [index]) for index in range(3)]
    weights.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ["x", *outputs]]
    return helper.make_graph(nodes, "sums", infos[:1], infos[1:], weights)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_is_the_same_however_the_graph_was_written(graph: GraphProto, chance: random.Random):
    shuffled = GraphProto.FromString(graph.SerializeToString())
    keys = [chance.random() for _ in range(len(graph.node) + len(graph.initializer))]
    shuffled.node.sort(key=lambda _: keys.pop())
    shuffled.initializer.sort(key=lambda _: keys.pop())
    put_in_order(graph)
    put_in_order(shuffled)
    needed = _needed(graph)
    assert list(graph.node)[:needed] == list(shuffled.node)[:needed]
    used = {name for node in list(graph.node)[:needed] for name in _reads(node)}
    assert [each for each in graph.initializer if each.name in used] == [
        each for each in shuffled.initializer if each.name in used
    ]
    sums = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(sums)  # refuses a node that stands before what it reads


def _needed(graph: GraphProto) -> int:
    """How many nodes the outputs need."""
    by_output = {node.output[0]: node for node in graph.node}
    waiting, found = [value.name for value in graph.output], set()
    while waiting:
        name = waiting.pop()
        if name in by_output and name not in found:
            found.add(name)
            waiting += _reads(by_output[name])
    return len(found)


def _reads(node: onnx.NodeProto) -> list[str]:
    branches = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*node.input, *(name for branch in branches for inner in branch.node for name in inner.input)]

"""Graphs that are joined compute what they computed apart, and equal weights are there once."""

import numpy as np
import onnx
import onnxruntime
from onnx import GraphProto, TensorProto, helper, numpy_helper
from seqkit_onnx.passes.joining import GraphJoiner, invariant_nodes, reads

FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64


def described(name: str, kind: int = FLOAT, axes: tuple = ("batch",)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, axes)


def scaled(factor: float, weight: str = "weight") -> GraphProto:
    """A part: y = x * factor + 1, where x is positive, else x, by an If whose branches read what is outside."""
    branches = [
        helper.make_graph([helper.make_node("Add", ["product", "one"], ["then_y"], name="add")], "then", [], []),
        helper.make_graph([helper.make_node("Identity", ["x"], ["else_y"], name="same")], "else", [], []),
    ]
    for branch, name in zip(branches, ("then_y", "else_y"), strict=True):
        branch.output.append(described(name))
    nodes = [
        helper.make_node("Mul", ["x", weight], ["product"], name="mul"),
        helper.make_node("ReduceMin", ["x"], ["least"], name="least", keepdims=0),
        helper.make_node("Greater", ["least", "zero"], ["positive"], name="greater"),
        helper.make_node("If", ["positive"], ["y"], name="if", then_branch=branches[0], else_branch=branches[1]),
    ]
    tensors = [(weight, factor), ("one", 1.0), ("zero", 0.0)]
    weights = [numpy_helper.from_array(np.float32(value), name) for name, value in tensors]
    return helper.make_graph(nodes, "part", [described("x")], [described("y")], weights)


def joined(*parts: GraphProto) -> GraphProto:
    """A main graph in which each part takes what the one before gives."""
    main = helper.make_graph([], "main", [described("x")], [])
    joiner, value = GraphJoiner(main), "x"
    for index, part in enumerate(parts):
        names = joiner.join(part, f"part_{index}", {"x": value})
        main.node.extend(part.node)
        value = names["y"]
    main.output.append(described(value))
    return main


def run(graph: GraphProto, **feeds: object) -> list:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {name: np.asarray(value) for name, value in feeds.items()})


def test_parts_in_a_row_compute_what_they_computed_apart():
    main = joined(scaled(2.0), scaled(3.0), scaled(2.0))
    x = np.array([1.0, 2.0], np.float32)
    [found] = run(main, x=x)
    np.testing.assert_array_equal(found, ((x * 2 + 1) * 3 + 1) * 2 + 1)
    [found] = run(main, x=-x)
    np.testing.assert_array_equal(found, -x)


def test_equal_weights_are_kept_once_and_others_of_the_same_name_get_a_number():
    main = joined(scaled(2.0), scaled(3.0), scaled(2.0), scaled(2.0, "other"), scaled(1.0))
    values = {tensor.name: float(numpy_helper.to_array(tensor)) for tensor in main.initializer}
    assert values == {"weight": 2.0, "one": 1.0, "zero": 0.0, "weight_1": 3.0}


def test_a_weight_of_another_shape_or_type_is_another_weight():
    main = helper.make_graph([], "main", [], [])
    joiner = GraphJoiner(main)
    for array in (np.zeros(4, np.float32), np.zeros((2, 2), np.float32), np.zeros(4, np.int32), np.zeros(4, np.int32)):
        joiner.join(helper.make_graph([], "part", [], [], [numpy_helper.from_array(array, "w")]), "part", {})
    assert [tensor.name for tensor in main.initializer] == ["w", "w_1", "w_2"]


def test_all_names_get_the_prefix_but_for_what_is_bound():
    part = scaled(2.0)
    main = helper.make_graph([], "main", [], [])
    names = GraphJoiner(main).join(part, "here", {"x": "outside"})
    assert names == {"x": "outside", "y": "here/y"}
    mul, _, _, choice = part.node
    assert list(mul.input) == ["outside", "weight"]
    assert (mul.name, choice.name, choice.output[0]) == ("here/mul", "here/if", "here/y")
    [then, other] = [attribute.g for attribute in choice.attribute]
    assert {then.name, other.name} == {"here/then", "here/else"}
    [branch] = [graph for graph in (then, other) if graph.name == "here/then"]
    assert list(branch.node[0].input) == ["here/product", "one"]
    assert branch.output[0].name == "here/then_y"
    assert not part.initializer


def loop_body() -> GraphProto:
    """state += scale * 2 + index; what scale * 2 is does not change."""
    nodes = [
        helper.make_node("Mul", ["scale", "two"], ["doubled"], name="doubled"),
        helper.make_node("Neg", ["doubled"], ["negative"], name="negative"),
        helper.make_node("Cast", ["index"], ["number"], name="number", to=FLOAT),
        helper.make_node("Sub", ["number", "negative"], ["step"], name="step"),
        helper.make_node("Add", ["state", "step"], ["new_state"], name="add"),
        helper.make_node("Identity", ["always"], ["more"], name="more"),
    ]
    inputs = [described("index", INT64, ()), described("goes_on", BOOL, ()), described("state", FLOAT, ())]
    return helper.make_graph(nodes, "body", inputs, [described("more", BOOL, ()), described("new_state", FLOAT, ())])


def loop_graph(move: bool) -> tuple[GraphProto, list[str]]:
    body = loop_body()
    moved = invariant_nodes(body) if move else []
    loop = helper.make_node("Loop", ["trips", "", "begin"], ["end"], name="loop", body=body)
    tensors = [numpy_helper.from_array(np.float32(2), "two"), numpy_helper.from_array(np.bool_(True), "always")]
    tensors.append(numpy_helper.from_array(np.int64(4), "trips"))
    inputs = [described("scale", FLOAT, ()), described("begin", FLOAT, ())]
    graph = helper.make_graph([*moved, loop], "main", inputs, [described("end", FLOAT, ())], tensors)
    return graph, [node.name for node in moved]


def test_what_does_not_change_is_moved_in_its_order_and_the_loop_gives_the_same():
    still, moved = loop_graph(move=True)
    assert moved == ["doubled", "negative"]  # `more` does not change either, but is an output of the body
    feeds = {"scale": np.float32(1.5), "begin": np.float32(7)}
    assert run(still, **feeds) == run(loop_graph(move=False)[0], **feeds) == [7 + 4 * 3 + 0 + 1 + 2 + 3]


def test_a_node_whose_branches_read_what_changes_stays():
    branches = [helper.make_graph([helper.make_node("Neg", ["state"], [name])], name, [], []) for name in "ab"]
    for branch in branches:
        branch.output.append(described(branch.name))
    choice = helper.make_node("If", ["flag"], ["chosen"], then_branch=branches[0], else_branch=branches[1])
    assert {"flag", "state", "a", "b"} == set(reads(choice))
    last = helper.make_node("Neg", ["chosen"], ["result"])
    body = helper.make_graph([choice, last], "body", [described("state")], [described("result")])
    assert invariant_nodes(body) == []
    assert len(body.node) == 2

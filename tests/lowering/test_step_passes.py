"""Passes that make a step smaller do not change what it computes."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import GraphProto, TensorProto, helper, numpy_helper
from seqkit_onnx.passes.step_passes import simplify_step

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT


def run(graph: GraphProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    [output] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)
    return np.asarray(output)


def graph_of(nodes: list, inputs: list, constants: dict[str, np.ndarray], dtype: int = FLOAT) -> GraphProto:
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return helper.make_graph(nodes, "step", inputs, [helper.make_tensor_value_info("y", dtype, None)], initializers)


def gather_graph(axis: int, size_of: str = "x", size_axis: int | None = None) -> GraphProto:
    """What `keras.ops.take` becomes: the size is added to negative indices."""
    size_axis = axis if size_axis is None else size_axis
    nodes = [
        helper.make_node("Cast", ["i"], ["small"], to=TensorProto.INT32),
        helper.make_node("Less", ["small", "zero"], ["negative"]),
        helper.make_node("Shape", [size_of], ["shape"]),
        helper.make_node("Slice", ["shape", "first", "end"], ["part"]),
        helper.make_node("Squeeze", ["part", "no_axis"], ["size"]),
        helper.make_node("Add", ["i", "size"], ["moved"]),
        helper.make_node("Where", ["negative", "moved", "i"], ["right"]),
        helper.make_node("Gather", ["x", "right"], ["y"], axis=axis),
    ]
    constants = {
        "zero": np.array(0, np.int32),
        "first": np.array([size_axis]),
        "end": np.array([size_axis + 1]),
        "no_axis": np.array([0]),
    }
    inputs = [
        helper.make_tensor_value_info("x", FLOAT, [None, None]),
        helper.make_tensor_value_info("z", FLOAT, [None, None]),
        helper.make_tensor_value_info("i", INT64, [None]),
    ]
    return graph_of(nodes, inputs, constants)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1), st.lists(st.integers(-4, 3), min_size=1, max_size=5))
def test_gather_takes_negative_indices_as_they_are(rows, columns, axis, indices):
    x = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    size = x.shape[axis]
    indices = np.array([index % size - size * (index < 0) for index in indices])
    graph = gather_graph(axis)
    simplify_step(graph)
    assert [node.op_type for node in graph.node] == ["Gather"]
    np.testing.assert_array_equal(run(graph, {"x": x, "z": x, "i": indices}), np.take(x, indices, axis))


@pytest.mark.parametrize("arguments", [{"size_of": "z"}, {"size_axis": 1}], ids=["another tensor", "another axis"])
def test_another_size_is_left_alone(arguments):
    graph = gather_graph(0, **arguments)
    simplify_step(graph)
    assert len(graph.node) == 8
    x, z = np.arange(3, dtype=np.float32)[:, None], np.zeros((2, 2), np.float32)
    feeds = {"x": x, "z": z, "i": np.array([-1])}
    size = 2 if "size_of" in arguments else 1
    assert run(graph, feeds)[0, 0] == x[size - 1, 0]


@pytest.mark.parametrize("order", [[1, 0], [1, 0, 2]], ids=str)
def test_a_column_that_becomes_a_row_is_a_row_at_once(order):
    nodes = [
        helper.make_node("Unsqueeze", ["x", "one"], ["column"]),
        helper.make_node("Transpose", ["column"], ["y"], perm=order),
    ]
    shape = [3] * (len(order) - 1)
    make: Callable[[], GraphProto] = lambda: graph_of(  # noqa: E731  # made twice: passes change it in place
        nodes, [helper.make_tensor_value_info("x", FLOAT, shape)], {"one": np.array([1])}
    )
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    graph = make()
    simplify_step(graph)
    assert [node.op_type for node in graph.node] == ["Unsqueeze"]
    np.testing.assert_array_equal(run(graph, {"x": x}), run(make(), {"x": x}))

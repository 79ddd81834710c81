"""Joins the strings of each row inside the graph."""

import numpy as np
from onnx import NodeProto, TensorProto, helper

from seqkit_onnx.graph_builder import GraphBuilder

_STRING, _BOOL, _INT64 = TensorProto.STRING, TensorProto.BOOL, TensorProto.INT64


def join_columns(builder: GraphBuilder, parts: str, empty_column: str, name: str, output: str) -> list[NodeProto]:
    """Joins neighbours two by two until one string is left: in as many rounds as the width has binary digits.

    Args:
        builder: adds what comes before the loop.
        parts: the name of the strings, (batch, width), at least one column.
        empty_column: the name of empty strings, (batch, 1).
        name: what the loop's own names begin with: one that no other part of the file uses.
        output: the name of the result, string (batch,).

    Returns:
        The loop, and what comes after it.
    """
    # Every constant has a name that no other part of a file gives: names are one space, subgraphs included.
    width = builder.node("Shape", [parts], f"{name}_width", start=1, end=2)
    column = builder.constant([1], name=f"{name}_one_column")
    first_axis = builder.constant([0], name=f"{name}_first_axis")
    more = builder.node("Greater", [width, column], f"{name}_more")
    more = builder.node("Squeeze", [more, first_axis], f"{name}_begins")
    body = helper.make_graph(
        [],
        f"{name}_neighbours",
        [
            helper.make_tensor_value_info(f"{name}/round", _INT64, []),
            helper.make_tensor_value_info(f"{name}/go_on", _BOOL, []),
            helper.make_tensor_value_info(f"{name}/parts", _STRING, ["batch", "parts"]),
        ],
        [
            helper.make_tensor_value_info(f"{name}/more", _BOOL, []),
            helper.make_tensor_value_info(f"{name}/joined", _STRING, ["batch", "half"]),
        ],
    )
    inner = GraphBuilder(body, name)
    even = inner.node("Concat", [f"{name}/parts", empty_column], "even", axis=1)  # one more: the last may be alone
    one, step = inner.constant([1], name=f"{name}_one"), inner.constant([2], name=f"{name}_step")
    end = inner.constant([np.iinfo(np.int64).max], name=f"{name}_end")
    zero = inner.constant([0], name=f"{name}_zero")
    left = inner.node("Slice", [f"{name}/parts", zero, end, one, step], "left")
    right = inner.node("Slice", [even, one, end, one, step], "right")
    inner.nodes.append(helper.make_node("StringConcat", [left, right], [f"{name}/joined"], name=f"{name}/concat"))
    count = inner.node("Shape", [f"{name}/joined"], "count", start=1, end=2)
    left_over = inner.node("Greater", [count, one], "left_over")
    inner.nodes.append(helper.make_node("Squeeze", [left_over, zero], [f"{name}/more"], name=f"{name}/go"))
    body.node.extend(inner.nodes)
    whole = f"{output}/one_part"
    loop = helper.make_node("Loop", ["", more, parts], [whole], name=f"{name}/loop", body=body)
    return [loop, helper.make_node("Squeeze", [whole, column], [output], name=f"{name}/end")]

"""Writes ONNX nodes in the place of a TensorFlow node, while tf2onnx converts a graph."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tf2onnx.handler import tf_op

from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


class NodeWriter:
    """Writes what replaces one node.

    Args:
        ctx: tf2onnx's graph.
        node: the node of TensorFlow.
    """

    def __init__(self, ctx: Any, node: Any):
        self.ctx, self.node = ctx, node
        self.inputs: list[str] = list(node.input)
        self.outputs: list[str] = list(node.output)
        self.shapes: list[Any] = [ctx.get_shape(output) for output in node.output]
        self.dtypes: list[int] = [ctx.get_dtype(output) for output in node.output]
        self.count, self.prefix = 0, node.name

    @property
    def dtype(self) -> int:
        """The dtype of the first input."""
        return self.dtype_of(self.inputs[0])

    def dtype_of(self, value: str) -> int:
        """Returns the dtype of a value."""
        return self.ctx.get_dtype(value)

    def shape_of(self, value: str) -> list[int] | None:
        """Returns the shape of a value, -1 where an axis varies; `None` where the rank is not known."""
        return self.ctx.get_shape(value)

    def rank_of(self, value: str) -> int:
        """Returns how many axes a value has."""
        shape = self.shape_of(value)
        if shape is None:
            raise self.refusal("its input's number of axes is not known")
        return len(shape)

    def refusal(self, reason: str) -> NotConverted:
        """Returns the error that says what of the node has no equivalent."""
        return NotConverted(self.node.name, self.node.type, reason)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Returns an attribute of the node, text as `str`."""
        value = self.node.get_attr_value(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def known(self, index: int) -> np.ndarray | None:
        """Returns the value of an input that is a constant, else `None`."""
        source = self.node.inputs[index]
        return source.get_tensor_value(as_list=False) if source is not None and source.is_const() else None

    def needs(self, index: int, what: str) -> np.ndarray:
        """Returns the value of an input that must be a constant."""
        value = self.known(index)
        if value is None:
            raise self.refusal(f"its {what} is computed, and must be a constant")
        return value

    def constant(self, value: Any, dtype: int | None = None) -> str:
        """Returns a constant; `dtype` is ONNX's."""
        array = np.asarray(value, helper.tensor_dtype_to_np_dtype(dtype) if dtype else None)
        name = self._name("constant")
        if dtype != TensorProto.BFLOAT16:
            return self.ctx.make_const(name, array).output[0]
        tensor = numpy_helper.from_array(array, name)  # tf2onnx's own constants know no bfloat16
        node = self.ctx.make_node("Const", [], attr={"value": tensor}, outputs=[name], name=name, shapes=[array.shape],
                                  dtypes=[dtype])  # fmt: skip
        return node.output[0]

    def integers(self, *values: int) -> str:
        """Returns an int64 constant of one axis."""
        return self.constant(np.array(values, np.int64))

    def like(self, value: str, number: float) -> str:
        """Returns a scalar constant of a value's dtype."""
        return self.constant(number, self.dtype_of(value))

    def __call__(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Writes a node, and returns its output."""
        return self.several(op_type, 1, *inputs, **attributes)[0]

    def several(self, op_type: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Writes a node of several outputs."""
        node = self.ctx.make_node(
            op_type, list(inputs), attr=attributes, output_count=count, name=self._name(op_type.lower())
        )
        return list(node.output)

    def cast(self, value: str, dtype: int) -> str:
        """Writes a cast where it is not of that dtype."""
        return value if self.dtype_of(value) == dtype else self("Cast", value, to=dtype)

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Writes axes of size 1."""
        return self("Unsqueeze", value, self.integers(*axes))

    def total(self, value: str, *axes: int) -> str:
        """Writes a sum over axes, which go."""
        return self("ReduceSum", value, self.integers(*axes), keepdims=0)

    def size(self, value: str, axis: int) -> str:
        """Writes the size of an axis, int64 (1,)."""
        return self.part(self("Shape", value), axis, axis + 1 if axis != -1 else np.iinfo(np.int64).max)

    def part(self, value: str, start: int, end: int, axis: int = 0) -> str:
        """Writes a slice of one axis."""
        return self("Slice", value, self.integers(start), self.integers(end), self.integers(axis))

    def joined(self, *parts: str, axis: int = 0) -> str:
        """Writes a concatenation."""
        return self("Concat", *parts, axis=axis)

    def filled(self, shape: str, number: float, dtype: int) -> str:
        """Writes an array of one number."""
        array = np.asarray([number], helper.tensor_dtype_to_np_dtype(dtype))
        return self("ConstantOfShape", shape, value=helper.make_tensor("value", dtype, [1], array))

    def answer(self, *values: str) -> None:
        """Puts values in the place of the node's outputs, and removes it."""
        self.ctx.remove_node(self.node.name)
        for value, output, shape, dtype in zip(values, self.outputs, self.shapes, self.dtypes, strict=True):
            self.ctx.make_node("Identity", [value], outputs=[output], shapes=[shape], dtypes=[dtype],
                               name=self._name("answer"))  # fmt: skip

    def body(self, inputs: Mapping[str, tuple[int, int]]) -> "NodeWriter":
        """Returns the writer of a loop's body; see `loop`.

        Args:
            inputs: dtype and number of axes of what comes in, by name.
        """
        graph = self.ctx.create_new_graph_with_same_config()
        graph.parent_graph = self.ctx
        writer = copy.copy(self)
        writer.ctx, writer.inputs = graph, [self._name(name) for name in inputs]
        for name, (dtype, rank) in zip(writer.inputs, inputs.values(), strict=True):
            graph.add_graph_input(name, dtype, [-1] * rank)
        writer.prefix = self._name("body")
        return writer

    def loop(self, body: "NodeWriter", results: Sequence[str], *inputs: str, **attributes: Any) -> list[str]:
        """Writes a Scan; returns its last states, and what it has put together of each step."""
        for result in results:
            types = {"shapes": [body.shape_of(result)], "dtypes": [body.dtype_of(result)]}
            output = body.ctx.make_node("Identity", [result], name=body._name("result"), **types).output[0]
            body.ctx.add_graph_output(output)
        states = len(inputs) - attributes["num_scan_inputs"]
        shapes = [body.shape_of(result) for result in results]
        node = self.ctx.make_node(
            "Scan", list(inputs), attr=attributes, output_count=len(results), name=self._name("scan"),
            shapes=[[*([] if place < states else [-1]), *(shape or [])] for place, shape in enumerate(shapes)],
            dtypes=[body.dtype_of(result) for result in results], branches={"body": body.ctx},
        )  # fmt: skip
        return list(node.output)

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{self.prefix}/{kind}_{self.count}"


def written_by(write: Callable[[NodeWriter], Sequence[str] | str]) -> Handler:
    """Makes a function that returns what replaces a node's outputs into a handler."""

    def handler(ctx: Any, node: Any, _name: str, _args: list) -> None:
        writer = NodeWriter(ctx, node)
        answers = write(writer)
        writer.answer(*([answers] if isinstance(answers, str) else answers))

    return handler


def as_tf2onnx_does(ctx: Any, node: Any, _name: str = "", _args: Sequence[Any] = ()) -> None:
    """Is tf2onnx's own handler of a node."""
    operation = node.type
    found: Any = tf_op.find_effective_op(operation)
    function, arguments = found
    node.type = arguments.get("onnx_op", operation)
    function(ctx, node, **{**arguments, "tf_op": operation})

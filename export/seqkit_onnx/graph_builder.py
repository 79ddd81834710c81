"""Adds nodes and constants to an ONNX graph under readable names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

INT64 = np.int64


class GraphBuilder:
    """Collects nodes in `nodes`; every method returns the name of what it made.

    Args:
        outer: the graph that constants go to: the nodes' own, or an outer one.
        prefix: what every name begins with: ``"encoder/lstm_0"``. It may be changed between nodes.
    """

    def __init__(self, outer: GraphProto, prefix: str = ""):
        self.nodes: list[NodeProto] = []
        self.prefix = prefix
        self.outer = outer
        self._used: dict[str, int] = {}
        self._constants: dict[tuple, str] = {}

    def unique(self, name: str) -> str:
        """Returns `name` under the prefix, with a number where it was given out before."""
        return self._number(f"{self.prefix}/{name}" if self.prefix else name)

    def _number(self, name: str) -> str:
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return f"{name}_{count}" if count else name

    def node(self, op_type: str, inputs: Sequence[str], name: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one output, and returns the output's name."""
        output = self.unique(name)
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def node_with(self, outputs: int, op_type: str, inputs: Sequence[str], name: str, **attributes: Any) -> list[str]:
        """Adds a node with several outputs, and returns their names."""
        base = self.unique(name)
        names = [f"{base}/{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op_type, inputs, names, name=base, **attributes))
        return names

    def constant(self, value: Any, dtype: Any = INT64, name: str = "constant") -> str:
        """Adds a constant; one that was added before is shared."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes() if array.dtype != object else str(array.tolist()))
        if key not in self._constants:
            taken = {tensor.name for tensor in self.outer.initializer}  # other builders add to it too
            full = self._number(f"constant/{name}")
            while full in taken:
                full = self._number(f"constant/{name}")
            self._constants[key] = full
            self.outer.initializer.append(_tensor(array, self._constants[key]))
        return self._constants[key]

    def describe(self, name: str, dtype: int, axes: Sequence[int | str | None]) -> None:
        """Writes down a value's type, for the output of an operator that onnx itself does not know."""
        self.outer.value_info.append(helper.make_tensor_value_info(name, dtype, axes))

    def weight(self, array: np.ndarray, name: str) -> str:
        """Adds a weight under its own name."""
        full = self.unique(name)
        self.outer.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), full))
        return full

    def transpose(self, x: str, *perm: int) -> str:
        """Adds a Transpose."""
        return self.node("Transpose", [x], "transpose", perm=list(perm))

    def squeeze(self, x: str, *axes: int) -> str:
        """Adds a Squeeze."""
        return self.node("Squeeze", [x, self.constant(axes, name="axes")], "squeeze")

    def unsqueeze(self, x: str, *axes: int) -> str:
        """Adds an Unsqueeze."""
        return self.node("Unsqueeze", [x, self.constant(axes, name="axes")], "unsqueeze")

    def reshape(self, x: str, *shape: int) -> str:
        """Adds a Reshape; 0 keeps an axis, -1 takes what is left."""
        return self.node("Reshape", [x, self.constant(shape, name="shape")], "reshape")

    def where(self, condition: str, x: str, y: str) -> str:
        """Adds a Where."""
        return self.node("Where", [condition, x, y], "where")


def _tensor(array: np.ndarray, name: str) -> TensorProto:
    if array.dtype != object:
        return numpy_helper.from_array(array, name)
    strings = [text.encode() for text in array.ravel().tolist()]
    return TensorProto(name=name, data_type=TensorProto.STRING, dims=array.shape, string_data=strings)

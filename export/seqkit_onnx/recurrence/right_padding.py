"""Tells whether a mask's padding is known to be on the right."""

from typing import Literal

import numpy as np
from onnx import GraphProto, NodeProto, numpy_helper

_KEEPS_THE_ORDER_OF_STEPS = {"Identity", "Cast", "Unsqueeze", "Squeeze", "Transpose"}


class RightPadding:
    """Follows a mask back to the input that it was made from.

    A mask is known to be on the right where it says which ids are not 0, and the ids are an input that is known to
    have its zeros on the right; also after it was pooled in windows that follow each other.

    Args:
        inputs: the names of such inputs, or of other values; ``"all"``: every mask is known to be on the right.
    """

    def __init__(self, inputs: tuple[str, ...] | Literal["all"]):
        self.inputs = inputs

    def __call__(self, graph: GraphProto, mask: str) -> bool:
        """Returns whether the mask called `mask` is known to be on the right."""
        if isinstance(self.inputs, str):
            return True
        return bool(self.inputs) and _History(graph).is_not_zero_of(mask, self.inputs)


class _History:
    """What made each value of a graph."""

    def __init__(self, graph: GraphProto):
        self.makers = {output: node for node in graph.node for output in node.output}
        self.constants = {tensor.name: tensor for tensor in graph.initializer}

    def is_not_zero_of(self, name: str, inputs: tuple[str, ...]) -> bool:
        """Whether a value says which of the inputs' ids are not 0."""
        node = self.makers.get(name)
        while node is not None and self._keeps_padding_on_the_right(node):
            name = node.input[0]
            node = self.makers.get(name)
        if node is None or node.op_type != "Not":
            return False
        equal = self.makers.get(node.input[0])
        if equal is None or equal.op_type != "Equal":
            return False
        sides = [self._through_casts(side) for side in equal.input]
        return any(set(side) & set(inputs) for side in sides) and any(self._is_zero(side[-1]) for side in sides)

    def _keeps_padding_on_the_right(self, node: NodeProto) -> bool:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "MaxPool":  # windows that follow each other, from the first step on
            pads = attributes["pads"].ints if "pads" in attributes else []
            return not any(pads) and list(attributes["kernel_shape"].ints) == list(attributes["strides"].ints)
        if node.op_type == "Pad":  # with zeros, at the end
            pads = self._constant(node.input[1])
            value = self._constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(())
            return pads is not None and not np.any(pads[: len(pads) // 2]) and value is not None and not np.any(value)
        if node.op_type == "Reshape":  # that leaves the batch where it is, and one axis longer than 1: the time
            shape = self._constant(node.input[1])
            return shape is not None and shape[0] == 0 and sorted(shape[1:]) == [-1] + [1] * (len(shape) - 2)
        if node.op_type == "Greater":  # than 0, of what was a mask
            return self._is_zero(node.input[1])
        return node.op_type in _KEEPS_THE_ORDER_OF_STEPS

    def _through_casts(self, name: str) -> list[str]:
        """Returns a value, and those that it is a copy of in another dtype."""
        names = [name]
        while names[-1] in self.makers and self.makers[names[-1]].op_type in ("Identity", "Cast"):
            names.append(self.makers[names[-1]].input[0])
        return names

    def _constant(self, name: str) -> np.ndarray | None:
        return numpy_helper.to_array(self.constants[name]) if name in self.constants else None

    def _is_zero(self, name: str) -> bool:
        value = self._constant(name)
        return value is not None and not np.any(value)

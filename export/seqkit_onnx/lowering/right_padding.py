"""Tells whether a mask's padding is known to be on the right."""

import numpy as np
from onnx import GraphProto, NodeProto, numpy_helper

_KEEPS_THE_MASK = {"Identity", "Cast"}


class RightPadding:
    """Follows a mask back to the input that it was made from.

    A mask is known to be on the right where it says which ids are not 0, and the ids are an input that is known to
    have its zeros on the right.

    Args:
        inputs: the names of such inputs.
    """

    def __init__(self, inputs: tuple[str, ...]):
        self.inputs = inputs

    def __call__(self, graph: GraphProto, mask: str) -> bool:
        """Returns whether the mask called `mask` is known to be on the right."""
        if not self.inputs:
            return False
        makers = {output: node for node in graph.node for output in node.output}
        constants = {tensor.name: tensor for tensor in graph.initializer}

        def source(name: str) -> tuple[str, NodeProto | None]:
            while name in makers and makers[name].op_type in _KEEPS_THE_MASK:
                name = makers[name].input[0]
            return name, makers.get(name)

        def is_zero(name: str) -> bool:
            return name in constants and not np.any(numpy_helper.to_array(constants[name]))

        _, negation = source(mask)
        if negation is None or negation.op_type != "Not":
            return False
        _, equal = source(negation.input[0])
        if equal is None or equal.op_type != "Equal":
            return False
        sides = [source(name)[0] for name in equal.input]
        return any(side in self.inputs for side in sides) and any(is_zero(side) for side in sides)

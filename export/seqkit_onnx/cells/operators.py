"""Which Keras cell is which ONNX operator: the registry of lowerings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqkit_onnx.cells.activations import OnnxActivation


@dataclass(frozen=True)
class CellOperator:
    """One direction of a native recurrent operator.

    Args:
        op_type: ``"LSTM"``, ``"GRU"`` or ``"RNN"``.
        units: the size of the state.
        kernel: float32 (gates * units, dim), gates in ONNX's order.
        recurrent_kernel: float32 (gates * units, units).
        bias: float32 (2 * gates * units,), the input's biases before the recurrence's.
        activations: one for each function that the operator names.
        attributes: further attributes of the operator.
    """

    op_type: str
    units: int
    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray
    activations: tuple[OnnxActivation, ...]
    attributes: dict[str, int] = field(default_factory=dict)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the operator's state outputs, as ONNX has them."""
        return ("Y_h", "Y_c") if self.op_type == "LSTM" else ("Y_h",)

    def pairs_with(self, other: "CellOperator") -> bool:
        """Whether the two can be the two directions of one operator."""
        return (
            self.op_type == other.op_type
            and self.kernel.shape == other.kernel.shape
            and self.units == other.units
            and self.attributes == other.attributes
        )


Lowering = Callable[[Any], CellOperator]
_LOWERINGS: dict[type, Lowering] = {}


def lowers(cell_class: type) -> Callable[[Lowering], Lowering]:
    """Registers a function as the lowering of a cell, for every layer that runs it.

    The function takes the built cell, outside any graph, and returns a `CellOperator`; where the cell has an
    activation that ONNX does not name, it lets `NoNativeOperator` pass.

    Args:
        cell_class: a cell class, such as `keras.layers.GRUCell`; subclasses are not taken, since they may
            compute something else.
    """

    def register(function: Lowering) -> Lowering:
        _LOWERINGS[cell_class] = function
        return function

    return register


def lowering_of(cell: Any) -> Lowering | None:
    """Returns the lowering of `cell`, or `None` where its class has none."""
    return _LOWERINGS.get(type(cell))

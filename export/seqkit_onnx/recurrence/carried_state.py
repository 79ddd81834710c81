"""The states of stateful layers: inputs and outputs of the file, which the caller carries."""

from typing import NamedTuple

from onnx import GraphProto, NodeProto, TensorProto, helper

from seqkit_onnx.cells.recurrence import Recurrence
from seqkit_onnx.graph_builder import GraphBuilder


class CarriedState(NamedTuple):
    """One state of a stateful layer.

    Args:
        input: the graph input that it begins with, float32 (batch, units), or (batch, ...) for a loop's.
        output: the graph output that it ends with.
        units: its size, or that of its last axis.
        shape: the sizes of all axes but the batch.
    """

    input: str
    output: str
    units: int
    shape: tuple[int, ...]


def carried_states(graph: GraphProto, inputs: int, outputs: int) -> list[CarriedState]:
    """Lists the states of a converted model.

    Args:
        graph: its graph.
        inputs: how many inputs are the model's own; those of states come after them.
        outputs: how many outputs are.
    """
    found = []
    for first, last in zip(graph.input[inputs:], graph.output[outputs:], strict=True):
        shape = tuple(dim.dim_value for dim in first.type.tensor_type.shape.dim[1:])
        found.append(CarriedState(first.name, last.name, shape[-1], shape))
    return found


class CarriedStates:
    """Adds the states of stateful layers to a graph's inputs and outputs.

    Args:
        main: the main graph.
        builder: where nodes go.
    """

    def __init__(self, main: GraphProto, builder: GraphBuilder):
        self.main = main
        self.builder = builder

    def inputs(self, recurrence: Recurrence) -> list[str]:
        """Adds an input (batch, units) for each state, direction by direction."""
        names = [_name(recurrence, label, "initial") for label in recurrence.state_labels]
        self.main.input.extend(_value(name, recurrence.units) for name in names)
        return names

    def outputs(self, recurrence: Recurrence, finals: list[str]) -> None:
        """Adds an output (batch, units) for each final state, direction by direction."""
        names = [_name(recurrence, label, "final") for label in recurrence.state_labels]
        for final, name in zip(finals, names, strict=True):
            self.builder.nodes.append(NodeProto(op_type="Identity", input=[final], output=[name], name=f"{name}/as"))
        self.main.output.extend(_value(name, recurrence.units) for name in names)


def _name(recurrence: Recurrence, label: str, which: str) -> str:
    """``"encoder/lstm/initial_h"``, or ``"encoder/lstm/forward/initial_h"``."""
    *side, state = label.split("/")
    return "/".join([recurrence.name, *side, f"{which}_{state}"])


def _value(name: str, units: int):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", units])

"""What a `Scan` computes in one step, for each operator that it can stand for."""

from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.cells.activations import OnnxActivation
from seqkit_onnx.cells.operators import CellOperator
from seqkit_onnx.graph_builder import GraphBuilder

# Gates of one activation are computed by one product: how many stand in each group, in the order of the weights.
_GROUPS = {"RNN": (1,), "GRU": (2, 1), "LSTM": (3, 1)}


def groups_of_gates(cell: CellOperator) -> list[slice]:
    """Returns which numbers of a cell's gates each group has; a step reads one input for each."""
    ends = [int(count) * cell.units for count in np.cumsum(_GROUPS[cell.op_type])]
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def step_graph(outer: GraphBuilder, cell: CellOperator, kept_states: int) -> GraphProto:
    """Returns one step: the states and the input's share of each group of gates to the new states and their copies.

    Args:
        outer: where the weights go, which stay outside the loop.
        cell: what is computed.
        kept_states: how many states, the output first, are given a second time, to be kept for each step.
    """
    step = _Step(outer, cell)
    prefix = step.nodes.prefix
    states = [f"{prefix}/{name.removeprefix('Y_')}" for name in cell.state_names]
    gates = [f"{prefix}/gates_{index}" for index in range(len(_GROUPS[cell.op_type]))]
    new = {"GRU": step.gru, "RNN": step.simple_rnn, "LSTM": step.lstm}[cell.op_type](*states, *gates)
    kept = [step.nodes.node("Identity", [state], "kept_state") for state in new[:kept_states]]
    inputs = [_value(state, cell.units) for state in states]
    inputs += [_value(name, part.stop - part.start) for name, part in zip(gates, groups_of_gates(cell), strict=True)]
    outputs = [_value(name, cell.units) for name in (*new, *kept)]
    return helper.make_graph(step.nodes.nodes, "step", inputs, outputs)


class _Step:
    """The nodes of one step; each method takes the states and the groups of gates, and returns the new states."""

    def __init__(self, outer: GraphBuilder, cell: CellOperator):
        self.outer = outer
        self.cell = cell
        self.nodes = GraphBuilder(GraphProto(), f"{outer.prefix}/step")

    def simple_rnn(self, h: str, gate: str) -> list[str]:
        return [self._gates(h, gate, 0)]

    def gru(self, h: str, gates_zr: str, gate_h: str) -> list[str]:
        """The new state is z * h + (1 - z) * candidate; the reset gate stands after or before the product."""
        nodes, units = self.nodes, self.cell.units
        z, r = nodes.node_with(2, "Split", [self._gates(h, gates_zr, 0)], "z_and_r", axis=1, num_outputs=2)
        weight = self._recurrent_kernel(1)
        if self.cell.attributes.get("linear_before_reset"):
            bias = self.outer.weight(np.split(self.cell.bias, 2)[1][2 * units :], "B_h")
            recurrent = self._mul(r, self._add(self._times(h, weight), bias), "reset")
        else:
            recurrent = self._times(self._mul(r, h, "reset"), weight)
        candidate = self._activate(1, self._add(recurrent, gate_h))
        return [self._add(candidate, self._mul(z, nodes.node("Sub", [h, candidate], "change"), "kept"))]

    def lstm(self, h: str, c: str, gates_iof: str, gate_c: str) -> list[str]:
        iof = self._gates(h, gates_iof, 0)
        i, o, f = self.nodes.node_with(3, "Split", [iof], "i_o_f", axis=1, num_outputs=3)
        candidate = self._gates(h, gate_c, 1)
        new_c = self._add(self._mul(f, c, "kept"), self._mul(i, candidate, "added"))
        return [self._mul(o, self._activate(2, new_c), "output"), new_c]

    def _gates(self, h: str, of_input: str, group: int) -> str:
        """A group of gates, activated: one node of onnxruntime, which fuses the three."""
        return self._activate(group, self._add(self._times(h, self._recurrent_kernel(group)), of_input))

    def _recurrent_kernel(self, group: int) -> str:
        part = groups_of_gates(self.cell)[group]
        return self.outer.weight(self.cell.recurrent_kernel[part].T, "R")

    def _times(self, h: str, weight: str) -> str:
        return self.nodes.node("MatMul", [h, weight], "recurrent")

    def _mul(self, a: str, b: str, name: str) -> str:
        return self.nodes.node("Mul", [a, b], name)

    def _add(self, a: str, b: str) -> str:
        return self.nodes.node("Add", [a, b], "sum")

    def _activate(self, index: int, x: str) -> str:
        activation: OnnxActivation = self.cell.activations[index]
        if activation.name == "Affine":  # Keras's linear
            return x
        parameters = {"alpha": activation.alpha, "beta": activation.beta}
        given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
        return self.nodes.node(activation.name, [x], activation.name.lower(), **given)


def _value(name: str, size: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])

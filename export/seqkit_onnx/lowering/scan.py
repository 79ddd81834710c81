"""A GRU or SimpleRNN as a `Scan` of few nodes: on the CPU faster than onnxruntime's operator where many rows are run.

onnxruntime computes the activations of its GRU and RNN operators on one core, RNN's one number at a time. Here the
input's product is taken out of the loop, and each step is one or two products and some vectorized, parallel nodes. On a
GPU each step would wait for the host, so this is on request only.
"""

from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, helper

from seqkit_onnx.lowering.activations import OnnxActivation
from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.masking import Mask
from seqkit_onnx.lowering.operators import CellOperator
from seqkit_onnx.lowering.recurrence import Recurrence

SCANNED = {
    "GRU": 0,
    "RNN": 0,
}  # from how many rows on; onnxruntime's LSTM runs its rows in parallel, and is faster as it is


def add_scan(
    builder: GraphBuilder, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str]
) -> tuple[str, list[str]]:
    """Adds a recurrence as one `Scan` for each direction; it takes and gives what `add_operator` does."""
    real = _real_steps(builder, x, mask) if mask else None
    outputs, finals = [], []
    for index, cell in enumerate(recurrence.directions):
        side = ("forward", "backward")[index] if len(recurrence.directions) == 2 else ""
        state = _state(builder, x, states, index, cell.units)
        runs_back = recurrence.go_backwards or index == 1
        y, final = _add_direction(builder, recurrence, cell, side, x, real, state, runs_back)
        outputs.append(builder.unsqueeze(y, 1) if y else "")
        finals.append(builder.unsqueeze(final, 0))
    if len(finals) == 1:
        return outputs[0], finals
    y = builder.node("Concat", outputs, "both", axis=1) if recurrence.return_sequences else ""
    return y, [builder.node("Concat", finals, "both_finals", axis=0)]


def _real_steps(builder: GraphBuilder, x: str, mask: Mask) -> str:
    """Which steps are real, where those stand in front: bool (time, batch, 1)."""
    time = builder.squeeze(builder.node("Shape", [x], "time", end=1), 0)
    zero, one = builder.constant(0, np.int32, "zero_int32"), builder.constant(1, np.int32, "one_int32")
    steps = builder.node("Range", [zero, builder.node("Cast", [time], "time_int32", to=6), one], "steps")  # (time,)
    real = builder.node("Less", [builder.unsqueeze(steps, 1), mask.lengths], "is_real")  # (time, batch)
    return builder.unsqueeze(real, 2)


def _state(builder: GraphBuilder, x: str, states: list[str], index: int, units: int) -> str:
    """The state that a direction begins with: (batch, units)."""
    if states:
        return builder.node("Gather", [states[0], builder.constant(index, name="direction")], "initial", axis=0)
    batch = builder.node("Shape", [x], "batch", start=1, end=2)
    shape = builder.node("Concat", [batch, builder.constant([units], name="units")], "state_shape", axis=0)
    return builder.node("Expand", [builder.constant(0.0, np.float32, "zero_output"), shape], "initial")


def _add_direction(
    builder: GraphBuilder,
    recurrence: Recurrence,
    cell: CellOperator,
    side: str,
    x: str,
    real: str | None,
    state: str,
    runs_back: bool,
) -> tuple[str, str]:
    """Returns the outputs of all steps (time, batch, units), where they are wanted, and the last."""
    prefix = builder.prefix
    builder.prefix = f"{prefix}/{side}" if side else prefix
    kernel = builder.weight(cell.kernel.T, "W")  # (dim, gates * units)
    bias = builder.weight(_input_bias(cell), "B")
    projected = builder.node("Add", [builder.node("MatMul", [x, kernel], "input"), bias], "gates")
    sequences = [projected] + ([real] if real else [])
    body = _Body(builder, cell, real is not None, recurrence.return_sequences).graph()
    names = builder.node_with(
        2 if recurrence.return_sequences else 1,
        "Scan",
        [state, *sequences],
        "scan",
        body=body,
        num_scan_inputs=len(sequences),
        scan_input_directions=[int(runs_back)] * len(sequences),
        **({"scan_output_directions": [int(runs_back)]} if recurrence.return_sequences else {}),
    )
    y = names[1] if recurrence.return_sequences else ""
    if y and real:
        y = builder.where(real, y, builder.constant(0.0, np.float32, "zero_output"))
    builder.prefix = prefix
    return y, names[0]


def _input_bias(cell: CellOperator) -> np.ndarray:
    """The biases that are added outside the loop: all but that of a GRU's candidate inside the reset gate."""
    of_input, of_recurrence = np.split(cell.bias, 2)
    bias = of_input + of_recurrence
    if cell.attributes.get("linear_before_reset"):
        bias[2 * cell.units :] = of_input[2 * cell.units :]
    return bias


class _Body:
    """One step: (h, gates[, real]) to (h[, output])."""

    def __init__(self, outer: GraphBuilder, cell: CellOperator, has_mask: bool, gives_sequences: bool):
        self.outer = outer
        self.cell = cell
        self.has_mask = has_mask
        self.gives_sequences = gives_sequences
        self.nodes = GraphBuilder(GraphProto(), f"{outer.prefix}/step")

    def graph(self) -> GraphProto:
        """Returns the step as a graph; its weights belong to the graph around it."""
        h, gates, real = (f"{self.nodes.prefix}/{name}" for name in ("h", "gates", "real"))
        new = self._gru(h, gates) if self.cell.op_type == "GRU" else self._simple_rnn(h, gates)
        if self.has_mask:
            new = self.nodes.where(real, new, h)
        outputs = [new] + ([self.nodes.node("Identity", [new], "output")] if self.gives_sequences else [])
        units = self.cell.units
        inputs = [_value(h, units), _value(gates, len(self.cell.bias) // 2)]
        inputs += [_value(real, 1, TensorProto.BOOL)] if self.has_mask else []
        return helper.make_graph(self.nodes.nodes, "step", inputs, [_value(name, units) for name in outputs])

    def _simple_rnn(self, h: str, gates: str) -> str:
        weight = self.outer.weight(self.cell.recurrent_kernel.T, "R")
        return self._activate(self.cell.activations[0], self._add(self._times(h, weight), gates))

    def _gru(self, h: str, gates: str) -> str:
        """The new state is z * h + (1 - z) * candidate; the reset gate stands after or before the product."""
        nodes, units, inner = self.nodes, self.cell.units, self.cell.activations[0]
        kernel = self.cell.recurrent_kernel.T
        gate_weight = self.outer.weight(kernel[:, : 2 * units], "R_zr")
        weight = self.outer.weight(kernel[:, 2 * units :], "R_h")
        sizes = self.outer.constant([2 * units, units], name="gate_sizes")
        gates_zr, gate_h = nodes.node_with(2, "Split", [gates, sizes], "parts", axis=1)
        zr = self._activate(inner, self._add(self._times(h, gate_weight), gates_zr))
        z, r = nodes.node_with(2, "Split", [zr], "z_and_r", axis=1, num_outputs=2)
        if self.cell.attributes.get("linear_before_reset"):
            bias = self.outer.weight(np.split(self.cell.bias, 2)[1][2 * units :], "B_h")
            recurrent = nodes.node("Mul", [r, self._add(self._times(h, weight), bias)], "reset")
        else:
            recurrent = self._times(nodes.node("Mul", [r, h], "reset"), weight)
        candidate = self._activate(self.cell.activations[1], self._add(recurrent, gate_h))
        kept = nodes.node("Mul", [z, nodes.node("Sub", [h, candidate], "change")], "kept")
        return self._add(candidate, kept)

    def _times(self, h: str, weight: str) -> str:
        return self.nodes.node("MatMul", [h, weight], "recurrent")

    def _add(self, a: str, b: str) -> str:
        return self.nodes.node("Add", [a, b], "sum")

    def _activate(self, activation: OnnxActivation, x: str) -> str:
        if activation.name == "Affine":  # Keras's linear
            return x
        parameters = {"alpha": activation.alpha, "beta": activation.beta}
        given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
        return self.nodes.node(activation.name, [x], activation.name.lower(), **given)


def _value(name: str, size: int, dtype: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, ["batch", size])

"""A recurrence as a `Scan` of few nodes: on the CPU faster than onnxruntime's operator where many rows are run.

onnxruntime computes the activations of its GRU and RNN operators on one core, RNN's one number at a time. Here the
input's product is taken out of the loop, and each step is one or two products and some vectorized, parallel nodes.
Where the input is looked up in a table, the product with the whole table is looked up instead: onnxruntime computes
that once, when it opens the file, and no run computes an input's product at all. On a GPU each step would wait for the
host, so this is on request only.
"""

import numpy as np

from seqkit_onnx.cells.operators import CellOperator
from seqkit_onnx.cells.recurrence import Lookup, Recurrence
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.recurrence import masking
from seqkit_onnx.recurrence.masking import Mask
from seqkit_onnx.recurrence.scan_step import groups_of_gates, step_graph

LARGEST_PRODUCT = 2**24  # numbers of a table times a kernel, 64 MiB, which stay in memory


def multiplies_table(recurrence: Recurrence, lookup: Lookup | None) -> bool:
    """Whether the input is looked up in a table that is small enough to be multiplied as a whole."""
    return lookup is not None and lookup.rows * len(recurrence.directions[0].kernel) <= LARGEST_PRODUCT


def add_scan(
    builder: GraphBuilder,
    recurrence: Recurrence,
    x: str,
    mask: Mask | None,
    states: list[str],
    lookup: Lookup | None = None,
) -> tuple[str, list[str]]:
    """Adds a recurrence as one `Scan` for each direction; it takes and gives what `add_operator` does.

    Masked steps, which stand behind the real ones, are run like others, and what comes of them is not read. Of an LSTM
    under a mask, c is right only where the recurrence gives states.

    Args:
        builder: where the nodes and the weights go.
        recurrence: what is computed.
        x: (time, batch, dim), the real steps of each row first.
        mask: the mask, if there is one.
        states: (directions, batch, units) for each state; empty: zeros.
        lookup: where `x` is looked up.

    Returns:
        Y (time, directions, batch, units), or nothing where the last step alone is wanted, and the final states
        (directions, batch, units).
    """
    scan = _Scan(builder, recurrence, mask, x, lookup if multiplies_table(recurrence, lookup) else None)
    outputs, finals = [], []
    for index, cell in enumerate(recurrence.directions):
        prefix = builder.prefix
        if len(recurrence.directions) == 2:
            builder.prefix = f"{prefix}/{('forward', 'backward')[index]}"
        y, last = scan.add(cell, scan.initial(states, index, cell), recurrence.go_backwards or index == 1)
        builder.prefix = prefix
        outputs.append(builder.unsqueeze(y, 1) if y else "")
        finals.append([builder.unsqueeze(final, 0) for final in last])
    if len(finals) == 1:
        return outputs[0], finals[0]
    y = builder.node("Concat", outputs, "both", axis=1) if recurrence.return_sequences else ""
    return y, [builder.node("Concat", pair, "both_finals", axis=0) for pair in zip(*finals, strict=True)]


class _Scan:
    """The loops of one recurrence, and what both directions need."""

    def __init__(self, builder: GraphBuilder, recurrence: Recurrence, mask: Mask | None, x: str, lookup: Lookup | None):
        self.builder = builder
        self.recurrence = recurrence
        self.lookup = lookup
        self.steps = lookup.ids if lookup else x  # (time, batch, ..)
        self.mask = mask
        self.last_steps = self.real = self.places_of_reversed = ""
        if mask:
            lengths = builder.node("Cast", [mask.lengths], "lengths_int64", to=7)  # (batch,)
            self.last_steps = masking.last_steps(builder, lengths, self.steps)
            if recurrence.return_sequences:
                self.real = masking.real_steps(builder, lengths, self.steps)
            if recurrence.go_backwards or len(recurrence.directions) == 2:
                self.places_of_reversed = masking.reversed_steps(builder, lengths, self.steps)

    def initial(self, states: list[str], index: int, cell: CellOperator) -> list[str]:
        """The states that a direction begins with: (batch, units)."""
        builder = self.builder
        if states:
            direction = builder.constant(index, name="direction")
            return [builder.node("Gather", [state, direction], "initial", axis=0) for state in states]
        batch = builder.node("Shape", [self.steps], "batch", start=1, end=2)
        shape = builder.node("Concat", [batch, builder.constant([cell.units], name="units")], "state_shape", axis=0)
        zeros = builder.node("Expand", [builder.constant(0.0, np.float32, "zero_output"), shape], "initial")
        return [zeros] * len(cell.state_names)

    def add(self, cell: CellOperator, states: list[str], runs_back: bool) -> tuple[str, list[str]]:
        """Returns the outputs of all steps (time, batch, units), where they are wanted, and the final states."""
        recurrence, mask = self.recurrence, self.mask
        reads_back = runs_back and not mask  # under a mask, each row's real steps are reversed instead
        inputs = self._inputs(cell, is_reversed=runs_back and mask is not None)
        kept = 0
        if recurrence.return_sequences or mask:
            kept = len(states) if mask and recurrence.gives_states else 1
        names = self.builder.node_with(
            len(states) + kept,
            "Scan",
            [*states, *inputs],
            "scan",
            body=step_graph(self.builder, cell, kept),
            num_scan_inputs=len(inputs),
            scan_input_directions=[int(reads_back)] * len(inputs),
            **({"scan_output_directions": [int(reads_back)] * kept} if kept else {}),
        )
        finals, every_step = names[: len(states)], names[len(states) :]
        y = every_step[0] if recurrence.return_sequences else ""
        if not mask:
            return y, finals
        for index, each in enumerate(every_step):
            flat = self.builder.reshape(each, -1, cell.units)  # (time * batch, units)
            last = self.builder.node("Gather", [flat, self.last_steps], "last", axis=0)
            some = self.builder.unsqueeze(masking.has_steps(self.builder, mask), 1)  # (batch, 1)
            finals[index] = self.builder.where(some, last, self._zero())
        if y:
            y = self._reversed(y, cell.units) if runs_back else y
            y = self.builder.where(self.builder.unsqueeze(self.real, 2), y, self._zero())
        return y, finals

    def _inputs(self, cell: CellOperator, is_reversed: bool) -> list[str]:
        """The input's share of each group of gates: (time, batch, gates * units)."""
        builder, lookup = self.builder, self.lookup
        sizes = () if lookup else (cell.kernel.shape[1],)
        read = self._reversed(self.steps, *sizes) if is_reversed else self.steps
        inputs = []
        for part in groups_of_gates(cell):
            weights = builder.weight(cell.kernel[part].T, "W"), builder.weight(_input_bias(cell)[part], "B")
            product = builder.node("MatMul", [lookup.table if lookup else read, weights[0]], "product")
            gates = builder.node("Add", [product, weights[1]], "gates")
            inputs.append(builder.node("Gather", [gates, read], "gates_of_ids", axis=0) if lookup else gates)
        return inputs

    def _reversed(self, steps: str, *sizes: int) -> str:
        """Reverses the real steps of each row (time, batch, *sizes); what comes behind them is not to be read."""
        flat = self.builder.reshape(steps, -1, *sizes)  # (time * batch, *sizes)
        return self.builder.node("Gather", [flat, self.places_of_reversed], "reversed", axis=0)

    def _zero(self) -> str:
        return self.builder.constant(0.0, np.float32, "zero_output")


def _input_bias(cell: CellOperator) -> np.ndarray:
    """The biases that are added outside the loop: all but that of a GRU's candidate inside the reset gate."""
    of_input, of_recurrence = np.split(cell.bias, 2)
    bias = of_input + of_recurrence
    if cell.attributes.get("linear_before_reset"):
        bias[2 * cell.units :] = of_input[2 * cell.units :]
    return bias

"""The LSTM, GRU or RNN node of a recurrence."""

import numpy as np

from seqkit_onnx.cells.operators import CellOperator
from seqkit_onnx.cells.recurrence import Recurrence
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.recurrence.masking import Mask, has_steps
from seqkit_onnx.recurrence.missing_values import with_missing_values

_DEFAULT_ACTIVATIONS = {
    "LSTM": (("Sigmoid", None, None), ("Tanh", None, None), ("Tanh", None, None)),
    "GRU": (("Sigmoid", None, None), ("Tanh", None, None)),
    "RNN": (("Tanh", None, None),),
}


def add_operator(
    builder: GraphBuilder, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str]
) -> tuple[str, list[str]]:
    """Adds the operator of a recurrence, both directions in one.

    Args:
        builder: where the node and its weights go.
        recurrence: what is computed.
        x: (time, batch, dim), the real steps of each row first.
        mask: the mask, if there is one.
        states: (directions, batch, units) for each state of the operator; empty: zeros.

    Returns:
        Y (time, directions, batch, units), and the final states (directions, batch, units).
    """
    cells = recurrence.directions
    weights = [
        builder.weight(np.stack([getattr(cell, field) for cell in cells]), name)
        for field, name in (("kernel", "W"), ("recurrent_kernel", "R"), ("bias", "B"))
    ]
    # Up to onnxruntime 1.25, RNN reads memory before its outputs where a length is 0: it is given 1, and what comes of
    # that is replaced by zeros.
    guarded = mask if mask and cells[0].op_type == "RNN" else None
    lengths = mask.lengths if mask else ""
    if guarded:
        lengths = builder.node("Max", [lengths, builder.constant(1, np.int32, "one_int32")], "lengths_at_least_1")
    y, *finals = builder.node_with(
        1 + len(cells[0].state_names),
        cells[0].op_type,
        [x, *weights, lengths, *states],
        cells[0].op_type.lower(),
        direction=recurrence.direction,
        hidden_size=cells[0].units,
        **cells[0].attributes,
        **_activation_attributes(recurrence),
    )
    if guarded:
        some = builder.unsqueeze(has_steps(builder, guarded), 1)  # (batch, 1)
        zero = builder.constant(0.0, np.float32, "zero_output")
        if guarded.on_the_right:  # elsewhere the outputs of such rows are not read
            y = builder.where(some, y, zero)
        finals = [builder.where(some, final, zero) for final in finals]
    if all(_hands_nan_on(cell) for cell in cells):
        return y, finals
    return with_missing_values(builder, recurrence, x, mask, states, y=y, finals=finals)


def _hands_nan_on(cell: CellOperator) -> bool:
    """Whether onnxruntime's operator answers NaN to NaN; all but `RNN` with tanh put gates between bounds."""
    return cell.op_type == "RNN" and cell.activations == _DEFAULT_ACTIVATIONS["RNN"]


def _activation_attributes(recurrence: Recurrence) -> dict:
    cells = recurrence.directions
    if all(cell.activations == _DEFAULT_ACTIVATIONS[cell.op_type] for cell in cells):
        return {}
    activations = [activation for cell in cells for activation in cell.activations]
    attributes: dict = {"activations": [activation.name for activation in activations]}
    alphas = [activation.alpha for activation in activations if activation.alpha is not None]
    betas = [activation.beta for activation in activations if activation.beta is not None]
    attributes.update({"activation_alpha": alphas} if alphas else {})
    attributes.update({"activation_beta": betas} if betas else {})
    return attributes

"""The lowerings: one function for each Keras cell."""

from typing import Any

import keras
import numpy as np

from seqkit_onnx.cells.activations import onnx_activation
from seqkit_onnx.cells.operators import CellOperator, lowers
from seqkit_onnx.layer_walk import array_of

KERAS_LSTM_GATES, ONNX_LSTM_GATES = "ifco", "iofc"
KERAS_GRU_GATES, ONNX_GRU_GATES = "zrh", "zrh"
RNN_GATES = "h"


def _numpy(variable: Any) -> np.ndarray:
    return array_of(variable).astype(np.float32)


def _to_onnx_gates(weights: np.ndarray, keras_gates: str, onnx_gates: str) -> np.ndarray:
    """Permutes the last axis (gates * units) by the gates' names and puts it first."""
    by_name = dict(zip(keras_gates, np.split(weights, len(keras_gates), axis=-1), strict=True))
    return np.ascontiguousarray(np.concatenate([by_name[gate] for gate in onnx_gates], axis=-1).T)


def _bias(cell: Any, keras_gates: str, onnx_gates: str) -> np.ndarray:
    """Returns (2 * gates * units,); Keras has one row, for the input, or two, for input and recurrence."""
    both = np.zeros((2, len(keras_gates) * cell.units), np.float32)
    if cell.use_bias:
        rows = np.atleast_2d(_numpy(cell.bias))
        both[: len(rows)] = rows
    return np.concatenate([_to_onnx_gates(row, keras_gates, onnx_gates) for row in both])


@lowers(keras.layers.LSTMCell)
def lower_lstm(cell: Any) -> CellOperator:
    """Keras's LSTM is ONNX's, but for the order of the gates."""
    gates = KERAS_LSTM_GATES, ONNX_LSTM_GATES
    inner, outer = onnx_activation(cell.recurrent_activation), onnx_activation(cell.activation)
    return CellOperator(
        "LSTM",
        cell.units,
        _to_onnx_gates(_numpy(cell.kernel), *gates),
        _to_onnx_gates(_numpy(cell.recurrent_kernel), *gates),
        _bias(cell, *gates),
        (inner, outer, outer),
    )


@lowers(keras.layers.GRUCell)
def lower_gru(cell: Any) -> CellOperator:
    """Keras's `reset_after` is ONNX's `linear_before_reset`."""
    gates = KERAS_GRU_GATES, ONNX_GRU_GATES
    return CellOperator(
        "GRU",
        cell.units,
        _to_onnx_gates(_numpy(cell.kernel), *gates),
        _to_onnx_gates(_numpy(cell.recurrent_kernel), *gates),
        _bias(cell, *gates),
        (onnx_activation(cell.recurrent_activation), onnx_activation(cell.activation)),
        {"linear_before_reset": int(cell.reset_after)},
    )


@lowers(keras.layers.SimpleRNNCell)
def lower_simple_rnn(cell: Any) -> CellOperator:
    """Keras's SimpleRNN is ONNX's RNN."""
    gates = RNN_GATES, RNN_GATES
    return CellOperator(
        "RNN",
        cell.units,
        _to_onnx_gates(_numpy(cell.kernel), *gates),
        _to_onnx_gates(_numpy(cell.recurrent_kernel), *gates),
        _bias(cell, *gates),
        (onnx_activation(cell.activation),),
    )

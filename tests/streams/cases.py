"""The models that are run as streams, each exported once, and what Keras answers to whole sequences."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.cases import randomize_weights
from tests.exported import exported

LAYERS = keras.layers
VOCAB, DIM, UNITS = 9, 3, 4


@keras.saving.register_keras_serializable(package="tests.streams")
class LeakyCell(keras.Layer):
    """A cell without an operator, whose output is not its state."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple:
        new = 0.7 * states[0] + keras.ops.matmul(inputs, self.kernel)
        return keras.ops.tanh(new) + 0.5, [new]


@dataclass(frozen=True)
class StreamCase:
    """A model that is run as a stream.

    Args:
        name: what a test report shows.
        network: from an input to one or more outputs.
        shape: of the input, without the batch.
        dtype: of the input; of ids, 0 is masked.
        options: of the export.
    """

    name: str
    network: Callable[[Any], Any]
    shape: tuple = (None, DIM)
    dtype: str = "float32"
    options: tuple[tuple[str, Any], ...] = ()

    def model(self) -> keras.Model:
        keras.utils.clear_session()
        x = keras.Input(self.shape, dtype=self.dtype, name="x")
        model = keras.Model(x, self.network(x), name="model")
        randomize_weights(model)
        for weight in model.weights:  # of normalizations
            if "variance" in weight.path or weight.path.endswith("count"):
                weight.assign(np.abs(keras.ops.convert_to_numpy(weight)))
        return model

    def sequence(self, batch: int, time: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        if self.dtype == "int32":
            ids = random.integers(1, VOCAB, (batch, time)).astype(np.int32)
            ids[random.random((batch, time)) < 0.4] = 0
            return ids
        values = random.normal(size=(batch, time, *self.shape[1:])).astype(np.float32)
        values[random.random((batch, time)) < 0.3] = 0  # what a Masking masks
        return values


def embedded(x: Any) -> Any:
    return LAYERS.Embedding(VOCAB, DIM, mask_zero=True)(x)


def sequences(layer: type, *args: Any, **kwargs: Any) -> Any:
    return layer(*args, return_sequences=True, **kwargs)


def _operators(x: Any) -> list[Any]:
    layers = (LAYERS.LSTM, LAYERS.GRU, LAYERS.SimpleRNN)
    return [sequences(layer, UNITS)(x) for layer in layers] + [layer(UNITS)(x) for layer in layers]


def _masked_operators(x: Any) -> list[Any]:
    x = embedded(x)
    zeros = sequences(LAYERS.GRU, UNITS, zero_output_for_mask=True)(x)
    return [*_operators(x), zeros, LAYERS.GRU(UNITS, zero_output_for_mask=True)(x)]


def _stacked(x: Any) -> Any:
    x = LAYERS.Dropout(0.3)(LAYERS.Normalization(mean=0.3, variance=2.0)(x))
    x = LAYERS.LayerNormalization()(sequences(LAYERS.GRU, UNITS)(x))
    y = LAYERS.BatchNormalization()(LAYERS.TimeDistributed(LAYERS.Dense(UNITS, activation="relu"))(x))
    joined = LAYERS.Concatenate()([LAYERS.Add()([x, sequences(LAYERS.LSTM, UNITS)(y)]), x * 2.0])
    return LAYERS.Dense(2, activation="softmax")(joined)


def _masked_stack(x: Any) -> list[Any]:
    x = sequences(LAYERS.LSTM, UNITS)(embedded(x))
    y, newest = sequences(LAYERS.GRU, UNITS, return_state=True)(x)
    return [LAYERS.Dense(2)(y), newest]


def _cells(x: Any) -> list[Any]:
    x = embedded(x)

    def native() -> Any:
        return [LAYERS.GRUCell(3), LAYERS.LSTMCell(UNITS)]

    return [sequences(LAYERS.RNN, native())(x), LAYERS.RNN(native())(x)]


def _loops(x: Any) -> list[Any]:
    x = LAYERS.Masking()(x)
    cells = [LeakyCell(3), LAYERS.GRUCell(2)]
    return [sequences(LAYERS.RNN, cells, return_state=True)(x)[0], LAYERS.RNN(LeakyCell(3))(x)]


def _convolutions(x: Any) -> list[Any]:
    x = LAYERS.Conv1D(UNITS, 3, padding="causal", activation="relu")(x)
    x = LAYERS.Conv1D(UNITS, 2, padding="causal", dilation_rate=3, groups=2)(x)
    return [LAYERS.Conv1D(2, 1)(x), sequences(LAYERS.LSTM, 2)(x)]


def _answers(x: Any) -> list[Any]:
    newest = LAYERS.GRU(UNITS)(x)
    behind = LAYERS.Bidirectional(LAYERS.LSTM(2))(LAYERS.RepeatVector(3)(newest))
    last = sequences(LAYERS.SimpleRNN, 2)(x)[:, -1]
    return [behind, LAYERS.Flatten()(LAYERS.Reshape((2, 2))(newest)), last]


def _twice(x: Any) -> Any:
    layer, convolution = sequences(LAYERS.GRU, DIM), LAYERS.Conv1D(DIM, 2, padding="causal")
    return layer(convolution(layer(convolution(x))))


def _nested(x: Any) -> Any:
    inner = keras.Sequential([keras.Input((None, DIM)), LAYERS.Conv1D(DIM, 2, padding="causal"), LAYERS.GRU(2)])
    return inner(x)


CASES = [
    StreamCase("operators", _operators),
    StreamCase("masked operators", _masked_operators, (None,), "int32"),
    StreamCase("stack of many layers", _stacked),
    StreamCase("masked stack", _masked_stack, (None,), "int32"),
    StreamCase("masked stack as scan", _masked_stack, (None,), "int32", (("recurrence", "scan"),)),
    StreamCase("stacked cells", _cells, (None,), "int32"),
    StreamCase("masked loops", _loops),
    StreamCase("causal convolutions", _convolutions),
    StreamCase("layers behind an answer", _answers),
    StreamCase("layers called twice", _twice),
    StreamCase("a nested model", _nested),
    StreamCase("images", lambda x: LAYERS.ConvLSTM1D(2, 2)(LAYERS.TimeDistributed(LAYERS.Dense(2))(x)), (None, 4, 2)),
    StreamCase("a fixed number of steps", lambda x: sequences(LAYERS.LSTM, UNITS, unroll=True)(x), (STEPS := 9, DIM)),
]


@functools.cache
def stream_of(case: StreamCase) -> tuple[keras.Model, Any]:
    """Returns a case's model, and its file as `load` gives it."""
    model = case.model()
    path = Path(tempfile.mkdtemp()) / "stream.onnx"
    return model, exported(model, path, stream=True, **dict(case.options))


@functools.cache
def whole_answers(case: StreamCase, batch: int, seed: int, time: int = STEPS) -> tuple[np.ndarray, ...]:
    """Returns what Keras answers to the first steps of a sequence."""
    model, _ = stream_of(case)
    outputs = model(case.sequence(batch, STEPS, seed)[:, :time], training=False)
    return tuple(np.asarray(each) for each in keras.tree.flatten(outputs))

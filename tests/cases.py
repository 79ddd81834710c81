"""The one table of recurrent models: every suite that compares networks walks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_seqkit.layers import BidirectionalStack, ConvFront, MaskedMaxPooling

LAYERS = keras.layers
VOCAB, DIM, UNITS = 9, 3, 4
CELLS: dict[str, tuple[type, dict[str, Any]]] = {
    "lstm": (LAYERS.LSTM, {}),
    "gru": (LAYERS.GRU, {}),
    "gru_reset_before": (LAYERS.GRU, {"reset_after": False}),
    "simple_rnn": (LAYERS.SimpleRNN, {}),
}
REDUCTIONS = ("sum", "mul", "ave")
MASKS = ("none", "right", "left", "holes", "all_masked")


@dataclass(frozen=True)
class Case:
    """A model over ids (batch, time), and how many native operators its export has.

    Args:
        name: what a test report shows.
        network: from embedded ids (batch, time, dim), which carry a mask, to one or more outputs.
        operators: the expected number of LSTM, GRU and RNN nodes.
        any_time: whether Keras itself, compiled once for any number of steps, answers as it does step by step.
    """

    name: str
    network: Callable[[Any], Any]
    operators: int = 1
    any_time: bool = True

    def model(self, seed: int = 0, mask_zero: bool = True) -> keras.Model:
        """Builds the model with random weights, biases too."""
        keras.utils.clear_session()
        ids = keras.Input((None,), dtype="int32", name="ids")
        outputs = self.network(LAYERS.Embedding(VOCAB, DIM, mask_zero=mask_zero, name="embedding")(ids))
        model = keras.Model(ids, outputs, name="model")
        randomize_weights(model, seed)
        return model


def randomize_weights(model: keras.Model, seed: int = 0) -> None:
    """Gives every weight random values: fresh biases are zeros and would hide mistakes."""
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.6, weight.shape).astype(weight.dtype) for weight in model.weights])


def masked_ids(kind: str, batch: int, time: int, seed: int = 0) -> np.ndarray:
    """Returns int32 (batch, time), 0 at the steps that the kind of mask masks."""
    random = np.random.default_rng(seed)
    ids = random.integers(1, VOCAB, (batch, time)).astype(np.int32)
    for row in range(batch):
        real = int(random.integers(0, time + 1))
        if kind == "right":
            ids[row, real:] = 0
        elif kind == "left":
            ids[row, : time - real] = 0
        elif kind == "holes":
            ids[row, random.random(time) < 0.5] = 0
        elif kind == "all_masked" and row != 1:
            ids[row] = 0
    return ids


def _one(cell: str, **arguments: Any) -> Callable[[Any], Any]:
    layer, own = CELLS[cell]
    return lambda x, **call: layer(UNITS, **{**own, **arguments})(x, **call)


def _both(cell: str, merge_mode: str | None, **arguments: Any) -> Callable[[Any], Any]:
    layer, own = CELLS[cell]
    inner = {**own, **arguments}
    return lambda x, **call: LAYERS.Bidirectional(layer(UNITS, **inner), merge_mode=merge_mode)(x, **call)


def _stacked(x: Any) -> Any:
    x = LAYERS.Bidirectional(LAYERS.LSTM(UNITS, return_sequences=True))(x)
    x = LAYERS.GRU(UNITS, return_sequences=True)(x)
    return LAYERS.Dense(2)(LAYERS.Bidirectional(LAYERS.SimpleRNN(UNITS))(x))


def _shared(x: Any) -> Any:
    layer = LAYERS.LSTM(DIM, return_sequences=True)
    return layer(layer(x))


def _from_encoder(cell: str) -> Callable[[Any], Any]:
    def network(x: Any) -> Any:
        _, *states = _one(cell, return_state=True)(x)
        return _one(cell, return_sequences=True, return_state=True)(x, initial_state=states)

    return network


def _both_from_encoder(x: Any) -> Any:
    _, *states = _both("lstm", "concat", return_state=True)(x)
    return _both("lstm", "sum", return_state=True)(x, initial_state=states)


def _nested(x: Any) -> Any:
    inner = keras.Sequential([keras.Input((None, DIM)), LAYERS.GRU(DIM, return_sequences=True)], name="inner")
    return LAYERS.GRU(UNITS)(inner(x))


def _activations(x: Any) -> Any:
    names = ("relu", "hard_sigmoid", "elu", "softsign", "leaky_relu", "linear")
    return [LAYERS.LSTM(UNITS, activation=name, recurrent_activation="hard_sigmoid")(x) for name in names]


def _mixed_directions(x: Any) -> Any:
    backward = LAYERS.GRU(UNITS, go_backwards=True, return_sequences=True)
    return LAYERS.Bidirectional(LAYERS.LSTM(UNITS, return_sequences=True), backward_layer=backward)(x)


def _stacked_cells() -> Any:
    cells = [LAYERS.LSTMCell(UNITS), LAYERS.GRUCell(3), LAYERS.SimpleRNNCell(2, activation="relu")]
    return LAYERS.StackedRNNCells(cells)


def _cells(**arguments: Any) -> Callable[[Any], Any]:
    return lambda x: LAYERS.RNN(_stacked_cells(), **arguments)(x)


def _cells_from_encoder(x: Any) -> Any:
    _, *states = LAYERS.RNN(_stacked_cells(), return_state=True)(x)
    return LAYERS.RNN(_stacked_cells(), return_sequences=True, return_state=True)(x, initial_state=states)


def _both_of_cells(x: Any) -> Any:
    layer = LAYERS.RNN(_stacked_cells(), return_sequences=True)
    return LAYERS.Bidirectional(layer, merge_mode="sum")(x)


def _repeated(x: Any) -> Any:
    x = LAYERS.RepeatVector(5)(LAYERS.GRU(UNITS)(x))
    return LAYERS.TimeDistributed(LAYERS.Dense(2))(LAYERS.LSTM(UNITS, return_sequences=True)(x))


def _in_each_step(x: Any) -> Any:
    steps = LAYERS.Reshape((-1, DIM, 1))(x)  # (batch, time, 3, 1)
    inner = keras.Sequential([keras.Input((DIM, 1)), LAYERS.Bidirectional(LAYERS.GRU(3)), LAYERS.Dense(3)])
    return LAYERS.LSTM(UNITS)(LAYERS.TimeDistributed(inner)(steps))


CASES = [
    *(Case(f"{cell} last", _one(cell)) for cell in CELLS),
    *(Case(f"{cell} sequences", _one(cell, return_sequences=True)) for cell in CELLS),
    *(Case(f"{cell} backwards last", _one(cell, go_backwards=True)) for cell in CELLS),
    *(Case(f"{cell} backwards sequences", _one(cell, go_backwards=True, return_sequences=True)) for cell in CELLS),
    *(Case(f"{cell} states", _one(cell, return_sequences=True, return_state=True)) for cell in CELLS),
    *(Case(f"{cell} from encoder", _from_encoder(cell), operators=2) for cell in CELLS),
    *(Case(f"{cell} without bias", _one(cell, use_bias=False)) for cell in CELLS),
    Case("lstm zero output last", _one("lstm", zero_output_for_mask=True)),
    Case("gru zero output sequences", _one("gru", zero_output_for_mask=True, return_sequences=True)),
    Case("lstm zero output backwards", _one("lstm", zero_output_for_mask=True, go_backwards=True)),
    Case("gru zero output backwards sequences", _one("gru", zero_output_for_mask=True, go_backwards=True,
                                                     return_sequences=True)),
    *(Case(f"both {cell} concat sequences", _both(cell, "concat", return_sequences=True)) for cell in CELLS),
    *(Case(f"both {cell} concat last", _both(cell, "concat")) for cell in CELLS),
    *(Case(f"both lstm {mode} sequences", _both("lstm", mode, return_sequences=True)) for mode in REDUCTIONS),
    *(Case(f"both gru {mode} last", _both("gru", mode)) for mode in REDUCTIONS),
    Case("both lstm apart sequences", _both("lstm", None, return_sequences=True)),
    Case("both lstm apart last", _both("lstm", None)),
    Case("both gru states", _both("gru", "concat", return_sequences=True, return_state=True)),
    Case("both lstm from encoder", _both_from_encoder, operators=2),
    Case("two kinds of directions", _mixed_directions, operators=2),
    Case("activations", _activations, operators=6),
    Case("dropout", _one("lstm", dropout=0.4, recurrent_dropout=0.4)),
    Case("stacked", _stacked, operators=3),
    Case("shared", _shared, operators=2),
    Case("nested", _nested, operators=2),
    Case("cell in RNN", lambda x: LAYERS.RNN(LAYERS.GRUCell(UNITS), return_sequences=True)(x)),
    Case("stacked cells last", _cells(), operators=3),
    Case("stacked cells states", _cells(return_sequences=True, return_state=True), operators=3),
    Case("stacked cells backwards", _cells(go_backwards=True, return_sequences=True), operators=3),
    Case("stacked cells zero output", _cells(zero_output_for_mask=True, return_sequences=True), operators=3),
    Case("stacked cells from encoder", _cells_from_encoder, operators=6),
    Case("stacked cells both ways", _both_of_cells, operators=6),
    Case("repeated and time distributed", _repeated, operators=2),
    Case("recurrence in each step", _in_each_step, operators=2, any_time=False),
    Case("bidirectional stack", lambda x: BidirectionalStack((4, 3), return_sequences=True)(x), operators=2),
    Case("residual stack", lambda x: BidirectionalStack((4, 3), cell="gru", residual=True, layer_norm=True)(x), 2),
    Case("convolution in front", lambda x: BidirectionalStack(3)(ConvFront(4, 3, 2)(x))),
    Case("pooled", lambda x: MaskedMaxPooling()(_both("gru", "concat", return_sequences=True)(x))),
]  # fmt: skip

"""What needs steps that a stream does not have is refused by the name of its layer, and nothing is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.tracing.refusals import UnsupportedLayerError

from keras_seqkit import Vocabulary
from keras_seqkit.layers import RecurrentAttention
from tests.streams.cases import DIM, UNITS, sequences

LAYERS = keras.layers
OPS: Any = keras.ops


class BeginsWithOnes(LAYERS.GRU):
    def get_initial_state(self, batch_size):
        return [OPS.ones((batch_size, self.cell.units))]


def states(x: Any) -> Any:
    return sequences(LAYERS.LSTM, UNITS)(x)


def _handed_over(x: Any) -> Any:
    _, *found = LAYERS.LSTM(UNITS, return_state=True)(x)
    return LAYERS.LSTM(UNITS, name="it")(x, initial_state=found)


def _reversed(x: Any) -> Any:
    return states(LAYERS.Lambda(lambda each: each[:, ::-1], name="it")(x))


# The network, which layer or operation is named, and what is said of it.
REFUSED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "both directions": (lambda x: LAYERS.Bidirectional(LAYERS.LSTM(2), name="it")(x), "layer", "from the end"),
    "backwards": (lambda x: LAYERS.LSTM(2, go_backwards=True, name="it")(x), "layer", "go_backwards"),
    "average": (lambda x: LAYERS.GlobalAveragePooling1D(name="it")(states(x)), "layer", "one answer of all steps"),
    "maximum": (lambda x: LAYERS.GlobalMaxPooling1D(name="it")(states(x)), "layer", "one answer of all steps"),
    "same padding": (lambda x: states(LAYERS.Conv1D(3, 3, padding="same", name="it")(x)), "layer", "padding='causal'"),
    "no padding": (lambda x: states(LAYERS.Conv1D(3, 3, name="it")(x)), "layer", "padding='causal'"),
    "depthwise": (lambda x: states(LAYERS.DepthwiseConv1D(3, name="it")(x)), "layer", "steps"),
    "separable": (lambda x: states(LAYERS.SeparableConv1D(2, 3, padding="same", name="it")(x)), "layer", "mixes steps"),
    "strides": (
        lambda x: states(LAYERS.Conv1D(3, 3, strides=2, padding="causal", name="it")(x)),
        "layer",
        "strides of 2",
    ),
    "pooling": (lambda x: states(LAYERS.AveragePooling1D(2, name="it")(x)), "layer", "pools over time"),
    "permuted": (lambda x: LAYERS.Permute((2, 1), name="it")(states(x)), "layer", "moves the axis of steps"),
    "reshaped": (lambda x: states(LAYERS.Reshape((-1, 1), name="it")(x)), "layer", "moves the axis of steps"),
    "attention": (lambda x: LAYERS.MultiHeadAttention(1, 2, name="it")(x, states(x)), "layer", "all others"),
    "recurrent attention": (lambda x: RecurrentAttention(name="it")(states(x), x)[0], "layer", "mixes steps"),
    "softmax": (lambda x: LAYERS.Softmax(axis=1, name="it")(states(x)), "layer", "mixes steps"),
    "activation": (
        lambda x: LAYERS.Dense(2, activation=lambda each: OPS.softmax(each, axis=1), name="it")(states(x)),
        "layer",
        "mixes steps",
    ),
    "padding": (lambda x: states(LAYERS.ZeroPadding1D(1, name="it")(x)), "layer", "number of steps"),
    "joined in time": (lambda x: states(LAYERS.Concatenate(axis=1, name="it")([x, x])), "layer", "number of steps"),
    "reversed": (_reversed, "layer", "mixes steps"),
    "sums": (lambda x: OPS.cumsum(states(x), axis=1), "operation Cumsum", "mixes steps"),
    "first step": (lambda x: states(x)[:, 0], "operation GetItem", "one answer"),
    "last two steps": (lambda x: states(x)[:, -2:], "operation GetItem", "number of steps"),
    "answer and steps": (
        lambda x: OPS.add(states(x), OPS.expand_dims(LAYERS.LSTM(UNITS)(x), 1)),
        "operation Add",
        "an answer about all steps",
    ),
    "handed over states": (_handed_over, "layer", "initial_state"),
    "own states": (lambda x: BeginsWithOnes(2, name="it")(x), "layer", "of its own making"),
    "channels first": (
        lambda x: states(LAYERS.Conv1D(DIM, 3, padding="causal", data_format="channels_first", name="it")(x)),
        "layer",
        "",
    ),
}


def functional(network: Callable[[Any], Any], shape: tuple = (None, DIM)) -> keras.Model:
    keras.utils.clear_session()
    x = keras.Input(shape, name="x")
    return keras.Model(x, network(x), name="model")


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "channels first"])
def test_a_layer_that_needs_other_steps_is_refused_by_name(name: str, tmp_path: Path):
    network, owner, why = REFUSED[name]
    shown = f"{owner} 'it'" if owner == "layer" else owner
    with pytest.raises(UnsupportedLayerError, match=f"(?s){shown}.*cannot be part of a stream.*{_escaped(why)}"):
        seqkit_onnx.export(functional(network), tmp_path / "stream.onnx", text=False, stream=True)
    assert not list(tmp_path.iterdir())


def test_a_convolution_with_its_channels_first_is_refused_by_name(tmp_path: Path):
    model = functional(REFUSED["channels first"][0], (DIM, 5))
    with pytest.raises(UnsupportedLayerError, match="layer 'it' cannot be part of a stream"):
        seqkit_onnx.export(model, tmp_path / "stream.onnx", text=False, stream=True)


def test_steps_that_are_flattened_are_refused_by_the_name_of_the_layer(tmp_path: Path):
    model = functional(lambda x: LAYERS.Dense(2)(LAYERS.Flatten(name="it")(states(x))), (5, DIM))
    with pytest.raises(UnsupportedLayerError, match=r"layer 'it' cannot be .* it moves the axis of steps"):
        seqkit_onnx.export(model, tmp_path / "stream.onnx", text=False, stream=True)


def test_a_model_that_keeps_nothing_needs_no_stream(tmp_path: Path):
    with pytest.raises(UnsupportedLayerError, match="'model' keeps nothing from step to step"):
        seqkit_onnx.export(functional(LAYERS.Dense(2)), tmp_path / "stream.onnx", text=False, stream=True)


def test_a_model_without_steps_is_no_stream(tmp_path: Path):
    with pytest.raises(ValueError, match="has no input with steps"):
        seqkit_onnx.export(functional(LAYERS.Dense(2), (3,)), tmp_path / "stream.onnx", text=False, stream=True)


class SumsInItsCall(keras.Model):
    def __init__(self):
        super().__init__()
        self.layer = LAYERS.GRU(2, return_sequences=True)

    def call(self, x):
        return OPS.cumsum(self.layer(x), axis=1)


def test_what_no_layer_tells_is_found_by_comparing_chunks_with_the_whole(tmp_path: Path):
    model = SumsInItsCall()
    model(np.zeros((2, 5, DIM), np.float32))
    with pytest.raises(ValueError, match=r"Whole sequences.*in chunks.*keras\.ops\.cumsum"):
        seqkit_onnx.export(model, tmp_path / "stream.onnx", text=False, stream=True)
    assert not list(tmp_path.iterdir())


def test_a_stream_takes_no_text(tmp_path: Path):
    model = functional(lambda x: LAYERS.GRU(2)(x))
    with pytest.raises(ValueError, match="takes no vocabulary"):
        seqkit_onnx.export(model, tmp_path / "stream.onnx", vocabulary=Vocabulary(["a"]), stream=True)


def _escaped(text: str) -> str:
    return text.replace("(", r"\(").replace(")", r"\)")

"""Methods that somebody has replaced on one layer or one cell: the file does what they do."""

from collections.abc import Callable
from typing import Any

import keras
import pytest

from tests.exported import assert_equal_to_keras, exported, values

ops = keras.ops
UNITS = 4


def ones(batch_size: Any = None) -> list:
    return [ops.ones((batch_size, UNITS))]


def nested_ones(batch_size: Any = None) -> list:
    return [ops.ones((batch_size, 3)), ops.ones((batch_size, UNITS))]


def doubled(holder: Any, name: str) -> None:
    """Lets a method give the double of what it gives."""
    method = getattr(holder, name)

    def double(*arguments: Any, **options: Any) -> Any:
        answer = method(*arguments, **options)
        return (answer[0] * 2, *answer[1:]) if isinstance(answer, tuple) else answer * 2

    setattr(holder, name, double)


def doubled_loop(layer: Any) -> None:
    loop = layer.inner_loop

    def double(*arguments: Any, **options: Any) -> Any:
        last, outputs, states = loop(*arguments, **options)
        return last * 2, outputs * 2, states

    layer.inner_loop = double


def gru() -> Any:
    return keras.layers.GRU(UNITS)


def both() -> Any:
    return keras.layers.Bidirectional(keras.layers.GRU(UNITS))


def stacked() -> Any:
    return keras.layers.RNN([keras.layers.GRUCell(3), keras.layers.GRUCell(UNITS)])


@keras.saving.register_keras_serializable(package="tests")
class Scaled(keras.layers.GRU):
    """Goes on to Keras's call, with other numbers."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences * 0.5, initial_state=initial_state, mask=mask, training=training)


REPLACED: dict[str, tuple[Callable, Callable]] = {
    "states of a layer": (gru, lambda layer: setattr(layer, "get_initial_state", ones)),
    "states of a cell": (gru, lambda layer: setattr(layer.cell, "get_initial_state", ones)),
    "states of a direction": (both, lambda layer: setattr(layer.forward_layer, "get_initial_state", ones)),
    "states of a direction's cell": (both, lambda layer: setattr(layer.backward_layer.cell, "get_initial_state", ones)),
    "states of stacked cells": (stacked, lambda layer: setattr(layer.cell, "get_initial_state", nested_ones)),
    "states of one of them": (stacked, lambda layer: setattr(layer.cell.cells[1], "get_initial_state", ones)),
    "call of a layer": (gru, lambda layer: doubled(layer, "call")),
    "call of a cell": (gru, lambda layer: doubled(layer.cell, "call")),
    "call of a direction": (both, lambda layer: doubled(layer.backward_layer, "call")),
    "call of stacked cells": (stacked, lambda layer: doubled(layer.cell, "call")),
    "call of one of them": (stacked, lambda layer: doubled(layer.cell.cells[0], "call")),
    "loop": (gru, doubled_loop),
    "loop of a direction": (both, lambda layer: doubled_loop(layer.forward_layer)),
    "loop of a layer with a call of its own": (lambda: Scaled(UNITS), doubled_loop),
}


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("what", REPLACED)
def test_a_replaced_method_is_kept_to(tmp_path, what):
    make, replace = REPLACED[what]
    layer = make()
    layer.build((None, None, 3))
    replace(layer)
    inputs = keras.Input((None, 3), name="x")
    model = keras.Model(inputs, layer(inputs))
    network = exported(model, tmp_path / "model.onnx")
    for rows, steps in ((3, 5), (1, 2)):
        assert_equal_to_keras(network, model, values(rows, steps, 3))

"""What an export compares before it writes."""

import os
from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.comparison.samples import sample_inputs
from seqkit_onnx.kinds import network
from seqkit_onnx.passes.id_limits import id_limits, initial_states
from seqkit_onnx.tracing.signature import model_signature
from seqkit_onnx.verification import VerificationError

from tests.cases import randomize_weights
from tests.eager import eagerly
from tests.exported import assert_equal_to_keras, exported, values

LAYERS = keras.layers


def broken(change: Any):
    """An exporter whose conversion is spoiled by `change`, which gets the graph."""
    convert = network.convert

    def spoiled(*args: Any, **kwargs: Any) -> Any:
        proto = convert(*args, **kwargs)
        change(proto.graph)
        return proto

    return spoiled


def spoil_row(name: str, row: int):
    """Changes one row of a table of weights."""

    def change(graph: Any) -> None:
        for tensor in graph.initializer:
            if name in tensor.name and len(tensor.dims) == 2:
                table = np.frombuffer(tensor.raw_data, np.float32).reshape(tuple(tensor.dims)).copy()
                table[row] += 1
                tensor.raw_data = table.tobytes()

    return change


class Inside(LAYERS.Layer):
    """An embedding inside a layer of the user's own."""

    def __init__(self, rows: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.parts = [LAYERS.Embedding(rows, 3, name="table")]

    def call(self, ids):
        return self.parts[0](ids)


@pytest.mark.parametrize("row", [0, 1, 11])
def test_verification_is_the_default_and_looks_up_every_id(row, tmp_path, monkeypatch):
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, LAYERS.LSTM(3)(Inside(12)(ids)))
    randomize_weights(model)
    monkeypatch.setattr(network, "convert", broken(spoil_row("table", row)))
    with eagerly(), pytest.raises(VerificationError, match="differ by"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert os.listdir(tmp_path) == []


def clip_inputs(graph: Any) -> None:
    """Clips what goes into the graph at 4, which no number about 1 shows."""
    from onnx import helper, numpy_helper

    bounds = [numpy_helper.from_array(np.array(bound, np.float32), name) for name, bound in (("low", -4), ("high", 4))]
    graph.initializer.extend(bounds)
    for node in graph.node:
        node.input[:] = ["clipped" if name == graph.input[0].name else name for name in node.input]
    graph.node.insert(0, helper.make_node("Clip", [graph.input[0].name, "low", "high"], ["clipped"]))


def test_verification_tries_values_that_are_not_tame(tmp_path, monkeypatch):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.Dense(2)(LAYERS.LSTM(3)(x)))
    monkeypatch.setattr(network, "convert", broken(clip_inputs))
    with eagerly(), pytest.raises(VerificationError, match="differ by"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


def first_step_only(graph: Any) -> None:
    """Answers rightly to one step alone."""
    from onnx import helper, numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "first"))
    for node in graph.node:
        node.input[:] = ["one" if name == graph.input[0].name else name for name in node.input]
    graph.node.insert(0, helper.make_node("Gather", [graph.input[0].name, "first"], ["one"], axis=1))


def test_verification_tries_several_steps(tmp_path, monkeypatch):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.GRU(3)(x))
    monkeypatch.setattr(network, "convert", broken(first_step_only))
    with eagerly(), pytest.raises(VerificationError, match="differ by"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


def test_samples_have_padding_of_every_kind():
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, LAYERS.LSTM(3)(LAYERS.Embedding(50, 3, mask_zero=True)(ids)))
    real = sample_inputs(model, model_signature(model)) != 0
    assert real[0].all()
    assert real[1, :3].any()
    assert not real[1, 3:].any()
    assert not real[2, :4].any()
    assert real[2, 4:].any()
    assert not real[3, 1::2].any()
    assert not real[4].any()


def test_masked_steps_of_numbers_are_tried():
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.LSTM(3)(LAYERS.Masking(-7.0)(x)))
    masked = np.all(sample_inputs(model, model_signature(model)) == -7, axis=-1)
    assert masked.any(axis=1).tolist() == [False, True, True, True, True, False, False, False]


def test_a_network_that_needs_many_steps_is_compared_on_many(tmp_path):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.LSTM(3)(LAYERS.Conv1D(4, 30)(x)))
    with eagerly():
        assert_equal_to_keras(exported(model, tmp_path / "m.onnx", verify=True), model, values(2, 31, 3))


def test_where_keras_answers_nothing_it_is_said(tmp_path):
    x = keras.Input((None, 3))
    model = keras.Model(x, LAYERS.LSTM(3)(LAYERS.AveragePooling1D(5000)(x)))  # more steps than any sample has
    with eagerly(), pytest.raises(VerificationError, match=r"answers to none of the inputs.*verify=False"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


def test_a_network_that_magnifies_rounding_is_judged_by_float64(tmp_path):
    """The file is as near to the exact answers as Keras is, though further than the tolerance from Keras."""
    keras.utils.set_random_seed(3)
    x = keras.Input((4,))
    y = LAYERS.Rescaling(3e4)(LAYERS.Dense(4)(LAYERS.Dense(512)(x)))  # sums of a few numbers are the same in any order
    model = keras.Model(x, keras.ops.sin(y))
    with eagerly():
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


def test_the_limits_of_ids_are_found_through_what_gives_them_on(tmp_path):
    ids, others = keras.Input((None,), dtype="int32", name="ids"), keras.Input((4,), dtype="int8", name="others")
    first = LAYERS.LSTM(2)(LAYERS.Embedding(30, 3, mask_zero=True)(ids))
    second = LAYERS.Flatten()(LAYERS.Embedding(7, 3)(keras.ops.flip(others, axis=1)))
    model = keras.Model([ids, others], LAYERS.Concatenate()([first, second]))
    proto = network.convert(model, model_signature(model))
    assert id_limits(proto.graph) == {"ids": 30, "others": 7}


def test_states_that_go_in_are_about_one():
    x, state = keras.Input((None, 3), name="x"), keras.Input((4,), name="state")
    model = keras.Model([x, state], LAYERS.GRU(4)(x, initial_state=state))
    graph = network.convert(model, model_signature(model)).graph
    assert initial_states(graph) == {"state"}
    large, small = sample_inputs(model, model_signature(model), tame=False, states={"state"})
    assert np.abs(large).max() > 50
    assert np.abs(small).max() < 5


class Steep(LAYERS.Layer):
    """Takes no dtype, as most layers of tutorials, and magnifies rounding ten thousand times."""

    def __init__(self):
        super().__init__()
        self.dense = LAYERS.Dense(4)

    def call(self, x):
        return keras.ops.sin(self.dense(x) * 1e4)


def test_rounding_that_a_network_magnifies_is_no_difference(tmp_path):
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        x = keras.Input((None, 6))
        model = keras.Model(x, LAYERS.LSTM(3)(Steep()(LAYERS.LSTM(32, return_sequences=True)(x))))
        with eagerly():
            seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)

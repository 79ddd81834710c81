"""NaN in a recurrence's input: the file answers NaN where Keras does, and nowhere else."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import seqkit_onnx

from keras_seqkit import BidirectionalStack
from tests.cases import CASES
from tests.exported import assert_equal_to_keras, exported, operators, values
from tests.generators import generator

TIME, DIM, UNITS = 6, 3, 4
LAYERS = {
    "lstm": lambda **options: keras.layers.LSTM(UNITS, **options),
    "gru": lambda **options: keras.layers.GRU(UNITS, **options),
    "gru, reset before": lambda **options: keras.layers.GRU(UNITS, reset_after=False, **options),
    "relu": lambda **options: keras.layers.SimpleRNN(UNITS, activation="relu", **options),
    "tanh": lambda **options: keras.layers.SimpleRNN(UNITS, **options),
}
GUARDS = {"IsNaN", "ReduceL1"}


def with_holes(rows: int = 5, steps: int = TIME, seed: int = 0) -> np.ndarray:
    """Returns numbers (rows, steps, dim): one lacks in the first row's middle, one at its begin, one at its end."""
    x = values(rows, steps, DIM, seed=seed)
    x[0, steps // 2, 1] = x[1, 0, 2] = x[2, -1, 0] = np.nan
    return x


def functional(layer: Any, **options: Any) -> keras.Model:
    inputs = keras.Input((None, DIM), name="x", **options)
    return keras.Model(inputs, layer(inputs))


@pytest.mark.walk(every=2)
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True}, {"return_sequences": True, "return_state": True}], ids=str
)
def test_a_missing_value_is_carried_on_as_in_keras(tmp_path, kind, options):
    model = functional(LAYERS[kind](**options))
    network = exported(model, tmp_path / "model.onnx")
    for recurrence in ("native", "scan", "auto"):
        network = exported(model, tmp_path / "model.onnx", recurrence=recurrence)
        for steps in (1, TIME):
            assert_equal_to_keras(network, model, with_holes(steps=steps))


@pytest.mark.parametrize("kind", ["lstm", "gru", "gru, reset before"])
def test_an_infinite_value_is_not_a_missing_one(tmp_path, kind):
    model = functional(LAYERS[kind](return_sequences=True))
    x = with_holes()
    x[3, 1, 0], x[3, 3, 0], x[4, 2, 1] = np.inf, -np.inf, -np.inf
    network = exported(model, tmp_path / "model.onnx")
    assert not np.isnan(next(iter(network.predict(x).values()))[3:]).any()
    assert_equal_to_keras(network, model, x)


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("kind", ["lstm", "gru", "relu"])
@pytest.mark.parametrize("merge", ["concat", "sum", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_each_direction_carries_on_what_it_has_read(tmp_path, kind, merge, sequences):
    layer = keras.layers.Bidirectional(LAYERS[kind](return_sequences=sequences), merge_mode=merge)
    model = functional(layer)
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, with_holes())


def test_two_directions_of_different_kinds_carry_on_each_for_itself(tmp_path):
    backward = keras.layers.GRU(UNITS, return_sequences=True, go_backwards=True)
    model = functional(keras.layers.Bidirectional(LAYERS["lstm"](return_sequences=True), backward_layer=backward))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, with_holes())


def masked_model(layer: Any) -> keras.Model:
    x, mask = keras.Input((None, DIM), name="x"), keras.Input((None,), dtype="bool", name="mask")
    return keras.Model([x, mask], layer(x, mask=mask))


MASKS = {
    "right": [[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]],
    "left": [[0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]],
    "holes": [[1, 0, 1, 1, 0, 1], [1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0, 1], [1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 0]],
}


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("kind", ["lstm", "gru", "relu"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_a_masked_step_has_no_missing_value(tmp_path, kind, backwards, zeros):
    layer = LAYERS[kind](return_sequences=True, return_state=True, go_backwards=backwards, zero_output_for_mask=zeros)
    model = masked_model(layer)
    network = exported(model, tmp_path / "model.onnx")
    for mask, where in itertools.product(MASKS.values(), range(TIME)):
        x = values(5, TIME, DIM)
        x[:, where, 1] = np.nan
        assert_equal_to_keras(network, model, [x, np.array(mask, bool)])


@pytest.mark.parametrize("kind", ["lstm", "gru", "relu"])
@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True}, {"go_backwards": True, "return_sequences": True}], ids=str
)
def test_a_masked_step_on_the_right_has_no_missing_value(tmp_path, kind, options):
    ids, features = keras.Input((None,), dtype="int32", name="ids"), keras.Input((None, DIM), name="x")
    mask = keras.ops.not_equal(ids, 0)
    layers = [LAYERS[kind](**options), keras.layers.Bidirectional(LAYERS[kind](return_sequences=True))]
    model = keras.Model([ids, features], [layer(features, mask=mask) for layer in layers])
    network = exported(model, tmp_path / "model.onnx", padding="post")
    assert "TopK" not in operators(tmp_path / "model.onnx")
    for where in range(TIME):
        x = values(5, TIME, DIM)
        x[:, where, 1] = np.nan
        assert_equal_to_keras(network, model, [np.array(MASKS["right"], np.int32), x])


@pytest.mark.parametrize("kind", ["lstm", "gru", "relu"])
@pytest.mark.parametrize("backwards", [False, True])
def test_an_initial_state_with_a_missing_value_is_carried_on(tmp_path, kind, backwards):
    layer = LAYERS[kind](return_sequences=True, return_state=True, go_backwards=backwards)
    count = 2 if kind == "lstm" else 1
    x, mask = keras.Input((None, DIM), name="x"), keras.Input((None,), dtype="bool", name="mask")
    states = [keras.Input((UNITS,), name=f"state_{place}") for place in range(count)]
    plain = keras.Model([x, *states], layer(x, initial_state=states))
    masked = keras.Model([x, *states, mask], layer(x, initial_state=states, mask=mask))
    one, several = exported(plain, tmp_path / "plain.onnx"), exported(masked, tmp_path / "masked.onnx")
    for place in range(count):
        given = [values(5, UNITS, seed=seed) for seed in range(count)]
        given[place][:3, 2] = given[place][4, 1] = np.nan
        for steps in (1, TIME):
            assert_equal_to_keras(one, plain, [with_holes(steps=steps), *given])
            assert_equal_to_keras(one, plain, [values(5, steps, DIM), *given])
        for kept in MASKS.values():
            assert_equal_to_keras(several, masked, [values(5, TIME, DIM), *given, np.array(kept, bool)])


def test_a_state_with_a_missing_value_is_carried_on_over_steps_that_are_looked_up(tmp_path):
    ids, state = keras.Input((None,), dtype="int32", name="ids"), keras.Input((UNITS,), name="state")
    x = keras.layers.GRU(UNITS, return_sequences=True)(keras.layers.Embedding(9, DIM)(ids), initial_state=state)
    model = keras.Model([ids, state], keras.layers.LSTM(UNITS)(x))
    given = values(2, UNITS)
    given[0, 1] = np.nan
    assert_equal_to_keras(
        exported(model, tmp_path / "model.onnx"), model, [np.array([[1, 2], [3, 4]], np.int32), given]
    )


def test_a_stateful_layer_carries_a_missing_value_from_call_to_call(tmp_path):
    inputs = keras.Input(batch_shape=(2, 3, DIM), name="x")
    model = keras.Model(inputs, keras.layers.LSTM(UNITS, stateful=True, return_sequences=True)(inputs))
    network = exported(model, tmp_path / "model.onnx")
    states = network.initial_state(2)
    whole = with_holes(steps=9)[:2]
    for part in np.split(whole, 3, axis=1):
        outputs = network.predict({"x": part, **states})
        states = network.next_state(outputs)
        np.testing.assert_allclose(next(iter(outputs.values())), model(part), rtol=1e-5, atol=1e-5)


def test_stacked_layers_and_stacked_cells_hand_a_missing_value_on(tmp_path):
    cells = keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(UNITS)], return_sequences=True)
    model = keras.Sequential([keras.Input((None, DIM)), cells, keras.layers.LSTM(3), keras.layers.Dense(1)])
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, with_holes())


def test_a_layer_before_the_recurrence_hands_a_missing_value_to_it(tmp_path):
    layers = [
        keras.layers.Dense(5),
        keras.layers.LayerNormalization(),
        keras.layers.Masking(0.0),
        keras.layers.GRU(UNITS),
    ]
    model = keras.Sequential([keras.Input((None, DIM)), *layers])
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, with_holes()[:3])


def test_a_recurrence_inside_a_loop_over_time_distributed_rows_carries_it_on(tmp_path):
    inputs = keras.Input((3, None, DIM), name="x")
    model = keras.Model(inputs, keras.layers.TimeDistributed(keras.layers.LSTM(UNITS))(inputs))
    assert_equal_to_keras(exported(model, tmp_path / "model.onnx"), model, with_holes(6).reshape(2, 3, TIME, DIM))


def test_a_file_in_half_precision_carries_it_on(tmp_path):
    model = functional(keras.layers.Bidirectional(LAYERS["lstm"](return_sequences=True)))
    network = exported(model, tmp_path / "model.onnx", dtype="float16")
    x = with_holes()[:3]
    x[2, 0] = 60000.0  # whose sum float16 does not hold
    assert_equal_to_keras(network, model, x, tolerance=5e-3)


def test_a_file_in_int8_carries_it_on(tmp_path):
    model = keras.Sequential([keras.Input((None, 64)), keras.layers.LSTM(32, return_sequences=True)])
    network = exported(model, tmp_path / "model.onnx", quantize="int8")
    x = values(3, TIME, 64)
    x[0, 2, 5] = np.nan
    ours, theirs = next(iter(network.predict(x).values())), model(x)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))


def test_what_is_looked_up_is_not_guarded(tmp_path):
    for case in CASES[::4]:
        exported(case.model(), tmp_path / "model.onnx")
        assert not GUARDS.intersection(operators(tmp_path / "model.onnx"))


def test_a_generator_that_reads_states_is_not_guarded(tmp_path):
    exported(generator(), tmp_path / "step.onnx", step=True)
    assert not GUARDS.intersection(operators(tmp_path / "step.onnx"))


def test_only_what_reads_numbers_is_guarded(tmp_path):
    ids, features = keras.Input((None,), dtype="int32", name="ids"), keras.Input((None, DIM), name="x")
    text = keras.layers.LSTM(UNITS)(keras.layers.Embedding(9, DIM, mask_zero=True)(ids))
    model = keras.Model([ids, features], keras.layers.Concatenate()([text, keras.layers.LSTM(UNITS)(features)]))
    exported(model, tmp_path / "model.onnx")
    assert operators(tmp_path / "model.onnx")["IsNaN"] == 1


def test_states_of_both_directions_under_a_mask(tmp_path):
    x, states = keras.Input((None, 3), name="x"), [keras.Input((4,), name=f"state_{place}") for place in range(4)]
    layer = BidirectionalStack((4,), "lstm", return_sequences=True)
    model = keras.Model([x, *states], layer(keras.layers.Masking()(x), initial_state=states))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    random = np.random.default_rng(0)
    numbers = random.normal(size=(3, 5, 3)).astype(np.float32)
    numbers[1, 3:] = 0
    given = [numbers, *(random.normal(size=(3, 4)).astype(np.float32) for _ in states)]
    given[2][0, 1] = np.nan
    (ours,) = seqkit_onnx.load(tmp_path / "model.onnx").predict(given).values()
    np.testing.assert_allclose(ours, model(given), rtol=0, atol=1e-5)
    assert np.isnan(ours).any()

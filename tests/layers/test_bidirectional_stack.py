"""BidirectionalStack equals the same network written by hand with keras.layers.Bidirectional."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from tests.layers.arrays import assert_same, flat, normal, randomize

SAME_GRAPH = 1e-6  # same float32 operations in the same order: only kernels chosen by shape may differ
OTHER_LENGTH = 1e-5  # float32, other length or other path (unrolled, compiled): sums in another order
HALF = 5e-3  # float16 keeps 11 bits of numbers below 1, over a few steps

BATCH, TIME, DIM = 4, 4, 3
LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
MASKS = {
    "right": np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool),
    "left": np.array([[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]], bool),
    "holes": np.array([[1, 0, 1, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]], bool),
    "all-masked rows": np.array([[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool),
}


def by_hand(stack: BidirectionalStack, x, mask, states=None) -> tuple:
    """The stack as a user would write it without one: separate layers, weights copied, all outputs."""
    collected = []
    for index, (units, cell, source) in enumerate(zip(stack.units, stack.cell, stack.recurrent_layers, strict=True)):
        last = index == len(stack.units) - 1
        layer = keras.layers.Bidirectional(
            LAYERS[cell](units, return_sequences=stack.return_sequences or not last, return_state=True),
            merge_mode=stack.merge_mode if last or stack.merge_mode else "concat",
        )
        layer.build(np.shape(x))
        layer.set_weights(source.get_weights())
        count = 4 if cell == "lstm" else 2
        start, states = (None, None) if states is None else (states[:count], states[count:])
        results = layer(x, mask=mask, initial_state=start)
        outputs, new_states = results[:-count], results[-count:]
        collected += new_states
        if stack.residual and (stack.return_sequences or not last):
            if stack.projections[index] is not None:
                x = x @ ops.convert_to_numpy(stack.projections[index].kernel)
            outputs = [x + outputs[0]]
        if stack.layer_norm:
            outputs = [norm_by_hand(outputs[0], stack.norms[index])]
        outputs = [ops.convert_to_numpy(output) for output in outputs]
        x = outputs[0]
    if mask is not None and stack.return_sequences:
        outputs = [np.where(mask[:, :, None], output, 0.0) for output in outputs]
    return (*outputs, *collected) if stack.return_state else tuple(outputs)


def norm_by_hand(x, norm: keras.layers.LayerNormalization) -> np.ndarray:
    x = ops.convert_to_numpy(x)
    gamma, beta = (ops.convert_to_numpy(weight) for weight in (norm.gamma, norm.beta))
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + norm.epsilon)
    return scaled * gamma + beta


def made(units=(2, 3), shape=(BATCH, TIME, DIM), **arguments) -> BidirectionalStack:
    stack = BidirectionalStack(units, **arguments)
    stack.build(shape)
    randomize(stack)
    return stack


@pytest.mark.walk(every=4)
@pytest.mark.parametrize(("masked", "return_sequences"), [(False, True), (True, True), (True, False)])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_the_stack_equals_the_network_written_by_hand(cell, merge_mode, masked, return_sequences):
    mask = np.concatenate(list(MASKS.values())) if masked else None  # right, left, holes, all-masked rows
    x = normal(BATCH if mask is None else len(mask), TIME, DIM)
    stack = made(cell=cell, merge_mode=merge_mode, return_sequences=return_sequences, return_state=masked)
    assert_same(stack(x, mask=mask), by_hand(stack, x, mask), SAME_GRAPH)


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("mask", [None, "holes", "all-masked rows"])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize(("residual", "layer_norm"), [(True, False), (False, True), (True, True)])
def test_residual_and_norm_equal_the_network_written_by_hand(residual, layer_norm, return_sequences, mask):
    x = normal(BATCH, TIME, DIM)
    stack = made(
        (2, 2, 3),  # the middle layer keeps the width, the others change it
        cell=("lstm", "gru", "simple_rnn"),
        residual=residual,
        layer_norm=layer_norm,
        return_sequences=return_sequences,
        return_state=True,
    )
    if residual:
        names = [None if layer is None else layer.name for layer in stack.projections]
        assert names == ["projection_0", None, "projection_2" if return_sequences else None]
    assert_same(stack(x, mask=MASKS.get(mask)), by_hand(stack, x, MASKS.get(mask)), OTHER_LENGTH)


@pytest.mark.parametrize("options", [{}, {"residual": True}, {"layer_norm": True, "residual": True}])
@pytest.mark.parametrize("mask", ["right", "left", "holes", "all-masked rows"])
def test_masked_steps_give_zeros_and_change_nothing_else(mask, options):
    stack = made(cell=("gru", "lstm"), return_sequences=True, **options)
    x, kept = normal(BATCH, TIME, DIM), MASKS.get(mask)
    noise = np.where(kept[:, :, None], x, 100 * normal(BATCH, TIME, DIM, seed=1))
    (output,) = flat(stack(x, mask=kept))
    assert np.all(output[~kept] == 0)
    assert np.all(output[kept] != 0)
    assert_same(stack(noise, mask=kept), output, SAME_GRAPH)


@settings(deadline=None, max_examples=8)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    padding=st.integers(1, 3),
    left=st.booleans(),
    return_sequences=st.booleans(),
    options=st.sampled_from([{}, {"residual": True, "layer_norm": True}, {"merge_mode": "mul"}]),
)
def test_padding_does_not_change_the_answer(lengths, padding, left, return_sequences, options):
    stack = made(cell=("lstm", "gru"), return_sequences=return_sequences, return_state=True, **options)
    time = max(lengths) + padding
    x = normal(len(lengths), time, DIM)
    mask = np.arange(time) < np.array(lengths)[:, None]
    mask = mask[:, ::-1] if left else mask
    padded = flat(stack(x, mask=mask))
    for row, valid in enumerate(mask):
        alone = flat(stack(x[row : row + 1, valid]))
        of_row = [output[row : row + 1] for output in padded]
        if return_sequences:
            of_row[0] = of_row[0][:, valid]
        assert_same(of_row, alone, OTHER_LENGTH)


@settings(deadline=None, max_examples=12)
@given(
    batch=st.integers(1, 3),
    time=st.integers(1, 4),
    dim=st.integers(1, 4),
    layers=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(sorted(LAYERS))), min_size=1, max_size=3),
    merge_mode=st.sampled_from(["concat", "sum", "mul", "ave", None]),
    return_sequences=st.booleans(),
    return_state=st.booleans(),
)
def test_the_computed_shapes_are_those_of_the_output(batch, time, dim, layers, **options):
    options |= {"units": [units for units, _ in layers], "cell": [cell for _, cell in layers]}
    stack = BidirectionalStack(**options)
    outputs = stack(normal(batch, time, dim))
    shapes = stack.compute_output_shape((batch, time, dim))
    shapes = shapes if isinstance(outputs, tuple) else (shapes,)
    assert [output.shape for output in flat(outputs)] == list(shapes)
    symbolic = BidirectionalStack(**options)(keras.Input((None, dim)))
    inferred = [
        tuple(
            time if axis == 1 and size is None else batch if size is None else size for axis, size in enumerate(k.shape)
        )
        for k in keras.tree.flatten(symbolic)
    ]
    assert inferred == list(shapes)


@pytest.mark.parametrize("mask", [None, "holes"])
def test_a_decoder_starts_from_the_states_of_an_encoder(mask):
    cells = ("lstm", "gru", "simple_rnn")
    encoder = made((2, 3, 2), cell=cells, return_state=True)
    decoder = made((2, 3, 2), cell=cells, return_state=True, return_sequences=True)
    x, y = normal(BATCH, TIME, DIM), normal(BATCH, TIME, DIM, seed=5)
    _, *states = encoder(x)
    assert [state.shape[-1] for state in states] == [2, 2, 2, 2, 3, 3, 2, 2]
    got = decoder(y, initial_state=states, mask=MASKS.get(mask))
    assert_same(got, by_hand(decoder, y, MASKS.get(mask), states), SAME_GRAPH)
    assert np.abs(flat(got)[0] - flat(decoder(y, mask=MASKS.get(mask)))[0]).max() > 100 * SAME_GRAPH


def test_running_on_from_returned_states_equals_one_run_in_each_forward_layer():
    """Forward h and c lie where the docstring says: a plain LSTM with the forward weights gives them."""
    stack = made((2,), return_state=True)
    x = normal(BATCH, TIME, DIM)
    forward = keras.layers.LSTM(2, return_state=True)
    forward.build(x.shape)
    forward.set_weights(stack.recurrent_layers[0].forward_layer.get_weights())
    assert_same(stack(x)[1:3], forward(x)[1:], SAME_GRAPH)


def test_a_row_that_is_all_masked_keeps_its_initial_state():
    stack = made(cell="gru", return_state=True)
    states = [normal(BATCH, units, seed=units) for units in (2, 2, 3, 3)]
    _, *after = stack(normal(BATCH, TIME, DIM), initial_state=states, mask=MASKS["all-masked rows"])
    assert_same([state[0] for state in after], [state[0] for state in states], SAME_GRAPH)


def embedded(ids: np.ndarray) -> tuple:
    embedding = keras.layers.Embedding(9, DIM, mask_zero=True)
    return embedding(ids), ids != 0


@pytest.mark.parametrize("with_states", [False, True])
def test_the_mask_of_an_embedding_is_used_with_and_without_initial_state(with_states):
    stack = made(return_sequences=True)
    x, mask = embedded(np.array([[3, 1, 4, 0], [2, 0, 0, 0]]))
    states = [normal(2, units) for units in (2, 2, 2, 2, 3, 3, 3, 3)] if with_states else None
    output = stack(x, initial_state=states)
    assert_same(output, by_hand(stack, x, mask, states), SAME_GRAPH)
    pooled = keras.layers.GlobalAveragePooling1D()(output)  # uses the mask that the stack passed on
    expected = (flat(output)[0] * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    assert_same(pooled, expected, SAME_GRAPH)


@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_compute_mask_has_one_entry_for_each_output(merge_mode, return_sequences, return_state):
    stack = made(merge_mode=merge_mode, return_sequences=return_sequences, return_state=return_state)
    mask = MASKS["right"]
    got = stack.compute_mask(None, mask)
    outputs = 2 if merge_mode is None else 1
    expected = [mask if return_sequences else None] * outputs + [None] * (8 if return_state else 0)
    assert (got if len(expected) > 1 else [got]) == expected


@pytest.mark.parametrize("options", [{}, {"residual": True, "layer_norm": True}, {"merge_mode": None}])
def test_gradients_flow_to_every_weight(options):
    stack = made((2, 2, 3), cell=("lstm", "gru", "simple_rnn"), **options)
    inputs = keras.Input((TIME, DIM))
    outputs = stack(inputs)
    joined = keras.layers.Concatenate()(outputs) if isinstance(outputs, tuple) else outputs
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(joined))
    before = [weight.numpy().copy() for weight in stack.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
    model.train_on_batch(normal(BATCH, TIME, DIM), 10 + normal(BATCH, 1))
    still = [
        weight.path
        for weight, old in zip(stack.trainable_weights, before, strict=True)
        if (weight.numpy() == old).all()
    ]
    assert before
    assert not still


def test_mixed_precision_computes_in_half_and_keeps_float32_weights():
    options = {"cell": ("lstm", "gru"), "residual": True, "layer_norm": True, "return_sequences": True}
    full, half = made(**options), made(**options, dtype="mixed_float16")
    x, mask = normal(BATCH, TIME, DIM), MASKS["right"]
    output = half(x, mask=mask)
    assert keras.backend.standardize_dtype(output.dtype) == "float16"
    assert {weight.dtype for weight in half.trainable_weights} == {"float32"}
    assert_same(ops.cast(output, "float32"), full(x, mask=mask), HALF)


def test_an_unrolled_stack_gives_the_same_answer():
    x, options = normal(BATCH, TIME, DIM), {"cell": ("lstm", "gru"), "return_sequences": True}
    assert_same(made(**options, unroll=True)(x), made(**options)(x), OTHER_LENGTH)


def test_an_unrolled_stack_refuses_a_mask_that_keras_would_misplace():
    """When this fails at `differs`, Keras is mended: let the stack take the mask again."""
    x, mask = ops.convert_to_tensor(normal(BATCH, TIME, DIM)), MASKS["right"]
    plain = [keras.layers.Bidirectional(keras.layers.GRU(2, return_sequences=True, unroll=u)) for u in (True, False)]
    for layer in plain:
        layer.build(x.shape)
        randomize(layer)
    differs = np.abs(flat(plain[0](x, mask=mask))[0] - flat(plain[1](x, mask=mask))[0]).max()
    assert differs > 0.01
    with pytest.raises(ValueError, match="unroll=True received a mask"):
        made(unroll=True)(x, mask=mask)
    last_only = {"units": 2, "shape": x.shape}
    assert_same(made(**last_only, unroll=True)(x, mask=mask), made(**last_only)(x, mask=mask), OTHER_LENGTH)


def test_dropout_acts_in_training_only_and_layers_drop_by_different_seeds():
    stack = made((3, 3), dropout=0.5, seed=7)
    x = normal(BATCH, TIME, DIM)
    assert_same(stack(x), stack(x, training=False), SAME_GRAPH)
    assert np.abs(flat(stack(x, training=True))[0] - flat(stack(x))[0]).max() > 100 * SAME_GRAPH
    assert [layer.forward_layer.get_config()["seed"] for layer in stack.recurrent_layers] == [7, 8]

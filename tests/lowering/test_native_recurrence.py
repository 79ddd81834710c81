"""Every model of the table: exported, it equals Keras and holds native operators only."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import CASES, MASKS, Case, masked_ids
from tests.lowering.converted_cases import SHAPES, converted, keras_answers, keras_model

# float32 sums taken in another order: about 1e-7 a step, over at most 7 steps of small networks.
TOLERANCE = 2e-6
LOOPS = {"Loop", "Scan", "If"}
RECURRENT = {"LSTM", "GRU", "RNN"}
REARRANGING = {"TopK", "GatherND", "CumSum"}


def run(proto: onnx.ModelProto, **feeds: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def assert_equal_outputs(proto: onnx.ModelProto, case: Case, masks: tuple[str, ...], mask_zero: bool = True) -> None:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for kind in masks:
        for batch, time in SHAPES:
            ids = masked_ids(kind, batch, time, seed=batch + time)
            expected = keras_answers(case, mask_zero, kind, batch, time)
            for ours, theirs in zip(session.run(None, {"ids": ids}), expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=f"{kind} {ids.tolist()}")


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_exported_equals_keras_at_every_step_under_every_mask(case: Case):
    proto = converted(case)
    onnx.checker.check_model(proto, full_check=True)
    operators = [node.op_type for node in proto.graph.node]
    assert not LOOPS.intersection(operators)
    assert sum(operator in RECURRENT for operator in operators) == case.operators
    assert_equal_outputs(proto, case, MASKS)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name.replace(" ", "_"))
def test_without_a_mask_nothing_is_rearranged(case: Case):
    model = keras_model(case, mask_zero=False)
    proto = convert(model, model_signature(model))
    assert not REARRANGING.intersection(node.op_type for node in proto.graph.node)
    assert_equal_outputs(proto, case, ("none", "holes"), mask_zero=False)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_padding_known_to_be_on_the_right_rearranges_nothing(case: Case):
    model = keras_model(case)
    proto = convert(model, model_signature(model), right_padded_inputs=("ids",))
    assert not REARRANGING.intersection(node.op_type for node in proto.graph.node)
    assert_equal_outputs(proto, case, ("none", "right", "all_masked"))


def test_stacked_layers_hand_on_their_inner_form():
    model = next(case for case in CASES if case.name == "stacked").model()
    proto = convert(model, model_signature(model))
    operators = [node.op_type for node in proto.graph.node]
    gathered = [node for node in proto.graph.node if node.output[0].endswith(("real_ids", "real_steps"))]
    assert len(gathered) == 1  # real steps are gathered once, for the first layer
    assert operators.count("TopK") == 1


def test_weights_have_readable_names():
    model = next(case for case in CASES if case.name == "bidirectional stack").model()
    names = {tensor.name for tensor in convert(model, model_signature(model)).graph.initializer}
    stack = model.layers[-1].name
    assert {f"{stack}/lstm_{layer}/{weight}" for layer in (0, 1) for weight in "WRB"} <= names
    assert "embedding/embeddings" in names


def test_layers_are_themselves_again_after_a_conversion():
    before = (keras.layers.RNN.call, keras.layers.Bidirectional.call, keras.layers.Embedding.call)
    model = CASES[0].model()
    convert(model, model_signature(model))
    assert (keras.layers.RNN.call, keras.layers.Bidirectional.call, keras.layers.Embedding.call) == before


def test_negative_ids_count_from_the_end_as_in_keras():
    model = CASES[0].model(mask_zero=False)
    ids = np.array([[-1, 2, -3]], np.int32)
    ours = run(convert(model, model_signature(model)), ids=ids)[0]
    np.testing.assert_allclose(ours, model(ids), rtol=0, atol=TOLERANCE)


def test_two_inputs_and_an_explicit_mask():
    x = keras.Input((None, 3), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    model = keras.Model([x, mask], keras.layers.LSTM(4, return_sequences=True, name="outputs")(x, mask=mask))
    proto = convert(model, model_signature(model))
    assert [value.name for value in proto.graph.input] == ["x", "mask"]
    assert [value.name for value in proto.graph.output] == ["outputs"]
    random = np.random.default_rng(0)
    values = random.normal(size=(2, 5, 3)).astype(np.float32)
    which = random.random((2, 5)) < 0.5
    ours = run(proto, x=values, mask=which)[0]
    np.testing.assert_allclose(ours, model([values, which]), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("arguments", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}], ids=str)
@pytest.mark.parametrize("return_sequences", [False, True])
def test_initial_states_and_a_mask_together(arguments: dict, return_sequences: bool):
    x, state = keras.Input((None, 3), name="x"), keras.Input((4,), name="state")
    mask = keras.Input((None,), dtype="bool", name="mask")
    layer = keras.layers.GRU(4, return_sequences=return_sequences, return_state=True, name="gru", **arguments)
    model = keras.Model([x, state, mask], layer(x, initial_state=state, mask=mask))
    random = np.random.default_rng(0)
    which = random.random((3, 5)) < 0.5
    which[1] = False
    values = [random.normal(size=(3, 5, 3)).astype(np.float32), random.normal(size=(3, 4)).astype(np.float32), which]
    ours = run(convert(model, model_signature(model)), **dict(zip(("x", "state", "mask"), values, strict=True)))
    for mine, theirs in zip(ours, model(values), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=TOLERANCE)


def test_a_masking_layer_makes_a_mask():
    layers = [keras.Input((None, 3), name="x"), keras.layers.Masking(), keras.layers.GRU(4, return_sequences=True)]
    model = keras.Sequential(layers)
    values = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    values[0, 2:4] = 0
    ours = run(convert(model, model_signature(model)), x=values)[0]
    np.testing.assert_allclose(ours, model(values), rtol=0, atol=TOLERANCE)


def test_an_unrolled_layer_is_native_too():
    model = keras.Sequential([keras.Input((6, 3), name="x"), keras.layers.SimpleRNN(4, unroll=True)])
    values = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    proto = convert(model, model_signature(model))
    assert "RNN" in [node.op_type for node in proto.graph.node]
    np.testing.assert_allclose(run(proto, x=values)[0], model(values), rtol=0, atol=TOLERANCE)


def test_half_precision_layers_are_computed_in_float32():
    layer = keras.layers.LSTM(4, return_sequences=True, dtype="mixed_float16")
    model = keras.Sequential([keras.Input((None, 3), name="x"), layer, keras.layers.Dense(2)])
    values = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    ours = run(convert(model, model_signature(model)), x=values)[0]
    np.testing.assert_allclose(ours, model(values), rtol=0, atol=2e-3)  # Keras rounds to float16 at every step


def test_an_activation_that_onnx_does_not_name_becomes_a_loop_with_a_warning():
    model = keras.Sequential([keras.Input((None, 3), name="x"), keras.layers.GRU(4, activation="gelu", name="odd")])
    values = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    with pytest.warns(UserWarning, match=r"layer 'odd' is exported as a loop.*'gelu'"):
        proto = convert(model, model_signature(model))
    np.testing.assert_allclose(run(proto, x=values)[0], model(values), rtol=0, atol=TOLERANCE)


def test_an_operation_that_cannot_be_converted_is_named():
    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Lambda(tf.math.bessel_i0, name="odd")])
    with pytest.raises(ValueError, match=r"layer 'odd' uses TensorFlow's BesselI0.*Write it with other"):
        convert(model, model_signature(model))


def test_a_loop_over_one_fixed_step_keeps_its_shape():
    x, mask = keras.Input((1, 1), name="x"), keras.Input((1,), dtype="bool", name="mask")
    layer = keras.layers.LSTM(1, activation="relu6", return_sequences=True)
    y = keras.layers.LayerNormalization()(keras.layers.Bidirectional(layer)(x, mask=mask))
    model = keras.Model([x, mask], keras.ops.where(keras.ops.expand_dims(mask, -1), y, keras.ops.zeros_like(y)))
    values, which = np.random.default_rng(0).normal(size=(4, 1, 1)).astype(np.float32), np.ones((4, 1), bool)
    with pytest.warns(UserWarning, match="'relu6'"):
        ours = run(convert(model, model_signature(model)), x=values, mask=which)[0]
    np.testing.assert_allclose(ours, model([values, which]), rtol=0, atol=TOLERANCE)


def test_equal_names_of_nodes_are_told_apart():
    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, keras.layers.LayerNormalization()(keras.layers.Add(name="add")([x, x])))
    proto = convert(model, model_signature(model))
    names = [node.name for node in proto.graph.node]
    assert len(names) == len(set(names))
    run(proto, x=np.ones((1, 2, 3), np.float32))


def test_an_input_that_is_given_back_has_another_name_as_an_output():
    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, [x, keras.layers.LSTM(2, name="lstm")(x)])
    proto = convert(model, model_signature(model))
    onnx.checker.check_model(proto, full_check=True)
    values = np.ones((1, 2, 3), np.float32)
    np.testing.assert_array_equal(run(proto, x=values)[0], values)
    assert [value.name for value in proto.graph.output] == ["x_output", "lstm"]

"""Float16: every model of the table still answers as in float32, and what is no network stays as it is."""

from typing import Any

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from onnx import TensorProto, numpy_helper, parser
from onnx.reference import ReferenceEvaluator
from seqkit_onnx.conversion import convert
from seqkit_onnx.metadata import serialize
from seqkit_onnx.passes.half_precision import to_float16
from seqkit_onnx.runtime.loading import open_model
from seqkit_onnx.tracing.signature import model_signature

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import CASES, Case, randomize_weights
from tests.lowering.converted_cases import classifier, converted, largest_difference, padded_ids, run

# float16 has 11 binary digits: 5e-4 of a value around 1. Weights are rounded, and what passes between operators.
TOLERANCE = 4e-3
RECURRENT = {"LSTM", "GRU", "RNN"}
TEXTS = ["A good film!", "bad", "very good é 😀", "", "so so bad a film", "não é bom", "word " * 300]
ROWS = np.array([[0.5, -2.0, 3.0], [0.0, 0.0, 0.0]], np.float32)


def checked_float16(proto: onnx.ModelProto) -> onnx.ModelProto:
    before = proto.SerializeToString(deterministic=True)
    half = to_float16(proto)
    onnx.checker.check_model(half, full_check=True)
    assert proto.SerializeToString(deterministic=True) == before
    assert (half.graph.input, half.graph.output) == (proto.graph.input, proto.graph.output)
    return half


def types_in(proto: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(proto).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info)}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def parsed(signature: str, nodes: str, **constants: float) -> onnx.ModelProto:
    proto = parser.parse_model(f'<ir_version: 9, opset_import: ["": 20]> g {signature} {{ {nodes} }}')
    proto.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.float32), key) for key, value in constants.items()
    )
    return proto


def run_in_float16(proto: onnx.ModelProto, **feeds: np.ndarray) -> Any:
    """Runs a model step by step in NumPy: onnxruntime has few float16 operators on the CPU, and takes float32 there."""
    return ReferenceEvaluator(proto).run(None, feeds)


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_float16_is_near_float32_at_every_step_under_every_mask(case: Case):
    half = checked_float16(converted(case))
    types = types_in(half)
    for node in half.graph.node:
        if node.op_type in RECURRENT:
            assert {types[name] for name in (*node.input[:4], *node.input[5:])} == {TensorProto.FLOAT16}
            assert types[node.input[4]] == TensorProto.INT32 if node.input[4] else True
    assert largest_difference(half, converted(case)) <= TOLERANCE


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_a_classifier_answers_as_keras_does_from_half_the_bytes(cell: str):
    model, proto = classifier(cell)
    half = checked_float16(proto)
    ids = padded_ids(8, 30)
    probabilities = run(half, ids=ids)[0]
    np.testing.assert_allclose(probabilities, model.predict(ids, verbose="0"), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)  # the last Softmax is in float32
    assert len(half.SerializeToString()) <= 0.52 * len(proto.SerializeToString())


def test_names_and_operators_stay():
    proto = classifier("gru")[1]
    half = to_float16(proto)
    assert {tensor.name for tensor in half.graph.initializer} == {tensor.name for tensor in proto.graph.initializer}
    added = [node.name for node in half.graph.node if node.name not in {node.name for node in proto.graph.node}]
    assert added == ["head/MatMul/as_float32"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_text_part_stays_as_it_is(cell: str, tmp_path):
    model = TextClassifier(Vocabulary.from_texts(TEXTS), ("a", "b", "c"), 5, encoder=BidirectionalStack((6, 4), cell))
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    half = checked_float16(proto)
    before, after = ([node for node in each.graph.node if node.name.startswith("text/")] for each in (proto, half))
    assert before == after
    assert len(before) >= 5
    labels, probabilities = open_model(serialize(half), ["CPUExecutionProvider"]).predict(TEXTS)
    expected = model.predict(TEXTS, verbose="0")
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=TOLERANCE)
    assert labels == [model.labels[index] for index in expected.argmax(axis=1)]


def test_float_inputs_outputs_and_states_keep_their_dtype():
    x, state = keras.Input((None, 3), name="x"), keras.Input((4,), name="state")
    mask = keras.Input((None,), dtype="bool", name="mask")
    layer = keras.layers.GRU(4, return_sequences=True, return_state=True, name="gru")
    model = keras.Model([x, state, mask], layer(x, initial_state=state, mask=mask))
    random = np.random.default_rng(0)
    values = [random.normal(size=(3, 5, 3)), random.normal(size=(3, 4)), random.random((3, 5)) < 0.5]
    values = [values[0].astype(np.float32), values[1].astype(np.float32), values[2]]
    half = checked_float16(convert(model, model_signature(model)))
    ours = run(half, **dict(zip(("x", "state", "mask"), values, strict=True)))
    for mine, theirs in zip(ours, model(values), strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.filterwarnings("ignore:export")
def test_a_loop_stays_in_float32_inside():
    layers = [keras.Input((None, 3), name="x"), keras.layers.Masking(), keras.layers.Dense(3)]
    layers += [keras.layers.GRU(4, activation="gelu", return_sequences=True), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    values = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    values[0, 2:4] = 0
    proto = convert(model, model_signature(model))
    half = checked_float16(proto)
    before, after = (next(n for n in each.graph.node if n.op_type == "Loop").attribute[0].g for each in (proto, half))
    assert [node.op_type for node in before.node] == [node.op_type for node in after.node]
    assert (before.input, before.output, before.initializer) == (after.input, after.output, after.initializer)
    np.testing.assert_allclose(run(half, x=values)[0], model(values), rtol=0, atol=TOLERANCE)


def test_ids_given_as_floats_are_not_rounded():
    ids = keras.Input((None,), name="ids")
    model = keras.Model(ids, keras.layers.GRU(3)(keras.layers.Embedding(5000, 4, mask_zero=True)(ids)))
    randomize_weights(model)
    values = np.array([[4999, 2049, 4097, 0]], np.float32)
    half = checked_float16(convert(model, model_signature(model)))
    np.testing.assert_allclose(run(half, ids=values)[0], model(values), rtol=0, atol=TOLERANCE)


def test_index_arithmetic_in_floats_is_not_rounded():
    nodes = "f = Cast<to = 1>(i) g = Add(f, half) h = Floor(g) j = Cast<to = 7>(h)"
    half = checked_float16(parsed("(int64[n] i) => (int64[n] j)", nodes, half=0.5))
    assert run_in_float16(half, i=np.array([2049, 4097, 70001]))[0].tolist() == [2049, 4097, 70001]


def test_a_network_that_ends_in_integers_is_in_float16():
    model = parsed("(float[n, 3] x) => (int64[n] j)", "y = MatMul(x, w) z = Round(y) k = Cast<to = 7>(z) j = Abs(k)")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3,), np.float32)[:, None], "w"))
    assert types_in(to_float16(model))["w"] == TensorProto.FLOAT16


@pytest.mark.parametrize(
    "nodes", ["y = Where(m, x, c)", "n = Cast<to = 1>(m) o = Sub(one, n) p = Mul(o, c) y = Add(x, p)"]
)
def test_minus_a_billion_hides_a_step_and_a_row_without_any_stays_finite(nodes: str):
    nodes += " s = Softmax(y) z = Identity(s)"
    proto = parsed("(float[n, 3] x, bool[n, 3] m) => (float[n, 3] z)", nodes, c=-1e9, one=1.0)
    mask = np.array([[True, True, False], [False, False, False]])
    ours, theirs = (run_in_float16(each, x=ROWS, m=mask)[0] for each in (checked_float16(proto), proto))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("factor", "size"), [(1e-6, 1e6), (1e6, 1e-6)])
def test_a_factor_that_float16_cannot_hold_keeps_its_digits(factor: float, size: float):
    half = checked_float16(parsed("(float[n, 3] x) => (float[n, 3] z)", "y = Mul(x, c) z = Tanh(y)", c=factor))
    np.testing.assert_allclose(
        run_in_float16(half, x=ROWS * np.float32(size))[0], np.tanh(ROWS), rtol=0, atol=TOLERANCE
    )


def test_an_epsilon_still_keeps_a_divisor_from_zero():
    nodes = "a = Mul(x, x) b = Add(a, epsilon) c = Sqrt(b) y = Div(x, c)"
    half = checked_float16(parsed("(float[n, 3] x) => (float[n, 3] y)", nodes, epsilon=1e-12))
    np.testing.assert_allclose(run_in_float16(half, x=ROWS)[0], np.sign(ROWS), rtol=0, atol=TOLERANCE)


def test_a_constant_that_is_read_in_both_dtypes_is_there_in_both():
    nodes = "f = Cast<to = 1>(i) g = Add(f, c) j = Cast<to = 7>(g) y = Mul(x, c)"
    half = checked_float16(parsed("(int64[n] i, float[n] x) => (int64[n] j, float[n] y)", nodes, c=2049.0))
    j, y = run_in_float16(half, i=np.array([1]), x=np.array([1.0], np.float32))
    assert (j.tolist(), y.tolist()) == ([2050], [2048.0])


def test_an_input_with_a_default_stays_one():
    proto = parsed("(float[n] x, float temperature) => (float[n] y)", "y = Div(x, temperature)", temperature=2.0)
    half = checked_float16(proto)
    assert run_in_float16(half, x=np.array([3.0], np.float32))[0].tolist() == [1.5]
    assert run_in_float16(half, x=np.array([3.0], np.float32), temperature=np.array(3, np.float32))[0].tolist() == [1.0]


def test_a_weight_beyond_float16_is_refused_by_name():
    model = keras.Sequential(
        [keras.Input((None, 3), name="x"), keras.layers.LSTM(2), keras.layers.Dense(2, name="top")]
    )
    model.layers[-1].kernel.assign(np.full((2, 2), 1e5, np.float32))
    with pytest.raises(ValueError, match=r"'top/kernel', which 'top/MatMul' reads, holds 100000.*65504"):
        to_float16(convert(model, model_signature(model)))


def test_a_value_of_unknown_type_is_refused_by_name():
    proto = parsed("(float[n] x) => (float[n] y)", "t = mine.Odd(x) y = Tanh(t)")
    proto.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    with pytest.raises(ValueError, match=r"type of 't', which .*Odd.* makes"):
        to_float16(proto)

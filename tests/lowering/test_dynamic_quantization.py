"""Products of int8: near the float32 answers under every mask, the same each time, and right on every processor."""

import warnings
from collections import Counter

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from onnx import numpy_helper, parser
from seqkit_onnx.passes.dynamic_quantization import HIGHEST, to_int8_dynamic

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import CASES, Case, randomize_weights
from tests.lowering.converted_cases import classifier, converted, largest_difference, padded_ids, run, session

# Weights of 7 bits are off by 1/128 of a row's largest at most, inputs of 8 bits by 1/510 of their range; up to a dozen
# such errors add up in each of 7 steps of these tiny networks, whose weights are large.
TINY_NETWORKS = 0.15
CLASSIFIERS = 0.05
NAMES = {
    "lstm last",
    "lstm sequences",
    "lstm backwards sequences",
    "lstm states",
    "lstm from encoder",
    "lstm zero output backwards",
    "both lstm concat last",
    "both lstm apart sequences",
    "both lstm from encoder",
    "two kinds of directions",
    "recurrence in each step",
    "bidirectional stack",
}
TEXTS = ["A good film!", "bad", "very good é 😀", "", "so so bad a film", "não é bom", "word " * 300]


def operators(proto: onnx.ModelProto) -> Counter:
    return Counter(node.op_type for node in proto.graph.node)


def product(rows: int, columns: int, weight: np.ndarray, node: str = "y = MatMul(x, w)") -> onnx.ModelProto:
    text = f'<ir_version: 9, opset_import: ["": 20]> g (float[n, {rows}] x) => (float[n, {columns}] y) {{ {node} }}'
    proto = parser.parse_model(text)
    proto.graph.initializer.append(numpy_helper.from_array(weight.astype(np.float32), "w"))
    return proto


def in_numpy(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """What the operator means: weights by columns in 7 bits, the input in 8 bits of one range that holds 0."""
    scale = np.abs(weight).max(0) / HIGHEST
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    step = np.float32((high - low) / 255)
    zero = np.clip(np.rint(-low / step), 0, 255)
    steps = np.clip(np.rint(x / step) + zero, 0, 255) - zero
    return (steps @ np.rint(weight / scale)) * step * scale


@pytest.mark.parametrize("case", [case for case in CASES if case.name in NAMES], ids=lambda case: case.name)
def test_every_lstm_computes_in_int8_and_stays_near_under_every_mask(case: Case):
    proto = converted(case)
    before = proto.SerializeToString(deterministic=True)
    small = to_int8_dynamic(proto, 1, 1)
    onnx.checker.check_model(small, full_check=True)
    assert proto.SerializeToString(deterministic=True) == before
    assert "LSTM" not in operators(small)
    assert operators(small)["DynamicQuantizeLSTM"] == operators(proto)["LSTM"]
    assert largest_difference(small, proto) <= TINY_NETWORKS


@pytest.mark.parametrize("shape", [(3, 64, 40), (1, 300, 7), (32, 128, 128)])
def test_a_product_is_what_numpy_computes(shape):
    random = np.random.default_rng(0)
    batch, rows, columns = shape
    x, weight = random.normal(size=(batch, rows)).astype(np.float32), random.normal(size=(rows, columns))
    weight[:, 0] = 0
    weight[:, 0] += 1e-30
    small = to_int8_dynamic(product(rows, columns, weight), 1, 1)
    assert operators(small) == {"DynamicQuantizeMatMul": 1}
    np.testing.assert_allclose(run(small, x=x)[0], in_numpy(x, weight.astype(np.float32)), rtol=1e-4, atol=1e-3)


def test_a_column_of_zeros_gives_zeros():
    small = to_int8_dynamic(product(32, 4, np.zeros((32, 4))), 1, 1)
    np.testing.assert_array_equal(run(small, x=np.ones((2, 32), np.float32))[0], np.zeros((2, 4)))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [2, 64, 511])
def test_the_largest_numbers_do_not_overflow_on_any_processor(sign, size):
    weight, x = np.full((size, 16), float(sign)), np.ones((4, size), np.float32)
    small = to_int8_dynamic(product(size, 16, weight), 1, 1)
    np.testing.assert_allclose(run(small, x=x)[0], np.full((4, 16), sign * size), rtol=1e-6)


def test_an_lstm_of_the_largest_weights_does_not_overflow():
    keras.utils.clear_session()
    steps = keras.Input((5, 64), name="x")
    model = keras.Model(steps, keras.layers.LSTM(64, use_bias=False, name="lstm")(steps))
    model.set_weights([np.full(weight.shape, 0.01) for weight in model.weights])
    proto = seqkit_onnx.conversion.convert(model, seqkit_onnx.tracing.signature.model_signature(model))
    x = np.ones((2, 5, 64), np.float32)
    np.testing.assert_allclose(run(to_int8_dynamic(proto), x=x)[0], run(proto, x=x)[0], atol=5e-3)


def test_short_rows_do_not_see_what_memory_held_before():
    proto = onnx.ModelProto.FromString(classifier("lstm")[1].SerializeToString())
    read = {name for node in proto.graph.node for name in node.input}
    for node in proto.graph.node:
        if node.op_type == "LSTM" and node.output[0] not in read:
            node.output[0] = ""  # the last output alone is asked for
    small = session(to_int8_dynamic(proto))
    ids = padded_ids(24, 40)
    first = small.run(None, {"ids": ids})[0]
    for seed in range(8):
        other = np.random.default_rng(seed).integers(1, 3000, (24, 40)).astype(np.int32)
        small.run(None, {"ids": other})
        np.testing.assert_array_equal(small.run(None, {"ids": ids})[0], first)
    plain = session(proto).run(None, {"ids": ids})[0]
    assert np.abs(first - plain).max() <= CLASSIFIERS
    alone = np.concatenate([small.run(None, {"ids": ids[row : row + 1]})[0] for row in range(len(ids))])
    assert np.abs(first - alone).max() <= CLASSIFIERS


def test_a_weight_that_is_read_twice_is_stored_once():
    proto = product(32, 32, np.eye(32), "h = MatMul(x, w) y = MatMul(h, w)")
    small = to_int8_dynamic(proto, 1, 1)
    assert [tensor.name for tensor in small.graph.initializer] == ["w/of_int8", "w/of_int8/scale", "w/of_int8/zero"]
    x = np.linspace(0, 1, 32, dtype=np.float32)[None]
    np.testing.assert_allclose(run(small, x=x)[0], x, atol=1 / 255)


def test_products_of_other_kinds_stay(tmp_path):
    weight = np.ones((64, 64))
    for node in (
        "y = Gemm <transB = 1> (x, w)",
        "y = Gemm <alpha = 2.0> (x, w)",
        "y = MatMul(w, x)",
        "y = Gemm <transA = 1> (x, w)",
    ):
        small = to_int8_dynamic(product(64, 64, weight, node), 1, 1)
        assert "DynamicQuantizeMatMul" not in operators(small), node
    biased = product(64, 64, weight, "y = Gemm(x, w, b)")
    biased.graph.initializer.append(numpy_helper.from_array(np.full(64, 5, np.float32), "b"))
    x = np.ones((2, 64), np.float32)
    small = to_int8_dynamic(biased, 1, 1)
    assert operators(small) == {"DynamicQuantizeMatMul": 1}
    np.testing.assert_allclose(run(small, x=x)[0], np.full((2, 64), 69.0), rtol=1e-5)
    assert "DynamicQuantizeMatMul" not in operators(to_int8_dynamic(biased))  # too small to gain


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="'w' holds NaN"):
        to_int8_dynamic(product(64, 64, np.full((64, 64), np.nan)), 1, 1)


def test_a_text_classifier_is_measured_and_says_so(tmp_path):
    vocabulary = Vocabulary.from_texts(TEXTS)
    model = TextClassifier(vocabulary, ["neg", "pos"], embedding=32, encoder=BidirectionalStack((48, 32)))
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "plain.onnx", verify=False)
    seqkit_onnx.export(model, tmp_path / "small.onnx", quantize="int8_dynamic")
    file = seqkit_onnx.load(tmp_path / "small.onnx")
    assert file.metadata["precision"] == "int8_dynamic"
    assert 0 < float(file.metadata["largest_difference"]) <= CLASSIFIERS
    assert 0.5 < float(file.metadata["label_agreement"]) <= 1
    found = file.predict(TEXTS).probabilities
    np.testing.assert_allclose(
        found, seqkit_onnx.load(tmp_path / "plain.onnx").predict(TEXTS).probabilities, atol=CLASSIFIERS
    )
    assert len(file.predict([]).labels) == 0


def test_a_gru_stays_float32_and_is_named(tmp_path):
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.Embedding(50, 32)(ids)
    model = keras.Model(
        ids, keras.layers.LSTM(32, name="after")(keras.layers.GRU(32, return_sequences=True, name="first")(x))
    )
    with pytest.warns(UserWarning, match="layer 'first' computes in float32: onnxruntime has products"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, quantize="int8_dynamic")
    assert operators(onnx.load(tmp_path / "model.onnx"))["DynamicQuantizeLSTM"] == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, quantize="int8")

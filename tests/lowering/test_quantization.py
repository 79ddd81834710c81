"""Int8 weights: a quarter of the bytes, the same operators, and answers that weights so rounded would give."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from onnx import numpy_helper, parser
from seqkit_onnx.metadata import serialize
from seqkit_onnx.passes.quantization import to_int8
from seqkit_onnx.runtime.loading import open_model

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.cases import CASES, Case, randomize_weights
from tests.lowering.converted_cases import UNITS, classifier, converted, largest_difference, padded_ids, run

# The rounded weights in float32: sums taken in another order, as between Keras and the export.
SAME_WEIGHTS = 2e-6
# Half a step is 1/254 of a row's largest weight, here about 1.2: 5e-3 a weight, of which up to a dozen add up, in 7
# steps; a layer normalization of 4 features then divides by their spread.
TINY_NETWORKS = 0.05
# Over 64 features such errors mostly cancel out; a recurrence without gates carries them on, and moves most.
CLASSIFIERS = 0.03
TEXTS = ["A good film!", "bad", "very good é 😀", "", "so so bad a film", "não é bom", "word " * 300]


def checked_int8(proto: onnx.ModelProto, smallest: int = 1) -> onnx.ModelProto:
    before = proto.SerializeToString(deterministic=True)
    small = to_int8(proto, smallest)
    onnx.checker.check_model(small, full_check=True)
    assert proto.SerializeToString(deterministic=True) == before
    assert (small.graph.input, small.graph.output) == (proto.graph.input, proto.graph.output)
    assert small.opset_import == proto.opset_import
    return small


def weights_in(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def with_rounded_weights(proto: onnx.ModelProto, small: onnx.ModelProto) -> onnx.ModelProto:
    """Returns the float32 model with the weights that the int8 model stands for."""
    stored = weights_in(small)
    rounded = onnx.ModelProto.FromString(proto.SerializeToString())
    for tensor in rounded.graph.initializer:
        if f"{tensor.name}/int8" in stored:
            weight = stored[f"{tensor.name}/int8"] * stored[f"{tensor.name}/scale"]
            tensor.CopyFrom(numpy_helper.from_array(weight, tensor.name))
    return rounded


def opened_operators(proto: onnx.ModelProto, path: str) -> Counter:
    """Returns the operators that onnxruntime runs."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = path, 3
    onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def parsed(nodes: str, signature: str = "(float[n, 4] x) => (float[n, 3] y)", **weights) -> onnx.ModelProto:
    proto = parser.parse_model(f'<ir_version: 9, opset_import: ["": 20]> g {signature} {{ {nodes} }}')
    tensors = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in weights.items()]
    proto.graph.initializer.extend(tensors)
    return proto


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_every_model_answers_as_its_rounded_weights_do_under_every_mask(case: Case):
    proto = converted(case)
    small = checked_int8(proto)
    stored = weights_in(small)
    read = [name for node in proto.graph.node if node.op_type in ("LSTM", "GRU", "RNN") for name in node.input[1:3]]
    weights = ["embedding/embeddings", *(name for name in read if weights_in(proto)[name].shape[-1] > 1)]
    assert {f"{name}/{part}" for name in weights for part in ("int8", "scale")} <= set(stored)
    assert largest_difference(small, with_rounded_weights(proto, small)) <= SAME_WEIGHTS
    assert largest_difference(small, proto) <= TINY_NETWORKS


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_a_classifier_answers_as_keras_does_from_a_quarter_of_the_bytes(cell: str, tmp_path):
    model, proto = classifier(cell)
    small = to_int8(proto)
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    assert weights_in(small)["second/R/scale"].shape == (2, gates * UNITS, 1)
    ids = padded_ids(16, 40)
    expected = model.predict(ids, verbose="0")
    answers = run(small, ids=ids)[0]
    np.testing.assert_allclose(answers, expected, rtol=0, atol=CLASSIFIERS)
    assert len(small.SerializeToString()) <= 0.28 * len(proto.SerializeToString())
    # What runs is what ran before, and the two Gathers of the table with its scale.
    before, after = (opened_operators(each, str(tmp_path / "opened.onnx")) for each in (proto, small))
    assert after - before == Counter({"Gather": 1, "Cast": 1, "Mul": 1})
    assert not before - after


def test_a_row_answers_alone_as_among_others():
    small = to_int8(classifier("lstm")[1])
    ids = padded_ids(16, 40)
    together = run(small, ids=ids)[0]
    alone = np.concatenate([run(small, ids=ids[row : row + 1])[0] for row in range(len(ids))])
    np.testing.assert_allclose(together, alone, rtol=0, atol=SAME_WEIGHTS)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_text_part_stays_as_it_is(cell: str, tmp_path):
    model = TextClassifier(Vocabulary.from_texts(TEXTS), ("a", "b", "c"), 5, encoder=BidirectionalStack((6, 4), cell))
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    small = checked_int8(proto)
    before, after = ([node for node in each.graph.node if node.name.startswith("text/")] for each in (proto, small))
    assert before == after
    assert len(before) >= 5
    found, expected = (open_model(serialize(each), ["CPUExecutionProvider"]).predict(TEXTS) for each in (small, proto))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=TINY_NETWORKS)
    leads = np.diff(np.sort(expected.probabilities, axis=1)[:, -2:])[:, 0]
    clear = [row for row, lead in enumerate(leads) if lead > 2 * TINY_NETWORKS]
    assert len(clear) >= 3
    assert [found.labels[row] for row in clear] == [expected.labels[row] for row in clear]


def test_weights_that_a_branch_reads_are_int8_too():
    branches = (
        "y = If(c) <then_branch = then () => (float[n, 3] a) { a = MatMul(x, kernel) }, "
        "else_branch = otherwise () => (float[n, 3] b) { b = Gather(table, i) }>"
    )
    random = np.random.default_rng(0)
    weights = {"kernel": random.normal(size=(4, 3)), "table": random.normal(size=(5, 3))}
    proto = parsed(branches, "(float[n, 4] x, int64[n] i, bool c) => (float[n, 3] y)", **weights)
    small = checked_int8(proto)
    assert sorted(weights_in(small)) == ["kernel/int8", "kernel/scale", "table/int8", "table/scale"]
    feeds = {"x": random.normal(size=(2, 4)).astype(np.float32), "i": np.array([4, 0])}
    for which in (True, False):
        ours, theirs = (
            run(each, c=np.array(which), **feeds)[0] for each in (small, with_rounded_weights(proto, small))
        )
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=SAME_WEIGHTS)


@pytest.mark.parametrize(
    ("nodes", "shape", "scales"),
    [
        ("y = MatMul(x, w)", (4, 3), (1, 3)),
        ("y = Gemm(x, w)", (4, 3), (1, 3)),
        ("y = Gemm<transB = 1>(x, w)", (3, 4), (3, 1)),
        ("a = Transpose<perm = [1, 0]>(x) b = MatMul(w, a) y = Transpose<perm = [1, 0]>(b)", (3, 4), (3, 1)),
        ("a = Unsqueeze(x, two) b = Conv(a, w) y = Squeeze(b, two)", (3, 4, 1), (3, 1, 1)),
    ],
)
def test_each_output_has_a_scale_of_its_own(nodes: str, shape: tuple, scales: tuple):
    random = np.random.default_rng(0)
    proto = parsed(nodes, w=random.normal(size=shape) * 10.0 ** np.arange(3).reshape(scales))
    proto.graph.initializer.append(numpy_helper.from_array(np.array([2]), "two"))
    small = checked_int8(proto)
    stored = weights_in(small)
    assert stored["w/scale"].shape == scales
    error = np.abs(stored["w/int8"] * stored["w/scale"] - weights_in(proto)["w"])
    assert np.all(error <= stored["w/scale"] * 0.501)  # half a step, and float32's own rounding
    assert np.all(np.max(np.abs(stored["w/int8"].astype(int)), axis=tuple(np.flatnonzero(np.equal(scales, 1)))) == 127)
    x = random.normal(size=(5, 4)).astype(np.float32)
    rounded = with_rounded_weights(proto, small)
    np.testing.assert_allclose(run(small, x=x)[0], run(rounded, x=x)[0], rtol=1e-5, atol=1e-5)


def test_a_table_has_a_scale_for_each_row_and_zeros_stay_zeros():
    table = np.array([[0.0, 0.0], [1.0, -2.0], [300.0, 100.0]])
    proto = parsed("y = Gather(w, i)", "(int64[a, b] i) => (float[a, b, 2] y)", w=table)
    small = checked_int8(proto)
    assert weights_in(small)["w/scale"].shape == (3, 1)
    assert [node.op_type for node in small.graph.node] == ["Gather", "Gather", "Cast", "Mul"]
    rows = run(small, i=np.array([[0, 1], [-1, 0]]))[0]
    expected = table[[[0, 1], [-1, 0]]]
    assert np.all(np.abs(rows - expected) <= np.max(np.abs(expected), axis=-1, keepdims=True) / 253)


def test_a_table_that_is_a_kernel_too_is_stored_once():
    nodes = "a = Gather(w, i) b = Transpose<perm = [1, 0]>(w) y = MatMul(a, b)"
    proto = parsed(nodes, "(int64[n] i) => (float[n, 5] y)", w=np.random.default_rng(0).normal(size=(5, 4)))
    small = checked_int8(proto)
    assert sorted(weights_in(small)) == ["w/int8", "w/scale"]
    i = np.array([3, 0])
    np.testing.assert_allclose(run(small, i=i)[0], run(with_rounded_weights(proto, small), i=i)[0], rtol=0, atol=1e-5)


def test_small_weights_biases_defaults_and_other_constants_stay():
    nodes = "a = MatMul(x, w) b = Add(a, table) y = MatMul(b, default)"
    signature = "(float[n, 4] x, float[3, 3] default) => (float[n, 3] y)"
    weights = {"w": np.ones((4, 3)), "table": np.ones((1, 3)), "default": np.eye(3)}
    proto = parsed(nodes, signature, **weights)
    assert sorted(weights_in(checked_int8(proto))) == ["default", "table", "w/int8", "w/scale"]
    assert to_int8(proto) == proto


def test_what_is_int8_already_stays_as_it_is():
    small = to_int8(converted(CASES[0]), 1)
    assert to_int8(small, 1) == small


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(value: float):
    with pytest.raises(ValueError, match="'kernel' holds NaN or an infinity"):
        to_int8(parsed("y = MatMul(x, kernel)", kernel=np.full((4, 3), value)), 1)


def test_smallest_is_at_least_one():
    with pytest.raises(ValueError, match="smallest is at least 1; received 0"):
        to_int8(parsed("y = MatMul(x, kernel)", kernel=np.ones((4, 3))), 0)

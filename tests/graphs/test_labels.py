"""Probabilities and labels in onnxruntime against NumPy."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper
from seqkit_onnx.text.labels import add_labels

NAMES = ["neg", "pos", "é 😀", "\0", "", "with space"]


def session_of(labels: list[str], columns: int) -> onnxruntime.InferenceSession:
    graph = helper.make_graph(
        [],
        "labels",
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", columns])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(labels)]),
        ],
    )
    graph.node.extend(add_labels(graph, labels, "scores", columns, "probabilities", "label"))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


SESSIONS = {columns: session_of(NAMES[: max(columns, 2)], columns) for columns in (1, 2, 3, 6)}


def scores(columns):
    return arrays.arrays("float32", st.tuples(st.integers(1, 5), st.just(columns)), elements=st.floats(0, 1, width=32))


@pytest.mark.parametrize("columns", [2, 3, 6])
def test_the_label_is_that_of_the_first_largest_probability(columns):
    @given(scores(columns))
    def check(given_scores):
        label, probabilities = SESSIONS[columns].run(None, {"scores": given_scores})
        np.testing.assert_array_equal(probabilities, given_scores)
        assert label.tolist() == [NAMES[index] for index in given_scores.argmax(axis=1)]

    check()


@given(scores(1))
def test_one_column_is_the_probability_of_the_second_class(given_scores):
    label, probabilities = SESSIONS[1].run(None, {"scores": given_scores})
    np.testing.assert_array_equal(probabilities, np.concatenate([1 - given_scores, given_scores], axis=1))
    assert label.tolist() == ["pos" if score > 0.5 else "neg" for score in given_scores[:, 0]]


@pytest.mark.parametrize(
    ("score", "label"),
    [(0.5, "neg"), (np.nextafter(np.float32(0.5), 1), "pos"), (np.nextafter(np.float32(0.5), 0), "neg")],
)
def test_the_second_class_needs_more_than_one_half(score, label):
    assert SESSIONS[1].run(["label"], {"scores": np.array([[score]], np.float32)})[0].tolist() == [label]

"""Recurrences as Scan loops: every model of the table equals Keras, as with native operators."""

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from hypothesis import given
from hypothesis import strategies as st
from seqkit_onnx.cells.operators import CellOperator
from seqkit_onnx.conversion import convert
from seqkit_onnx.recurrence import choice_by_rows, scan
from seqkit_onnx.recurrence.choice_by_rows import always, where_faster
from seqkit_onnx.tracing.signature import model_signature
from seqkit_onnx.verification import VerificationError

from tests.cases import CASES, MASKS, UNITS, VOCAB
from tests.lowering.converted_cases import classifier, keras_model
from tests.lowering.test_native_recurrence import assert_equal_outputs

OPERATORS = {"GRU", "RNN", "LSTM"}


def every_one(_cell, _is_looked_up) -> int:
    return 0


def operators(proto: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in proto.graph.node]


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_scanned_layers_equal_keras_under_every_mask(case):
    model = keras_model(case)
    proto = convert(model, model_signature(model), scan_from=every_one)
    onnx.checker.check_model(proto, full_check=True)
    assert not OPERATORS.intersection(operators(proto))
    steps = [node.attribute[0].g for node in proto.graph.node if node.op_type == "Scan"]
    assert len(steps) >= case.operators
    assert not any(inner.op_type == "Where" for step in steps for inner in step.node), "a step looks at the mask"
    assert_equal_outputs(proto, case, MASKS)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: case.name.replace(" ", "_"))
@pytest.mark.parametrize("mask_zero", [True, False])
def test_scanned_layers_equal_keras_where_nothing_is_moved(case, mask_zero: bool):
    model = keras_model(case, mask_zero)
    proto = convert(model, model_signature(model), right_padded_inputs="all", scan_from=every_one)
    assert_equal_outputs(proto, case, ("none", "right", "all_masked"), mask_zero)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("case", CASES[2::3], ids=lambda case: case.name.replace(" ", "_"))
def test_scanned_layers_equal_keras_where_no_table_is_multiplied(case, monkeypatch):
    monkeypatch.setattr(scan, "LARGEST_PRODUCT", 0)
    model = keras_model(case)
    assert_equal_outputs(convert(model, model_signature(model), scan_from=every_one), case, MASKS)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize("spare", [0, -1])
def test_a_table_is_multiplied_once_if_the_product_is_not_too_large(cell: str, spare: int, monkeypatch):
    case = next(case for case in CASES if case.name == f"both {cell} concat last")
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    monkeypatch.setattr(scan, "LARGEST_PRODUCT", VOCAB * gates * UNITS + spare)
    proto = convert(keras_model(case), model_signature(keras_model(case)), scan_from=every_one)
    constants = {tensor.name for tensor in proto.graph.initializer}
    products = [node for node in proto.graph.node if node.op_type == "MatMul"]
    assert len(products) == 2 * (1 if cell == "simple_rnn" else 2)
    assert {constants.issuperset(node.input) for node in products} == {spare == 0}


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_what_stands_on_masked_steps_is_never_read(cell: str, go_backwards: bool):
    x = keras.Input((None, 2), name="x")
    mask = keras.Input((None,), dtype="bool", name="mask")
    layer = getattr(keras.layers, cell)(3, go_backwards=go_backwards, return_sequences=True, return_state=True)
    model = keras.Model([x, mask], layer(x, mask=mask))
    proto = convert(model, model_signature(model), scan_from=every_one)
    real = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
    values = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    values[~real] = np.nan
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for got, expected in zip(session.run(None, {"x": values, "mask": real}), model([values, real]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("op_type", ["LSTM", "GRU", "RNN"])
@given(units=st.integers(1, 4096), is_looked_up=st.booleans())
def test_a_loop_is_worth_it_the_sooner_the_more_is_saved(op_type: str, units: int, is_looked_up: bool):
    def rows(units: int, is_looked_up: bool) -> float:
        weights = np.zeros((1, 1), np.float32)
        many = where_faster(CellOperator(op_type, units, weights, weights, weights, ()), is_looked_up)
        assert many is None or many == 0 or many >= 2
        return np.inf if many is None else many

    assert rows(units, is_looked_up=True) <= rows(units, is_looked_up=False)
    assert rows(2 * units, is_looked_up=True) <= rows(units, is_looked_up=True)
    assert (op_type, is_looked_up) != ("LSTM", False) or rows(units, is_looked_up) == np.inf


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("case", CASES[1::3], ids=lambda case: case.name.replace(" ", "_"))
@pytest.mark.parametrize("right_padded", [False, True])
def test_the_number_of_rows_chooses_between_operator_and_scan(case, right_padded: bool):
    proto = convert(keras_model(case), model_signature(keras_model(case)), "all" if right_padded else (), lambda *_: 2)
    onnx.checker.check_model(proto, full_check=True)
    chosen = [node for node in proto.graph.node if node.op_type == "If"]
    assert len(chosen) == case.operators
    for node in chosen:
        branches = {each.name: [inner.op_type for inner in each.g.node] for each in node.attribute}
        assert "Scan" in branches["then_branch"]
        assert OPERATORS.intersection(branches["else_branch"])
    assert not OPERATORS.intersection(operators(proto))
    assert_equal_outputs(proto, case, ("none", "right", "all_masked") if right_padded else MASKS)


@pytest.mark.parametrize("cell", ["gru", "simple_rnn"])
def test_the_weights_of_a_loop_in_a_branch_stand_in_that_branch(cell: str, tmp_path):
    model = next(case for case in CASES if case.name == f"both {cell} concat sequences").model()
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, recurrence="auto", verify=True)
    graph = onnx.load(tmp_path / "model.onnx").graph
    (branch,) = [
        attribute.g
        for node in graph.node
        for attribute in node.attribute
        if node.op_type == "If" and attribute.name == "then_branch"
    ]
    loops = [attribute.g for node in branch.node for attribute in node.attribute if attribute.name == "body"]
    read = {name for loop in loops for node in loop.node for name in node.input}
    kernels = {tensor.name: list(tensor.dims) for tensor in branch.initializer if len(tensor.dims) == 2}
    assert list(kernels.values()) == {"gru": [[4, 8], [4, 4]], "simple_rnn": [[4, 4]]}[cell] * 2
    assert read.issuperset(kernels)
    assert not read.intersection(tensor.name for tensor in graph.initializer)


def test_each_number_of_rows_runs_the_branch_that_is_meant_for_it(tmp_path):
    ids = keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model(ids, keras.layers.SimpleRNN(3, name="rnn")(keras.layers.Embedding(9, 2)(ids)))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, recurrence="auto", verify=True)
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), options, providers=["CPUExecutionProvider"])
    for rows in (1, 2, 50):
        session.run(None, {"ids": np.ones((rows, 4), np.int32)})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    run = [event["args"]["op_name"] for event in events if event["cat"] == "Node"]
    assert [name for name in run if name in ("RNN", "Scan")] == ["RNN", "Scan", "Scan"]


@pytest.mark.parametrize("branch", ["add_operator", "add_scan"])
@pytest.mark.parametrize("cell", ["gru", "simple_rnn"])
def test_verification_sees_a_mistake_in_either_branch(cell: str, branch: str, tmp_path, monkeypatch):
    right = getattr(choice_by_rows, branch)

    def wrong(builder, *arguments):
        y, finals = right(builder, *arguments)
        return y, [builder.node("Neg", [final], "wrong") for final in finals]

    model = next(case for case in CASES if case.name == f"{cell} last").model()
    monkeypatch.setattr(choice_by_rows, branch, wrong)
    with pytest.raises(VerificationError):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, recurrence="auto", verify=True)


@pytest.mark.parametrize("options", [{"quantize": "int8"}, {"dtype": "float16"}], ids=str)
def test_the_choice_goes_together_with_other_precisions(options: dict, tmp_path):
    model = next(case for case in CASES if case.name == "stacked").model()
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, recurrence="auto", verify=True, **options)
    ids = np.array([[1, 2, 0], [3, 4, 5]] * 10, np.int32)
    answers = seqkit_onnx.load(tmp_path / "model.onnx").predict(ids)
    np.testing.assert_allclose(next(iter(answers.values())), model(ids), rtol=0, atol=0.05)


def test_weights_of_both_ways_become_int8(tmp_path):
    model, _ = classifier("gru")
    for name, options in (("whole.onnx", {}), ("small.onnx", {"quantize": "int8"})):
        seqkit_onnx.export(model, tmp_path / name, text=False, recurrence="auto", verify=True, **options)
    small = onnx.load(tmp_path / "small.onnx").graph
    floats = [tensor for tensor in small.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    assert "If" in [node.op_type for node in small.node]
    assert max(np.prod(tensor.dims) for tensor in floats) <= 3000, "scales and biases only"
    assert (tmp_path / "small.onnx").stat().st_size < 0.4 * (tmp_path / "whole.onnx").stat().st_size


def test_an_lstm_stays_native():
    model = next(case for case in CASES if case.name == "lstm last").model()
    assert "LSTM" in operators(convert(model, model_signature(model), scan_from=always))

"""GRU and SimpleRNN as Scan loops: every model of the table equals Keras, as with native operators."""

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from seqkit_onnx.lowering import choice_by_rows
from seqkit_onnx.lowering.choice_by_rows import MANY_ROWS
from seqkit_onnx.lowering.conversion import convert
from seqkit_onnx.lowering.scan import SCANNED
from seqkit_onnx.lowering.signature import model_signature
from seqkit_onnx.verification import VerificationError

from tests.cases import CASES, MASKS
from tests.lowering.converted_cases import keras_model
from tests.lowering.test_native_recurrence import assert_equal_outputs


def operators(proto: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in proto.graph.node]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_scanned_layers_equal_keras_under_every_mask(case):
    model = keras_model(case)
    proto = convert(model, model_signature(model), scanned=SCANNED)
    onnx.checker.check_model(proto, full_check=True)
    assert not set(SCANNED).intersection(operators(proto))
    assert_equal_outputs(proto, case, MASKS)


@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: case.name.replace(" ", "_"))
@pytest.mark.parametrize("mask_zero", [True, False])
def test_scanned_layers_equal_keras_where_nothing_is_moved(case, mask_zero: bool):
    model = keras_model(case, mask_zero)
    proto = convert(model, model_signature(model), right_padded_inputs="all", scanned=SCANNED)
    assert_equal_outputs(proto, case, ("none", "right", "all_masked"), mask_zero)


@pytest.mark.parametrize("case", CASES[1::3], ids=lambda case: case.name.replace(" ", "_"))
@pytest.mark.parametrize("right_padded", [False, True])
def test_the_number_of_rows_chooses_between_operator_and_scan(case, right_padded: bool):
    proto = convert(
        keras_model(case), model_signature(keras_model(case)), "all" if right_padded else (), {"GRU": 2, "RNN": 2}
    )
    onnx.checker.check_model(proto, full_check=True)
    chosen = [node for node in proto.graph.node if node.op_type == "If"]
    assert len(chosen) + operators(proto).count("LSTM") == case.operators
    for node in chosen:
        branches = {each.name: [inner.op_type for inner in each.g.node] for each in node.attribute}
        assert "Scan" in branches["then_branch"]
        assert set(SCANNED).intersection(branches["else_branch"])
    assert not set(SCANNED).intersection(operators(proto))
    assert_equal_outputs(proto, case, ("none", "right", "all_masked") if right_padded else MASKS)


def test_each_number_of_rows_runs_the_branch_that_is_meant_for_it(tmp_path):
    ids = keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model(ids, keras.layers.SimpleRNN(3, name="rnn")(keras.layers.Embedding(9, 2)(ids)))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, recurrence="auto", verify=True)
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), options, providers=["CPUExecutionProvider"])
    for rows in (1, MANY_ROWS["RNN"] - 1, MANY_ROWS["RNN"], 50):
        session.run(None, {"ids": np.ones((rows, 4), np.int32)})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    run = [event["args"]["op_name"] for event in events if event["cat"] == "Node"]
    assert [name for name in run if name in ("RNN", "Scan")] == ["RNN", "RNN", "Scan", "Scan"]


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


def test_an_lstm_stays_native():
    model = next(case for case in CASES if case.name == "lstm last").model()
    assert "LSTM" in operators(convert(model, model_signature(model), scanned=SCANNED))

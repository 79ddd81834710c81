"""GRU and SimpleRNN as Scan loops: every model of the table equals Keras, as with native operators."""

import onnx
import pytest
from seqkit_onnx.lowering.conversion import convert
from seqkit_onnx.lowering.scan import SCANNED
from seqkit_onnx.lowering.signature import model_signature

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


def test_an_lstm_stays_native():
    model = next(case for case in CASES if case.name == "lstm last").model()
    assert "LSTM" in operators(convert(model, model_signature(model), scanned=SCANNED))

"""What export is asked for beside the model: padding, precision, states; and what verify tells of a GPU."""

import json
from collections.abc import Iterator

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx.verification import TOLERANCE, TOLERANCES, VerificationError

from keras_seqkit import Vocabulary
from tests.cases import masked_ids, randomize_weights
from tests.eager import eagerly

LAYERS = keras.layers
REARRANGING = {"TopK", "CumSum"}


@pytest.fixture(autouse=True)
def _eagerly() -> Iterator[None]:
    """Each of these models predicts once or twice, at a few steps."""
    with eagerly():
        yield


def model_of(*layers: keras.layers.Layer, batch: int | None = None) -> keras.Model:
    first = [keras.Input(batch_shape=(batch, None), dtype="int32", name="ids"), LAYERS.Embedding(40, 8, mask_zero=True)]
    model = keras.Sequential([*first, *layers, LAYERS.Dense(3, activation="softmax", name="topic")])
    randomize_weights(model)
    return model


def operators(path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


def test_padding_that_is_promised_to_be_on_the_right_rearranges_nothing(tmp_path):
    model, path = model_of(LAYERS.Bidirectional(LAYERS.GRU(4))), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text=False, verify=True, padding="post")
    assert not REARRANGING.intersection(operators(path))
    ids = masked_ids("right", 3, 7)
    np.testing.assert_allclose(seqkit_onnx.load(path).predict(ids)["topic"], model(ids), rtol=0, atol=TOLERANCE)


def test_without_the_promise_any_mask_is_answered(tmp_path):
    model, path = model_of(LAYERS.Bidirectional(LAYERS.GRU(4))), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text=False, verify=True)
    assert "TopK" in operators(path)


@pytest.mark.parametrize(
    "choice", [{"padding": "pre"}, {"dtype": "bfloat16"}, {"quantize": "int4"}, {"recurrence": "loop"}], ids=str
)
def test_choices_that_are_not_known_are_refused(choice, tmp_path):
    with pytest.raises(ValueError, match=f"export: {next(iter(choice))} is"):
        seqkit_onnx.export(model_of(LAYERS.LSTM(4)), tmp_path / "model.onnx", text=False, **choice)


def test_half_precision_and_int8_together_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Pass one of them"):
        seqkit_onnx.export(
            model_of(LAYERS.LSTM(4)), tmp_path / "model.onnx", text=False, dtype="float16", quantize="int8"
        )


@pytest.mark.parametrize("choice", [{"dtype": "float16"}, {"quantize": "int8"}], ids=str)
@pytest.mark.parametrize("layer", [LAYERS.LSTM, LAYERS.GRU])
def test_the_difference_of_less_exact_files_is_measured_and_written_down(choice, layer, tmp_path):
    keras.utils.set_random_seed(0)
    model, path = model_of(LAYERS.Bidirectional(layer(32))), tmp_path / "model.onnx"
    (precision,) = choice.values()
    seqkit_onnx.export(model, path, text=False, verify=True, **choice)
    metadata = seqkit_onnx.load(path).metadata
    assert metadata["precision"] == precision
    assert 0 < float(metadata["largest_difference"]) <= TOLERANCES[precision]
    ids = masked_ids("holes", 5, 9)
    ours = seqkit_onnx.load(path).predict(ids)["topic"]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, model(ids), rtol=0, atol=TOLERANCES[precision])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_less_exact_file_of_broken_weights_is_not_written(value, tmp_path):
    model = model_of(LAYERS.LSTM(4))
    model.layers[-1].bias.assign(np.full(3, value, np.float32))
    with pytest.raises(VerificationError):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, verify=True, quantize="int8")
    assert not list(tmp_path.iterdir())


def test_the_runtime_carries_states_from_part_to_part(tmp_path):
    stateful = model_of(LAYERS.LSTM(4, stateful=True, name="lstm"), batch=2)
    path = tmp_path / "model.onnx"
    kept = [variable.numpy() for variable in stateful.non_trainable_variables]
    seqkit_onnx.export(stateful, path, text=False, verify=True)
    for variable, value in zip(stateful.non_trainable_variables, kept, strict=True):
        np.testing.assert_array_equal(variable, value)  # to verify leaves the model's own states as they were
    whole = model_of(LAYERS.LSTM(4))
    whole.set_weights([w.numpy() for w in stateful.weights if w.name != "rnn_state"])
    network = seqkit_onnx.load(path)
    assert [state["input"] for state in json.loads(network.metadata["states"])] == [
        "lstm/initial_h",
        "lstm/initial_c",
    ]
    ids = np.random.default_rng(0).integers(1, 40, (5, 12)).astype(np.int32)  # any number of sequences at once
    states = network.initial_state(batch=5)
    for part in np.split(ids, 4, axis=1):
        outputs = network.predict({"ids": part, **states})
        states = network.next_state(outputs)
    np.testing.assert_allclose(outputs["topic"], whole(ids), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "choice", [{"text": False, "labels": ["a", "b", "c"]}, {"vocabulary": Vocabulary([])}], ids=str
)
def test_states_do_not_go_together_with_text_or_labels(choice, tmp_path):
    stateful = model_of(LAYERS.LSTM(4, stateful=True, name="lstm"), batch=2)
    with pytest.raises(ValueError, match=r"stateful layers \('lstm/initial_h' is a state\).*text=False and no labels"):
        seqkit_onnx.export(stateful, tmp_path / "model.onnx", **choice)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (LAYERS.LSTM(4), None),
        (LAYERS.GRU(4), None),
        (LAYERS.Bidirectional(LAYERS.SimpleRNN(4)), None),
        (LAYERS.GRU(4, reset_after=False), "reset_after=True only"),
        (LAYERS.SimpleRNN(4, activation="relu"), "RNN with Tanh only; this one has Relu"),
        (LAYERS.LSTM(4, recurrent_activation="hard_sigmoid"), "this one has HardSigmoid"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_verify_tells_what_would_stay_on_the_cpu_and_why(layer, reason, tmp_path):
    model, path = model_of(layer), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text=False)
    kept = seqkit_onnx.verify(model, path, masked_ids("holes", 3, 5)).kept_on_cpu
    assert [reason in node.reason for node in kept] == ([True] if reason else [])


def test_loops_are_told_to_stay_on_the_host(tmp_path):
    model, path = model_of(LAYERS.GRU(4, activation="gelu")), tmp_path / "model.onnx"
    with pytest.warns(UserWarning, match="exported as a loop"):
        seqkit_onnx.export(model, path, text=False)
    kept = seqkit_onnx.verify(model, path, masked_ids("holes", 3, 5)).kept_on_cpu
    assert {node.op_type for node in kept} == {"Loop"}

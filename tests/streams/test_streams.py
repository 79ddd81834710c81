"""`load(path).stream()`: an object that carries the states of a file from chunk to chunk."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import seqkit_onnx

from tests.exported import exported, values
from tests.streams.cases import CASES, DIM, STEPS, stream_of, whole_answers

LAYERS = keras.layers
[MASKED] = [case for case in CASES if case.name == "masked stack"]
[LAYERED] = [case for case in CASES if case.name == "stack of many layers"]


def labelled(path: Path) -> tuple[keras.Model, object]:
    keras.utils.clear_session()
    x = keras.Input((None, DIM), name="x")
    model = keras.Model(x, LAYERS.Dense(3, activation="softmax")(LAYERS.GRU(4)(x)), name="model")
    return model, exported(model, path, stream=True, labels=["left", "right", "none"], verify=True)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> tuple[keras.Model, object, Path]:
    path = tmp_path_factory.mktemp("words") / "words.onnx"
    return *labelled(path), path


def test_two_streams_of_one_file_never_mix():
    _, network = stream_of(LAYERED)
    first, second = network.stream(1), network.stream(3)
    ours: list[list[np.ndarray]] = [[], []]
    for step in range(STEPS):
        for place, (stream, batch) in enumerate(((first, 1), (second, 3))):
            ours[place].append(stream(LAYERED.sequence(batch, STEPS, place)[:, step : step + 1]))
    for place, batch in enumerate((1, 3)):
        [expected] = whole_answers(LAYERED, batch, place)
        np.testing.assert_allclose(np.concatenate(ours[place], axis=1), expected, rtol=0, atol=1e-5)


def test_a_stream_begins_again_when_it_is_reset():
    _, network = stream_of(LAYERED)
    stream, chunk = network.stream(), LAYERED.sequence(1, 4, 0)
    first = stream.send(chunk)
    assert np.abs(stream.send(chunk) - first).max() > 1e-3
    stream.reset()
    np.testing.assert_array_equal(stream.send(chunk), first)


def test_one_output_is_an_array_and_several_are_a_dict():
    assert isinstance(stream_of(LAYERED)[1].stream().send(LAYERED.sequence(1, 2, 0)), np.ndarray)
    _, network = stream_of(MASKED)
    outputs = network.stream(2).send(MASKED.sequence(2, 3, 0))
    assert {name: array.shape for name, array in outputs.items()} == {"dense": (2, 3, 2), "gru": (2, 4)}


def test_states_can_be_carried_by_hand():
    _, network = stream_of(LAYERED)
    sequence, states, parts = LAYERED.sequence(3, STEPS, 1), network.initial_state(3), []
    for start in range(0, STEPS, 4):
        outputs = network.predict({"x": sequence[:, start : start + 4], **states})
        states = network.next_state(outputs)
        parts.append(next(iter(outputs.values())))
    np.testing.assert_allclose(np.concatenate(parts, axis=1), *whole_answers(LAYERED, 3, 1), rtol=0, atol=1e-5)


def test_the_metadata_say_which_axes_are_steps_and_how_large_states_are():
    _, network = stream_of(next(case for case in CASES if case.name == "causal convolutions"))
    assert json.loads(network.metadata["stream"])["inputs"] == ["x"]
    shapes = {each["input"]: each["shape"] for each in json.loads(network.metadata["states"])}
    assert shapes == {
        "conv1d/initial_steps": [2, 3],
        "conv1d_1/initial_steps": [3, 4],
        "lstm/initial_h": [2],
        "lstm/initial_c": [2],
    }
    assert network.axes("x") == ["batch", "time", 3]


def test_no_sequences_are_answered_by_none():
    stream = stream_of(MASKED)[1].stream(0)
    outputs = stream.send(np.zeros((0, 5), np.int32))
    assert {name: array.shape[0] for name, array in outputs.items()} == {"dense": 0, "gru": 0}
    assert stream.send(np.zeros((0, 2), np.int32))["gru"].shape == (0, 4)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (np.zeros((1, 0, DIM), np.float32), "a step at least"),
        (np.zeros((2, 1, DIM), np.float32), r"1 sequences are expected.*\(2, 1, 3\)"),
        (np.zeros((1, 1, 2), np.float32), "is of shape"),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused_and_the_states_stay(chunk: np.ndarray, message: str):
    stream = stream_of(LAYERED)[1].stream()
    sequence = LAYERED.sequence(1, STEPS, 0)
    first = stream.send(sequence[:, :4])
    with pytest.raises(ValueError, match=message):
        stream.send(chunk)
    whole = np.concatenate([first, stream.send(sequence[:, 4:])], axis=1)
    np.testing.assert_allclose(whole, *whole_answers(LAYERED, 1, 0), rtol=0, atol=1e-5)


def test_each_answer_is_a_label(words):
    model, network, _ = words
    sequence, stream = values(2, 7, DIM), network.stream(2)
    for start, stop in ((0, 1), (1, 5), (5, 7)):
        outputs = stream.send(sequence[:, start:stop])
        assert list(outputs) == ["label", "probabilities"]
        expected = np.asarray(model(sequence[:, :stop]))
        np.testing.assert_allclose(outputs["probabilities"], expected, rtol=0, atol=1e-5)
        assert outputs["label"].tolist() == [["left", "right", "none"][place] for place in expected.argmax(axis=1)]


def test_a_stream_is_compared_with_whole_sequences_at_any_time(words):
    model, _, path = words
    found = seqkit_onnx.verify(model, path, values(3, 11, DIM))
    assert found.largest_difference < 1e-5
    assert found.label_agreement == 1


def test_a_stream_that_is_damaged_differs_from_keras(words):
    model, _, path = words
    other = keras.models.clone_model(model)
    assert seqkit_onnx.verify(other, path, values(3, 11, DIM)).largest_difference > 1e-3


def test_a_file_without_states_has_no_stream(tmp_path: Path):
    x = keras.Input((None, DIM))
    network = exported(keras.Model(x, LAYERS.GRU(2)(x)), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"no states to carry.*stream=True"):
        network.stream()


def test_chunks_of_a_fixed_size_are_those_of_the_whole(tmp_path: Path):
    keras.utils.clear_session()
    x = keras.Input((None, DIM), name="x")
    y = LAYERS.GRU(2, return_sequences=True)(LAYERS.Conv1D(2, 3, padding="causal")(x))
    model = keras.Model(x, y)
    options = {"stream": True, "shapes": {"batch": 1, "time": 2}, "opset": 18, "verify": True}
    network = exported(model, tmp_path / "model.onnx", **options)
    assert (network.axes("x"), network.axes("gru")) == ([1, 2, DIM], [1, 2, 2])
    sequence, stream = values(1, 6, DIM), network.stream()
    parts = [stream.send(sequence[:, start : start + 2]) for start in (0, 2, 4)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), model(sequence), rtol=0, atol=1e-5)


def test_an_input_without_steps_is_given_with_each_chunk(tmp_path: Path):
    keras.utils.clear_session()
    x, speaker = keras.Input((None, DIM), name="x"), keras.Input((2,), name="speaker")
    steps = LAYERS.GRU(2, return_sequences=True)(x) + keras.ops.expand_dims(speaker, 1)
    model = keras.Model([x, speaker], LAYERS.LSTM(3)(steps))
    network = exported(model, tmp_path / "model.onnx", stream=True, verify=True)
    sequence, own, stream = values(2, 6, DIM), values(2, 2, seed=1), network.stream(2)
    stream.send([sequence[:, :5], own])
    ours = stream.send({"x": sequence[:, 5:], "speaker": own})
    np.testing.assert_allclose(ours, model([sequence, own]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{"dtype": "float16"}, {"quantize": "int8"}])
def test_a_stream_may_be_less_exact(options: dict, tmp_path: Path):
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    x = keras.Input((None, DIM), name="x")
    model = keras.Model(x, LAYERS.LSTM(4)(LAYERS.Conv1D(4, 3, padding="causal")(x)))
    network = exported(model, tmp_path / "model.onnx", stream=True, verify=True, **options)
    assert float(network.metadata["largest_difference"]) < 5e-2

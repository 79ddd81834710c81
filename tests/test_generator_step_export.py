"""A generator that writes one token a call: by hand, for many sessions at once, streamed, and as Keras writes."""

from typing import Any

import numpy as np
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx.runtime.random_numbers import uniform
from seqkit_onnx.runtime.step_generator import StepGenerator

from keras_seqkit import TextGenerator, samplers
from tests.generators import generator

PROMPTS = ["ab", "", "dcb é", "a" * 40, "zz Z\n"]
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}
TOLERANCE = 1e-6  # states between -1 and 1, after a dozen float32 steps in another batch


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    return generator("gru")


@pytest.fixture(scope="module")
def path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("generator") / "step.onnx"
    seqkit_onnx.export(model, path, step=True, verify=True)
    return str(path)


@pytest.fixture(scope="module")
def file(path) -> StepGenerator:
    return seqkit_onnx.load(path)


def by_hand(file: StepGenerator, prompts: list[str], steps: int, seed: int, **settings: Any) -> tuple[list[str], dict]:
    """Writes as a caller does who keeps sessions himself."""
    batch = len(prompts)
    inputs = {"text": prompts, "token": np.full(batch, 2), **file.initial_state(batch), **settings}
    texts, done = [""] * batch, [False] * batch
    for step in range(steps):
        inputs |= {"uniform": uniform(seed, np.arange(batch), np.array([step]))[0], "step": step}
        outputs = file.predict(inputs)
        done = [was or token == 3 for was, token in zip(done, outputs["next_token"].tolist(), strict=True)]
        pieces = outputs["piece"].tolist()
        texts = [text + piece * (not end) for text, piece, end in zip(texts, pieces, done, strict=True)]
        inputs |= {"text": [""] * batch, "token": outputs["next_token"], **file.next_state(outputs)}
    return texts, inputs


def test_the_loop_by_hand_writes_what_keras_writes(model, file):
    texts, _ = by_hand(file, PROMPTS, 20, seed=3)
    assert texts == model.generate(PROMPTS, 20, seed=3, strip_prompt=True)
    texts, _ = by_hand(file, PROMPTS, 20, seed=3, temperature=0.4, top_k=4, top_p=0.9)
    assert texts == model.generate(PROMPTS, 20, None, 0.4, 4, 0.9, 3, strip_prompt=True)


def test_sessions_in_one_batch_are_sessions_alone(file):
    together, carried = by_hand(file, PROMPTS, 12, seed=1, temperature=0.0)
    for row, prompt in enumerate(PROMPTS):
        [alone], states = by_hand(file, [prompt], 12, seed=1, temperature=0.0)
        assert alone == together[row]
        for name in file.initial_state():
            np.testing.assert_allclose(states[name][0], carried[name][row], rtol=0, atol=TOLERANCE)


def test_sessions_at_different_places_share_a_batch(file):
    """One begins while the other goes on: text is read behind the token that was written last."""
    [first], inputs = by_hand(file, ["dcb"], 3, seed=0, temperature=0.0)
    expected, _ = by_hand(file, ["dcb"], 4, seed=0, temperature=0.0)
    new = file.initial_state()
    outputs = file.predict(
        {
            "text": ["", "ab"],
            "token": np.concatenate([inputs["token"], [2]]),
            "uniform": np.zeros(2, np.float32),
            "temperature": 0.0,
            **{name: np.concatenate([inputs[name], new[name]]) for name in new},
        }
    )
    assert [first + outputs["piece"][0]] == expected
    assert outputs["piece"][1] == by_hand(file, ["ab"], 1, seed=0, temperature=0.0)[0][0]


def test_text_may_come_in_parts(file):
    """What a prompt of two parts leaves behind is what a whole one does; the token between is the caller's."""
    inputs = {"text": ["dcb"], "token": [2], "uniform": np.zeros(1, np.float32), **file.initial_state()}
    whole = file.predict(inputs)
    part = file.predict({**inputs, "text": ["d"]})
    b_c = {"text": ["b"], "token": [file_token(file, "c")], "uniform": np.zeros(1, np.float32)}
    rest = file.predict({**b_c, **file.next_state(part)})
    for name in file.next_state(whole):
        np.testing.assert_allclose(file.next_state(rest)[name], file.next_state(whole)[name], rtol=0, atol=TOLERANCE)


def file_token(file: StepGenerator, token: str) -> int:
    return generator("gru").vocabulary.tokens.index(token)


@pytest.mark.parametrize("strip_prompt", [False, True])
@pytest.mark.parametrize("stop", [None, "a", ["ab", "bc", "😀é"]])
def test_generate_and_stream_write_what_keras_writes(model, file, stop, strip_prompt):
    for arguments in ({"seed": 7}, {"seed": -1, "temperature": 0.6, "top_k": 4}, {"sampler": "greedy"}):
        arguments |= {"max_new_tokens": 30, "stop": stop, "strip_prompt": strip_prompt}
        expected = model.generate(PROMPTS, **arguments)
        assert file.generate(PROMPTS, **arguments) == expected
        pieces = list(file.generate(PROMPTS, stream=True, **arguments))
        assert ["".join(row) for row in zip(*pieces, strict=True)] == expected
        one = list(file.generate(PROMPTS[2], stream=True, **arguments))
        assert "".join(one) == model.generate(PROMPTS[2], **arguments)[0]
        assert one == list(model.generate(PROMPTS[2], stream=True, **arguments))


def test_nothing_more_leaves_the_prompts(file):
    assert file.generate(PROMPTS, max_new_tokens=0) == PROMPTS
    assert list(file.generate("", max_new_tokens=0, stream=True)) == []


def test_a_long_text_goes_beyond_one_block_of_random_numbers(tmp_path):
    model, sampler = generator("simple_rnn", units=3), samplers.MinPSampler(banned_tokens=["[END]"])
    seqkit_onnx.export(model, tmp_path / "step.onnx", step=True, sampler=sampler, verify=False)
    found = seqkit_onnx.load(tmp_path / "step.onnx").generate(["ab", "c"], 300, seed=2)
    assert found == model.generate(["ab", "c"], 300, seed=2, sampler=sampler)


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.TopPSampler(p=0.9, repetition_penalty=1.7),
        samplers.TypicalSampler(0.7, repetition_penalty=0.7, min_new_tokens=4, banned_tokens=["a"], temperature=1.3),
    ],
    ids=["penalty", "all"],
)
def test_constraints_are_carried_too(sampler, tmp_path):
    model = generator(level="word")
    seqkit_onnx.export(model, tmp_path / "step.onnx", step=True, sampler=sampler, verify=True)
    file = seqkit_onnx.load(tmp_path / "step.onnx")
    prompts = ["the cat sat", "", "on a mat . the the "]
    for seed in range(4):
        expected = model.generate(prompts, 25, seed=seed, sampler=sampler)
        assert file.generate(prompts, 25, seed=seed) == expected
    state = file.initial_state(3)["initial_seen"]
    assert state.shape == (3, len(model.vocabulary))
    outputs = file.predict(
        {"text": prompts, "token": [2] * 3, "uniform": np.zeros(3, np.float32), **file.initial_state(3)}
    )
    read = model.vocabulary.encode_rows(prompts)
    for row, tokens in enumerate(read):
        seen = {*tokens, int(outputs["next_token"][row])}
        assert set(np.flatnonzero(outputs["final_seen"][row]).tolist()) - {0, 2} == seen


@pytest.mark.parametrize(
    "sampler", ["beam", "contrastive", samplers.TopKSampler(no_repeat_ngram_size=2)], ids=["beam", "contrastive", "n"]
)
def test_samplers_that_need_the_whole_text_are_refused(model, tmp_path, sampler):
    with pytest.raises(ValueError, match=r"looks at the whole text, which a step does not carry\. Pass step=False"):
        seqkit_onnx.export(model, tmp_path / "step.onnx", step=True, sampler=sampler)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cell", OPERATORS)
def test_the_file_has_named_states_and_one_operator_a_layer(cell, tmp_path):
    model = generator(cell, units=(5, 4))
    seqkit_onnx.export(model, tmp_path / "step.onnx", step=True, verify=False)
    proto = onnx.load(tmp_path / "step.onnx")
    onnx.checker.check_model(proto, full_check=True)
    states = [f"{cell}_{layer}/{{}}_{state}" for layer in range(2) for state in ("hc" if cell == "lstm" else "h")]
    assert [value.name for value in proto.graph.input] == [
        *["text", "token", "uniform"],
        *[state.format("initial") for state in states],
        *["temperature", "top_k", "top_p", "step"],
    ]
    names = [value.name for value in proto.graph.output]
    assert names == ["next_token", "piece", *[state.format("final") for state in states]]
    assert sum(node.op_type == OPERATORS[cell] for node in proto.graph.node) == 2
    assert not {"Loop", "Scan"} & {node.op_type for node in proto.graph.node}


def test_metadata_say_what_the_file_is(file, model):
    assert type(file) is StepGenerator
    assert file.metadata["kind"] == "generator_step"
    assert file.metadata["vocabulary_digest"] == model.vocabulary.digest
    assert set(file.initial_state()) == {"gru_0/initial_h", "gru_1/initial_h"}
    assert file.optional_input_names == ["temperature", "top_k", "top_p", "step"]


def test_a_step_of_ids_reads_ids(model, file, tmp_path):
    seqkit_onnx.export(model, tmp_path / "ids.onnx", step=True, text=False, verify=False)
    of_ids = seqkit_onnx.load(tmp_path / "ids.onnx")
    inputs = {"token": [2, 2], "uniform": np.array([0.3, 0.9], np.float32), **of_ids.initial_state(2)}
    found = of_ids.predict({"ids": model.vocabulary.encode(["dcb", "a"]), **inputs})
    expected = file.predict({"text": ["dcb", "a"], **inputs})
    assert found["next_token"].tolist() == expected["next_token"].tolist()
    with pytest.raises(ValueError, match="this file takes ids, and its caller the loop"):
        of_ids.generate("ab")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"prompts": [None]}, TypeError, r"prompts\[0\] is a missing text"),
        ({"prompts": ["a", 1]}, TypeError, "int"),
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens is at least 0"),
        ({"seed": 0.5}, TypeError, "seed is an integer"),
        ({"stop": ""}, ValueError, "stop strings are not empty"),
        ({"sampler": "top_p"}, ValueError, "this file was exported with RandomSampler"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_streamed(file, arguments, error, message):
    with pytest.raises(error, match=message):
        file.generate(**{"prompts": "ab", "stream": True, **arguments})

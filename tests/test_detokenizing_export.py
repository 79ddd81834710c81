"""Files of generators that join words by a detokenizer: they write what Keras writes, whole and step by step."""

from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from seqkit_onnx.runtime.generator import Generator
from seqkit_onnx.runtime.random_numbers import uniform
from seqkit_onnx.runtime.step_generator import StepGenerator
from seqkit_onnx.verification import VerificationError

from keras_seqkit import TextGenerator, samplers
from keras_seqkit.text.continuation import Continuation
from tests.detokenizers import random_detokenizer
from tests.generators import generator
from tests.onnx_graphs import graphs_of
from tests.text_strategies import any_text

PROMPTS = ["the cat", "", "The Cat ", "zz", "on . ", ".", " ", "\u2028", "a mat\n", "é"]


@cache
def model() -> TextGenerator:
    model = generator("gru", "word", units=8)
    model.detokenizer = random_detokenizer(model.vocabulary, 3)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generator")


@pytest.fixture(scope="module")
def file(folder) -> Generator:
    seqkit_onnx.export(model(), folder / "writer.onnx", verify=True)
    return seqkit_onnx.load(folder / "writer.onnx")


@pytest.fixture(scope="module")
def step(folder) -> StepGenerator:
    seqkit_onnx.export(model(), folder / "step.onnx", step=True, verify=True)
    return seqkit_onnx.load(folder / "step.onnx")


@pytest.mark.parametrize("strip_prompt", [False, True])
@pytest.mark.parametrize("stop", [None, "<", " ", ["at", "ON <"]])
def test_both_files_write_what_keras_writes(file, step, stop, strip_prompt):
    for arguments in ({"seed": 7}, {"seed": -1, "temperature": 0.6, "top_k": 4}, {"sampler": "greedy"}):
        arguments: dict[str, Any] = {**arguments, "stop": stop, "strip_prompt": strip_prompt}
        expected = model().generate(PROMPTS, 20, **arguments)
        assert file.generate(PROMPTS, 20, **arguments) == expected
        assert step.generate(PROMPTS, 20, **arguments) == expected
        pieces = list(step.generate(PROMPTS, 20, stream=True, **arguments))
        assert ["".join(row) for row in zip(*pieces, strict=True)] == expected


def test_any_prompts_are_gone_on_from_as_in_keras(file, step):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(any_text | st.sampled_from(PROMPTS), min_size=3, max_size=3))
    def check(prompts):
        expected = model().generate(prompts, 6, seed=2)
        assert file.generate(prompts, 6, seed=2) == expected
        assert step.generate(prompts, 6, seed=2) == expected

    check()


@pytest.mark.parametrize("sampler", ["beam", "contrastive", samplers.TopKSampler(no_repeat_ngram_size=2)])
def test_samplers_that_need_the_whole_text_join_too(sampler, tmp_path):
    seqkit_onnx.export(model(), tmp_path / "writer.onnx", sampler=sampler, verify=True)
    file = seqkit_onnx.load(tmp_path / "writer.onnx")
    for seed in (0, 1):
        assert file.generate(PROMPTS, 12, seed=seed) == model().generate(PROMPTS, 12, sampler=sampler, seed=seed)


def test_no_new_tokens_and_no_prompts(file, step):
    assert file.generate(PROMPTS, max_new_tokens=0) == step.generate(PROMPTS, max_new_tokens=0) == PROMPTS
    assert file.generate([]) == []


def test_pieces_joined_by_hand_are_the_text(step):
    """A caller who only adds pieces, and whose prompt may come in parts."""
    batch, steps = len(PROMPTS), 15
    inputs = {"text": PROMPTS, "token": np.full(batch, 2), **step.initial_state(batch)}
    texts, done = list(PROMPTS), [False] * batch
    for number in range(steps):
        inputs |= {"uniform": uniform(3, np.arange(batch), np.array([number]))[0], "step": number}
        outputs = step.predict(inputs)
        done = [was or token == 3 for was, token in zip(done, outputs["next_token"].tolist(), strict=True)]
        pieces = outputs["piece"].tolist()
        texts = [text + piece * (not end) for text, piece, end in zip(texts, pieces, done, strict=True)]
        inputs |= {"text": [""] * batch, "token": outputs["next_token"], **step.next_state(outputs)}
    assert texts == model().generate(PROMPTS, steps, seed=3)


def test_a_piece_depends_on_the_last_word_and_on_the_space_behind_it(step):
    vocabulary = model().vocabulary
    for token in (2, *range(4, len(vocabulary))):
        for text in ("", " ", "the", "the ", ".", "zz", "\u2028"):
            inputs = {"text": [text], "token": [token], "uniform": np.full(1, 0.7, np.float32)}
            outputs = step.predict({**inputs, **step.initial_state()})
            [new] = outputs["next_token"].tolist()
            ids = [token, *vocabulary.encode_rows([text])[0]]
            before = ids[-1] if ids[-1] != 2 else 0
            expected = model().detokenizer.join([new], before=before, spaced=text.endswith(" "))
            assert outputs["piece"].tolist() == [expected]


def test_files_of_ids_give_the_same_ids(folder):
    plain = generator("gru", "word", units=8)
    ids = plain.vocabulary.encode(PROMPTS)
    found = []
    for name, each in (("plain", plain), ("joining", model())):
        seqkit_onnx.export(each, folder / f"{name}.onnx", text=False, verify=True)
        found.append(seqkit_onnx.load(folder / f"{name}.onnx").generate_ids(ids, 20, seed=3))
        assert operators(folder / "plain.onnx") == operators(folder / f"{name}.onnx")
    np.testing.assert_array_equal(*found)


def test_a_step_of_ids_gives_pieces_too(step, folder):
    seqkit_onnx.export(model(), folder / "ids.onnx", step=True, text=False, verify=True)
    of_ids = seqkit_onnx.load(folder / "ids.onnx")
    texts = [prompt.rstrip(" \n") for prompt in PROMPTS]  # of a space behind the prompt, ids know nothing
    inputs = {"token": [2] * len(texts), "uniform": np.full(len(texts), 0.4, np.float32)}
    inputs |= of_ids.initial_state(len(texts))
    found = of_ids.predict({"ids": model().vocabulary.encode(texts), **inputs})
    expected = step.predict({"text": texts, **inputs})
    assert found["piece"].tolist() == expected["piece"].tolist()


def test_the_file_needs_no_package_of_ours(file, folder):
    session = onnxruntime.InferenceSession(str(folder / "writer.onnx"), providers=["CPUExecutionProvider"])
    feeds = {"prompt": np.array(PROMPTS, object), "seed": np.array(4), "max_new_tokens": np.array(12)}
    assert session.run(["text"], feeds)[0].tolist() == model().generate(PROMPTS, 12, seed=4)
    assert session.run(["text"], {"prompt": np.array([], object)})[0].tolist() == []


def operators(path: Any) -> list[list[str]]:
    return [[node.op_type for node in each.node] for each in graphs_of(onnx.load(path).graph)]


def test_no_other_operators_are_needed_and_the_loop_is_the_same(file, folder):
    seqkit_onnx.export(generator("gru", "word", units=8), folder / "spaces.onnx", verify=False)
    spaces, joining = operators(folder / "spaces.onnx"), operators(folder / "writer.onnx")
    assert {name for each in joining for name in each} <= {name for each in spaces for name in each}
    assert spaces[1:] == joining[1:]


def test_verification_sees_a_wrong_joining(tmp_path, monkeypatch):
    joined = Continuation.written.fget
    monkeypatch.setattr(Continuation, "written", property(lambda self: joined(self).replace(" ", "  ")))
    for step in (False, True):
        with pytest.raises(VerificationError, match="Keras writes"):
            seqkit_onnx.export(model(), tmp_path / "writer.onnx", step=step, verify=True)
    assert not list(tmp_path.iterdir())

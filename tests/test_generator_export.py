"""A generator as one file: it writes what Keras writes, token for token, with every sampler and every setting."""

import json
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from seqkit_onnx.runtime.generator import Generator
from seqkit_onnx.verification import VerificationError

from keras_seqkit import TextGenerator, Vocabulary, samplers
from tests.fuzzing_generators.random_cases import Writer, differences, exported, random_cases, random_writer
from tests.generators import generator
from tests.shared_files import shared
from tests.text_strategies import UNUSUAL, any_text

PROMPTS = ["ab", "", "dcb é", "a" * 40, "zz Z\n", "ABC"]
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}
CASES_OF_A_SAMPLER = 25
# Numbers of writers that together have the three cells, both levels, and each constraint several times.
NUMBERS = {"greedy": 1, "random": 1, "top_k": 2, "top_p": 3, "min_p": 4, "typical": 5, "beam": 6, "contrastive": 7}


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    return shared("generator")


@pytest.fixture(scope="module")
def path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("generator") / "writer.onnx"
    seqkit_onnx.export(model, path, verify=True)
    return str(path)


@pytest.fixture(scope="module")
def file(path) -> Generator:
    return seqkit_onnx.load(path)


@cache
def writer_of(name: str) -> Writer:
    return random_writer(name, NUMBERS[name])


@cache
def exported_writer(name: str) -> tuple[Writer, Generator]:
    writer = writer_of(name)
    return writer, exported(writer)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_keras_onnx_and_numpy_write_the_same(name):
    (writer, file), count = exported_writer(name), 0
    for case in random_cases(writer, CASES_OF_A_SAMPLER, NUMBERS[name]):
        count += len(case.prompts)
        assert list(differences(writer, file, case)) == []
    assert count == CASES_OF_A_SAMPLER


def test_the_writers_that_are_compared_have_all_there_is():
    writers = [writer_of(name) for name in NUMBERS]
    assert {writer.model.cell for writer in writers} == set(OPERATORS)
    assert {writer.model.vocabulary.rules.level for writer in writers} == {"char", "word"}
    words = [writer for writer in writers if writer.model.vocabulary.rules.level == "word"]
    assert {writer.model.detokenizer is None for writer in words} == {True, False}
    configs = [writer.sampler.get_config() for writer in writers]
    defaults = samplers.RandomSampler().get_config()
    for argument, default in defaults.items():
        assert sum(config[argument] != default for config in configs) >= 2, argument


def test_tied_weights_write_the_same_too(tmp_path):
    model = generator("gru", tie_weights=True)
    seqkit_onnx.export(model, tmp_path / "writer.onnx", verify=False)
    file = seqkit_onnx.load(tmp_path / "writer.onnx")
    assert file.generate(PROMPTS, seed=3) == model.generate(PROMPTS, seed=3)


@settings(max_examples=60)
@given(st.lists(any_text, min_size=1, max_size=3), st.integers(-(2**63), 2**63 - 1))
def test_any_prompt_and_any_seed(model, file, prompts, seed):
    prompts = [*prompts, "", "a"][:3]  # three rows, so that Keras compiles once for each length
    assert file.generate(prompts, 6, seed=seed) == model.generate(prompts, 6, seed=seed)


def test_a_word_model_goes_on_from_any_prompt(tmp_path):
    vocabulary = Vocabulary.from_texts([*UNUSUAL[:60], "the cat sat"])
    model = TextGenerator(vocabulary, units=4, embedding=3)
    seqkit_onnx.export(model, tmp_path / "words.onnx", verify=False)
    file = seqkit_onnx.load(tmp_path / "words.onnx")
    whole = model.generate(UNUSUAL, 5, seed=1)
    assert file.generate(UNUSUAL, 5, seed=1) == whole
    stops = sorted({text.split(" ")[-1] for text in whole} - {""})  # some texts stop before their first word
    for strip_prompt in (False, True):
        arguments = {"seed": 1, "stop": stops, "strip_prompt": strip_prompt}
        assert file.generate(UNUSUAL, 5, **arguments) == model.generate(UNUSUAL, 5, **arguments)


def test_a_text_ends_where_no_token_is_allowed(tmp_path):
    """Then padding is written: Keras leaves out what comes behind it, and so must the file."""
    model = generator()
    sampler = samplers.GreedySampler(banned_tokens=["[END]"], no_repeat_ngram_size=2)
    seqkit_onnx.export(model, tmp_path / "writer.onnx", sampler=sampler, verify=False)
    file = seqkit_onnx.load(tmp_path / "writer.onnx")
    assert file.generate(["ab", ""], 70) == model.generate(["ab", ""], 70, sampler=sampler)


def test_every_argument_means_the_same(model, file):
    for arguments in (
        {},
        {"max_new_tokens": 0},
        {"max_new_tokens": 0, "strip_prompt": True},
        {"strip_prompt": True, "seed": 5},
        {"stop": "a", "seed": 2},
        {"stop": ["ab", "b", " d"], "strip_prompt": True},
        {"sampler": "random"},
        {"sampler": "greedy"},
        {"sampler": samplers.RandomSampler()},
        {"temperature": 0},
        {"top_k": 3, "top_p": 0.8, "temperature": 0.7, "seed": -(2**63)},
        {"top_k": 2**40},
    ):
        assert file.generate(PROMPTS, **arguments) == model.generate(PROMPTS, **arguments)
    assert file.generate("ab") == model.generate("ab")
    assert file.generate() == model.generate()


def test_a_text_does_not_depend_on_those_beside_it(file):
    every = file.generate(PROMPTS, seed=2)
    for count in range(1, len(PROMPTS)):
        assert file.generate(PROMPTS[:count], seed=2) == every[:count]


def test_a_text_longer_than_a_block_of_random_numbers(tmp_path):
    model = generator("simple_rnn", units=3)
    sampler = samplers.RandomSampler(banned_tokens=["[END]"])
    seqkit_onnx.export(model, tmp_path / "writer.onnx", sampler=sampler, verify=False)
    [found] = seqkit_onnx.load(tmp_path / "writer.onnx").generate("ab", 9000, seed=1)
    assert len(found) == 9002
    [expected] = model.generate("ab", 9000, seed=1, sampler=sampler)
    assert found == expected


def test_the_file_has_the_names_of_the_design(path):
    graph = onnx.load(path).graph
    inputs = ["prompt", "max_new_tokens", "temperature", "top_k", "top_p", "seed"]
    assert [value.name for value in graph.input] == inputs
    assert [value.name for value in graph.output] == ["text"]
    types = {
        value.name: (value.type.tensor_type.elem_type, len(value.type.tensor_type.shape.dim)) for value in graph.input
    }
    of = onnx.TensorProto
    assert [types[name] for name in inputs] == [
        (of.STRING, 1), (of.INT64, 0), (of.FLOAT, 0), (of.INT64, 0), (of.FLOAT, 0), (of.INT64, 0)
    ]  # fmt: skip
    names = {tensor.name for tensor in graph.initializer}
    assert {"writer/embedding/embeddings", "writer/lstm_0/W", "writer/lstm_1/R", "writer/head/kernel"} <= names


def test_a_stock_session_needs_the_prompt_alone(model, path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["prompt"]
    [found] = session.run(None, {"prompt": np.array(PROMPTS, object)})
    assert found.tolist() == model.generate(PROMPTS)
    for name, value, dtype in (
        ("seed", 7, np.int64),
        ("temperature", 0.3, np.float32),
        ("top_k", 2, np.int64),
        ("top_p", 0.5, np.float32),
        ("max_new_tokens", 3, np.int64),
    ):
        [found] = session.run(None, {"prompt": np.array(PROMPTS, object), name: np.asarray(value, dtype)})
        assert found.tolist() == model.generate(PROMPTS, **{name: value})


def test_metadata_say_what_the_file_is(file, model):
    assert type(file) is Generator
    assert file.metadata["kind"] == "generator"
    assert file.metadata["vocabulary_digest"] == model.vocabulary.digest
    assert json.loads(file.metadata["sampler"])["class_name"] == "RandomSampler"
    assert file.input_names == ["prompt"]
    assert file.optional_input_names == ["max_new_tokens", "temperature", "top_k", "top_p", "seed"]


def test_a_file_of_ids_gives_the_tokens_of_the_texts(model, tmp_path):
    seqkit_onnx.export(model, tmp_path / "ids.onnx", text=False, verify=True)
    file = seqkit_onnx.load(tmp_path / "ids.onnx")
    ids = model.vocabulary.encode(PROMPTS)
    for limit in (0, 1, 30):
        rows = file.generate_ids(ids, limit, temperature=0.8, top_k=5, top_p=0.9, seed=4)
        assert rows.dtype == np.int32
        assert rows.shape[1] <= limit
        written = model.generate(PROMPTS, limit, None, 0.8, 5, 0.9, 4, strip_prompt=True)
        assert model.vocabulary.decode(rows) == written
        for row in rows.tolist():
            end = row.index(3) if 3 in row else limit
            assert all(row[:end])
            assert not any(row[end + 1 :])
    assert file.input_names == ["ids"]
    assert [value.name for value in onnx.load(tmp_path / "ids.onnx").graph.output] == ["generated_ids"]
    with pytest.raises(ValueError, match="this file takes ids"):
        file.generate(PROMPTS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"labels": ["a", "b"]},
        {"vocabulary": Vocabulary(["a"])},
        {"input_signature": []},
        {"padding": "post"},
        {"dtype": "float16"},
        {"quantize": "int8"},
        {"recurrence": "scan"},
    ],
)
def test_arguments_of_other_models_are_refused(model, tmp_path, arguments):
    [name] = arguments
    with pytest.raises(ValueError, match=f"export: a TextGenerator takes no {name}"):
        seqkit_onnx.export(model, tmp_path / "writer.onnx", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", [True, False])
def test_weights_that_are_no_numbers_are_refused(tmp_path, step):
    model = generator()
    for value, reason in ((np.nan, "are not finite"), (np.inf, "values that are not finite")):
        model.head.bias.assign(np.full(model.head.bias.shape, value, np.float32))
        with pytest.raises(ValueError, match=reason):
            seqkit_onnx.export(model, tmp_path / "writer.onnx", step=step)
    assert not list(tmp_path.iterdir())


def test_an_unknown_sampler_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="received 'topp'"):
        seqkit_onnx.export(model, tmp_path / "writer.onnx", sampler="topp")


def test_verification_sees_a_difference(tmp_path, monkeypatch):
    model = generator("simple_rnn", units=3)
    monkeypatch.setattr(type(model), "generate", lambda self, prompts, **_: [prompt + "!" for prompt in prompts])
    with pytest.raises(VerificationError, match=r"Keras writes '.*!', and the file"):
        seqkit_onnx.export(model, tmp_path / "writer.onnx", verify=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"prompts": None}, TypeError, "list of strings"),
        ({"prompts": [b"\xff"]}, ValueError, "bytes with 0xff"),
        ({"prompts": ["a", 1]}, TypeError, "int"),
        ({"prompts": ["\ud800"]}, ValueError, "surrogate"),
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens is at least 0; received -1"),
        ({"max_new_tokens": 2.5}, TypeError, "max_new_tokens is an integer"),
        ({"temperature": -0.1}, ValueError, "temperature is 0"),
        ({"temperature": float("nan")}, ValueError, "temperature is 0"),
        ({"temperature": float("inf")}, ValueError, "temperature is 0"),
        ({"top_k": -1}, ValueError, "top_k is at least 0"),
        ({"top_k": 1.5}, TypeError, "top_k is an integer"),
        ({"top_p": 1.1}, ValueError, "top_p is 0 to 1"),
        ({"seed": 0.5}, TypeError, "seed is an integer"),
        ({"seed": True}, TypeError, "seed is an integer"),
        ({"seed": 2**63}, ValueError, "seed is an integer of 64 bits"),
        ({"stop": 3}, TypeError, "stop is a string"),
        ({"stop": ""}, ValueError, "stop strings are not empty"),
        ({"sampler": "top_p"}, ValueError, "this file was exported with RandomSampler"),
        ({"sampler": samplers.RandomSampler(min_new_tokens=1)}, ValueError, "this file was exported with"),
        ({"stream": True}, ValueError, r"Stream with one of export\(\.\.\., step=True\)"),
    ],
)
def test_bad_arguments_are_refused(file, arguments, error, message):
    with pytest.raises(error, match=message):
        file.generate(**{"prompts": "ab", **arguments})


def test_a_greedy_text_of_a_beam_search_is_refused():
    writer, file = exported_writer("beam")
    with pytest.raises(ValueError, match="exported with BeamSampler"):
        file.generate("ab", sampler="greedy")
    expected = writer.model.generate("ab", sampler=writer.sampler)
    assert file.generate("ab", sampler="beam") == file.generate("ab", sampler=writer.sampler) == expected

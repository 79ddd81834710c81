"""Ids to text in onnxruntime equals what Python writes behind a prompt, for any prompt and any tokens."""

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper
from seqkit_onnx.text.ids_to_text import add_ids_to_text, described_text, token_strings
from seqkit_onnx.text.text_to_ids import MICROSOFT_DOMAIN, ML_DOMAIN

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import Continuation
from keras_seqkit.text.vocabulary import START_ID
from keras_seqkit.text.vocabulary.rules import LEVELS, TextRules
from tests.text_strategies import UNUSUAL, any_text

RESERVED = {"[PAD]", "[UNK]", "[START]", "[END]"}
every_level = pytest.mark.parametrize("level", LEVELS)
PROMPTS = ["", " ", "a", "a ", "a\n", "a\t", "\n\na", "a\r", "a\u2028", "a\u3000", "a\v", "\0", "a\0 ", "é\nx", "😀 "]


@cache
def vocabulary_of(level: str) -> Vocabulary:
    if level == "subword":
        return Vocabulary(
            [
                " the",
                " ",
                "  ",
                "cat",
                " cat",
                "[",
                *(dict.fromkeys("".join(UNUSUAL).replace(" ", "").replace("[", ""))),
            ],
            level="subword",
        )
    tokens = dict.fromkeys(token for text in [*UNUSUAL, "the cat"] for token in TextRules(level).split(text))
    return Vocabulary([token for token in tokens if token not in RESERVED], level=level)


def writing_model(vocabulary: Vocabulary, prompt: str | None = "prompt") -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])]
    if prompt:
        inputs.append(helper.make_tensor_value_info(prompt, TensorProto.STRING, ["batch"]))
    graph = helper.make_graph([], "ids_to_text", inputs, [described_text("text")])
    graph.node.extend(add_ids_to_text(graph, vocabulary, prompt, "ids", "text"))
    opsets = [helper.make_opsetid(*each) for each in (("", 20), (MICROSOFT_DOMAIN, 1), (ML_DOMAIN, 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@cache
def session_of(level: str, prompt: str | None = "prompt") -> onnxruntime.InferenceSession:
    content = writing_model(vocabulary_of(level), prompt).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def assert_same(level: str, prompts: list[str], rows: list[list[int]], width: int | None = None) -> None:
    """Compares rows of tokens, padding and [END] among them only at the end, as samplers write them."""
    width = max(map(len, rows)) if width is None else width
    ids = np.array([[*row, *[0] * (width - len(row))] for row in rows], np.int32).reshape(len(rows), width)
    [found] = session_of(level).run(None, {"prompt": np.array([*prompts, None], object)[:-1], "ids": ids})
    expected = []
    for prompt, row in zip(prompts, rows, strict=True):
        continuation = Continuation(vocabulary_of(level), prompt)
        continuation.extend(row)
        expected.append(continuation.text())
    assert found.tolist() == expected


def assert_same_without_prompt(level: str, ids: np.ndarray) -> None:
    [found] = session_of(level, None).run(None, {"ids": ids})
    assert found.tolist() == vocabulary_of(level).decode(ids)


def rows_of(level: str) -> st.SearchStrategy:
    token = st.one_of(st.just(1), st.integers(4, len(vocabulary_of(level)) - 1))
    prompt = any_text | st.sampled_from(PROMPTS)
    return st.lists(st.tuples(prompt, st.lists(token, max_size=12), st.booleans()), min_size=1, max_size=4)


@every_level
def test_texts_are_those_of_python(level):
    @settings(max_examples=200)
    @given(rows_of(level))
    @example([(prompt, [4, 5], False) for prompt in PROMPTS])
    @example([(prompt, [], True) for prompt in PROMPTS])
    @example([("a", [], True), ("", [4], True), ("b", [4, 5, 6], False)])
    def check(rows):
        prompts = [prompt for prompt, _, _ in rows]
        assert_same(level, prompts, [[*tokens, *[3] * ends] for _, tokens, ends in rows])

    check()


@every_level
def test_every_token_is_written_as_python_writes_it(level):
    for prompt in ("", "a", "a "):
        assert_same(level, [prompt], [[1, *range(4, len(vocabulary_of(level)))]])


@every_level
@pytest.mark.parametrize("width", [0, 1, 2, 3, 4, 5, 7, 8, 9, 33, 1000])
def test_any_number_of_tokens_is_joined(level, width):
    row = [4 + place % (len(vocabulary_of(level)) - 4) for place in range(width)]
    assert_same(level, ["so ", "so"], [row, row[:-1]], width)


@every_level
def test_without_a_prompt_texts_are_those_that_decode_gives(level):
    token = st.integers(0, len(vocabulary_of(level)) - 1) | st.integers(0, 8)  # silent ones anywhere

    @settings(max_examples=200)
    @given(arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(0, 9)), elements=token))
    def check(ids):
        assert_same_without_prompt(level, ids)

    check()
    assert_same_without_prompt(level, np.zeros((3, 0), np.int32))
    assert_same_without_prompt(level, np.arange(len(vocabulary_of(level)), dtype=np.int32)[:, np.newaxis])


@every_level
@pytest.mark.parametrize("prompt", ["", "so", "so "])
def test_what_is_silent_may_stand_anywhere_behind_a_prompt(level, prompt):
    silent, others = START_ID, [4, 5, 1, 6]
    for place in range(5):
        assert_same(level, [prompt], [[*others[:place], silent, *others[place:]]])


@pytest.mark.parametrize(
    ("prompt", "row", "expected"),
    [
        ("", [4, 7], "thecat"),  # " the" and "cat"
        ("a", [4, 7], "a thecat"),
        ("a ", [4], "a  the"),
        ("", [5, 4], " the"),  # the space that is a piece by itself is the one taken off
        ("", [6], " "),
        ("", [2, 4, 8], "the cat"),
        ("", [1, 4], "[UNK] the"),
    ],
)
def test_subwords_carry_their_own_spaces(prompt, row, expected):
    session = session_of("subword")
    [found] = session.run(None, {"prompt": np.array([prompt], object), "ids": np.array([row], np.int32)})
    assert found.tolist() == [expected]
    assert_same("subword", [prompt], [row])


def test_what_is_silent_leaves_no_space():
    assert_same("word", ["so", "", "a "], [[4, 3], [3], [3]], 6)
    strings = token_strings(vocabulary_of("word"))
    assert [strings[index] for index in (0, 1, 2, 3)] == ["", "[UNK]", "", ""]


@every_level
@pytest.mark.parametrize("prompt", ["prompt", None])
def test_the_model_passes_the_full_check(level, prompt):
    onnx.checker.check_model(writing_model(vocabulary_of(level), prompt), full_check=True)


@every_level
@pytest.mark.parametrize("prompt", ["prompt", None])
def test_no_name_is_given_twice(level, prompt):
    graph = writing_model(vocabulary_of(level), prompt).graph

    def names(graph: onnx.GraphProto) -> list[str]:
        own = [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
        inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
        return own + [name for each in inner for name in names(each)]

    found = [name for name in names(graph) if name]
    assert len(found) > 10
    assert len(set(found)) == len(found)


def test_only_operators_of_onnx_itself_are_used():
    for level in LEVELS:
        assert {node.domain for node in writing_model(vocabulary_of(level)).graph.node} == {""}

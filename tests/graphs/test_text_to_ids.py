"""Text to ids in onnxruntime equals Vocabulary.encode, on any Unicode."""

from dataclasses import asdict
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from seqkit_onnx.text.text_to_ids import MICROSOFT_DOMAIN, ML_DOMAIN, add_text_to_ids

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary.rules import PATTERN_LEVELS, TextRules
from tests.text_strategies import UNUSUAL, any_text, ascii_text, few_texts

ALL_RULES = [
    TextRules(level, lowercase, strip)
    for level in PATTERN_LEVELS
    for lowercase in (True, False, "ascii")
    for strip in (False, True)
]
every_rule = pytest.mark.parametrize(
    "rules", ALL_RULES, ids=lambda rules: f"{rules.level}-{rules.lowercase}-{rules.strip_punctuation}"
)
RESERVED = {"[PAD]", "[UNK]", "[START]", "[END]"}
CASES = ["É", "İ", "ǅ", "ß", "ΟΔΟΣ", "ΣΑΣ ΑΣ.", "Ა", "Ꭰ", "ＡＢ", "\0", "a\0b", "É\0A", "\ufffe", "\ufffe kept", "Ⅷ"]


def vocabulary_of(rules: TextRules) -> Vocabulary:
    """A vocabulary with odd tokens of these rules, upper-case ones that no text can give among them."""
    tokens = dict.fromkeys([token for text in UNUSUAL for token in rules.split(text)] + ["É", "\ufffe kept", "\0", "a"])
    return Vocabulary([token for token in tokens if token not in RESERVED], **asdict(rules))


def text_model(vocabulary: Vocabulary, max_length: int | None = None, min_length: int = 1) -> onnx.ModelProto:
    """The text graph alone; the tokens and the choice of the branch are outputs too."""
    graph = helper.make_graph(
        [],
        "text_to_ids",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"])],
        [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"]),
            helper.make_tensor_value_info("text/tokens", TensorProto.STRING, ["batch", "tokens"]),
        ],
    )
    graph.node.extend(add_text_to_ids(graph, vocabulary, "text", "ids", max_length, min_length))
    if vocabulary.rules.replacements:
        graph.output.append(helper.make_tensor_value_info("text/all_plain", TensorProto.BOOL, []))
    opsets = [helper.make_opsetid(*each) for each in (("", 20), (MICROSOFT_DOMAIN, 1), (ML_DOMAIN, 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@cache
def session_of(rules: TextRules, max_length: int | None = None, min_length: int = 1) -> onnxruntime.InferenceSession:
    content = text_model(vocabulary_of(rules), max_length, min_length).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def as_array(texts: list[str]) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def run(session: onnxruntime.InferenceSession, texts: list[str]) -> tuple[np.ndarray, list[list[str]]]:
    ids, tokens = session.run(["ids", "text/tokens"], {"text": as_array(texts)})
    return ids, [[token for token in row if token] for row in tokens.tolist()]


def takes_the_table(session: onnxruntime.InferenceSession, texts: list[str]) -> bool:
    return not session.run(["text/all_plain"], {"text": as_array(texts)})[0]


def assert_same(rules: TextRules, texts: list[str]) -> None:
    vocabulary = vocabulary_of(rules)
    ids, tokens = run(session_of(rules), texts)
    assert tokens == [rules.split(text) for text in texts]
    assert ids.dtype == np.int32
    expected = vocabulary.encode(texts)
    np.testing.assert_array_equal(ids, expected if expected.shape[1] else np.zeros((len(texts), 1), int))


@every_rule
def test_tokens_and_ids_equal_those_of_python(rules):
    @settings(max_examples=150)
    @given(few_texts)
    @example(CASES)
    @example(["plain", "", "It's"])
    def check(texts):
        assert_same(rules, texts)

    check()


@every_rule
def test_ids_of_ascii_text_equal_those_of_python(rules):
    @settings(max_examples=50)
    @given(st.lists(ascii_text, min_size=1, max_size=4))
    def check(texts):
        assert_same(rules, texts)

    check()


@every_rule
def test_odd_text_alone_equals_python(rules):
    for text in [*CASES, ""]:
        assert_same(rules, [text])


@every_rule
def test_long_text_beside_short_equals_python(rules):
    long = ("Não é 'BOM', É ótimo! 😀\n" * 100)[:2000]
    assert_same(rules, [long, "", "A", long[:1999], "x" * 2000, "É" * 1025])


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33])
def test_joining_characters_works_for_every_length(length):
    assert_same(TextRules(), ["É" * length, "é" * (length - 1)])


@every_rule
def test_every_character_alone_equals_python(rules):
    texts = [chr(code) for code in range(0x3000) if code != 0] + [chr(code) for code in range(0xF900, 0x10500)]
    assert_same(rules, texts)


@pytest.mark.parametrize(("max_length", "min_length"), [(None, 1), (None, 5), (3, 1), (3, 3), (3, 5), (1, 1), (6, 2)])
@pytest.mark.parametrize("rules", [TextRules(), TextRules("char", False)], ids=["words", "characters"])
def test_the_time_is_within_its_bounds(rules, max_length, min_length):
    session, vocabulary = session_of(rules, max_length, min_length), vocabulary_of(rules)

    @settings(max_examples=60)
    @given(few_texts)
    @example([""])
    @example(["a a a a a a a a a", ""])
    def check(texts):
        longest = max(len(row) for row in vocabulary.encode_rows(texts))
        time = max(longest, min_length)
        time = time if max_length is None else min(time, max_length)
        np.testing.assert_array_equal(run(session, texts)[0], vocabulary.encode(texts, length=time))

    check()


@settings(max_examples=60)
@given(few_texts, any_text)
def test_a_text_does_not_change_those_beside_it(texts, other):
    session = session_of(TextRules())
    alone = [run(session, [text])[1][0] for text in texts]
    assert run(session, [*texts, other])[1][:-1] == alone


@pytest.mark.parametrize(
    ("rules", "texts", "table"),
    [
        (TextRules(), ["Plain ASCII", "\0\x7f"], False),
        (TextRules(), ["Plain ASCII", "é"], True),
        (TextRules(), ["\x80"], True),
        (TextRules("word", "ascii"), ["A"], False),
        (TextRules("word", "ascii"), ["é"], True),
        (TextRules("word", False, True), ["É A"], False),
        (TextRules("word", False, True), ["É A", "it's"], True),
        (TextRules("word", True, True), ["é\n"], False),
        (TextRules("word", True, True), ["É"], True),
        (TextRules("word", True, True), ["A"], True),
    ],
)
def test_the_table_is_used_only_where_it_has_to_be(rules, texts, table):
    assert takes_the_table(session_of(rules), texts) == table
    assert_same(rules, texts)


@every_rule
@pytest.mark.parametrize(("max_length", "min_length"), [(None, 1), (4, 2)])
def test_the_model_passes_the_full_check(rules, max_length, min_length):
    onnx.checker.check_model(text_model(vocabulary_of(rules), max_length, min_length), full_check=True)


def test_no_name_is_given_twice():
    graph = text_model(Vocabulary(["a"])).graph

    def names(graph: onnx.GraphProto) -> list[str]:
        own = [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
        inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
        return own + [name for each in inner for name in names(each)]

    found = [name for name in names(graph) if name]
    assert len(found) > 20
    assert len(set(found)) == len(found)


def test_names_of_constants_say_that_they_are_of_the_text():
    graph = text_model(Vocabulary(["a"]), max_length=3).graph
    assert [tensor.name for tensor in graph.initializer if not tensor.name.startswith("constant/text_")] == []


def test_only_operators_of_a_stock_onnxruntime_are_used():
    found = {node.domain for node in text_model(Vocabulary(["a"])).graph.node}
    assert found <= {"", MICROSOFT_DOMAIN, ML_DOMAIN}


def test_a_vocabulary_of_30_000_tokens_works():
    vocabulary = Vocabulary([f"{'é' if number % 3 else 'w'}{number}" for number in range(30_000)])
    session = onnxruntime.InferenceSession(
        text_model(vocabulary).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    texts = ["W0 É1 é29999 w29999 W29997", "w3 w3000000"]
    np.testing.assert_array_equal(run(session, texts)[0], vocabulary.encode(texts))


def test_a_vocabulary_without_tokens_knows_none():
    session = onnxruntime.InferenceSession(
        text_model(Vocabulary([])).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    assert run(session, ["a b", ""])[0].tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(("max_length", "min_length"), [(None, 1), (None, 3), (3, 1), (1, 1), (4, 4)])
def test_a_spare_step_is_padding_behind_the_same_ids(max_length, min_length):
    vocabulary = Vocabulary(["a", "b"])
    graph = onnx.helper.make_graph(
        [],
        "text_to_ids",
        [onnx.helper.make_tensor_value_info("text", onnx.TensorProto.STRING, ["batch"])],
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["batch", "time"])],
    )
    arguments = {"spare_step": True, "dtype": onnx.TensorProto.INT64}
    graph.node.extend(add_text_to_ids(graph, vocabulary, "text", "ids", max_length, min_length, **arguments))
    opsets = [onnx.helper.make_opsetid(*each) for each in (("", 20), ("com.microsoft", 1), ("ai.onnx.ml", 3))]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for texts in (["a b a b x", "b"], [""], ["a"]):
        [ids] = session.run(None, {"text": np.array(texts, object)})
        expected = vocabulary.encode(texts)[:, :max_length]
        assert ids.dtype == np.int64
        assert ids.shape[1] >= min_length
        np.testing.assert_array_equal(ids[:, : expected.shape[1]], expected)
        np.testing.assert_array_equal(ids[:, expected.shape[1] :], 0)

"""Words joined by a detokenizer in onnxruntime: what Python writes, for any prompt, words and tables."""

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from seqkit_onnx.text.ids_to_text import described_text
from seqkit_onnx.text.joined_words import Prompt, add_joined_words
from seqkit_onnx.text.text_to_ids import MICROSOFT_DOMAIN, ML_DOMAIN, add_text_to_ids

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import Continuation
from keras_seqkit.text.detokenization import Detokenizer
from tests.detokenizers import joined_as_one, random_detokenizer
from tests.text_strategies import UNUSUAL, any_text

SENTENCES = ["The cat saw Ann's house, and she ran.", "Did Ann run (from the cat)? No!", *UNUSUAL]
WORDS = Vocabulary.from_texts(SENTENCES)
TABLES = {
    "learned": Detokenizer.from_texts(WORDS, SENTENCES),
    "random": random_detokenizer(WORDS, 1),
    # What stands at silent ids has no say.
    "other silent ones": random_detokenizer(WORDS, 2)._replace(glued_before=[False] * len(WORDS)),
}
PROMPTS = ["", " ", "the cat", "the cat ", "the cat.", "Ann ran!\n", "(", "\u2028", "a\t", "zz", "zz. ", "a\0 "]


def joining_model(detokenizer: Detokenizer) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"]),
        helper.make_tensor_value_info("prompt", TensorProto.STRING, ["batch"]),
    ]
    graph = helper.make_graph([], "joining", inputs, [described_text("text")])
    graph.node.extend(add_text_to_ids(graph, WORDS, "prompt", "prompt/ids", None))
    graph.node.extend(add_joined_words(graph, detokenizer, "ids", "text", prompt=Prompt("prompt", "prompt/ids")))
    opsets = [helper.make_opsetid(*each) for each in (("", 20), (MICROSOFT_DOMAIN, 1), (ML_DOMAIN, 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


@cache
def session_of(name: str) -> onnxruntime.InferenceSession:
    content = joining_model(TABLES[name]).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def assert_same(name: str, prompts: list[str], rows: list[list[int]], width: int) -> None:
    ids = np.array([[*row, *[0] * (width - len(row))] for row in rows], np.int32).reshape(len(rows), width)
    [found] = session_of(name).run(None, {"prompt": np.array([*prompts, None], object)[:-1], "ids": ids})
    for prompt, row, text in zip(prompts, rows, found.tolist(), strict=True):
        continuation = Continuation(WORDS, prompt, detokenizer=TABLES[name])
        continuation.extend(row)
        assert text == continuation.text()
        assert text == joined_as_one(WORDS, TABLES[name], prompt, continuation.tokens)


@pytest.mark.parametrize("name", TABLES)
def test_texts_are_those_of_python(name):
    token = st.one_of(st.just(1), st.integers(4, len(WORDS) - 1))
    prompt = any_text | st.sampled_from(PROMPTS)

    @settings(max_examples=150)
    @given(st.lists(st.tuples(prompt, st.lists(token, max_size=12), st.booleans()), min_size=1, max_size=4))
    @example([(prompt, [4, 5], False) for prompt in PROMPTS])
    @example([(prompt, [], True) for prompt in PROMPTS])
    @example([(prompt, [], False) for prompt in PROMPTS])
    def check(rows):
        written = [[*tokens, *[3] * ends] for _, tokens, ends in rows]
        assert_same(name, [prompt for prompt, _, _ in rows], written, max(map(len, written)))

    check()


@pytest.mark.parametrize("name", TABLES)
def test_every_word_is_written_behind_every_word(name):
    tokens = WORDS.tokens[4:]
    rows = [[4 + (place + other) % len(tokens) for other in range(len(tokens))] for place in range(len(tokens))]
    assert_same(name, tokens, rows, len(tokens))


def test_only_operators_of_onnx_itself_join():
    graph = helper.make_graph([], "joining", [], [])
    nodes = add_joined_words(graph, TABLES["learned"], "ids", "text", prompt=Prompt("prompt", "prompt/ids"))
    assert {node.domain for node in nodes} == {""}
    onnx.checker.check_model(joining_model(TABLES["learned"]), full_check=True)

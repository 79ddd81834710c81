"""Subwords in onnxruntime equal those of Python: any pieces, any text, and no line in the log."""

import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from seqkit_onnx.text.subword_pieces import ANY_CHARACTER, piece_pattern

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary.subword_limit import MAX_PATTERN_SIZE, MAX_PIECE_LENGTH, pattern_size
from tests.graphs.test_text_to_ids import as_array, text_model
from tests.subword_strategies import piece_lists
from tests.text_strategies import UNUSUAL, any_text, few_texts

TEXTS = ["the cat sat on the mat; não é?", "walking talking walked talked\nwalks 😀", *UNUSUAL, "THE ÉÀ İ cat"] * 2


def session_of(vocabulary: Vocabulary, *lengths: int | None) -> onnxruntime.InferenceSession:
    content = text_model(vocabulary, *lengths).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def assert_same(vocabulary: Vocabulary, session: onnxruntime.InferenceSession, texts: list[str]) -> None:
    ids, tokens = session.run(["ids", "text/tokens"], {"text": as_array(texts)})
    assert [[token for token in row if token] for row in tokens.tolist()] == [vocabulary.split(text) for text in texts]
    expected = vocabulary.encode(texts)
    np.testing.assert_array_equal(ids, expected if expected.shape[1] else np.zeros((len(texts), 1), int))


@settings(max_examples=300)
@given(piece_lists, few_texts, st.sampled_from([False, True, "ascii"]), st.booleans())
@example(["a b", " a", "b c", "a|b", ".*", "[a-z]"], ["a b c", "xa|b.*[a-z]", "", " "], False, False)
@example(["\0", "\0\0", "\n", "\n\n", "\r"], ["\0\0\0", "\n\n\n\r\n", "a\0", ""], False, False)
@example(
    ["😀", "😀😀", "\U0010ffff", "\uffff", "\ufffe", "\ufffd"], ["😀😀😀\U0010ffff\uffff\ufffe\ufffd"], False, False
)
@example([], ["", "a\n", " "], False, False)
@example(["a"], ["!", "!a", ""], True, True)  # nothing is left, and no space is put before nothing
def test_tokens_and_ids_equal_those_of_python(pieces, texts, lowercase, strip):
    vocabulary = Vocabulary(pieces, "subword", lowercase, strip)
    assert_same(vocabulary, session_of(vocabulary), [*texts, "".join(pieces), " ".join(pieces)])


@pytest.mark.parametrize("lowercase", [False, True])
def test_learned_pieces_split_any_text_as_python_does(lowercase):
    vocabulary = Vocabulary.from_texts(TEXTS, level="subword", lowercase=lowercase)
    session = session_of(vocabulary)

    @settings(max_examples=200)
    @given(few_texts)
    @example(TEXTS)
    @example([""])
    @example(["", "the", ""])
    def check(texts):
        assert_same(vocabulary, session, texts)

    check()


@pytest.mark.parametrize("others", [(), ("a",)])
def test_every_character_is_itself_in_the_pattern(others):
    codes = [
        *range(0x500),
        *range(0x2000, 0x2100),
        *range(0xD780, 0xD800),
        *range(0xE000, 0xE010),
        *range(0xFFF0, 0x10010),
    ]
    pieces = [chr(code) for code in [*codes, *range(0x10FFF0, 0x110000)]]
    vocabulary = Vocabulary(
        [*pieces, *(f"{piece}{other}" for piece in pieces[::2] for other in others)], level="subword"
    )
    session = session_of(vocabulary)
    assert_same(vocabulary, session, [*pieces, "".join(pieces), "a".join(pieces)])


@given(piece_lists, any_text)
def test_the_pattern_means_the_same_to_python(pieces, text):
    def for_python(pattern: str) -> str:
        return re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: rf"\U{int(found[1], 16):08x}", pattern)

    longest_first = [*sorted(pieces, key=len, reverse=True)]
    pattern = "|".join(
        [piece_pattern([piece]).removesuffix(f"|{ANY_CHARACTER}") for piece in longest_first] + [ANY_CHARACTER]
    )
    assert sorted(piece_pattern(pieces).split("|")) == sorted(pattern.split("|"))
    expected = Vocabulary(pieces, level="subword").split(text)
    assert re.findall(for_python(pattern), f" {text}" if text else "") == expected


@pytest.mark.parametrize(("max_length", "min_length"), [(None, 1), (None, 5), (3, 1), (3, 5), (1, 1)])
def test_the_time_is_within_its_bounds(max_length, min_length):
    vocabulary = Vocabulary([" a", "b", " "], level="subword")
    session = session_of(vocabulary, max_length, min_length)
    for texts in (["a ab b a", "b", ""], [""], ["ab"]):
        time = max(max(len(row) for row in vocabulary.encode_rows(texts)), min_length)
        time = time if max_length is None else min(time, max_length)
        [ids] = session.run(["ids"], {"text": as_array(texts)})
        np.testing.assert_array_equal(ids, vocabulary.encode(texts, length=time))


@pytest.mark.parametrize("lowercase", [False, True])
def test_the_model_passes_the_full_check(lowercase):
    onnx.checker.check_model(text_model(Vocabulary([" a", "b"], "subword", lowercase)), full_check=True)


LETTERS, IDEOGRAPHS = "abcdefghijklmnopqrstuvwxyz", "".join(map(chr, range(0x4E00, 0x9FFF)))
KINDS = {"words": (LETTERS, 8), "syllables": (LETTERS, 3), "pairs": (IDEOGRAPHS, 2), "ideographs": (IDEOGRAPHS, 1)}


def largest(kind: str) -> list[str]:
    """As many pieces of a kind as a vocabulary may have."""
    random = np.random.default_rng(0)
    if kind == "chains":
        words = ["".join(random.choice([*LETTERS], MAX_PIECE_LENGTH)) for _ in range(200)]
        pieces = [word[:length] for word in words for length in range(5, MAX_PIECE_LENGTH + 1)]
    else:
        alphabet, length = KINDS[kind]
        pieces = ["".join(row) for row in random.choice([*alphabet], (20_000, length))]
    pieces = list(dict.fromkeys(pieces))
    low, high = 0, len(pieces)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if pattern_size(pieces[:middle]) <= MAX_PATTERN_SIZE else (low, middle)
    assert pattern_size(pieces[:low]) > 0.9 * MAX_PATTERN_SIZE
    return pieces[:low]


@pytest.mark.parametrize("kind", [*KINDS, "chains"])
def test_the_largest_vocabularies_are_matched_by_an_automaton(kind, capfd):
    vocabulary = Vocabulary(largest(kind), level="subword")
    texts = ["".join(np.random.default_rng(1).choice(vocabulary.tokens[4:], 400)), "x" * 50]
    assert_same(vocabulary, session_of(vocabulary), texts)
    assert capfd.readouterr().err == ""  # RE2 writes a line for each token where it has no memory for an automaton


def test_far_above_the_limit_there_is_no_automaton():
    """That the test above can fail."""
    code = (
        "import numpy as np\nfrom tests.graphs.test_subword_pieces import *\n"
        "from keras_seqkit.text.vocabulary import subword_limit\nsubword_limit.MAX_PATTERN_SIZE = 10**6\n"
        "words = [''.join(row) for row in np.random.default_rng(0).choice([*'abcdefghijklm'], (8000, 8))]\n"
        "session_of(Vocabulary([*dict.fromkeys(words)], level='subword')).run(['ids'], {'text': as_array(words[:2])})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), check=True, capture_output=True, text=True
    )
    assert "DFA out of memory" in done.stderr

"""Vocabulary against plain Python: ids, order, merging, decoding."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary
from tests.text_strategies import any_text, few_texts

PADDING, UNKNOWN, START, END = range(4)
RESERVED = ["[PAD]", "[UNK]", "[START]", "[END]"]
levels = st.sampled_from(["word", "char", "whitespace"])
lowercases = st.sampled_from([True, False, "ascii"])
sides = st.sampled_from(["post", "pre"])


def counted_by_hand(texts: list[str], rules, max_tokens: int | None = None, min_count: int = 1) -> list[str]:
    tokens = [token for text in texts for token in rules.split(text) if token not in RESERVED]
    kept = [token for token, count in Counter(tokens).items() if count >= min_count]
    ranked = sorted(kept, key=lambda token: (-tokens.count(token), tokens.index(token)))
    return ranked if max_tokens is None else ranked[: max_tokens - len(RESERVED)]


def encoded_by_hand(vocabulary: Vocabulary, text: str) -> list[int]:
    known = vocabulary.tokens[4:]
    return [known.index(token) + 4 if token in known else UNKNOWN for token in vocabulary.rules.split(text)]


@given(few_texts, few_texts, levels, lowercases, st.one_of(st.none(), st.integers(4, 12)))
def test_ids_equal_a_search_in_the_list_of_tokens(texts, others, level, lowercase, max_tokens):
    vocabulary = Vocabulary.from_texts(texts, level, max_tokens, lowercase=lowercase)
    assert vocabulary.encode_rows(texts + others) == [encoded_by_hand(vocabulary, text) for text in texts + others]


@given(few_texts, any_text, levels, lowercases)
def test_no_text_gives_an_id_that_is_reserved_for_others_or_outside(texts, text, level, lowercase):
    vocabulary = Vocabulary.from_texts(texts, level, lowercase=lowercase)
    ids = vocabulary.encode_rows([text])[0]
    assert not {PADDING, START, END} & set(ids)
    assert all(0 <= index < len(vocabulary) for index in ids)


@pytest.mark.parametrize("reserved", RESERVED)
def test_a_reserved_token_written_in_a_text_is_unknown(reserved):
    vocabulary = Vocabulary.from_texts([f"a {reserved} b"], "whitespace", lowercase=False)
    assert vocabulary.tokens == [*RESERVED, "a", "b"]
    assert vocabulary.encode([f"a {reserved}"]).tolist() == [[4, UNKNOWN]]


@given(few_texts, levels, lowercases, st.integers(0, 12), sides, sides, st.booleans(), st.booleans())
@example(["a b c"], "word", True, 0, "post", "pre", True, True)  # no room for any token
def test_padding_and_truncating_never_change_ids(texts, level, lowercase, length, padding, truncating, start, end):
    vocabulary = Vocabulary.from_texts(texts, level, lowercase=lowercase)
    length = max(length, start + end)
    room = length - start - end
    ids = vocabulary.encode(texts, length, padding, truncating, start, end)
    for text, row in zip(texts, ids.tolist(), strict=True):
        own = encoded_by_hand(vocabulary, text)
        own = own[:room] if truncating == "post" else own[max(len(own) - room, 0) :]
        own = [START] * start + own + [END] * end
        zeros = [PADDING] * (length - len(own))
        assert row == (own + zeros if padding == "post" else zeros + own)


@given(few_texts, st.booleans(), st.booleans())
def test_without_a_length_the_longest_text_decides(texts, start, end):
    vocabulary = Vocabulary.from_texts(texts)
    ids = vocabulary.encode(texts, start=start, end=end)
    assert ids.dtype == np.int32
    assert ids.shape == (len(texts), start + end + max(len(vocabulary.rules.split(text)) for text in texts))


@given(few_texts, levels, lowercases)
def test_decoding_gives_the_tokens_back(texts, level, lowercase):
    vocabulary = Vocabulary.from_texts(texts, level, lowercase=lowercase)
    ids = vocabulary.encode(texts, start=True, end=True)
    known = [[token if token not in RESERVED else "[UNK]" for token in vocabulary.rules.split(text)] for text in texts]
    assert vocabulary.decode(ids) == [vocabulary.rules.joiner.join(tokens) for tokens in known]


@given(few_texts)
def test_characters_lose_nothing_without_lower_casing(texts):
    vocabulary = Vocabulary.from_texts(texts, "char", lowercase=False)
    assert vocabulary.decode(vocabulary.encode(texts)) == texts


@given(st.lists(any_text, max_size=6), levels, st.one_of(st.none(), st.integers(4, 12)), st.integers(1, 3))
def test_the_most_frequent_come_first_and_ties_by_first_appearance(texts, level, max_tokens, min_count):
    vocabulary = Vocabulary.from_texts(iter(texts), level, max_tokens, min_count)
    assert vocabulary.tokens == [*RESERVED, *counted_by_hand(texts, vocabulary.rules, max_tokens, min_count)]
    seen = Counter(token for text in texts for token in vocabulary.rules.split(text))
    assert vocabulary.counts == [0, 0, 0, 0, *(seen[token] for token in vocabulary.tokens[4:])]


def test_the_order_does_not_depend_on_the_hash_seed():
    code = (
        "from keras_seqkit import Vocabulary; print(Vocabulary.from_texts(['d c b a é 😀 ! b', 'z y x a']).tokens[4:])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            check=True,
            capture_output=True,
        ).stdout.decode()
        for seed in ("0", "1", "2")
    }
    assert outputs == {"['b', 'a', 'd', 'c', 'é', '😀', '!', 'z', 'y', 'x']\n"}


@given(st.lists(few_texts, min_size=1, max_size=4), levels, st.one_of(st.none(), st.integers(4, 12)), st.integers(1, 3))
def test_merging_parts_equals_counting_all(parts, level, max_tokens, min_count):
    counted_apart = [Vocabulary.from_texts(texts, level) for texts in parts]
    together = Vocabulary.from_texts([text for texts in parts for text in texts], level, max_tokens, min_count)
    merged = Vocabulary.merge(*counted_apart, max_tokens=max_tokens, min_count=min_count)
    assert (merged.tokens, merged.counts) == (together.tokens, together.counts)


@given(few_texts, few_texts, few_texts)
def test_merging_in_two_steps_equals_merging_at_once(first, second, third):
    a, b, c = (Vocabulary.from_texts(texts) for texts in (first, second, third))
    assert a.merge(b).merge(c) == a.merge(b, c) == Vocabulary.merge([a, b, c])


def test_merging_nothing_or_what_splits_differently_is_refused():
    with pytest.raises(ValueError, match="at least one vocabulary is expected; received none"):
        Vocabulary.merge([])
    with pytest.raises(ValueError, match="all split text alike"):
        Vocabulary(["a"]).merge(Vocabulary(["a"], "char"))
    with pytest.raises(TypeError, match="a Vocabulary is expected; received str 'a'"):
        Vocabulary(["a"]).merge("a")


@given(few_texts, levels, lowercases)
def test_the_digest_is_that_of_tokens_and_rules(texts, level, lowercase):
    vocabulary = Vocabulary.from_texts(texts, level, lowercase=lowercase)
    again = Vocabulary(vocabulary.tokens, level, lowercase)
    assert again.digest == vocabulary.digest
    others = [
        Vocabulary([*vocabulary.tokens, "one more token"], level, lowercase),
        Vocabulary(vocabulary.tokens, level, lowercase, strip_punctuation=True),
        Vocabulary(vocabulary.tokens, "word" if level == "char" else "char", lowercase),
        Vocabulary(vocabulary.tokens, level, not lowercase),
    ]
    assert vocabulary.digest not in [other.digest for other in others]
    assert len({other.digest for other in others}) == len(others)


def test_reserved_tokens_may_stand_in_front():
    assert Vocabulary([*RESERVED, "a"]).tokens == Vocabulary(["a"]).tokens == [*RESERVED, "a"]


def test_index_contains_and_length():
    vocabulary = Vocabulary(["a"])
    assert (vocabulary.index("a"), vocabulary.index("b"), vocabulary.index("[END]")) == (4, UNKNOWN, END)
    assert "a" in vocabulary
    assert "b" not in vocabulary
    assert len(vocabulary) == 5


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", ""], ["a", "[PAD]"], ["[UNK]"], ["[PAD]", "[UNK]", "[START]"]])
def test_a_token_that_stands_twice_or_is_empty_or_reserved_is_refused(tokens):
    with pytest.raises(ValueError, match="each token stands once, is not empty and is none of"):
        Vocabulary(tokens)


@pytest.mark.parametrize("tokens", ["abc", b"abc", None, 5, ["a", 5], ["a", None], ["a", b"b"]])
def test_tokens_that_are_no_list_of_strings_are_refused(tokens):
    with pytest.raises(TypeError, match=r"Vocabulary: tokens(\[1\])? is a (list of strings|string); received"):
        Vocabulary(tokens)


@pytest.mark.parametrize("field", ["counts", "first_seen"])
def test_counts_of_another_length_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} has one entry for each of 2 tokens; received 1"):
        Vocabulary(["a", "b"], **{field: [1]})


@pytest.mark.parametrize("texts", ["one text", b"bytes", None, 5, ["a", 5], ["a", None], ["a", b"b"]])
def test_texts_that_are_no_list_of_strings_are_refused(texts):
    for call in (Vocabulary.from_texts, Vocabulary(["a"]).encode):
        with pytest.raises(TypeError, match=r"texts(\[1\])? is a (list of strings|string); received"):
            call(texts)


def test_a_lone_surrogate_is_refused():
    for call in (Vocabulary.from_texts, Vocabulary, Vocabulary(["a"]).encode):
        with pytest.raises(ValueError, match="lone surrogate at character 1"):
            call(["a\ud800"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": "left"}, "padding is 'post' or 'pre'; received 'left'"),
        ({"truncating": None}, "truncating is 'post' or 'pre'; received None"),
        ({"length": 1, "start": True, "end": True}, "length is at least 2; received 1"),
        ({"length": -1}, "length is at least 0; received -1"),
    ],
)
def test_encode_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(["a"]).encode(["a"], **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"max_tokens": 3}, "at least 4"), ({"min_count": 0}, "at least 1")]
)
def test_from_texts_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_texts(["a"], **arguments)


def test_encoding_nothing_gives_an_array_without_rows():
    assert Vocabulary(["a"]).encode([]).shape == (0, 0)
    assert Vocabulary(["a"]).encode([], length=3).shape == (0, 3)
    assert Vocabulary(["a"]).encode(["", " "]).shape == (2, 0)


@pytest.mark.parametrize("ids", [[[4, 5, 0]], np.array([[4, 5, 0]], np.int64), [np.array([4, 5])], [4, 5], (4, 5)])
def test_ids_are_decoded_from_lists_and_arrays(ids):
    assert Vocabulary(["a", "b"]).decode(ids) == ["a b"]


def test_decoding_lists_of_other_lengths_and_nothing():
    assert Vocabulary(["a", "b"]).decode([[], [4], [2, 5, 1, 3]]) == ["", "a", "b [UNK]"]
    assert Vocabulary(["a", "b"]).decode([]) == []
    assert Vocabulary(["a", "b"]).decode(np.zeros((2, 0), int)) == ["", ""]


@pytest.mark.parametrize("index", [-1, 5, 2**40])
def test_decoding_an_id_outside_is_refused(index):
    with pytest.raises(ValueError, match=f"ids are 0 to 4; received {index}"):
        Vocabulary(["a"]).decode([[index]])


def test_tokens_given_out_are_a_copy():
    vocabulary = Vocabulary(["a"])
    vocabulary.tokens.append("b")
    vocabulary.counts.append(5)
    assert vocabulary == Vocabulary(["a"])

"""Pairs come out tidy, and what is no translation by its look is dropped."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import filter_pairs

texts = st.text(st.sampled_from("aé\u0301 \u00a0\n"), max_size=30)
rows = st.lists(st.tuples(texts, texts), max_size=20)


def by_hand(rows, max_words, max_ratio):
    tidy = [tuple(" ".join(unicodedata.normalize("NFC", side).split()) for side in row) for row in rows]
    kept = []
    for row in tidy:
        longer, shorter = max(map(len, row)) + 10, min(map(len, row)) + 10
        words = max(len(side.split()) for side in row)
        if all(row) and longer / shorter <= max_ratio and (max_words is None or words <= max_words):
            kept.append(row)
    return [row[0] for row in kept], [row[1] for row in kept]


@given(rows, st.none() | st.integers(1, 6), st.sampled_from([1, 1.5, 2.0, math.inf]))
def test_what_is_kept_is_tidy_short_and_balanced(rows, max_words, max_ratio):
    received = filter_pairs([row[0] for row in rows], [row[1] for row in rows], max_words, max_ratio)
    assert received == by_hand(rows, max_words, max_ratio)
    assert filter_pairs(*received, max_words, max_ratio) == received


def test_an_accent_is_composed_and_repeats_stay():
    assert filter_pairs(["e\u0301 ", "é"], ["is", "is"]) == (["é", "é"], ["is", "is"])


def test_single_words_are_not_judged_by_a_few_letters():
    assert filter_pairs(["Para cima"], ["Up"]) == (["Para cima"], ["Up"])
    assert filter_pairs(["Não matarás."], ["Do not put anyone to death without any cause at all."]) == ([], [])


def test_any_iterable_will_do():
    assert filter_pairs(iter(["Sim."]), ("Yes." for _ in range(1))) == (["Sim."], ["Yes."])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["a"], []), ValueError, "1 source and 0 target sentences, expected as many of each"),
        (("ab", ["a", "b"]), TypeError, "source is one string, 'ab'"),
        ((["a"], [None]), TypeError, "target holds NoneType"),
        ((["a"], ["b"], 0), ValueError, "max_words is 0, expected 1 or more"),
        ((["a"], ["b"], None, 0.5), ValueError, "max_ratio is 0.5, expected 1 or more"),
        ((["a"], ["b"], None, math.nan), ValueError, "max_ratio is nan"),
    ],
)
def test_what_is_no_list_of_pairs_is_said(arguments, error, message: str):
    with pytest.raises(error, match=f"^filter_pairs: {message}"):
        filter_pairs(*arguments)

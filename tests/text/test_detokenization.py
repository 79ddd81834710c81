"""Words are joined as people write them, as far as texts tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from tests.detokenizers import random_detokenizer
from tests.text_strategies import any_text

TEXTS = [
    "The cat saw Ann's house, and she ran.",
    "Did Ann run (from the cat)? No! The cat slept: it's old.",
    "A pop-up costs 5% more; LibreOffice opens it.",
]


def learned(texts: list[str], lowercase: bool = True) -> tuple[Vocabulary, Detokenizer]:
    vocabulary = Vocabulary.from_texts(texts, lowercase=lowercase)
    return vocabulary, Detokenizer.from_texts(vocabulary, texts)


@pytest.mark.parametrize("lowercase", [True, False])
def test_text_that_it_learned_from_comes_back(lowercase):
    vocabulary, detokenizer = learned(TEXTS, lowercase)
    for text in TEXTS:
        assert detokenizer.join(vocabulary.encode([text])[0]) == text


def test_new_sentences_get_capitals_and_spaces():
    vocabulary, detokenizer = learned(TEXTS)
    for text in ("Ann saw the cat (and LibreOffice).", "No! Did it run? The house's old, and it's Ann's."):
        assert detokenizer.join(vocabulary.encode([text.lower()])[0]) == text


def test_text_without_capitals_gets_none():
    vocabulary, detokenizer = learned(["the cat. the dog, too.", "a cat."])
    assert detokenizer.join(vocabulary.encode(["a dog. the cat."])[0]) == "a dog. the cat."


def test_silent_ids_and_copies():
    vocabulary, detokenizer = learned(TEXTS)
    ids = [2, vocabulary.index("no"), 1, vocabulary.index("."), 3, 0, 0]
    assert detokenizer.join(ids) == "No [UNK]."
    assert detokenizer.join(ids, {2: "Zoë"}) == "No Zoë."
    assert detokenizer.join([]) == ""


@given(st.lists(any_text, max_size=4), st.lists(st.integers(0, 60), max_size=12))
def test_any_text_can_be_learned_from_and_any_ids_joined(texts, numbers):
    vocabulary, detokenizer = learned([*texts, *TEXTS])
    ids = [number % len(vocabulary) for number in numbers]
    joined = detokenizer.join(ids)
    heard = [index for index in ids if index not in (0, 2, 3)]
    assert (
        joined.replace(" ", "").casefold()
        == "".join(detokenizer.forms[index] for index in heard).replace(" ", "").casefold()
    )
    assert Detokenizer(**detokenizer.get_config()) == detokenizer


@given(st.lists(st.integers(0, 60), max_size=9), st.lists(st.integers(0, 60), max_size=9), st.integers(0, 99))
def test_words_that_go_on_are_joined_as_behind_the_others(first, then, seed):
    vocabulary, _ = learned(TEXTS)
    detokenizer = random_detokenizer(vocabulary, seed)
    first, then = ([number % len(vocabulary) for number in numbers] for numbers in (first, then))
    before = next((index for index in reversed(first) if index not in (0, 2, 3)), 0)
    behind = detokenizer.join(then, before=before)
    assert detokenizer.join(first) + behind == detokenizer.join([*first, *then])
    assert detokenizer.join(then, before=before, spaced=True) == behind.removeprefix(" ")


def test_other_levels_join_by_themselves():
    with pytest.raises(ValueError, match="level 'word' is expected"):
        Detokenizer.from_texts(Vocabulary.from_texts(["a"], level="char"), ["a"])

"""Learning subwords: which pieces there are, how often each is used, and that texts come back as they were."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import subword_learning
from keras_seqkit.text.vocabulary.subword_limit import pattern_size
from tests.text_strategies import any_text, few_texts

RESERVED = ["[PAD]", "[UNK]", "[START]", "[END]"]
UNKNOWN = 1
TEXTS = [
    "the cat sat on the mat, and the other cats sat there.",
    "O gato não está no tapete; os gatos estão lá.\nOutra linha: não, não!",
    "walking talking walked talked walks talks",
    "",
] * 3


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_texts(TEXTS, level="subword", max_tokens=120)


@settings(max_examples=150)
@given(st.lists(any_text, max_size=6), st.sampled_from([False, True]))
@example(["\u2581the\u2581cat \u2585", "\ufffd\ufffd \ufffd"], False)  # what sentencepiece writes for itself
@example(["<unk> <s></s> <unk>"], False)
@example(["a" * 5000, "\t\t\n\n  ", "\0a\0a\0a"], False)
@example(["İİ ǅa", "ÉÉ éé"], True)
@example([], False)
def test_all_that_was_learned_from_comes_back(texts, lowercase):
    vocabulary = Vocabulary.from_texts(iter(texts), level="subword", lowercase=lowercase)
    ids = vocabulary.encode_rows(texts)
    assert UNKNOWN not in {index for row in ids for index in row}
    assert vocabulary.decode(ids) == [vocabulary.rules.normalize(text) for text in texts]
    assert " " in vocabulary


@given(few_texts, st.integers(4, 40))
def test_counts_are_the_uses_and_the_most_used_come_first(texts, max_tokens):
    vocabulary = Vocabulary.from_texts(texts, level="subword", max_tokens=max_tokens)
    assert len(vocabulary) <= max_tokens
    pieces = [piece for text in texts for piece in vocabulary.split(text)]
    uses = Counter(piece for piece in pieces if piece in vocabulary.tokens[4:])
    assert vocabulary.counts == [0] * 4 + [uses[piece] for piece in vocabulary.tokens[4:]]
    used = [piece for piece in vocabulary.tokens[4:] if uses[piece]]
    assert used == sorted(used, key=lambda piece: (-uses[piece], pieces.index(piece)))
    assert vocabulary.tokens[4 : 4 + len(used)] == used
    assert all(len(piece) == 1 for piece in vocabulary.tokens[4 + len(used) :])  # longer ones are all used


@given(few_texts, st.integers(4, 40), st.integers(1, 3))
def test_single_characters_come_before_what_is_made_of_them(texts, max_tokens, min_count):
    vocabulary = Vocabulary.from_texts(texts, level="subword", max_tokens=max_tokens, min_count=min_count)
    seen = Counter("".join(texts).replace(" ", ""))
    expected = [" ", *(character for character, count in seen.most_common() if count >= min_count)][: max_tokens - 4]
    assert {piece for piece in vocabulary.tokens[4:] if len(piece) == 1} == set(expected)
    assert all(set(piece) <= set(expected) for piece in vocabulary.tokens[4:])


def test_what_is_frequent_becomes_one_piece(vocabulary):
    assert {" the", " cat", " não", " sat"} <= set(vocabulary.tokens)
    assert vocabulary.split("the cat sat não") == [" the", " cat", " sat", " não"]


def test_words_that_are_too_many_share_pieces():
    vocabulary = Vocabulary.from_texts(TEXTS, level="subword", max_tokens=55)
    assert vocabulary.split("walking") == [" walk", "ing"]
    assert vocabulary.split("talking") == [" talk", "ing"]


def test_pieces_do_not_reach_over_words_and_line_ends(vocabulary):
    longer = [piece for piece in vocabulary.tokens[4:] if len(piece) > 1]
    assert longer
    assert not [piece for piece in longer if " " in piece[1:] or "\n" in piece]


def test_the_same_texts_give_the_same_pieces_in_every_process():
    code = (
        "from keras_seqkit import Vocabulary\nfrom tests.text.test_subword_learning import TEXTS\n"
        "print(Vocabulary.from_texts(TEXTS, level='subword', max_tokens=120).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("0", "1")
    }
    own = Vocabulary.from_texts(TEXTS, level="subword", max_tokens=120).digest
    assert digests == {f"{own}\n".encode()}


def test_without_a_limit_there_are_2000_tokens_or_as_many_as_fit(monkeypatch):
    texts = [
        " ".join(f"{first}{second}{third}" for third in "abcdefghij") for first in "klmnopqrst" for second in "uvwxyz"
    ]
    assert len(Vocabulary.from_texts(texts, level="subword")) > 600
    monkeypatch.setattr(subword_learning, "DEFAULT_MAX_TOKENS", 300)
    assert 250 < len(Vocabulary.from_texts(texts, level="subword")) <= 300
    monkeypatch.setattr(subword_learning, "MAX_PATTERN_SIZE", 150)
    fewer = Vocabulary.from_texts(texts, level="subword")
    assert 100 < pattern_size(fewer.tokens[4:]) <= 150


@pytest.mark.parametrize(
    ("arguments", "message"), [({"max_tokens": 3}, "at least 4"), ({"min_count": 0}, "at least 1")]
)
def test_from_texts_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_texts(["a"], level="subword", **arguments)


def test_a_lone_surrogate_and_what_is_no_text_are_refused():
    with pytest.raises(ValueError, match="lone surrogate at character 1"):
        Vocabulary.from_texts(["a\ud800"], level="subword")
    with pytest.raises(TypeError, match=r"texts\[0\] is a string; received int 5"):
        Vocabulary.from_texts([5], level="subword")


def test_without_sentencepiece_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-seqkit\[train\]'"):
        Vocabulary.from_texts(TEXTS, level="subword")
    assert Vocabulary([" a"], level="subword").encode_rows(["a"]) == [[4]]


def test_the_training_of_pieces_writes_nothing(capfd):
    Vocabulary.from_texts(TEXTS, level="subword")
    assert capfd.readouterr() == ("", "")

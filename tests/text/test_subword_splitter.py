"""Subwords against ten lines of plain Python: which pieces a text is made of, and the text that they give back."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import subword_splitter as module
from tests.subword_strategies import piece_lists
from tests.text_strategies import any_text, few_texts

PADDING, UNKNOWN = 0, 1


def longest_by_hand(pieces: list[str], text: str) -> list[str]:
    """The longest piece that the text begins with, or one character, again and again."""
    text, found = f" {text}" if text else "", []
    while text:
        fitting = [piece for piece in pieces if text.startswith(piece)]
        found.append(max(fitting, key=len, default=text[0]))
        text = text[len(found[-1]) :]
    return found


def ids_by_hand(pieces: list[str], text: str) -> list[int]:
    return [pieces.index(piece) + 4 if piece in pieces else UNKNOWN for piece in longest_by_hand(pieces, text)]


@given(piece_lists, few_texts)
@example([" the", " there", "re", "s", "is"], ["there is this", "the the", " the", "\n"])
@example(["a b", " a", "b c"], ["a b c", "b c a b"])
@example([" "], ["", " ", "  "])
@example([], ["", "a", "\n"])
def test_pieces_and_ids_equal_a_plain_search(pieces, texts):
    vocabulary = Vocabulary(pieces, level="subword")
    again = [vocabulary.split(text) for text in [*texts, *texts]]  # words that are known are split alike
    assert again == [longest_by_hand(pieces, text) for text in [*texts, *texts]]
    assert vocabulary.encode_rows(texts) == [ids_by_hand(pieces, text) for text in texts]


@given(piece_lists, few_texts, st.sampled_from([True, "ascii"]), st.booleans())
def test_characters_are_replaced_first(pieces, texts, lowercase, strip):
    vocabulary = Vocabulary(pieces, "subword", lowercase, strip)
    normalized = [vocabulary.rules.normalize(text) for text in texts]
    assert [vocabulary.split(text) for text in texts] == [longest_by_hand(pieces, text) for text in normalized]


@given(piece_lists, few_texts)
def test_what_is_known_comes_back_as_it_was(pieces, texts):
    pieces = list(dict.fromkeys([*pieces, " ", *"".join(texts)]))
    vocabulary = Vocabulary(pieces, level="subword")
    ids = vocabulary.encode(texts, start=True, end=True)
    assert UNKNOWN not in ids
    assert vocabulary.decode(ids) == texts


@given(piece_lists, few_texts, st.integers(0, 12), st.sampled_from(["post", "pre"]))
def test_padding_never_changes_ids(pieces, texts, more, padding):
    vocabulary = Vocabulary(pieces, level="subword")
    rows = vocabulary.encode_rows(texts)
    length = max(map(len, rows)) + more
    ids = vocabulary.encode(texts, length=length, padding=padding)
    assert ids.shape == (len(texts), length)
    for row, own in zip(ids.tolist(), rows, strict=True):
        assert [index for index in row if index != PADDING] == own
    np.testing.assert_array_equal(ids != PADDING, vocabulary.encode(texts, length, padding) != PADDING)
    assert vocabulary.decode(ids) == vocabulary.decode(rows)


@given(piece_lists, few_texts)
def test_a_first_space_is_kept_where_it_is_asked_for(pieces, texts):
    vocabulary = Vocabulary([*dict.fromkeys([*pieces, " ", *"".join(texts)])], level="subword")
    rows = vocabulary.encode_rows(texts)
    assert vocabulary.decode(rows, keep_first_space=True) == [f" {text}" if text else "" for text in texts]


def test_other_levels_have_no_first_space_to_keep():
    for level in ("word", "char", "whitespace"):
        vocabulary = Vocabulary(["a", " "], level=level)
        assert vocabulary.decode([[5, 4]]) == vocabulary.decode([[5, 4]], keep_first_space=True)


def test_an_unknown_piece_is_shown_as_such():
    vocabulary = Vocabulary([" a", "b"], level="subword")
    assert vocabulary.decode(vocabulary.encode(["ax\nb", "x"])) == ["a[UNK][UNK]b", "[UNK][UNK]"]


def test_upper_case_is_kept_unless_it_is_asked_otherwise():
    assert Vocabulary(["A"], level="subword").rules.lowercase is False
    assert Vocabulary(["A"], level="subword", lowercase=True).encode_rows(["A"]) == [[UNKNOWN, UNKNOWN]]
    assert Vocabulary(["A"]).rules.lowercase is True
    assert Vocabulary(["A"], level="char").rules.lowercase is True


@given(any_text)
def test_more_words_than_are_remembered_are_split_alike(text):
    texts = [text, "a b c d a b", text, "d c b a"]
    pieces = [" a", "b", " ", "bc"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_KNOWN_WORDS", 2)
        patch.setattr(module, "_LONGEST_KNOWN_WORD", 3)
        vocabulary = Vocabulary(pieces, level="subword")
        assert [vocabulary.split(each) for each in texts] == [longest_by_hand(pieces, each) for each in texts]
        assert len(vocabulary._splitter._known_words) <= 2  # what the memory is bounded by


def test_what_is_given_out_is_no_part_of_the_memory():
    vocabulary = Vocabulary([" a"], level="subword")
    vocabulary.split("a").append("x")
    assert vocabulary.split("a") == [" a"]


def test_a_copy_and_a_pickle_split_alike():
    vocabulary = Vocabulary([" a", "b"], level="subword")
    for other in (copy.deepcopy(vocabulary), pickle.loads(pickle.dumps(vocabulary))):
        assert other == vocabulary
        assert other.split("ab b") == vocabulary.split("ab b") == [" a", "b", " ", "b"]


def test_the_rule_alone_does_not_split():
    with pytest.raises(ValueError, match=r"does not know the pieces; received 'subword'\. Call Vocabulary\.split"):
        Vocabulary(["a"], level="subword").rules.split("a")


def test_subword_vocabularies_are_not_merged():
    vocabulary = Vocabulary(["a"], level="subword")
    with pytest.raises(ValueError, match=r"received level 'subword'.*Call Vocabulary\.from_texts with all texts"):
        vocabulary.merge(vocabulary)
    with pytest.raises(ValueError, match="all split text alike"):
        vocabulary.merge(Vocabulary(["a"]))


@given(piece_lists, few_texts)
def test_saved_and_loaded_is_the_same(tmp_path_factory, pieces, texts):
    path = tmp_path_factory.getbasetemp() / "subwords.json"
    vocabulary = Vocabulary(pieces, level="subword")
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert loaded.digest == vocabulary.digest != Vocabulary(pieces, level="char", lowercase=False).digest
    assert loaded.encode_rows(texts) == vocabulary.encode_rows(texts)

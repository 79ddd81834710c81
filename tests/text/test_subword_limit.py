"""How many pieces are allowed: the size of what they share, counted by hand, and the errors above it."""

import pytest
from hypothesis import example, given

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import subword_limit as module
from keras_seqkit.text.vocabulary.subword_limit import MAX_PATTERN_SIZE, MAX_PIECE_LENGTH, pattern_size
from tests.subword_strategies import piece_lists


def size_by_hand(pieces: list[str]) -> int:
    tree, size = {}, 0
    for piece in pieces:
        node = tree
        for character in piece:
            size += 0 if character in node else len(character.encode())
            node = node.setdefault(character, {})
    beginning = [piece for piece in pieces if any(other != piece and other.startswith(piece) for other in pieces)]
    return size + len(beginning)


@given(piece_lists)
@example(["a", "ab", "abc"])
@example(["é", "éa", "😀"])
def test_the_size_is_that_of_a_tree(pieces):
    assert pattern_size(pieces) == size_by_hand(pieces)


def test_pieces_up_to_the_limit_are_allowed_and_not_one_more():
    pieces = [f"{chr(0x4E00 + number)}" for number in range(MAX_PATTERN_SIZE // 3)]
    assert pattern_size(pieces) == MAX_PATTERN_SIZE
    assert len(Vocabulary(pieces, level="subword")) == len(pieces) + 4
    message = r"size of at most 12000, .*; received 4001 pieces of size 12001\. Pass fewer: about max_tokens=4000"
    with pytest.raises(ValueError, match=message):
        Vocabulary([*pieces, "a"], level="subword")
    assert len(Vocabulary([*pieces, "a"], level="char")) == len(pieces) + 5


def test_a_piece_is_of_limited_length():
    assert "a" * MAX_PIECE_LENGTH in Vocabulary(["a" * MAX_PIECE_LENGTH], level="subword")
    with pytest.raises(ValueError, match="at most 64 characters; received one of 65, 'aaaaaaaaaaaaaaaaaaaa'"):
        Vocabulary(["b", "a" * (MAX_PIECE_LENGTH + 1)], level="subword")


def test_learning_asks_for_fewer_tokens_where_they_are_too_many(monkeypatch):
    texts = ["the cat sat on the mat and the bat that the cat saw sat on the hat"]
    monkeypatch.setattr(module, "MAX_PATTERN_SIZE", 30)
    with pytest.raises(ValueError, match=r"size of at most 30, .*Pass fewer: about max_tokens="):
        Vocabulary.from_texts(texts, level="subword", max_tokens=60)

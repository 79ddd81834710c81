"""No sentence is in two parts, on neither side, whatever order the pairs come in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.datasets import PairSplits, SentencePairs, split_pairs
from keras_seqkit.datasets._pair_splits import sentence_key


def many(pairs: int) -> list[tuple[str, str]]:
    return [(f"frase {number}", f"sentence {number}") for number in range(pairs)]


words = st.sampled_from(["um", "Um", "um.", " um", "dois", "DOIS", "três", "quatro", "cinco", "!", "?"])
rows = st.lists(st.tuples(words, words), max_size=20).map(lambda some: [*some, *many(12)])


def split(rows: list[tuple[str, str]], test: int, validation: int, seed: int) -> PairSplits:
    pairs = SentencePairs([row[0] for row in rows], [row[1] for row in rows])
    return split_pairs(pairs, test, validation, seed)


def zipped(part: SentencePairs) -> list[tuple[str, str]]:
    return list(zip(*part, strict=True))


@settings(deadline=None)
@given(rows, st.integers(1, 3), st.integers(0, 3), st.integers(0, 99))
def test_no_sentence_is_in_two_parts(rows, test: int, validation: int, seed: int) -> None:
    parts = split(rows, test, validation, seed)
    assert (len(parts.test.source), len(parts.validation.source)) == (test, validation)
    for side in range(2):
        keys = [{sentence_key(text) for text in part[side]} for part in parts]
        assert sum(map(len, keys)) == len(set.union(*keys))
    for part in parts[1:]:  # one translation of each sentence
        assert len({sentence_key(text) for text in part.source}) == len(part.source)
    chosen = [pair for part in parts for pair in zipped(part)]
    assert set(chosen) <= set(rows)
    assert len({tuple(map(sentence_key, pair)) for pair in chosen}) == len(chosen)


@settings(deadline=None)
@given(rows, st.randoms(), st.integers(0, 99))
def test_the_order_of_the_pairs_does_not_matter(rows, random, seed: int) -> None:
    assert split(rows, 1, 1, seed) == split(random.sample(rows, len(rows)), 1, 1, seed)


def test_nothing_is_lost_where_nothing_repeats() -> None:
    parts = split(many(50), 10, 5, seed=0)
    assert [len(part.source) for part in parts] == [35, 5, 10]
    assert sorted(pair for part in parts for pair in zipped(part)) == sorted(many(50))


def test_the_test_part_depends_on_the_seed_and_not_on_the_validation_part() -> None:
    parts = split(many(50), 10, 5, seed=0)
    assert parts.test == split(many(50), 10, 0, seed=0).test
    assert parts.test != split(many(50), 10, 5, seed=1).test


def test_a_training_pair_goes_whose_translation_is_in_the_test_part() -> None:
    rows = [*many(20), *((f"outra frase {number}", f"SENTENCE {number}!") for number in range(20))]
    train, validation, test = split(rows, 5, 5, seed=3)
    assert len(train.source) < 30
    for part in (validation, test):
        assert not {sentence_key(text) for text in train.target} & {sentence_key(text) for text in part.target}


def test_the_test_part_has_the_most_frequent_translation_and_training_has_all() -> None:
    rows = [("Nome", "Name"), ("nome", "First name"), ("Nome", "First name"), ("Nome", "First name")]
    for seed in range(10):
        parts = split([*rows, *many(3)], 2, 0, seed)
        if "Nome" in parts.test.source:
            assert ("Nome", "First name") in zipped(parts.test)
            assert "nome" not in {text.casefold() for text in parts.train.source}
        else:
            assert {("Nome", "First name"), ("Nome", "Name")} <= set(zipped(parts.train))


def test_pairs_are_not_in_the_order_they_came_in() -> None:
    train = split(many(50), 5, 5, seed=0).train
    assert train.source != sorted(train.source)


@pytest.mark.parametrize(
    ("test", "validation", "message"),
    [
        (0, 0, "test_pairs is 0, expected 1 or more"),
        (1, -1, "validation_pairs is -1, expected 0 or more"),
        (5, 5, "10 different sentences are too few for 5 test pairs and 5 validation pairs"),
        (50, 0, "10 different sentences are too few"),
    ],
)
def test_parts_that_cannot_be_are_refused(test: int, validation: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^split_pairs: {message}"):
        split_pairs(SentencePairs(*map(list, zip(*many(10), strict=True))), test, validation, 0)

"""The dictionary is IBM Model 1, as a few lines of plain Python have it."""

import math
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.translation_baselines import NULL, Dictionary, joined

SOURCE = ["a casa", "a casa azul", "a flor", "o livro azul"]
TARGET = ["the house", "the blue house", "the flower", "the blue book"]

sentences = st.lists(st.sampled_from("abcd"), max_size=4).map(" ".join)
corpora = st.lists(st.tuples(sentences, sentences), min_size=1, max_size=5).filter(
    lambda pairs: any(right for _, right in pairs)
)


def model_1(source: list[str], target: list[str], rounds: int) -> dict[str, dict[str, float]]:
    pairs = [([NULL, *left.split()], right.split()) for left, right in zip(source, target, strict=True)]
    probability: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(lambda: 1.0))
    for _ in range(rounds):
        counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for left, right in pairs:
            for word in right:
                total = sum(probability[other][word] for other in left)
                for other in left:
                    counts[other][word] += probability[other][word] / total
        for other, row in counts.items():
            probability[other] = defaultdict(float, {word: row[word] / sum(row.values()) for word in row})
    return {other: dict(row) for other, row in probability.items()}


@settings(deadline=None)
@given(corpora, st.integers(1, 4))
def test_probabilities_equal_those_of_plain_python(pairs: list[tuple[str, str]], rounds: int) -> None:
    source, target = map(list, zip(*pairs, strict=True))
    expected = model_1(source, target, rounds)
    dictionary = Dictionary(source, target, rounds)
    for word, row in expected.items():
        assert dictionary.probabilities(word) == pytest.approx(row)
        assert math.isclose(sum(row.values()), 1)


def test_a_toy_dictionary_is_learnt() -> None:
    dictionary = Dictionary(SOURCE, TARGET, rounds=30)
    best = {word: dictionary.best[word] for word in ("casa", "azul", "flor", "livro")}
    assert best == {"casa": "house", "azul": "blue", "flor": "flower", "livro": "book"}
    assert dictionary.probabilities("casa")["house"] > 0.9


def test_likelihood_never_falls() -> None:
    def likelihood(rounds: int) -> float:
        dictionary = Dictionary(SOURCE, TARGET, rounds)
        return sum(
            math.log(sum(dictionary.probabilities(other)[word] for other in [NULL, *left.split()]))
            for left, right in zip(SOURCE, TARGET, strict=True)
            for word in right.split()
        )

    values = [likelihood(rounds) for rounds in range(1, 8)]
    assert values == sorted(values)


def test_sentences_are_translated_word_by_word_and_unknown_words_copied() -> None:
    source = ["Sim, o LibreOffice abre.", "a, b", "Sim.", "Sim, abre", "o LibreOffice", "o", "Sim", "c."]
    target = ["Yes, the LibreOffice opens.", "a, b", "Yes.", "Yes, opens", "the LibreOffice", "the", "Yes", "c."]
    dictionary = Dictionary(source, target, rounds=30)
    assert dictionary.translate("Sim, o libreoffice (Xyz) abre.") == "Yes, the LibreOffice (Xyz) opens."
    assert dictionary.translate("") == ""


def test_punctuation_stands_where_it_is_written() -> None:
    assert joined(["so", ":", "[", "a", "]", "b", "?"], capital=False) == "so: [a] b?"

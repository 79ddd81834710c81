"""NGramModel writes: prompts, temperature, top-k and top-p, and the draw of one token."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import NGramModel, Vocabulary
from keras_seqkit.text.ngrams.token_draw import TokenDraw
from tests.text.ngram_textbook import CORPUS, ROUNDING, corpora, orders, random_texts, seeds


@given(corpora, orders, seeds, st.floats(0, 3), st.integers(0, 4), st.floats(0.01, 1))
def test_generated_texts_begin_with_their_prompt_and_hold_known_tokens(texts, order, seed, temperature, top_k, top_p):
    model = NGramModel(order, Vocabulary(["a", "b"], "char")).fit(texts)
    prompts = ["", "a", "Éz "]
    received = model.generate(prompts, 12, temperature, top_k, top_p, seed)
    for prompt, text in zip(prompts, received, strict=True):
        assert text.startswith(prompt)
        assert set(text[len(prompt) :]) <= {"a", "b"}
        assert len(text) <= len(prompt) + 12
    assert received == model.generate(prompts, 12, temperature, top_k, top_p, seed)


def test_a_row_does_not_depend_on_the_other_prompts():
    model = NGramModel(3, level="char").fit(random_texts(4))
    together = model.generate(["a", "b", "a"], seed=5)
    assert model.generate(["c", "b"], seed=5)[1] == together[1]
    assert together[0] != together[2]
    assert model.generate(["a"], seed=6) != together[:1]


def test_words_are_joined_by_one_space():
    model = NGramModel(2).fit(["so it goes"])
    assert model.generate(["", "so", "so ", "So IT"], temperature=0) == ["so it goes"] * 3 + ["So IT goes"]


def test_no_new_tokens_leave_the_prompt():
    assert NGramModel(2).fit(CORPUS).generate(["A  Cat", ""], max_new_tokens=0) == ["A  Cat", ""]


def test_texts_are_drawn_as_often_as_they_are_probable():
    model = NGramModel(2, level="char", smoothing="none").fit(["a"] * 5 + ["b"] * 3 + ["c"] * 2)
    drawn = Counter(model.generate([""] * 2000))
    for text, probability in {"a": 0.5, "b": 0.3, "c": 0.2}.items():
        five_deviations = 5 * np.sqrt(2000 * probability * (1 - probability))
        assert abs(drawn[text] - 2000 * probability) < five_deviations


def test_without_smoothing_only_what_was_seen_is_generated():
    model = NGramModel(4, level="char", smoothing="none").fit(["abcd"])
    assert model.generate(["", "ab", "abcd"]) == ["abcd"] * 3


def test_a_text_ends_where_only_the_unknown_token_could_follow():
    model = NGramModel(2, Vocabulary(["a"]), smoothing="none").fit(["a zebra"])
    assert model.generate("") == ["a"]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any), st.floats(0, 1, exclude_max=True))
def test_a_draw_follows_the_distribution(weights, number):
    probabilities = np.array(weights) / sum(weights)
    token = TokenDraw()(probabilities, number)
    assert probabilities[token] > 0
    below = probabilities[:token].sum()
    assert below - ROUNDING <= number <= below + probabilities[token] + ROUNDING


@given(st.permutations([0.4, 0.3, 0.15, 0.1, 0.05]), st.floats(0, 1, exclude_max=True))
def test_top_k_and_top_p_keep_the_most_probable(probabilities, number):
    values = np.array(probabilities)
    assert values[TokenDraw(top_k=2)(values, number)] >= 0.3
    assert values[TokenDraw(top_p=0.6)(values, number)] >= 0.3
    assert values[TokenDraw(top_k=1)(values, number)] == values[TokenDraw(top_p=0.01)(values, number)] == 0.4
    assert values[TokenDraw(temperature=0)(values, number)] == 0.4
    assert values[TokenDraw(temperature=1e-300)(values, number)] == 0.4
    # of the two that top_k keeps, the first alone is 4/7 of the whole
    assert values[TokenDraw(top_k=2, top_p=0.57)(values, number)] == 0.4


def test_top_p_keeps_no_more_than_reach_it():
    halves = np.array([0.0, 0.5, 0.5])
    assert [TokenDraw(top_p=0.5)(halves, number) for number in (0.0, 0.9)] == [1, 1]
    assert [TokenDraw(top_p=0.51)(halves, number) for number in (0.0, 0.9)] == [1, 2]

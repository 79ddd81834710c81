"""NGramModel against the textbook's formulas in plain Python, and against sentences worked out by hand."""

import json
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_seqkit
from keras_seqkit.text import NGramModel, Vocabulary, ngram_tables
from keras_seqkit.text.ngram_arguments import Smoothing
from keras_seqkit.text.ngram_tables import count_distinct
from keras_seqkit.text.token_draw import TokenDraw
from tests.text_strategies import any_text

PADDING, UNKNOWN, START, END = range(4)
ROUNDING = 1e-12  # relative: float64 against exact fractions, after some tens of operations
CORPUS = ["a cat sat", "a dog sat", "the dog ran"]

orders = st.integers(1, 4)
letters = st.text("abc", max_size=8)
corpora = st.lists(letters, min_size=1, max_size=6)
seeds = st.integers(0, 2**32)
discount_choices = st.sampled_from([None, 0.25, 0.75])


class Textbook:
    """Interpolated Kneser-Ney and maximum likelihood from the formulas, in fractions and dicts."""

    def __init__(self, rows: list[list[int]], order: int, size: int, discount: float | None):
        self.order, self.predictable, self.discount = order, size - 2, discount
        self.raw = [Counter() for _ in range(order + 1)]
        for row in rows:
            padded = [START] * (order - 1) + row + [END]
            for n in range(1, order + 1):
                self.raw[n].update(tuple(padded[i - n + 1 : i + 1]) for i in range(order - 1, len(padded)))
        self.preceding = [Counter(gram[1:] for gram in seen) for seen in self.raw[1:]]  # each different gram once

    def count(self, gram: tuple[int, ...]) -> int:
        if len(gram) == self.order or gram[0] == START:
            return self.raw[len(gram)][gram]
        return self.preceding[len(gram)][gram]

    def discounts(self, n: int) -> list[Fraction]:
        if self.discount is not None:
            return [Fraction(self.discount)] * 3
        times = Counter(self.count(gram) for gram in self.raw[n])
        n1, n2, n3, n4 = (Fraction(times[k]) for k in (1, 2, 3, 4))
        if not n1 or not n2:
            return [Fraction(1, 2)] * 3
        y = n1 / (n1 + 2 * n2)
        if not n3 or not n4:
            return [y] * 3
        modified = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        return modified if min(modified) > 0 else [y] * 3

    def kneser_ney(self, token: int, context: tuple[int, ...]) -> Fraction:
        shorter = self.kneser_ney(token, context[1:]) if context else Fraction(1, self.predictable)
        followers = [self.count(gram) for gram in self.raw[len(context) + 1] if gram[:-1] == context]
        if not followers:
            return shorter
        discounts = self.discounts(len(context) + 1)
        taken = sum(discounts[min(count, 3) - 1] for count in followers)
        count = self.count((*context, token))
        own = count - discounts[min(count, 3) - 1] if count else Fraction(0)
        return (own + taken * shorter) / sum(followers)

    def likelihood(self, token: int, context: tuple[int, ...]) -> Fraction:
        total = sum(count for gram, count in self.raw[self.order].items() if gram[:-1] == context)
        return Fraction(self.raw[self.order][(*context, token)], total) if total else Fraction(0)

    def of_sentence(self, row: list[int], probability) -> list[Fraction]:
        padded = [START] * (self.order - 1) + row + [END]
        places = range(self.order - 1, len(padded))
        return [probability(padded[i], tuple(padded[i - self.order + 1 : i])) for i in places]


def pair(texts, order, discount=None, smoothing: Smoothing = "kneser_ney", tokens="ab") -> tuple[NGramModel, Textbook]:
    vocabulary = Vocabulary(list(tokens), "char")
    model = NGramModel(order, vocabulary, discount=discount, smoothing=smoothing).fit(texts)
    return model, Textbook(vocabulary.encode_rows(texts), order, len(vocabulary), discount)


def random_texts(seed: int, texts: int = 40, longest: int = 12, alphabet: str = "abcdefgh") -> list[str]:
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(alphabet) + 1)
    lengths = random.integers(0, longest, texts)
    return ["".join(random.choice(list(alphabet), length, p=weights / weights.sum())) for length in lengths]


# By hand


def test_the_probability_of_a_sentence_is_the_product_of_its_bigrams():
    model = NGramModel(2, smoothing="none").fit(CORPUS)
    # P(a | [START]) = 2/3, P(dog | a) = 1/2, P(ran | dog) = 1/2, P([END] | ran) = 1
    assert np.exp(model.log_prob(["a dog ran"])) == pytest.approx(2 / 3 * 1 / 2 * 1 / 2 * 1)
    assert np.exp(model.token_log_probs(["a dog ran"])[0]) == pytest.approx([2 / 3, 1 / 2, 1 / 2, 1])
    assert model.perplexity(["a dog ran"]) == pytest.approx((2 / 3 * 1 / 2 * 1 / 2 * 1) ** (-1 / 4))
    assert model.next_token_probs("a")[model.vocabulary.index("cat")] == pytest.approx(1 / 2)


def test_unigrams_and_trigrams_by_hand():
    # 9 words and 3 times [END] are predicted
    unigrams = NGramModel(1, smoothing="none").fit(CORPUS)
    assert np.exp(unigrams.log_prob(["dog sat", ""])) == pytest.approx([2 / 12 * 2 / 12 * 3 / 12, 3 / 12])
    trigrams = NGramModel(3, smoothing="none").fit(CORPUS)
    # P(a | [START] [START]) = 2/3, P(dog | [START] a) = 1/2, P(sat | a dog) = 1, P([END] | dog sat) = 1
    assert np.exp(trigrams.log_prob(["a dog sat", "a dog ran"])) == pytest.approx([2 / 3 * 1 / 2, 0])


def test_kneser_ney_bigrams_by_hand():
    model = NGramModel(2, discount=0.75, level="char").fit(["ab", "ab", "b"])
    # The bigrams: [START]a twice, [START]b once, ab twice, b[END] three times. The unigrams' continuation counts: a
    # follows on 1 token, b on 2, [END] on 1, of 4 together. Four tokens can be predicted: [UNK] [END] a b.
    backoff = 3 * 0.75 / 4
    a, b, end, unknown = (max(count - 0.75, 0) / 4 + backoff / 4 for count in (1, 2, 1, 0))
    after_start = [(2 - 0.75) / 3 + 1.5 / 3 * a, (1 - 0.75) / 3 + 1.5 / 3 * b]
    after_a = (2 - 0.75) / 2 + 0.75 / 2 * b
    after_b = (3 - 0.75) / 3 + 0.75 / 3 * end
    assert np.exp(model.log_prob(["ab", "b"])) == pytest.approx(
        [after_start[0] * after_a * after_b, after_start[1] * after_b]
    )
    assert model.next_token_probs("a")[UNKNOWN] == pytest.approx(0.75 / 2 * unknown)
    assert model.next_token_probs("z")[[UNKNOWN, END, 4, 5]] == pytest.approx([unknown, end, b, a])  # never seen


def test_a_word_of_one_context_is_rarer_elsewhere_than_its_count():
    # Kneser and Ney's point: "francisco" is as frequent as "glasses", and follows on "san" alone.
    texts = ["san francisco"] * 4 + ["my glasses", "your glasses", "her glasses", "his glasses", "we read"]
    probabilities = NGramModel(2).fit(texts).next_token_probs("read")
    vocabulary = Vocabulary.from_texts(texts)
    assert probabilities[vocabulary.index("glasses")] > 2 * probabilities[vocabulary.index("francisco")]


# By the formulas


@given(corpora, st.lists(letters, max_size=4), orders, discount_choices)
def test_kneser_ney_equals_the_formula(texts, others, order, discount):
    model, textbook = pair(texts, order, discount)
    rows = model.vocabulary.encode_rows([*texts, *others])
    for row, received in zip(rows, model.token_log_probs([*texts, *others]), strict=True):
        expected = textbook.of_sentence(row, textbook.kneser_ney)
        assert np.exp(received) == pytest.approx([float(value) for value in expected], rel=ROUNDING)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_modified_kneser_ney_equals_the_formula_where_all_counts_of_counts_are_there(order):
    tokens = "".join(chr(0x4E00 + i) for i in range(80))
    texts = random_texts(seed=0, texts=150, alphabet=tokens)
    model, textbook = pair(texts, order, tokens=tokens[:60])
    expected = [[float(value) for value in textbook.discounts(n)] for n in range(1, order + 1)]
    assert model.discounts == pytest.approx(np.array(expected), rel=ROUNDING)
    assert all(one < two < three for one, two, three in expected)  # it is the modified one that is tried
    texts = [tokens[:3], tokens[-3:], *texts[:4]]
    for row, received in zip(model.vocabulary.encode_rows(texts), model.token_log_probs(texts), strict=True):
        probabilities = textbook.of_sentence(row, textbook.kneser_ney)
        assert np.exp(received) == pytest.approx([float(value) for value in probabilities], rel=ROUNDING)


@given(corpora, st.lists(letters, max_size=4), orders)
def test_maximum_likelihood_equals_counts_over_counts(texts, others, order):
    model, textbook = pair(texts, order, smoothing="none")
    rows = model.vocabulary.encode_rows([*texts, *others])
    for row, received in zip(rows, np.exp(model.log_prob([*texts, *others])), strict=True):
        expected = float(np.prod([float(value) for value in textbook.of_sentence(row, textbook.likelihood)]))
        assert received == pytest.approx(expected, rel=ROUNDING)


def test_long_contexts_of_a_large_vocabulary_do_not_overflow():
    texts = [" ".join(f"w{(i * i + j) % 997}" for i in range(60)) for j in range(40)]
    vocabulary = Vocabulary([f"w{i}" for i in range(1 << 17)])  # 12 tokens of 17 bits are 204 bits
    model = NGramModel(12, vocabulary, smoothing="none").fit(texts)
    rows = vocabulary.encode_rows(texts)
    textbook = Textbook(rows, 12, len(vocabulary), None)
    totals = Counter()
    for gram, count in textbook.raw[12].items():
        totals[gram[:-1]] += count
    for row, received in zip(rows, model.log_prob(texts), strict=True):
        padded = [START] * 11 + row + [END]
        grams = [tuple(padded[i - 11 : i + 1]) for i in range(11, len(padded))]
        expected = sum(np.log(textbook.raw[12][gram] / totals[gram[:-1]]) for gram in grams)
        assert received == pytest.approx(expected, rel=ROUNDING)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(41, 200))
def test_distinct_keys_are_those_of_numpy(keys, limit):
    expected = np.unique(np.array(keys), return_inverse=True, return_counts=True)
    for received, values in zip(count_distinct(np.array(keys), limit), expected, strict=True):
        np.testing.assert_array_equal(received, values)


# What always holds


@given(corpora, orders, discount_choices, st.lists(st.integers(0, 6), max_size=6))
def test_the_probabilities_of_the_next_token_sum_to_one_after_any_context(texts, order, discount, context):
    model = NGramModel(order, Vocabulary(["a", "b", "d"], "char"), discount=discount).fit(texts)
    probabilities = model.next_token_probs(context)
    assert probabilities.dtype == np.float64
    assert probabilities.shape == (7,)
    assert probabilities.sum() == pytest.approx(1, rel=ROUNDING)
    assert (probabilities[[PADDING, START]] == 0).all()
    assert (probabilities[[UNKNOWN, END, 4, 5, 6]] > 0).all()


@given(corpora, orders)
def test_without_smoothing_probabilities_sum_to_one_after_a_context_that_was_seen(texts, order):
    model = NGramModel(order, level="char", smoothing="none").fit(texts)
    rows = model.vocabulary.encode_rows(texts)
    for row in rows:
        for time in range(len(row) + 1):
            assert model.next_token_probs(row[:time]).sum() == pytest.approx(1, rel=ROUNDING)


@given(st.lists(any_text, min_size=1, max_size=4), st.lists(any_text, max_size=3), orders)
def test_a_sentence_is_the_product_of_its_next_tokens(texts, others, order):
    model = NGramModel(order, Vocabulary.from_texts(texts, max_tokens=8)).fit(texts)
    for text, log_prob in zip(others, model.log_prob(others), strict=True):
        row = [*model.vocabulary.encode_rows([text])[0], END]
        steps = [np.log(model.next_token_probs(row[:time])[token]) for time, token in enumerate(row)]
        assert log_prob == pytest.approx(sum(steps), rel=ROUNDING)
        assert -np.inf < log_prob <= 0


@given(corpora, orders)
def test_sums_and_perplexity_come_from_the_tokens(texts, order):
    model = NGramModel(order, level="char").fit(random_texts(0))
    tokens, sums = model.token_log_probs(texts), model.log_prob(texts)
    assert [len(row) for row in tokens] == [len(text) + 1 for text in texts]
    assert (sums.dtype, sums.shape) == (np.float64, (len(texts),))
    assert sums == pytest.approx([row.sum() for row in tokens], rel=ROUNDING)
    count = sum(len(text) + 1 for text in texts)
    assert model.perplexity(texts) == pytest.approx(np.exp(-sums.sum() / count), rel=ROUNDING)


def test_rounding_makes_no_probability_greater_than_one():
    assert (5 - 0.52) / 5 + 0.52 / 5 > 1  # what an order of 40 comes to after five equal sentences
    model = NGramModel(40, level="char", discount=0.52).fit(["a"] * 5)
    assert model.log_prob("a") == 0
    assert model.next_token_probs("").max() == 1


@given(corpora, orders, st.integers(1, 9))
def test_the_size_of_a_block_changes_nothing(texts, order, block):
    model = NGramModel(order, level="char").fit(["abcab", "bca", "ab"])
    expected = model.log_prob(texts)
    usual = ngram_tables.BLOCK_TOKENS
    try:
        ngram_tables.BLOCK_TOKENS = block
        np.testing.assert_array_equal(model.log_prob(texts), expected)
    finally:
        ngram_tables.BLOCK_TOKENS = usual


@given(corpora, orders)
def test_the_order_of_the_texts_changes_nothing(texts, order):
    vocabulary = Vocabulary(["a", "b"], "char")
    log_probs = [NGramModel(order, vocabulary).fit(t).log_prob(["abcba"]) for t in (texts, texts[::-1])]
    assert log_probs[0] == pytest.approx(log_probs[1], rel=ROUNDING)


@given(corpora, letters, letters)
def test_unigrams_ignore_the_context(texts, first, second):
    model = NGramModel(1, level="char").fit(texts)
    np.testing.assert_array_equal(model.next_token_probs(first), model.next_token_probs(second))


@given(orders, letters, letters, letters)
def test_only_the_last_tokens_of_a_context_count(order, one, other, last):
    model = NGramModel(order, level="char").fit(random_texts(1, alphabet="abc"))
    last = (last + "abc")[-3:]
    expected = model.next_token_probs(one + last)
    np.testing.assert_array_equal(model.next_token_probs(other + last), expected)


def test_the_perplexity_of_a_uniform_model_is_the_number_of_its_tokens():
    model = NGramModel(1, level="char", smoothing="none").fit(["abc"])  # a, b, c and [END] once each
    assert model.perplexity(["", "a", "cab", "bbbbb"]) == pytest.approx(4)


def test_a_context_never_seen_backs_off_to_the_longest_one_that_was():
    texts = ["abcd", "abce", "xbcd"]
    model, textbook = pair(texts, order=4, tokens="abcdex")
    a, b, c, d, e, x = range(4, 10)
    for context, longest_seen in {(e, b, c): (b, c), (a, x, c): (c,), (b, e, UNKNOWN): (), (b, c, x): (x,)}.items():
        expected = [float(textbook.kneser_ney(token, longest_seen)) for token in (UNKNOWN, END, a, b, c, d, e, x)]
        received = model.next_token_probs(context)[[UNKNOWN, END, a, b, c, d, e, x]]
        assert received == pytest.approx(expected, rel=ROUNDING)


def test_a_higher_order_and_more_data_lower_the_perplexity():
    text = ["the sun rose over the hill and the cat slept on the warm stone by the old mill"] * 2 + ["the cat slept"]
    by_order = [NGramModel(order, level="char").fit(text).perplexity(text) for order in range(1, 6)]
    assert by_order == sorted(by_order, reverse=True)
    corpus, vocabulary = random_texts(2, texts=400, longest=40), Vocabulary(list("abcdefgh"), "char")
    held_out = random_texts(3, texts=50, longest=40)
    by_size = [NGramModel(2, vocabulary).fit(corpus[:texts]).perplexity(held_out) for texts in (4, 20, 100, 400)]
    assert by_size == sorted(by_size, reverse=True)


def test_a_smoothed_model_beats_a_lower_order_on_text_it_has_not_seen():
    corpus = [f"{a} {b} {c}" for a in ("a", "one") for b in ("dog", "cat", "fox") for c in ("ran", "sat")]
    perplexities = [NGramModel(order).fit(corpus[1:]).perplexity(corpus[:1]) for order in (1, 2)]
    assert perplexities[1] < perplexities[0]


# Vocabulary and texts


def test_words_outside_the_vocabulary_are_unknown():
    model = NGramModel(2, Vocabulary(["a", "b"], "whitespace")).fit(["a b", "a zebra"])
    assert model.log_prob(["a zebra"]) == model.log_prob(["a gnu"])
    assert model.next_token_probs("a")[UNKNOWN] > model.next_token_probs("b")[UNKNOWN] > 0


def test_without_a_vocabulary_it_is_made_of_the_texts_at_each_fit():
    model = NGramModel(2, level="char").fit(iter(["Ab"]))
    assert model.vocabulary == Vocabulary.from_texts(["Ab"], "char")
    assert model.fit(["xyz"]).vocabulary == Vocabulary.from_texts(["xyz"], "char")
    own = Vocabulary(["a"])
    assert NGramModel(2, own).vocabulary is NGramModel(2, own).fit(["b"]).vocabulary is own


def test_fitting_again_forgets():
    model = NGramModel(3).fit(["something else"]).fit(CORPUS)
    np.testing.assert_array_equal(model.log_prob(CORPUS), NGramModel(3).fit(CORPUS).log_prob(CORPUS))


def test_one_string_counts_as_a_list_of_one():
    model, other = NGramModel(3, level="char").fit("abcab"), NGramModel(3, level="char").fit(["abcab"])
    np.testing.assert_array_equal(model.log_prob("abc"), other.log_prob(["abc"]))
    np.testing.assert_array_equal(model.token_log_probs("abc")[0], other.token_log_probs(["abc"])[0])
    assert model.perplexity("abc") == other.perplexity(["abc"])
    assert model.generate("a", seed=4) == other.generate(["a"], seed=4)


@given(st.lists(any_text, min_size=1, max_size=4), orders, st.sampled_from(["word", "char", "whitespace"]))
def test_ids_and_text_are_one_context(texts, order, level):
    model = NGramModel(order, level=level).fit(texts)
    for text in texts:
        ids = model.vocabulary.encode([text], length=len(text) + 3, start=True)[0]  # some padding
        np.testing.assert_array_equal(model.next_token_probs(ids), model.next_token_probs(text))


def test_no_texts_have_no_log_probs():
    model = NGramModel(2).fit(CORPUS)
    assert model.log_prob([]).shape == (0,)
    assert model.token_log_probs([]) == model.generate([]) == []


# Generating


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


# Files


@given(
    texts=corpora, order=orders, discount=discount_choices, level=st.sampled_from(["word", "char"]), plain=st.booleans()
)
def test_saved_and_loaded_is_the_same(tmp_path_factory, texts, order, discount, level, plain):
    path = tmp_path_factory.getbasetemp() / "ngrams"
    arguments: dict[str, Any] = {"smoothing": "none"} if plain else {"discount": discount}
    model = NGramModel(order, level=level, **arguments).fit(texts)
    model.save(path)
    loaded = NGramModel.load(path)
    assert loaded.vocabulary == model.vocabulary
    assert (loaded.order, loaded.discount, loaded.smoothing) == (model.order, model.discount, model.smoothing)
    np.testing.assert_array_equal(loaded.discounts, model.discounts)
    np.testing.assert_array_equal(loaded.log_prob([*texts, "abz"]), model.log_prob([*texts, "abz"]))
    assert loaded.generate(seed=3) == model.generate(seed=3)


def changed_file(tmp_path, header=None, **arrays) -> Path:
    """A model's file with some entries changed, or left out where the value is `None`."""
    path = tmp_path / "model.npz"
    NGramModel(2).fit(CORPUS).save(path)
    with np.load(path) as archive:
        content = {**archive, **arrays}
    fields = {**json.loads(content["header"].tobytes()), **(header or {})}
    fields = {name: value for name, value in fields.items() if value != "left out"}
    content["header"] = np.frombuffer(json.dumps(fields).encode(), np.uint8)
    with open(path, "wb") as file:
        np.savez(file, **{name: values for name, values in content.items() if values is not None})
    return path


def test_the_unchanged_file_is_loaded(tmp_path):
    model = NGramModel.load(changed_file(tmp_path))
    np.testing.assert_array_equal(model.log_prob(CORPUS), NGramModel(2).fit(CORPUS).log_prob(CORPUS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": {"format": "something"}}, "is not a file that NGramModel.save wrote"),
        ({"header": {"version": 2}}, "is of version 2, and version 1 is expected. Load it"),
        ({"header": {"discount": "left out"}}, "has the fields ['order', 'smoothing', 'vocabulary'], and"),
        ({"keys_2": None}, "has the arrays ['backoffs_1', "),
        ({"more": np.zeros(1)}, "has the arrays ['backoffs_1', "),
    ],
)
def test_a_file_of_other_content_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=r"NGramModel\.load: .*" + re.escape(message)):
        NGramModel.load(changed_file(tmp_path, **changes))


def test_a_file_cut_anywhere_or_of_another_kind_is_refused(tmp_path):
    path = changed_file(tmp_path)
    whole = path.read_bytes()
    for content in (*(whole[:size] for size in range(0, len(whole), 97)), b"text", b"[]"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a whole file that NGramModel\.save wrote"):
            NGramModel.load(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "pickle.npz", header=np.array([{"format": "pickled"}], dtype=object))
    for name in ("array.npy", "pickle.npz"):
        with pytest.raises(ValueError, match=r"is not a whole file that NGramModel\.save wrote"):
            NGramModel.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        NGramModel.load(tmp_path / "nowhere")


# What is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"order": 0}, ValueError, "NGramModel: order is at least 1; received 0"),
        ({"order": -2}, ValueError, "order is at least 1; received -2"),
        ({"order": 2.0}, TypeError, "order is an integer; received float 2.0"),
        ({"order": None}, TypeError, "order is an integer; received NoneType None"),
        ({"vocabulary": ["a"]}, TypeError, "vocabulary is a Vocabulary; received list"),
        ({"level": "letter"}, ValueError, "level is one of word, char, whitespace, subword; received 'letter'"),
        (
            {"level": "char", "vocabulary": Vocabulary(["a"])},
            ValueError,
            "level is that of the vocabulary, 'word'; received 'char'. Leave it out",
        ),
        ({"smoothing": "laplace"}, ValueError, "smoothing is 'kneser_ney' or 'none'; received 'laplace'"),
        ({"discount": 0}, ValueError, "discount is above 0 and below 1; received 0"),
        ({"discount": 1.0}, ValueError, "discount is above 0 and below 1; received 1.0"),
        ({"discount": float("nan")}, ValueError, "discount is above 0 and below 1; received nan"),
        ({"discount": "0.5"}, TypeError, "discount is a number; received str '0.5'"),
        ({"discount": 0.5, "smoothing": "none"}, ValueError, "discount belongs to smoothing='kneser_ney'"),
    ],
)
def test_the_constructor_refuses(arguments: dict[str, Any], error, message):
    with pytest.raises(error, match=re.escape(message)):
        NGramModel(**{"order": 2, **arguments})


@pytest.mark.parametrize("method", ["fit", "log_prob", "token_log_probs", "perplexity", "generate"])
def test_texts_that_are_no_strings_are_refused(method):
    call = getattr(NGramModel(2).fit(CORPUS), method)
    for texts in (None, 5, b"bytes", ["a", 5], ["a", None], ["a", b"b"]):
        with pytest.raises(
            TypeError, match=rf"NGramModel\.{method}: (texts|prompts)(\[1\])? is a (list of strings|string); received"
        ):
            call(texts)
    for texts in ("a\ud800", ["b", "a\ud800"]):
        with pytest.raises(ValueError, match=rf"NGramModel\.{method}: .* lone surrogate at character 1"):
            call(texts)


@pytest.mark.parametrize("method", ["fit", "perplexity"])
def test_no_text_at_all_is_refused(method):
    with pytest.raises(ValueError, match=rf"NGramModel\.{method}: at least one text is expected; received none"):
        getattr(NGramModel(2).fit(CORPUS), method)([])


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        *[("log_prob", ["a"]), ("token_log_probs", ["a"]), ("perplexity", ["a"]), ("next_token_probs", "a")],
        *[("generate", ["a"]), ("save", "nowhere.npz")],
    ],
)
def test_a_model_that_was_not_fitted_is_refused(method, argument):
    with pytest.raises(
        RuntimeError, match=rf"NGramModel\.{method}: the model has counted no texts\. Call fit\(texts\) first"
    ):
        getattr(NGramModel(2), method)(argument)
    for name in ("discounts", "vocabulary"):
        with pytest.raises(RuntimeError, match=rf"NGramModel\.{name}: the model has counted no texts"):
            getattr(NGramModel(2), name)


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = NGramModel(2).fit(CORPUS)
    expected = model.log_prob(CORPUS)
    with pytest.raises(TypeError):
        model.fit(["a", None])  # type: ignore[list-item]
    np.testing.assert_array_equal(model.log_prob(CORPUS), expected)


@pytest.mark.parametrize(
    ("context", "error", "message"),
    [
        *[(None, TypeError, "received NoneType None"), (b"a", TypeError, "received bytes b'a'")],
        *[([1.0], TypeError, "received list [1.0]"), ([[4]], TypeError, "received list [[4]]")],
        *[([True], TypeError, "received list [True]"), (["a"], TypeError, "received list ['a']")],
        *[([-1], ValueError, "ids are 0 to 9; received -1"), ([4, 10], ValueError, "ids are 0 to 9; received 10")],
        ("a\ud800", ValueError, "lone surrogate at character 1"),
    ],
)
def test_a_context_that_is_neither_text_nor_ids_is_refused(context, error, message):
    with pytest.raises(error, match=re.escape(message)):
        NGramModel(2).fit(CORPUS).next_token_probs(context)


def test_without_smoothing_a_context_never_seen_is_refused():
    model = NGramModel(2, smoothing="none").fit(CORPUS)
    for call in (model.next_token_probs, model.generate):
        with pytest.raises(ValueError, match="without smoothing, a context is one that the texts of fit continue"):
            call("zebra")
    assert model.log_prob(["zebra"]) == -np.inf
    assert model.perplexity(["a cat sat", "zebra"]) == np.inf


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens is at least 0; received -1"),
        ({"max_new_tokens": 1.5}, TypeError, "max_new_tokens is an integer; received float 1.5"),
        ({"temperature": -0.1}, ValueError, "temperature is finite and at least 0; received -0.1"),
        ({"temperature": float("inf")}, ValueError, "temperature is finite and at least 0; received inf"),
        ({"temperature": float("nan")}, ValueError, "temperature is finite and at least 0; received nan"),
        ({"temperature": "1"}, TypeError, "temperature is a number; received str '1'"),
        ({"top_k": -1}, ValueError, "top_k is at least 0; received -1"),
        ({"top_k": None}, TypeError, "top_k is an integer; received NoneType None"),
        ({"top_p": 0}, ValueError, "top_p is above 0 and at most 1; received 0"),
        ({"top_p": 1.1}, ValueError, "top_p is above 0 and at most 1; received 1.1"),
        ({"top_p": None}, TypeError, "top_p is a number; received NoneType None"),
        ({"seed": -1}, ValueError, "seed is at least 0; received -1"),
    ],
)
def test_generate_refuses(arguments, error, message):
    with pytest.raises(error, match=re.escape(f"NGramModel.generate: {message}")):
        NGramModel(2).fit(CORPUS).generate("a", **arguments)


def test_the_package_offers_it_by_name():
    assert keras_seqkit.NGramModel is NGramModel

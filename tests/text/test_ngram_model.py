"""NGramModel against the textbook's formulas in plain Python, and against sentences worked out by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_seqkit
from keras_seqkit.text import NGramModel, Vocabulary
from keras_seqkit.text.ngrams import ngram_tables
from keras_seqkit.text.ngrams.ngram_tables import count_distinct
from tests.text.ngram_textbook import (
    CORPUS,
    END,
    PADDING,
    ROUNDING,
    START,
    UNKNOWN,
    Textbook,
    corpora,
    discount_choices,
    letters,
    orders,
    pair,
    random_texts,
)
from tests.text_strategies import any_text

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


def test_the_package_offers_it_by_name():
    assert keras_seqkit.NGramModel is NGramModel

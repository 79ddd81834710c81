"""Greedy and beam search find what plain searches over whole prefixes find."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit import Seq2SeqTranslator, Vocabulary
from tests.cases import randomize_weights
from tests.numpy_translator import beam_search, exhaustive_search, next_log_probabilities
from tests.translators import SENTENCES, VARIANTS, translator

SCORE_TOLERANCE = 1e-4  # float32 sums of up to 12 logarithms, against float64
TIE = 1e-5  # ranks this near to one another may come in another order
EVERY_PREFIX = 64  # beams: more than the prefixes of 4 tokens out of 3 that are kept at any step
SMALL = settings(max_examples=40)


@cache
def smallest(decoder: str) -> Seq2SeqTranslator:
    """A translator that writes one of three tokens: unknown, the end, or a word."""
    vocabulary = Vocabulary.from_texts(["a"])
    return Seq2SeqTranslator(vocabulary, vocabulary, units=4, embedding=3, decoder=decoder, max_length=4)


@cache
def model_of(variant: str) -> Seq2SeqTranslator:
    """One model for all tests, since each compiles its searches."""
    return translator(**VARIANTS[variant])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("beams", [1, 5])
def test_a_search_equals_the_plain_one(variant, beams):
    model = model_of(variant)
    rows = model.source_vocabulary.encode_rows(SENTENCES)
    for length_penalty in (0.0, 0.8):
        found = model.writer.search(rows, beams, length_penalty, model.max_length, 8, wanted=beams)
        for row, [tokens, *_], scores in zip(rows, found.rows, found.scores, strict=True):
            if not row:
                assert (tokens, scores.tolist()) == ([], [0.0])
                continue
            kept = beam_search(next_log_probabilities(model, row), beams, length_penalty, model.max_length)
            ranks = [each.rank(length_penalty) for each in kept]
            equally_good = [
                [token for token in each.tokens if token != 3]
                for each, rank in zip(kept, ranks, strict=True)
                if rank > ranks[0] - TIE
            ]
            assert tokens in equally_good
            np.testing.assert_allclose(scores, sorted(ranks, reverse=True), atol=SCORE_TOLERANCE)


@SMALL
@given(st.integers(0, 999), st.sampled_from(["attention", "repeat_vector"]), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_a_beam_that_holds_every_prefix_finds_the_best_of_all(seed, decoder, length_penalty):
    model = smallest(decoder)
    randomize_weights(model, seed)
    found = model.writer.search([[4, 4]], EVERY_PREFIX, length_penalty, model.max_length, 1)
    best = exhaustive_search(next_log_probabilities(model, [4, 4]), length_penalty, model.max_length)
    [[tokens]], [[score]] = found
    assert score == pytest.approx(best.rank(length_penalty), abs=SCORE_TOLERANCE)
    of = next_log_probabilities(model, [4, 4])
    ended = [*tokens, 3] if len(tokens) < model.max_length else tokens
    score = sum(of(tuple(ended[:place]))[token] for place, token in enumerate(ended))
    assert score / len(ended) ** length_penalty == pytest.approx(best.rank(length_penalty), abs=SCORE_TOLERANCE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_beam_is_greedy(variant):
    model = model_of(variant)
    rows = model.source_vocabulary.encode_rows(SENTENCES)
    for length_penalty in (0.0, 1.0):
        greedy = model.writer.search(rows, 1, length_penalty, model.max_length, 8)
        model.writer.searches[True], kept = model.writer.searches[False], model.writer.searches[True]
        one_beam = model.writer.search(rows, 1, length_penalty, model.max_length, 8)
        model.writer.searches[True] = kept
        assert greedy.rows == one_beam.rows
        np.testing.assert_allclose(greedy.scores, one_beam.scores, atol=SCORE_TOLERANCE)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_translation_does_not_depend_on_its_batch(beams):
    model = model_of("lstm")
    together, scores = model.translate(SENTENCES, beams, return_scores=True)
    for text, translation, score in zip(SENTENCES, together, scores, strict=True):
        [alone], own = model.translate(text, beams, return_scores=True)
        assert alone == translation
        assert own[0] == pytest.approx(score, abs=SCORE_TOLERANCE)
    assert model.translate(SENTENCES, beams, batch_size=4) == together


def test_a_longer_limit_only_adds_tokens():
    model = model_of("lstm")
    short, long = (model.translate(SENTENCES, max_length=limit) for limit in (3, 9))
    for first, second in zip(short, long, strict=True):
        assert second.startswith(first)

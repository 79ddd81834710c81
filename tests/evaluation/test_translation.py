"""Scores are sacrebleu's, and what cannot be scored is said clearly."""

import subprocess
import sys

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.evaluation import TranslationScores, translation_scores

sentences = st.lists(st.sampled_from(["the", "The", "cat", "sat", "on", "mat", ".", ",", "às", "$x$"]), max_size=12)
pairs = st.lists(st.tuples(sentences, sentences), min_size=1, max_size=8)


@settings(deadline=None, max_examples=50)
@given(pairs)
def test_scores_equal_those_of_sacrebleu(words: list[tuple[list[str], list[str]]]) -> None:
    translations, references = ([" ".join(pair[side]) for pair in words] for side in range(2))
    scores = translation_scores(translations, references)
    assert scores.bleu == sacrebleu.corpus_bleu(translations, [references]).score
    assert scores.chrf == sacrebleu.corpus_chrf(translations, [references]).score
    assert 0 <= scores.bleu <= 100 + 1e-9
    assert 0 <= scores.chrf <= 100 + 1e-9


def test_right_translations_have_a_hundred_and_wrong_ones_nothing() -> None:
    text = ["The cat sat on the mat.", "Às três horas da manhã."]
    bleu, chrf, *_ = translation_scores(text, text)
    assert (bleu, chrf) == (pytest.approx(100), pytest.approx(100))
    bleu, chrf, *_ = translation_scores(["", ""], text)
    assert (bleu, chrf) == (0, 0)


def test_bleu_of_one_wrong_word_is_what_the_paper_says() -> None:
    # Of 6 words 5 are right, of 5 pairs 3, of 4 triples 1, of 3 runs of four none, which counts as half a one.
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * (1 / 2) / 3) ** (1 / 4)
    assert translation_scores(["the cat sat at the mat"], ["the cat sat on the mat"]).bleu == pytest.approx(expected)


def test_the_signatures_tell_how_it_was_counted() -> None:
    scores = translation_scores(["a"], ["b"])
    assert scores.bleu_signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert scores.chrf_signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|")


def test_any_iterable_of_texts_will_do() -> None:
    expected = translation_scores(["a b c d"], ["a b c d"])
    assert isinstance(expected, TranslationScores)
    assert translation_scores(np.array(["a b c d"]), iter(["a b c d"])) == expected


@pytest.mark.parametrize(
    ("translations", "references", "error", "message"),
    [
        ([], [], ValueError, "no translations, expected at least one"),
        (["a", "b"], ["a"], ValueError, "2 translations and 1 references, expected as many of each"),
        ("ab", ["a", "b"], TypeError, "translations is one string, 'ab'"),
        (["a"], [["a"]], TypeError, r"references holds list, \['a'\], expected str"),
        ([None], ["a"], TypeError, "translations holds NoneType"),
    ],
)
def test_what_cannot_be_scored_is_said(translations, references, error, message: str) -> None:
    with pytest.raises(error, match=f"^translation_scores: {message}"):
        translation_scores(translations, references)


def test_a_missing_sacrebleu_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "sacrebleu"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ImportError, match=r"translation_scores needs sacrebleu.*'keras-seqkit\[evaluation\]'"):
        translation_scores(["a"], ["a"])


def test_importing_the_evaluation_imports_no_sacrebleu() -> None:
    code = (
        "import sys, keras_seqkit.evaluation as evaluation\n"
        "print(evaluation.translation_scores.__name__, 'sacrebleu' in sys.modules)"
    )
    received = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert received == "translation_scores False\n"

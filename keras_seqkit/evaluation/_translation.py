"""How good translations are: BLEU and chrF, as sacrebleu counts them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from keras_seqkit.evaluation._labels import need


class TranslationScores(NamedTuple):
    """Scores of translations, from 0 to 100, and how they were counted.

    Args:
        bleu: how many words and runs of up to four words are those of the references.
        chrf: the same of characters, in runs of up to six; it gives credit for half-right words.
        bleu_signature: sacrebleu's words for how BLEU was counted, to print beside it.
        chrf_signature: the same for chrF.

    Example:
        >>> scores = translation_scores(["Good morning to all."], ["Good morning to all."])
        >>> round(scores.bleu), round(scores.chrf)
        (100, 100)
    """

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str


def translation_scores(translations: Iterable[str], references: Iterable[str]) -> TranslationScores:
    """Score translations against what people wrote, over the whole corpus, with sacrebleu's own settings.

    Pass text as it is to be read, with capitals, and punctuation where it belongs: sacrebleu splits it into
    words itself. Scores compare only where the signatures, and the references, are the same.

    Args:
        translations: (batch,) str, what the model wrote.
        references: (batch,) str, the right translation of each.

    Returns:
        A `TranslationScores`: ``bleu``, ``chrf``, ``bleu_signature`` and ``chrf_signature``.

    Raises:
        ImportError: sacrebleu is not installed.
        TypeError: translations or references are one string, or hold something else than str.
        ValueError: there are none, or not as many of each.

    Example:
        >>> scores = translation_scores(["The cat sat on a mat."], ["The cat sat on the mat."])
        >>> 0 < scores.bleu < scores.chrf < 100
        True

    Source: Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", 2002; Popović,
    "chrF: character n-gram F-score for automatic MT evaluation", 2015; Post, "A Call for Clarity in Reporting
    BLEU Scores", 2018.
    """
    owner = "translation_scores"
    written = _texts(owner, "translations", translations)
    right = _texts(owner, "references", references)
    if len(written) != len(right):
        raise ValueError(
            f"{owner}: {len(written)} translations and {len(right)} references, expected as many of each. "
            "Pass one reference for each translation."
        )
    if not written:
        raise ValueError(f"{owner}: no translations, expected at least one. Pass those of the sentences of a test set.")
    metrics = need("sacrebleu.metrics", owner)
    bleu, chrf = metrics.BLEU(), metrics.CHRF()
    return TranslationScores(
        bleu=bleu.corpus_score(written, [right]).score,
        chrf=chrf.corpus_score(written, [right]).score,
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
    )


def _texts(owner: str, name: str, values: Iterable[Any]) -> list[str]:
    if isinstance(values, str | bytes):
        raise TypeError(f"{owner}: {name} is one string, {values[:20]!r}, expected a list of str.")
    texts = list(values)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(
                f"{owner}: {name} holds {type(text).__name__}, {text!r}, expected str. Pass one text for each "
                "sentence, joined from its words."
            )
    return [str(text) for text in texts]  # a str of NumPy is one of Python from here on

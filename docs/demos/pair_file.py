"""Reads sentence pairs from a file of the user's own, and deals them into three parts."""

from pathlib import Path

from text_file import DataError, read_content

from keras_seqkit.datasets import PairSplits, split_pairs
from keras_seqkit.text import filter_pairs

HELD_OUT = 0.1  # for each of validation and test
MOST_HELD_OUT = 500
LEAST_PAIRS = 30


def read_pairs(
    path: Path, max_words: int | None = None, is_swapped: bool = False, encoding: str = "utf-8", seed: int = 0
) -> PairSplits:
    """Reads a file with a sentence, a tab and its translation on each line, and deals the pairs into three parts.

    What stands behind a second tab is not read, nor are lines without a tab. No sentence is in two parts.

    Args:
        path: a text file.
        max_words: pairs with more words than that on a side are left out; `None`: no limit.
        is_swapped: whether the translation stands first.
        encoding: of the file, which may begin with a byte order mark.
        seed: of the dealing.

    Raises:
        DataError: there is no such file, it has another encoding, or too little is in it.
    """
    rows = [line.split("\t") for line in read_content(path, encoding).split("\n") if "\t" in line]
    sides = [[row[place] for row in rows] for place in ((1, 0) if is_swapped else (0, 1))]
    source, target = filter_pairs(*sides, max_words)
    different = len(set(zip(source, target, strict=True)))
    if different < LEAST_PAIRS:
        limit = "" if max_words is None else f", of at most {max_words} words on both sides (--max-words),"
        raise DataError(
            f"{path} has {different} different pairs{limit} in {len(rows)} lines with a tab; expected at least "
            f"{LEAST_PAIRS}. Each line is a sentence, a tab, and its translation."
        )
    held_out = min(MOST_HELD_OUT, max(1, round(HELD_OUT * different)))
    try:
        return split_pairs((source, target), held_out, held_out, seed)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error

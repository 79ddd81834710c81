"""Reads a text file of the user's own, and deals it into three parts."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from keras_seqkit.datasets import TextSplits

BYTE_ORDER_MARK = "\ufeff"
HELD_OUT = 0.1  # for each of validation and test
LEAST_LINES = 20
LEAST_CHARACTERS = 1_000  # of a file that is read as one text


class DataError(ValueError):
    """The user's file cannot be used; the message says why and what to do."""


def read_texts(path: Path, is_whole: bool = False, encoding: str = "utf-8", seed: int = 0) -> TextSplits:
    """Reads a file and deals it into 80 % for training, 10 % for validation and 10 % for the test.

    Args:
        path: a text file.
        is_whole: whether it is one text, cut into three pieces in its order; else each line that is not empty is a
            text, and lines are dealt at random, equal ones into the same part.
        encoding: of the file, which may begin with a byte order mark.
        seed: of the dealing.

    Raises:
        DataError: there is no such file, it has another encoding, or too little is in it.
    """
    text = read_content(path, encoding)
    if is_whole:
        if len(text) < LEAST_CHARACTERS:
            raise DataError(f"{path} has {len(text):,} characters; expected at least {LEAST_CHARACTERS:,}.")
        cuts = [0, round(len(text) * (1 - 2 * HELD_OUT)), round(len(text) * (1 - HELD_OUT)), len(text)]
        return TextSplits(*([text[start:end]] for start, end in pairwise(cuts)))
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    different = list(dict.fromkeys(lines))
    if len(different) < LEAST_LINES:
        raise DataError(
            f"{path} has {len(different)} different lines; expected at least {LEAST_LINES}, each a text of its own. "
            "Pass --whole where the file is one text."
        )
    return _deal(lines, different, seed)


def read_content(path: Path, encoding: str, kind: str = "text") -> str:
    r"""Reads a text file of the user's; lines end in ``\n``, whatever they ended in.

    Args:
        path: the file.
        encoding: of the file, which may begin with a byte order mark.
        kind: what such a file is called.

    Raises:
        DataError: there is no such file, or it has another encoding.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}. Pass the path of a {kind} file with --data.")
    try:
        return path.read_text(encoding).removeprefix(BYTE_ORDER_MARK)
    except LookupError as error:
        raise DataError(f"--encoding {encoding!r} is not known to Python. Try utf-8, cp1252 or utf-16.") from error
    except UnicodeError as error:
        raise DataError(
            f"{path} is not {encoding} ({error}). If it was written on Windows, try --encoding cp1252; for 'Unicode "
            "text' of a spreadsheet, --encoding utf-16. Or convert it: iconv -f cp1252 -t utf-8 "
            f"{shlex.quote(str(path))} > new{path.suffix}"
        ) from error


def _deal(lines: Sequence[str], different: list[str], seed: int) -> TextSplits:
    count = max(1, round(HELD_OUT * len(different)))
    order = np.random.default_rng(seed).permutation(len(different)).tolist()
    test = {different[place] for place in order[:count]}
    validation = {different[place] for place in order[count : 2 * count]}
    held_out = test | validation
    return TextSplits(
        [line for line in lines if line not in held_out],
        [line for line in lines if line in validation],
        [line for line in lines if line in test],
    )

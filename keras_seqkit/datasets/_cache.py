"""The cache: a file is in it whole and right, or not at all."""

import hashlib
import os
import secrets
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from keras_seqkit.held_files import create_held, remove_left_behind

SCRATCH_PREFIX = ".fetch-"
LOCK_SUFFIX = ".lock"
LIFETIME_WITHOUT_LOCK_SECONDS = 24 * 60 * 60  # no fetch takes a day: an older scratch folder was left by a killed one


class FetchError(RuntimeError):
    """A data file could not be fetched, or what came is not what was expected."""


def cache_folder() -> Path:
    r"""Return the folder that fetched files are kept in; it need not exist yet.

    Returns:
        ``$KERAS_SEQKIT_CACHE`` if set, else ``$XDG_CACHE_HOME/keras-seqkit`` (a relative ``$XDG_CACHE_HOME``
        counts as unset, as its specification asks), else the platform's own: ``~/.cache/keras-seqkit``,
        ``~/Library/Caches/keras-seqkit`` on macOS, ``%LOCALAPPDATA%\keras-seqkit`` on Windows.

    Example:
        >>> import os
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, {"KERAS_SEQKIT_CACHE": "corpora"}):
        ...     cache_folder().name
        'corpora'
    """
    chosen = os.environ.get("KERAS_SEQKIT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg and Path(xdg).is_absolute():
        return Path(xdg) / "keras-seqkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "keras-seqkit"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "keras-seqkit"
    return Path.home() / ".cache" / "keras-seqkit"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cached(files: Mapping[str, str], make: Callable[[Path], None]) -> list[Path]:
    """Return the cached files, making them first where one is missing or damaged.

    Each file is hashed whole at every call: 0.15 s for the largest (170 MB), where reading its words takes
    seconds. So nothing has to be trusted beside the code: no sidecar, no size, no time stamp.

    Files are made in a scratch folder of their own inside the cache, checked, synced to disk and then
    renamed. So a killed process leaves no half file under the real name, and processes that fetch at once
    only do work twice.

    Args:
        files: the SHA-256 that each file must have, in hexadecimal, by file name.
        make: receives an empty folder and makes files with these names in it.

    Returns:
        The path of each file in the cache folder, in the order of ``files``.

    Raises:
        FetchError: the cache folder cannot be written, or what ``make`` made has another digest.
    """
    folder = cache_folder()
    targets = {folder / name: sha256 for name, sha256 in files.items()}
    if all(_is_whole(target, sha256) for target, sha256 in targets.items()):
        return list(targets)
    with scratch_folder(folder) as scratch:
        make(scratch)
        for target, sha256 in targets.items():
            made = scratch / target.name
            require_sha256(made, sha256, target.name)
            with made.open("rb+") as stream:
                os.fsync(stream.fileno())
            _put_in_place(made, target, sha256)
    return list(targets)


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Make an empty folder inside the cache, and remove it in the end; what killed processes left goes first.

    A file beside it is held meanwhile, by which other processes see that it is in use.

    Args:
        folder: the cache; it is made where it is not there.

    Raises:
        FetchError: the cache cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        lock, descriptor = _hold_lock(folder)
        scratch = lock.with_suffix("")
        scratch.mkdir()
    except OSError as error:
        raise FetchError(
            f"The cache folder {folder} cannot be written ({error}). Set KERAS_SEQKIT_CACHE to a folder that can."
        ) from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(descriptor)
        lock.unlink(missing_ok=True)


def _hold_lock(folder: Path) -> tuple[Path, int]:
    while True:
        lock = folder / f"{SCRATCH_PREFIX}{secrets.token_hex(8)}{LOCK_SUFFIX}"
        descriptor, is_held = create_held(lock)
        if not is_held:  # no locks here: its age has to tell
            lock.unlink(missing_ok=True)
        if lock.exists() or not is_held:
            return lock, descriptor
        os.close(descriptor)  # it was taken for left behind before it was held


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    is_whole = sha256_of(path) == sha256
    if not is_whole:
        warnings.warn(f"{path} is damaged (its SHA-256 is wrong): it is fetched anew.", stacklevel=4)
    return is_whole


def require_sha256(path: Path, sha256: str, what: str) -> None:
    """Raise `FetchError` unless the file has the digest."""
    received = sha256_of(path)
    if received != sha256:
        raise FetchError(
            f"{what}: expected SHA-256 {sha256}, received {received}, of {path.stat().st_size:,} bytes. "
            "It is not the file that this version of keras-seqkit was made for, so it is not used. Look at "
            "what your package index or mirror serves, and try again."
        )


def _put_in_place(made: Path, target: Path, sha256: str) -> None:
    try:
        made.replace(target)
    except PermissionError:
        # Windows does not replace a file that another process reads. If that one is right, nothing is
        # missing.
        if not (target.is_file() and sha256_of(target) == sha256):
            raise


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind; what others are using stays."""
    for lock in folder.glob(f"{SCRATCH_PREFIX}*{LOCK_SUFFIX}"):
        remove_left_behind(lock, lock.with_suffix(""))
    oldest = time.time() - LIFETIME_WITHOUT_LOCK_SECONDS
    for left in folder.glob(f"{SCRATCH_PREFIX}*"):
        try:
            is_old = left.stat().st_mtime < oldest
        except FileNotFoundError:  # another process has just finished with it
            continue
        if is_old and left.is_dir() and not left.with_name(left.name + LOCK_SUFFIX).exists():
            shutil.rmtree(left, ignore_errors=True)

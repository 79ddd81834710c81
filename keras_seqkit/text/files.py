"""Files that are either whole or not there."""

import os
import re
import secrets
from pathlib import Path

from keras_seqkit.held_files import create_held, remove_left_behind

_TEMPORARY = re.compile(r"\.keras-seqkit-[0-9a-f]{16}\.part")


def write_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part.

    The content is written under another name in the same folder first. What killed processes have left there under
    such names is removed; what others are writing stays.

    Args:
        path: where the file is to be.
        content: its bytes.

    Raises:
        OSError: the disk is full or the folder cannot be written; an old file stays as it was.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    for temporary in _temporaries(path.parent):
        remove_left_behind(temporary)
    while not _write(path, content):
        pass


def _temporaries(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder) if _TEMPORARY.fullmatch(name)]
    except PermissionError:  # a folder may be writable and yet not be listed
        return []


def _write(path: Path, content: bytes) -> bool:
    """Returns whether the file was written: not so where another process took the new one for left behind."""
    temporary = path.with_name(f".keras-seqkit-{secrets.token_hex(8)}.part")
    try:
        descriptor, _ = create_held(temporary)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(temporary: Path, path: Path) -> bool:
    """Returns whether the file was still there: it is held no longer, as Windows replaces no open one."""
    try:
        if path.exists():
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except FileNotFoundError:
        if temporary.exists():
            raise
        return False
    return True

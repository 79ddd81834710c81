"""Files that are either whole or not there."""

import os
import secrets
from pathlib import Path


def write_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part.

    Args:
        path: where the file is to be.
        content: its bytes.

    Raises:
        OSError: the disk is full or the folder cannot be written; an old file stays as it was.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""Files that a running process holds, told from those that a killed one left behind.

A process holds a file by a lock (`flock`), which ends with the process, however it ends: no age has to be guessed, and
no process id, which a later process may have too. Windows has no `flock`, and needs none: there no file can be removed
that a process has open. On a file system without locks nothing is taken for left behind. A lock is held by the children
too that a process has forked meanwhile, until the last has ended.
"""

import os
import shutil
import sys
from pathlib import Path

if sys.platform == "win32":

    def _lock(_descriptor: int, _wait: bool) -> None:
        pass
else:
    import fcntl

    def _lock(descriptor: int, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


_NO_LINK_NO_PIPE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def create_held(path: Path) -> tuple[int, bool]:
    """Creates a file that this process holds until it closes it.

    Before it is locked, another process may take it for left behind and remove it. So look whether it is still there
    before you rely on its name; after this call, nobody removes it any more.

    Args:
        path: the file.

    Returns:
        A file descriptor, open for writing; and whether the file is held: not where the file system has no locks.

    Raises:
        OSError: the file is there already, or cannot be created.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _lock(descriptor, True)  # it waits for none but who removes the file
    except OSError:
        return descriptor, False
    return descriptor, True


def remove_left_behind(path: Path, folder: Path | None = None) -> None:
    """Removes a file that nobody holds; one that cannot be removed, another user's for one, stays.

    Args:
        path: what `create_held` has created, under a name that is used once.
        folder: what goes with the file, and is removed before it; if something of it stays, so does the file.
    """
    try:
        if sys.platform == "win32":
            path.unlink()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            return
        descriptor = os.open(path, os.O_RDWR | _NO_LINK_NO_PIPE)
        try:
            _lock(descriptor, False)
            if folder is not None and folder.exists():
                shutil.rmtree(folder)
            path.unlink()
        finally:
            os.close(descriptor)
    except OSError:  # held, or just removed by its owner, or another user's, or where there are no locks
        return

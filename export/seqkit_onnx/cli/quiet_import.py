"""Imports TensorFlow without what it writes meanwhile."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_EVERYTHING = "0"


@contextmanager
def quiet_import() -> Iterator[None]:
    """Holds back what is written to the standard error while the block runs, and shows it if the block fails.

    TensorFlow writes some lines before it looks at TF_CPP_MIN_LOG_LEVEL, which is set to errors only where nothing else
    was chosen. Whoever has set it to 0 sees everything.
    """
    if os.environ.setdefault(_LEVEL, "3") == _EVERYTHING:
        yield
        return
    terminal = os.dup(2)
    failed = True
    with tempfile.TemporaryFile() as said:
        sys.stderr.flush()
        os.dup2(said.fileno(), 2)
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            if failed:
                said.seek(0)
                os.write(2, said.read())

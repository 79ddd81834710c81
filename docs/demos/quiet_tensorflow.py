"""Imports TensorFlow without the lines that it writes while it is imported; if the import fails, they are shown."""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for all that comes after the import

_terminal = os.dup(2)
with tempfile.TemporaryFile() as _said:
    sys.stderr.flush()
    os.dup2(_said.fileno(), 2)
    _is_imported = False
    try:
        import tensorflow  # noqa: F401

        _is_imported = True
    finally:
        os.dup2(_terminal, 2)
        os.close(_terminal)
        if not _is_imported:
            _said.seek(0)
            os.write(2, _said.read())

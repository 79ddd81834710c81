"""Runs one of the programs beside this file in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def run_elsewhere(program: Path, *arguments: object, texts: Iterable[str] = ()) -> str:
    """Runs a program in another process.

    Args:
        program: a Python file.
        arguments: what it gets.
        texts: what it reads, one a line.

    Returns:
        What it printed.

    Raises:
        RuntimeError: it failed; the message holds what it said.
    """
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)],
        input="".join(f"{text}\n" for text in texts),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stderr}")
    return done.stdout

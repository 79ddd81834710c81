"""Run a program that ends with this process, however this process ends."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from keras_seqkit.datasets import _ends_with_parent


def run_child(
    command: list[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> tuple[int, str]:
    """Run a program to its end; return its exit status and its standard error.

    Where this process is killed meanwhile, the program and all that it has started are killed too: a small process in
    between, `_ends_with_parent`, reads from a pipe that breaks then.

    Args:
        command: the program and its arguments; no shell reads them.
        cwd: the folder that it runs in.
        env: its environment; `None`: that of this process.
        on_line: receives each line of its standard output.
    """
    between = [sys.executable, "-I", "-S", _ends_with_parent.__file__]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(  # noqa: S603 - a fixed command line, no shell
            [*between, *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a group of its own, which is killed as a whole
        )
        with process:
            try:
                for line in process.stdout or ():
                    if on_line is not None:
                        on_line(line)
                status = process.wait()
            finally:  # an interrupt from the keyboard, for one
                if process.poll() is None:
                    _kill(process)
        errors.seek(0)
        return status, errors.read().strip()


def _kill(process: subprocess.Popen) -> None:
    if sys.platform == "win32":
        process.communicate()  # its input ends, and so it ends what it has started, and itself
    else:
        os.killpg(process.pid, signal.SIGKILL)

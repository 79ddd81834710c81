"""Runs a program until it ends, or until the process that started this one has ended: run as a script, by `_child`.

No operating system ends children with their parent everywhere. But each closes the pipes of a process that ends, and
what reads from them sees it: this one's standard input is such a pipe, in which nothing is ever written.
"""

import os
import subprocess
import sys
import threading


def main(command: list[str]) -> None:
    """Runs the program in this process's group; ends with its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - what `_child` was asked for
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    status = child.wait()
    os._exit(status if status >= 0 else 128 - status)  # as a shell says it; the thread is not waited for


def _end_with_parent(child: subprocess.Popen) -> None:
    os.read(0, 1)
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(child.pid)], check=False)  # noqa: S603, S607
        os._exit(1)
    os.killpg(0, 9)


if __name__ == "__main__":
    main(sys.argv[1:])

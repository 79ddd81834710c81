"""One line that tells how far a download is."""

import sys
from types import TracebackType
from typing import Self

BAR_WIDTH = 30


class Progress:
    """A progress bar on standard error; where that is no terminal, one plain line at the start.

    Args:
        title: what is fetched.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.is_live = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        if self.is_live:
            self._show(f"{self.title} ...")
        else:
            sys.stderr.write(f"Fetching {self.title}\n")
            sys.stderr.flush()
        return self

    def update(self, done: int, total: int) -> None:
        """Show ``done`` of ``total`` bytes; a ``total`` of 0 is unknown."""
        if not self.is_live:
            return
        if total <= 0:
            self._show(f"{self.title} {done / 1e6:.1f} MB")
            return
        share = min(done / total, 1.0)
        bar = "#" * round(share * BAR_WIDTH)
        self._show(f"{self.title} [{bar:-<{BAR_WIDTH}}] {share:4.0%} {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def _show(self, line: str) -> None:
        if line != self._shown:
            sys.stderr.write(f"\r{line:<{len(self._shown)}}")
            sys.stderr.flush()
            self._shown = line

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.is_live:
            sys.stderr.write("\n")
            sys.stderr.flush()

"""A warning that one thread does not want for a while."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Of a sample of one step. What a softmax of one number is for is for the user to know, who was told when it was built.
SOFTMAX_OF_ONE = "You are using a softmax over axis .* has size 1"


@contextmanager
def ignored_here(message: str) -> Iterator[None]:
    """Ignores warnings within a block, in this thread alone.

    `warnings.catch_warnings` changes the filters of all threads, and where two threads overlap, the filters of one stay
    for good. Here one filter is put in front of the others and taken away again, and it knows its thread.

    Args:
        message: a regular expression that the warning's text begins with.
    """
    filters: list = warnings.filters  # type: ignore[assignment]  # a list, as filterwarnings needs it to be
    own = ("ignore", _Here(message), Warning, None, 0)
    filters.insert(0, own)
    try:
        yield
    finally:
        own[1].wanted = False  # another thread may have made a copy of the filters
        for each in (filters, warnings.filters):
            if own in each:
                each.remove(own)  # type: ignore[attr-defined]


class _Here:
    """Stands where a filter has its regular expression, and matches in one thread."""

    def __init__(self, message: str):
        self._pattern = re.compile(message)
        self._thread = threading.get_ident()
        self.wanted = True

    def match(self, text: str) -> bool:
        return self.wanted and threading.get_ident() == self._thread and self._pattern.match(text) is not None

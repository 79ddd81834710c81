"""The order in which things that are compared are timed."""

import time
from collections.abc import Iterator, Mapping
from typing import TypeVar

PAUSE = 0.06  # seconds; onnxruntime's threads, when they wait for work, were seen to hold a core for 50 ms

Candidate = TypeVar("Candidate")


def turns(candidates: Mapping[str, Candidate], rounds: int) -> Iterator[tuple[str, Candidate]]:
    """Yields all candidates in each round, each after a pause, in which the threads of the one before go to sleep.

    Without the pause, of two equal files the one that came after another of onnxruntime took up to twice as long.
    """
    for _ in range(rounds):
        for name, candidate in candidates.items():
            time.sleep(PAUSE)
            yield name, candidate

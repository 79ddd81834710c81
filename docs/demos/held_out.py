"""Texts that training never saw, drawn by a seed: some that were labelled rightly, and some wrongly."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from printing import shortened

from keras_seqkit.datasets import LabelledTexts

SHOWN = 4  # of each kind
LONGEST_LABEL = 24


class Draw(NamedTuple):
    """Some texts of one kind.

    Args:
        kind: what they have in common.
        places: of those that were drawn, in their order.
        count: how many there are.
    """

    kind: str
    places: list[int]
    count: int


def draw(true: Sequence[str], predicted: Sequence[str], seed: int, most: int = SHOWN) -> list[Draw]:
    """Draws places of texts with a right label, then of texts with a wrong one.

    Args:
        true: the labels of all texts.
        predicted: their labels by the model.
        seed: another one draws others.
        most: how many of each kind.
    """
    random = np.random.default_rng(seed)
    equal = [left == right for left, right in zip(true, predicted, strict=True)]
    draws = []
    for kind, is_right in (("right", True), ("wrong", False)):
        places = [place for place, each in enumerate(equal) if each is is_right]
        drawn = sorted(random.permutation(places)[:most].astype(int).tolist())
        draws.append(Draw(kind, drawn, len(places)))
    return draws


def table_of(draws: Sequence[Draw], test: LabelledTexts, label: Callable[[list[str]], list[str]]) -> list[str]:
    """Returns lines: the true label of each text beside what another program says of it.

    Args:
        draws: what is shown.
        test: all texts with their labels.
        label: from texts to a line for each; lines after those are shown at the end.
    """
    places = [place for each in draws for place in each.places]
    said = label([test.texts[place] for place in places])
    names = [shortened(test.labels[place], LONGEST_LABEL) for place in places]
    width = max(map(len, ["true", *names]))
    rows = [f"{name:{width}} | {line}" for name, line in zip(names, said, strict=False)]
    lines = [f"{'true':{width}} | the file's label, how sure it is of it, and the text"]
    for each in draws:
        lines.append(f"{each.kind}: {len(each.places)} of {each.count:,}")
        lines += rows[: len(each.places)]
        rows = rows[len(each.places) :]
    return lines + said[len(places) :]

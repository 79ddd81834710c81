"""What the pictures share: colours, and files that are whole or not there."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from keras_seqkit.evaluation._labels import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which people with any colour vision tell apart.
BLUE = "#0072B2"
VERMILION = "#D55E00"
INK = "#333333"
GRID = "#dddddd"

DOTS_PER_INCH = 150


def new_figure(width: float, height: float, owner: str) -> "Figure":
    """Return a figure, in inches, that belongs to no window and no global list."""
    figure = need("matplotlib.figure", owner)
    return figure.Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")


def write_png(figure: "Figure", path: str | os.PathLike[str], owner: str) -> None:
    """Write a PNG file: to a temporary file beside it, which then takes its name. Missing folders are made."""
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise ValueError(f"{owner}: path is {str(target)!r}, expected a name that ends in .png. Name it so.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        made = Path(folder) / target.name
        figure.savefig(made, format="png", bbox_inches="tight", pad_inches=0.12)
        made.replace(target)


def shortened(name: str, longest: int) -> str:
    """Cut a long name in its middle, where it says least.

    Example:
        >>> shortened("a rather long label name", 12), shortened("short", 12)
        ('a rathe…name', 'short')
    """
    name = " ".join(name.split())
    if len(name) <= longest:
        return name
    tail = (longest - 1) * 4 // 9
    return f"{name[: longest - 1 - tail].rstrip()}…{name[len(name) - tail :]}"

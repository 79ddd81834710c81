"""Which source words a translator looked at."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_seqkit.evaluation._pictures import INK, new_figure, shortened, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_TOKEN = 20  # characters; longer ones are cut in the middle
POINTS_PER_INCH = 72
LONGEST_BAR = 4.0  # inches
LETTER_WIDTH = 0.6  # of the font size, in matplotlib's default font
TOLERANCE = 1e-2  # weights of half precision miss 0 and 1 by less
SPACE_SIGN = "␣"  # seen in place of a token that is white space alone


def plot_attention(
    attention: Any,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw which source words each target word was written from.

    A row is a target word, a column a source word; the darker a cell, the greater the weight.

    Args:
        attention: (target time, source time) float, from 0 to 1: the weights of one sentence, without padding.
        source_tokens: (source time,) str, the words above the columns.
        target_tokens: (target time,) str, the words beside the rows.
        path: PNG file to write, whole or not at all; None writes none.
        title: a line above the picture.

    Returns:
        The ``matplotlib.figure.Figure``. It needs no display, and pyplot knows nothing of it. What the font
        has no sign for, an emoji for one, is drawn as a box, and matplotlib warns of it.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: the tokens are one string, or hold something else than str.
        ValueError: the shape is not that of the tokens, there are none, weights are not between 0 and 1, or
            ``path`` is not a .png.

    Example:
        >>> figure = plot_attention([[0.9, 0.1], [0.2, 0.8]], ["bom", "dia"], ["good", "day"])
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['bom', 'dia']

    Source: the pictures in Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align
    and Translate", 2015.
    """
    owner = "plot_attention"
    columns = _names(owner, "source_tokens", source_tokens)
    rows = _names(owner, "target_tokens", target_tokens)
    weights = _weights(owner, attention, len(rows), len(columns))  # (target time, source time)

    cell = float(np.clip(9.0 / max(len(rows), len(columns)), 0.24, 0.5))  # inches
    size = float(np.clip(cell * POINTS_PER_INCH * 0.6, 7.5, 11))
    letter = size * LETTER_WIDTH / POINTS_PER_INCH
    beside, above = (max(map(len, names)) * letter for names in (rows, columns))
    width = max(cell * len(columns) + beside + 1.9, 3.4)
    figure = new_figure(width, max(cell * len(rows) + above + 0.9, 2.6) + (0.3 if title else 0.0), owner)
    axes = figure.add_subplot()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    _name_axes(axes, columns, rows, size, slanted=max(map(len, columns)) * letter > 0.9 * cell)
    if title:
        axes.set_title(title, parse_math=False, color=INK, pad=10)
    bar = figure.colorbar(image, ax=axes, shrink=min(0.9, LONGEST_BAR / (cell * len(rows))), aspect=18, pad=0.03)
    bar.set_label("attention", color=INK)
    bar.set_ticks([0, 0.5, 1])
    bar.ax.tick_params(color=INK, labelcolor=INK)
    bar.outline.set_visible(False)
    if path is not None:
        write_png(figure, path, owner)
    return figure


def _names(owner: str, name: str, tokens: Sequence[Any]) -> list[str]:
    if isinstance(tokens, str | bytes):
        raise TypeError(f"{owner}: {name} is one string, {tokens[:20]!r}, expected a list of its tokens.")
    names = []
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(f"{owner}: {name} holds {type(token).__name__}, {token!r}, expected str.")
        seen = "".join(char if char.isprintable() else " " for char in token)
        names.append(shortened(seen, LONGEST_TOKEN) or SPACE_SIGN)
    if not names:
        raise ValueError(f"{owner}: {name} is empty, expected at least one token.")
    return names


def _weights(owner: str, attention: Any, rows: int, columns: int) -> np.ndarray:
    weights = np.asarray(attention, dtype=float)
    if weights.shape != (rows, columns):
        raise ValueError(
            f"{owner}: attention has the shape {weights.shape}, expected ({rows}, {columns}): a row for each of "
            f"{rows} target_tokens, a column for each of {columns} source_tokens. Pass one sentence, and cut padding "
            "off: attention[: len(target_tokens), : len(source_tokens)]."
        )
    if not (np.isfinite(weights).all() and weights.min() >= -TOLERANCE and weights.max() <= 1 + TOLERANCE):
        raise ValueError(
            f"{owner}: attention goes from {weights.min():g} to {weights.max():g}, expected weights between 0 and 1. "
            "Pass them as they are after the softmax."
        )
    return weights


def _name_axes(axes: "Axes", columns: list[str], rows: list[str], size: float, slanted: bool) -> None:
    style: dict[str, Any] = {"fontsize": size, "color": INK, "parse_math": False}
    slant = {"rotation": 60, "ha": "left", "va": "bottom", "rotation_mode": "anchor"} if slanted else {}
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(len(columns)), columns, **style, **slant)
    axes.set_yticks(range(len(rows)), rows, **style)
    axes.set_xlabel("source", color=INK, fontsize=11, labelpad=7)
    axes.set_ylabel("target", color=INK, fontsize=11)
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e4e4e4", linewidth=0.6)
    axes.tick_params(which="minor", length=0, top=False)

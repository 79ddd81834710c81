"""Which classes are taken for which."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_seqkit.evaluation._labels import CheckedLabels, check_labels, need
from keras_seqkit.evaluation._pictures import INK, new_figure, shortened, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_NAME = 28  # characters; longer ones are cut in the middle
SMALLEST_PRINT = 5.0  # points; numbers that would need a smaller print are left out
POINTS_PER_INCH = 72
DIGIT_WIDTH = 0.64  # of the font size, in matplotlib's default font
DARK_PRINT, LIGHT_PRINT = "#000000", "#ffffff"
DARK_BELOW = 0.179  # relative luminance of a shade on which both prints have the same contrast


def confusion_matrix(
    true_labels: Iterable[Any], predicted_labels: Iterable[Any], labels: Iterable[Any] | None = None
) -> np.ndarray:
    """Count how often each class was predicted as each.

    Args:
        true_labels: (batch,) str or int.
        predicted_labels: (batch,) of the same kind.
        labels: all classes, in the order of rows and columns; left out, those that occur, sorted.

    Returns:
        (classes, classes) int64: a row for each true class, a column for each predicted one.

    Raises:
        TypeError: labels are neither str nor int, or both.
        ValueError: lengths differ, there are no labels, or one is not in ``labels``.

    Example:
        >>> confusion_matrix(["fresh", "rotten", "fresh"], ["fresh", "fresh", "fresh"])
        array([[2, 0],
               [1, 0]])
    """
    return _count(check_labels("confusion_matrix", true_labels, predicted_labels, labels))


def plot_confusion_matrix(
    true_labels: Iterable[Any],
    predicted_labels: Iterable[Any],
    path: str | os.PathLike[str] | None = None,
    labels: Iterable[Any] | None = None,
    normalize: bool = False,
    title: str | None = None,
) -> "Figure":
    """Draw how often each class was predicted as each.

    The shade of a cell is always its share of the true class, so that rare classes are seen as well as
    frequent ones. Numbers are written where they fit.

    Args:
        true_labels: (batch,) str or int.
        predicted_labels: (batch,) of the same kind.
        path: PNG file to write, whole or not at all; None writes none.
        labels: all classes, in the order of rows and columns; left out, those that occur, sorted.
        normalize: write per cent of the true class in the cells, in place of counts.
        title: a line above the picture.

    Returns:
        The ``matplotlib.figure.Figure``. It needs no display, and pyplot knows nothing of it.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: labels are neither str nor int, or both.
        ValueError: lengths differ, there are no labels, one is not in ``labels``, or ``path`` is not a .png.

    Example:
        >>> figure = plot_confusion_matrix([0, 1, 1], [0, 1, 0], title="Two classes")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '0', '1', '1']
    """
    owner = "plot_confusion_matrix"
    checked = check_labels(owner, true_labels, predicted_labels, labels)
    counts = _count(checked)  # (classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (classes, classes)
    names = [shortened(str(name), LONGEST_NAME) for name in checked.classes]

    cell = _cell_inches(len(names))
    name_size = float(np.clip(cell * POINTS_PER_INCH * 0.62, 6.5, 11))
    margin = 0.6 + max(map(len, names)) * name_size * 0.6 / POINTS_PER_INCH
    side = cell * len(names)
    figure = new_figure(max(side + margin + 1.1, 4.2), max(side + margin + 0.3, 3.0), owner)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _name_axes(axes, names, name_size)
    written = [
        [_in_cell(*both, normalize) for both in zip(*rows, strict=True)]
        for rows in zip(counts.tolist(), shares.tolist(), strict=True)
    ]
    _write_cells(axes, written, image.to_rgba(shares), cell)
    if title:
        axes.set_title(title, parse_math=False, color=INK, pad=10)
    bar = figure.colorbar(image, ax=axes, shrink=min(0.85, 3 / side + 0.25), aspect=24, pad=0.03)
    bar.set_label("share of the true class" + (" (numbers: %)" if normalize else ""), color=INK)
    bar.ax.yaxis.set_major_formatter(need("matplotlib.ticker", owner).PercentFormatter(1))
    bar.outline.set_visible(False)
    if path is not None:
        write_png(figure, path, owner)
    return figure


def _count(checked: CheckedLabels) -> np.ndarray:
    place = {label: index for index, label in enumerate(checked.classes)}
    classes = len(place)
    cells = [
        place[true] * classes + place[predicted]
        for true, predicted in zip(checked.true, checked.predicted, strict=True)
    ]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)  # (classes, classes)


def _cell_inches(classes: int) -> float:
    """Large cells for few classes; many classes make the picture larger, but not without end."""
    return float(np.clip(6.0 / classes, 0.21, 1.1))


def _name_axes(axes: "Axes", names: list[str], size: float) -> None:
    columns: dict[str, Any] = {}
    if len(names) > 25:
        columns = {"rotation": 90}
    elif max(map(len, names)) * size * 0.6 > 0.9 * _cell_inches(len(names)) * POINTS_PER_INCH:
        columns = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, fontsize=size, color=INK, parse_math=False, **columns)
    axes.set_yticks(range(len(names)), names, fontsize=size, color=INK, parse_math=False)
    axes.set_xlabel("predicted", color=INK, fontsize=11)
    axes.set_ylabel("true", color=INK, fontsize=11)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#e4e4e4", linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _in_cell(count: int, share: float, normalize: bool) -> str:
    if not normalize:
        return f"{count:,}"
    per_cent = f"{100 * share:.0f}"
    return "<1" if count and per_cent == "0" else per_cent


def _write_cells(axes: "Axes", written: list[list[str]], colours: np.ndarray, cell: float) -> None:
    """Write the numbers, each as large as its cell allows and not larger than is good to read."""
    hide_zeros = len(written) > 2
    points = cell * POINTS_PER_INCH
    for row, texts in enumerate(written):
        for column, text in enumerate(texts):
            if hide_zeros and text == "0":
                continue
            size = min(12.0, points * 0.5, points * 0.9 / (len(text) * DIGIT_WIDTH))
            if size < SMALLEST_PRINT:
                continue
            colour = LIGHT_PRINT if _luminance(colours[row, column]) < DARK_BELOW else DARK_PRINT
            number = axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
            number.set_in_layout(False)  # it lies inside the axes: measuring thousands takes seconds


def _luminance(colour: np.ndarray) -> float:
    """Relative luminance of an sRGB colour, as the Web Content Accessibility Guidelines define it."""
    channels = np.asarray(colour[:3], dtype=float)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])

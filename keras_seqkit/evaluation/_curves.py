"""How training went."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_seqkit.evaluation._labels import need
from keras_seqkit.evaluation._pictures import BLUE, GRID, INK, VERMILION, new_figure, shortened, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VALIDATION = "val_"
COLUMNS = 3
LONGEST_NAME = 40
LOG_FROM_RATIO = 100  # values that spread over more than this factor are drawn on a logarithmic scale
POINTS_UP_TO = 40  # epochs; more of them are drawn without a point for each
MORE_IS_BETTER = (
    "acc", "auc", "precision", "recall", "f1", "fbeta", "f_score", "iou", "bleu", "chrf", "r2", "cosine", "specificity",
)  # fmt: skip
NOT_A_SCORE = ("learning_rate", "lr")


class Series(NamedTuple):
    """One line of a picture."""

    name: str
    epochs: list[int]
    values: list[float]


def plot_training_curves(
    history: Any,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    *,
    kept_epoch: int | None = None,
) -> "Figure":
    """Draw the loss and each metric over the epochs, each with its validation pair, the best epoch marked.

    The best epoch is that of the validation values where there are some, else of the training values. It is
    the highest for accuracies, precision, recall, F1, AUC, BLEU and their like, told by name, and the lowest
    for all else. Values that spread widely are drawn on a logarithmic scale; values that are not finite leave
    a gap.

    Args:
        history: what ``model.fit`` returned, or its ``.history``: a list of numbers for each name.
        path: PNG file to write, whole or not at all; None writes none.
        title: a line above the picture.
        kept_epoch: the epoch, counted from 1 as in the picture, whose weights the model has. It is marked in each
            panel, in place of the panel's best.

    Returns:
        The ``matplotlib.figure.Figure``, one panel for each metric. It needs no display, and pyplot knows
        nothing of it.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: ``history`` is something else, or holds something else than numbers.
        ValueError: it has no epochs, or not that which was kept, or ``path`` is not a .png.

    Example:
        >>> figure = plot_training_curves({"loss": [0.9, 0.5, 0.3], "val_loss": [0.8, 0.6, 0.7]})
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['training', 'validation', 'best: 0.6 in epoch 2']
    """
    owner = "plot_training_curves"
    series = _series(history, owner)
    epochs = sorted({epoch for line in series.values() for epoch in line.epochs})
    if kept_epoch is not None and kept_epoch not in epochs:
        raise ValueError(
            f"{owner}: kept_epoch must be one of the history's epochs, {epochs[0]} to {epochs[-1]}; received "
            f"{kept_epoch!r}. The first epoch of a training is 1."
        )
    panels = _panels(series)
    columns = min(len(panels), COLUMNS)
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(4.4 * columns + 0.4, 3.3 * rows + (0.4 if title else 0.0), owner)
    for place, lines in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, columns, place)
        _draw_panel(axes, lines, kept_epoch, owner)
    if title:
        figure.suptitle(title, parse_math=False, color=INK)
    if path is not None:
        write_png(figure, path, owner)
    return figure


def _series(history: Any, owner: str) -> dict[str, Series]:
    values_of = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(values_of, Mapping):
        raise TypeError(
            f"{owner}: history is {type(history).__name__}, expected what model.fit returned, or its .history."
        )
    checked = {str(name): _numbers(owner, str(name), values) for name, values in values_of.items()}
    length = max(map(len, checked.values()), default=0)
    if length == 0:
        raise ValueError(f"{owner}: history has no epochs, expected at least one. Call it after model.fit.")
    numbered = list(getattr(history, "epoch", None) or [])
    epochs = [epoch + 1 for epoch in numbered] if len(numbered) == length else list(range(1, length + 1))
    series = {}
    for name, values in checked.items():
        if values:  # with fit(validation_freq=n), there is a value for each n-th epoch
            step = length // len(values)
            series[name] = Series(name, epochs[step - 1 :: step][: len(values)], values)
    return series


def _numbers(owner: str, name: str, values: Any) -> list[float]:
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise TypeError(f"{owner}: {name!r} is {type(values).__name__}, expected a list of numbers.")
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{owner}: {name!r} holds what is no number: {list(values)[:3]!r}.") from error


def _panels(series: dict[str, Series]) -> list[list[Series]]:
    """Put each training series beside its validation series: loss first, what is no score last."""
    names = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in series))
    names.sort(key=lambda name: (name in NOT_A_SCORE, name != "loss"))
    return [[series[full] for full in (name, VALIDATION + name) if full in series] for name in names]


def _draw_panel(axes: "Axes", lines: Sequence[Series], kept_epoch: int | None, owner: str) -> None:
    name = lines[0].name.removeprefix(VALIDATION)
    for line in lines:
        is_validation = line.name.startswith(VALIDATION)
        axes.plot(
            line.epochs,
            [value if math.isfinite(value) else math.nan for value in line.values],
            color=VERMILION if is_validation else BLUE,
            linestyle="--" if is_validation else "-",
            linewidth=1.8,
            marker=("s" if is_validation else "o") if len(line.values) <= POINTS_UP_TO else None,
            markersize=3.5,
            label=_legend(line),
        )
    scored = [line for line in lines if any(map(math.isfinite, line.values)) and name not in NOT_A_SCORE]
    if scored and kept_epoch is not None:
        _mark_kept(axes, scored[-1], kept_epoch)
    elif scored:
        _mark_best(axes, scored[-1], more_is_better=any(part in name.lower() for part in MORE_IS_BETTER))
    finite = [value for line in lines for value in line.values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > LOG_FROM_RATIO * min(finite):
        axes.set_yscale("log")
    first, last = min(line.epochs[0] for line in lines), max(line.epochs[-1] for line in lines)
    room = max(0.5, 0.03 * (last - first)) if last == first else 0.04 * (last - first)
    axes.set_xlim(first - room, last + room)
    locator = need("matplotlib.ticker", owner).MaxNLocator(integer=True, nbins=8, min_n_ticks=1)
    axes.xaxis.set_major_locator(locator)
    axes.set_title(shortened(name.replace("_", " "), LONGEST_NAME), parse_math=False, fontsize=11, color=INK)
    axes.set_xlabel("epoch", color=INK)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors=INK)
    if name not in NOT_A_SCORE:
        axes.legend(framealpha=0.85, edgecolor="none", fontsize=8.5, labelcolor=INK, handlelength=2.6)


def _legend(line: Series) -> str:
    name = "validation" if line.name.startswith(VALIDATION) else "training"
    return name if any(map(math.isfinite, line.values)) else f"{name} (no finite value)"


def _mark_best(axes: "Axes", line: Series, *, more_is_better: bool) -> None:
    best = max if more_is_better else min
    epoch, value = best(_finite(line), key=lambda point: point[1])  # the first, if there are several
    _mark(axes, line, epoch, value, "best")


def _mark_kept(axes: "Axes", line: Series, kept_epoch: int) -> None:
    for epoch, value in _finite(line):
        if epoch == kept_epoch:
            _mark(axes, line, epoch, value, "kept")


def _finite(line: Series) -> list[tuple[int, float]]:
    return [point for point in zip(line.epochs, line.values, strict=True) if math.isfinite(point[1])]


def _mark(axes: "Axes", line: Series, epoch: int, value: float, word: str) -> None:
    colour = VERMILION if line.name.startswith(VALIDATION) else BLUE
    axes.axvline(epoch, color="#999999", linewidth=0.9, linestyle=":", zorder=1)
    axes.plot(
        [epoch],
        [value],
        linestyle="none",
        marker="*",
        markersize=13,
        markerfacecolor=colour,
        markeredgecolor="white",
        zorder=5,
        label=f"{word}: {value:.4g} in epoch {epoch}",
    )

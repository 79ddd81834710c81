"""The picture shows each weight at its two words."""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from keras_seqkit.evaluation import _attention, plot_attention

SOURCE = ["não", "obstante", ",", "às", "três"]
TARGET = ["nevertheless", ",", "at", "three"]


def weights(rows: int, columns: int) -> np.ndarray:
    scores = np.exp(np.random.default_rng(0).normal(size=(rows, columns)))
    return scores / scores.sum(axis=1, keepdims=True)


def labels(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def test_each_weight_is_in_the_row_of_its_target_and_the_column_of_its_source_word() -> None:
    attention = weights(4, 5)
    axes, bar = plot_attention(attention, SOURCE, TARGET, title="$Title").axes
    np.testing.assert_array_equal(axes.images[0].get_array(), attention)
    assert axes.images[0].get_clim() == (0, 1)
    assert (labels(axes.xaxis), labels(axes.yaxis)) == (SOURCE, TARGET)
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("source", "target", "attention")
    assert axes.get_title() == "$Title"
    assert bar.get_ylim() == (0, 1)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 40), (40, 1), (12, 15), (40, 40)])
def test_words_can_be_read_and_do_not_lie_on_each_other(rows: int, columns: int) -> None:
    words = ["extraordinariamente", "às", ",", "começaram"] * 10
    figure = plot_attention(weights(rows, columns), words[:columns], words[:rows])
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    frame = figure.get_window_extent()
    grid = axes.get_window_extent()
    for axis, count, length in ((axes.xaxis, columns, grid.width), (axes.yaxis, rows, grid.height)):
        cell_points = length / count / figure.dpi * 72
        for label in axis.get_ticklabels():
            assert 7 <= label.get_fontsize() < cell_points
            box = label.get_window_extent()
            assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
            assert frame.y0 <= box.y0 <= box.y1 <= frame.y1


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")  # the font has no sign for it: a box is drawn
@pytest.mark.filterwarnings("ignore:Matplotlib currently does not support:UserWarning")
@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=4), st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_tokens_can_be_drawn(source: list[str], target: list[str]) -> None:
    figure = plot_attention(weights(len(target), len(source)), source, target)
    FigureCanvasAgg(figure).draw()
    assert (len(labels(figure.axes[0].xaxis)), len(labels(figure.axes[0].yaxis))) == (len(source), len(target))


def test_long_tokens_are_cut_and_white_space_is_seen() -> None:
    axes = plot_attention([[1.0, 0, 0]], ["a" * 99, " \n", "$x$"], ["\x00b"]).axes[0]
    long, space, dollars = labels(axes.xaxis)
    assert len(long) == _attention.LONGEST_TOKEN
    assert (space, dollars, labels(axes.yaxis)) == ("␣", "$x$", ["b"])


@pytest.mark.parametrize(
    ("attention", "source", "target", "error", "message"),
    [
        (np.ones((2, 3)), ["a", "b"], ["c", "d"], ValueError, r"shape \(2, 3\), expected \(2, 2\).*cut padding off"),
        (np.ones((1, 2, 2)), ["a", "b"], ["c", "d"], ValueError, r"shape \(1, 2, 2\), expected \(2, 2\)"),
        (np.ones(2), ["a", "b"], ["c"], ValueError, r"shape \(2,\), expected \(1, 2\)"),
        ([[1.0, 3.0]], ["a", "b"], ["c"], ValueError, "goes from 1 to 3, expected weights between 0 and 1"),
        ([[np.nan, 0]], ["a", "b"], ["c"], ValueError, "goes from nan"),
        ([[1.0]], "a", ["b"], TypeError, "source_tokens is one string"),
        ([[1.0]], ["a"], [3], TypeError, "target_tokens holds int, 3, expected str"),
        (np.ones((1, 0)), [], ["a"], ValueError, "source_tokens is empty"),
    ],
)
def test_what_does_not_fit_is_said(attention, source, target, error, message: str) -> None:
    with pytest.raises(error, match=f"^plot_attention: .*{message}"):
        plot_attention(attention, source, target)


def test_weights_of_half_precision_are_taken() -> None:
    plot_attention(np.array([[1.0005, -0.0005]], "float16"), ["a", "b"], ["c"])


def test_the_picture_is_written_and_pyplot_left_alone(tmp_path: Path) -> None:
    before = matplotlib.rcParams.copy(), matplotlib.pyplot.get_fignums()
    path = tmp_path / "new" / "attention.png"
    plot_attention(weights(4, 5), SOURCE, TARGET, path=str(path))
    assert (matplotlib.rcParams.copy(), matplotlib.pyplot.get_fignums()) == before
    assert list(path.parent.iterdir()) == [path]
    assert min(imread(path).shape[:2]) > 300
    with pytest.raises(ValueError, match=r"path is 'it\.jpg', expected a name that ends in \.png"):
        plot_attention(weights(4, 5), SOURCE, TARGET, "it.jpg")


def test_a_missing_matplotlib_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"plot_attention needs matplotlib.*'keras-seqkit\[evaluation\]'"):
        plot_attention([[1.0]], ["a"], ["b"])

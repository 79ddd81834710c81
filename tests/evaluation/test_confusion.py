"""The matrix is scikit-learn's; the picture shows it."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from sklearn import metrics

from keras_seqkit.evaluation import _confusion, confusion_matrix, plot_confusion_matrix

names = st.sampled_from(["fresh", "rotten", "money-fx", "łódź", "$x$"])
pairs = st.lists(st.tuples(names, names), min_size=2, max_size=40)

READABLE_CONTRAST = 4.5  # what the Web Content Accessibility Guidelines ask for at level AA


def many(classes: int, texts: int = 400) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(0)
    true = random.integers(classes, size=texts)
    predicted = np.where(random.random(texts) < 0.7, true, random.integers(classes, size=texts))
    return [f"class {n:02}" for n in true], [f"class {n:02}" for n in predicted]


@pytest.mark.filterwarnings("ignore:A single label was found")  # the oracle's, for one class alone
@settings(deadline=None, max_examples=40)
@given(pairs)
def test_the_matrix_equals_that_of_scikit_learn(labels: list[tuple[str, str]]) -> None:
    true, predicted = map(list, zip(*labels, strict=True))
    classes = sorted(set(true + predicted), reverse=True)
    matrix = confusion_matrix(true, predicted, labels=classes)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(true, predicted, labels=classes))
    np.testing.assert_array_equal(matrix[::-1, ::-1], confusion_matrix(true, predicted))


def test_one_class_alone_is_a_matrix_of_one() -> None:
    assert confusion_matrix(["a", "a"], ["a", "a"]).tolist() == [[2]]


@pytest.mark.parametrize("classes", [2, 8, 52])
def test_each_number_stands_in_its_cell_and_fits_and_is_readable(classes: int) -> None:
    true, predicted = many(classes)
    matrix = confusion_matrix(true, predicted)
    figure = plot_confusion_matrix(true, predicted)
    axes = figure.axes[0]
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in axes.texts}
    shown = {cell: int(text.get_text()) for cell, text in written.items()}
    assert shown == {cell: matrix[cell] for cell in np.ndindex(matrix.shape) if matrix[cell] or classes == 2}

    figure.canvas.draw()
    cell_width = axes.get_window_extent().width / classes
    shades = axes.images[0].to_rgba(axes.images[0].get_array())
    for cell, text in written.items():
        assert text.get_window_extent().width < cell_width
        light, dark = sorted((luminance(shades[cell][:3]), luminance(to_rgb(text.get_color()))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > READABLE_CONTRAST


@pytest.mark.parametrize(("classes", "are_written"), [(20, True), (52, False)])
def test_a_long_number_is_printed_smaller_and_left_out_where_it_could_not_be_read(
    classes: int, are_written: bool
) -> None:
    labels = list(range(classes)) * 1000
    axes = plot_confusion_matrix(labels, labels).axes[0]
    assert {text.get_text() for text in axes.texts} == ({"1,000"} if are_written else set())
    axes.figure.canvas.draw()
    cell_width = axes.get_window_extent().width / classes
    assert all(text.get_window_extent().width < cell_width for text in axes.texts)


def luminance(colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_any_shade_has_a_print_with_good_contrast() -> None:
    prints = [_confusion.LIGHT_PRINT, _confusion.DARK_PRINT]
    for shade in matplotlib.colormaps["Blues"](np.linspace(0, 1, 256)):
        chosen = prints[_confusion._luminance(shade) >= _confusion.DARK_BELOW]
        light, dark = sorted((luminance(shade[:3]), luminance(to_rgb(chosen))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > READABLE_CONTRAST


def test_shares_are_of_the_true_class_and_a_class_without_texts_is_blank() -> None:
    figure = plot_confusion_matrix(["a"] * 3 + ["b"], ["a", "a", "b", "b"], labels=["a", "b", "never"], normalize=True)
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares, [[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["67", "33", "100"]
    assert "numbers: %" in figure.axes[1].get_ylabel()


def test_a_share_that_rounds_to_nothing_is_still_seen() -> None:
    figure = plot_confusion_matrix([0] * 200 + [1], [0] * 199 + [1, 1], normalize=True)
    assert [text.get_text() for text in figure.axes[0].texts] == ["100", "<1", "0", "100"]


def test_names_are_on_both_axes_long_ones_cut_in_the_middle() -> None:
    long = "a very long label name that goes on and on for ever"
    figure = plot_confusion_matrix([long, "b $"], [long, "b $"])
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        first, second = (text.get_text() for text in axis.get_ticklabels())
        assert len(first) <= _confusion.LONGEST_NAME
        assert first.startswith("a very long")
        assert first.endswith("for ever")
        assert second == "b $"
    assert figure.axes[0].get_ylabel() == "true"
    assert figure.axes[0].get_xlabel() == "predicted"


def test_dollar_signs_are_no_mathematics(tmp_path: Path) -> None:
    plot_confusion_matrix(["$\\x$", "b"], ["$\\x$", "b"], tmp_path / "it.png", title="$\\x$")
    assert imread(tmp_path / "it.png").std() > 0


def test_the_picture_is_written_whole_into_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "matrix.png"
    plot_confusion_matrix(*many(3), path=str(path), title="Three")
    height, width, _ = imread(path).shape
    assert min(height, width) > 300
    assert list(path.parent.iterdir()) == [path]


def test_a_picture_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "matrix.png"
    path.write_bytes(b"the old picture")

    def fail(self, target: Path, **options: object) -> None:
        target.write_bytes(b"half a pic")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="No space left"):
        plot_confusion_matrix([0, 1], [0, 1], path)
    assert path.read_bytes() == b"the old picture"
    assert list(tmp_path.iterdir()) == [path]


def test_another_ending_is_refused() -> None:
    with pytest.raises(ValueError, match=r"path is 'it\.jpg', expected a name that ends in \.png"):
        plot_confusion_matrix([0, 1], [0, 1], "it.jpg")


def test_global_state_of_matplotlib_is_left_alone() -> None:
    before = matplotlib.rcParams.copy(), matplotlib.pyplot.get_fignums()
    plot_confusion_matrix([0, 1], [0, 1])
    assert (matplotlib.rcParams.copy(), matplotlib.pyplot.get_fignums()) == before

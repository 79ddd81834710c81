"""Curves show what the history holds."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.image import imread

from keras_seqkit.evaluation import plot_training_curves

HISTORY = {
    "accuracy": [0.5, 0.7, 0.8],
    "loss": [0.9, 0.5, 0.3],
    "val_accuracy": [0.5, 0.65, 0.6],
    "val_loss": [0.8, 0.6, 0.7],
    "learning_rate": [1e-3, 1e-3, 1e-4],
}


def legend(axes: Axes) -> list[str]:
    box = axes.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    return {str(line.get_label()): [*zip(*line.get_data(), strict=True)] for line in axes.lines}


def test_loss_comes_first_and_each_metric_beside_its_validation() -> None:
    panels = plot_training_curves(HISTORY).axes
    assert [axes.get_title() for axes in panels] == ["loss", "accuracy", "learning rate"]
    assert lines(panels[0])["training"] == [(1, 0.9), (2, 0.5), (3, 0.3)]
    assert lines(panels[0])["validation"] == [(1, 0.8), (2, 0.6), (3, 0.7)]
    assert lines(panels[1])["validation"] == [(1, 0.5), (2, 0.65), (3, 0.6)]


def test_the_best_epoch_is_the_lowest_loss_and_the_highest_accuracy_of_validation() -> None:
    loss, accuracy, rate = plot_training_curves(HISTORY).axes
    assert legend(loss)[-1] == "best: 0.6 in epoch 2"
    assert legend(accuracy)[-1] == "best: 0.65 in epoch 2"
    assert lines(loss)["best: 0.6 in epoch 2"] == [(2, 0.6)]
    assert legend(rate) == []


def test_the_epoch_that_was_kept_is_marked_in_each_panel() -> None:
    loss, accuracy, rate = plot_training_curves(HISTORY, kept_epoch=3).axes
    assert legend(loss) == ["training", "validation", "kept: 0.7 in epoch 3"]
    assert lines(accuracy)["kept: 0.6 in epoch 3"] == [(3, 0.6)]
    assert legend(rate) == []
    gap = {"loss": [0.5, 0.4], "val_loss": [0.6, math.nan]}
    assert legend(plot_training_curves(gap, kept_epoch=2).axes[0]) == ["training", "validation"]


@pytest.mark.parametrize("epoch", [0, 4])
def test_an_epoch_that_was_not_trained_cannot_be_kept(epoch: int) -> None:
    with pytest.raises(ValueError, match=f"one of the history's epochs, 1 to 3; received {epoch}"):
        plot_training_curves(HISTORY, kept_epoch=epoch)


@pytest.mark.parametrize("name", ["top_k_categorical_accuracy", "acc", "auc_1", "precision", "recall", "f1_score"])
def test_more_is_better_for_scores(name: str) -> None:
    assert legend(plot_training_curves({name: [0.1, 0.9, 0.3]}).axes[0])[-1] == "best: 0.9 in epoch 2"


@pytest.mark.parametrize("name", ["loss", "mean_squared_error", "perplexity", "own_thing"])
def test_less_is_better_for_all_else(name: str) -> None:
    assert legend(plot_training_curves({name: [0.5, 0.1, 0.3]}).axes[0])[-1] == "best: 0.1 in epoch 2"


def test_a_history_of_keras_carries_its_own_epoch_numbers() -> None:
    history = SimpleNamespace(history={"loss": [3.0, 2.0]}, epoch=[4, 5])  # fit(initial_epoch=4)
    assert lines(plot_training_curves(history).axes[0])["training"] == [(5, 3.0), (6, 2.0)]


def test_validation_on_every_second_epoch_stands_at_those_epochs() -> None:
    history = {"loss": [5, 4, 3, 2, 1], "val_loss": [4.5, 2.5]}  # fit(validation_freq=2)
    assert lines(plot_training_curves(history).axes[0])["validation"] == [(2, 4.5), (4, 2.5)]


def test_one_epoch_is_seen(tmp_path: Path) -> None:
    figure = plot_training_curves({"loss": [0.5], "val_loss": [0.6]}, tmp_path / "one.png")
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    assert low < 1 < high
    assert all(line.get_marker() not in (None, "None") for line in axes.lines if line.get_label()[0] != "_")
    assert imread(tmp_path / "one.png").std() > 0


def test_values_that_spread_widely_are_drawn_on_a_logarithmic_scale() -> None:
    assert plot_training_curves({"loss": [1e4, 1.0]}).axes[0].get_yscale() == "log"
    assert plot_training_curves({"loss": [2.0, 1.0]}).axes[0].get_yscale() == "linear"
    assert plot_training_curves({"loss": [1e4, 0.0]}).axes[0].get_yscale() == "linear"


def test_values_that_are_not_finite_leave_a_gap_and_are_never_the_best() -> None:
    history = {"loss": [math.nan, 2.0, -math.inf], "val_loss": [math.nan, math.inf, math.nan]}
    axes = plot_training_curves(history).axes[0]
    assert legend(axes) == ["training", "validation (no finite value)", "best: 2 in epoch 2"]
    assert np.isnan([y for _, y in lines(axes)["training"]]).tolist() == [True, False, True]


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=4)
)
def test_any_history_can_be_drawn(history: dict[str, list[float]]) -> None:
    figure = plot_training_curves(history)
    figure.canvas.draw()
    assert len(figure.axes) == len({name.removeprefix("val_") for name in history})


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        ({}, ValueError, "history has no epochs"),
        ({"loss": []}, ValueError, "history has no epochs"),
        ([0.1, 0.2], TypeError, "history is list, expected what model.fit returned"),
        (None, TypeError, "history is NoneType"),
        ({"loss": 0.5}, TypeError, "'loss' is float, expected a list of numbers"),
        ({"loss": ["low", "lower"]}, TypeError, "'loss' holds what is no number"),
    ],
)
def test_what_is_no_history_is_said(history: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^plot_training_curves: {message}"):
        plot_training_curves(history)


def test_the_picture_is_written_and_has_its_title(tmp_path: Path) -> None:
    figure = plot_training_curves(HISTORY, tmp_path / "curves.png", title="$Title")
    assert figure.get_suptitle() == "$Title"
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
    assert imread(tmp_path / "curves.png").shape[1] > 1500

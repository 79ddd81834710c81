"""Recurrent networks as ONNX files: ours, Keras's own export, `tf.function`, and PyTorch eager, in one run.

Networks are exported as operators, with ``recurrence="auto"``, where each run takes an operator or a `Scan` by its
number of rows, and, GRU and SimpleRNN, with ``recurrence="scan"``, which is meant for many rows. For each network
(cell, masked or not, one or two directions, size) and batch, all run in turn, a burst of calls each, so that a noisy
machine is as noisy for each; the medians are compared. Rows are of full length, ids go in, and the last output comes
out (``--sequences``: the outputs of all steps). PyTorch, where padding is masked, packs the sequences, as its users do.
It needs PyTorch (`pip install torch`). Run it alone; it takes about twenty minutes:

    python benchmarks/recurrent_export.py
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import onnxruntime
import torch
from matplotlib.figure import Figure
from recurrent_networks import KERAS_LAYERS, VOCAB, Network, Runner, runners
from turns import turns

OUTPUT = Path(__file__).parent / "output"
SIZES = ((100, 128), (50, 512), (400, 64))  # time, units
BATCHES = (1, 32, 256)
OTHERS = ("Keras's export", "tf.function", "PyTorch")
SCAN = "ours as Scan"
AUTO = "ours, auto"
SLOWER = 0.95  # of the time of Keras's export: below, it counts as slower
TOLERANCE = 1e-5
COLORS = ("#0072b2", "#e69f00", "#009e73")


class Row(NamedTuple):
    """One network at one batch: our milliseconds, and how many times as long the others take."""

    network: Network
    time: int
    batch: int
    milliseconds: float
    ratios: dict[str, float]

    @property
    def is_bar_case(self) -> bool:
        """Whether it is one of the cases that have a bar of their own: masked or GRU, (100, 128)."""
        return (self.network.masked or self.network.cell == "GRU") and (self.time, self.network.units) == SIZES[0]


def interleaved_medians(candidates: dict[str, Callable[[], object]], seconds: float, rounds: int) -> dict[str, float]:
    """Returns the median milliseconds of each.

    Args:
        candidates: what is timed.
        seconds: about how long each is timed.
        rounds: how many turns each gets.
    """
    bursts = {name: max(1, min(20, int(seconds / rounds / _once(candidate)))) for name, candidate in candidates.items()}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for name, candidate in turns(candidates, rounds):
        candidate()  # the first call of a burst pays for caches that the one before has filled, and wakes threads
        times[name] += [_once(candidate) for _ in range(bursts[name])]
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def _once(candidate: Callable[[], object]) -> float:
    begin = time.perf_counter()
    candidate()
    return time.perf_counter() - begin


def check_equal(candidates: dict[str, Runner], ids: np.ndarray) -> None:
    """Sees to it that all compute the same."""
    ours = candidates["ours"](ids)
    for name, candidate in candidates.items():
        difference = float(np.abs(candidate(ids) - ours).max())
        if not difference <= TOLERANCE:
            raise SystemExit(f"{name} differs from ours by {difference:.1e}: nothing is measured.")


def networks(cells: list[str], sequences: bool) -> Iterator[tuple[Network, int]]:
    for cell in cells:
        for masked in (False, True):
            for directions in (1, 2):
                for steps, units in SIZES:
                    yield Network(cell, masked, directions, units, sequences), steps


def measure(network: Network, steps: int, batches: tuple[int, ...], seconds: float, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        candidates = runners(network, Path(folder))
    for batch in batches:
        ids = np.random.default_rng(0).integers(1, VOCAB, (batch, steps)).astype(np.int32)
        check_equal(candidates, ids)
        calls = {name: partial(run, ids) for name, run in candidates.items()}
        medians = interleaved_medians(calls, seconds, rounds)
        ratios = {name: medians[name] / medians["ours"] for name in candidates if name != "ours"}
        yield Row(network, steps, batch, medians["ours"], ratios)


def show(row: Row) -> None:
    network = row.network
    words = ("masked" if network.masked else "", "both ways" if network.directions == 2 else "")
    ratios = "".join(f"{row.ratios[name]:15.2f}x" for name in (*OTHERS, SCAN, AUTO) if name in row.ratios)
    sizes = f"{row.time:5}{network.units:7}{row.batch:7}{row.milliseconds:11.2f}"
    print(f"{network.cell:10}{words[0]:8}{words[1]:11}{sizes}{ratios}", flush=True)


def summarize(rows: list[Row]) -> None:
    """Prints the geometric means and how the rows stand to the bars."""
    for title, of_ours in (("operators", [1.0] * len(rows)), (AUTO, [row.ratios[AUTO] for row in rows])):
        ratios = {name: [row.ratios[name] / own for row, own in zip(rows, of_ours, strict=True)] for name in OTHERS}
        for batch, bar in ((1, 8.0), (32, 1.7)):
            pairs = zip(rows, ratios[OTHERS[0]], strict=True)
            own = [ratio for row, ratio in pairs if row.is_bar_case and row.batch == batch]
            if own:
                low = sum(ratio < bar for ratio in own)
                print(f"{title:12}masked or GRU, (100, 128), batch {batch}: {min(own):.2f}x to {max(own):.2f}x; "
                      f"{low} of {len(own)} below {bar}x")  # fmt: skip
        for name in OTHERS:
            mean, slower = statistics.geometric_mean(ratios[name]), sum(ratio < SLOWER for ratio in ratios[name])
            print(f"{title:12}{name:16}geometric mean {mean:6.2f}x, lowest {min(ratios[name]):.2f}x, "
                  f"{slower} of {len(rows)} below {SLOWER}x")  # fmt: skip


def draw(rows: list[Row], path: Path) -> None:
    """One panel for each cell and batch; a dot for each network and each of the others."""
    cells = list(dict.fromkeys(row.network.cell for row in rows))
    batches = list(dict.fromkeys(row.batch for row in rows))
    figure = Figure(figsize=(4.2 * len(batches), 3.4 * len(cells) + 0.6), layout="constrained")
    panels = figure.subplots(len(cells), len(batches), sharex="row", sharey=True, squeeze=False)
    for line, cell in zip(panels, cells, strict=True):
        for axes, batch in zip(line, batches, strict=True):
            own = [row for row in rows if row.network.cell == cell and row.batch == batch][::-1]
            for name, color in zip(OTHERS, COLORS, strict=True):
                axes.plot([row.ratios[name] for row in own], range(len(own)), "o", color=color, label=name)
            for name, marker in ((SCAN, "|"), (AUTO, "x")):
                if name in own[0].ratios:
                    values = [row.ratios[name] for row in own]
                    axes.plot(values, range(len(own)), marker, color="black", ms=7, label=name, linestyle="")
            axes.axvline(1, color="black", linewidth=0.8)
            axes.set_yticks(range(len(own)), [_network_label(row) for row in own], fontsize=8)
            axes.set(xscale="log", title=f"{cell}, batch {batch}")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.grid(axis="x", which="both", color="#dddddd")
            axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("times as long as our operators (logarithmic)")
    handles, labels = panels[-1][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def _network_label(row: Row) -> str:
    words = [f"T={row.time} units={row.network.units}"]
    words += ["both ways"] if row.network.directions == 2 else []
    return ", ".join(words + (["masked"] if row.network.masked else []))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", choices=list(KERAS_LAYERS), default=list(KERAS_LAYERS))
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--sequences", action="store_true", help="outputs of all steps, not the last alone")
    parser.add_argument("--seconds", type=float, default=0.6, help="about how long each is timed (default: 0.6)")
    parser.add_argument("--rounds", type=int, default=7, help="turns (default: 7)")
    arguments = parser.parse_args()
    print(f"keras {keras.__version__}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}, "
          f"{os.cpu_count()} cores; how many times as long as ours\n")  # fmt: skip
    print(
        f"{'':29}{'time':>5}{'units':>7}{'batch':>7}{'ours, ms':>11}"
        + "".join(f"{name:>16}" for name in (*OTHERS, SCAN, AUTO))
    )
    rows = []
    for network, steps in networks(arguments.cells, arguments.sequences):
        for row in measure(network, steps, tuple(arguments.batches), arguments.seconds, arguments.rounds):
            show(row)
            rows.append(row)
    print()
    summarize(rows)
    picture = OUTPUT / f"recurrent_export{'_sequences' if arguments.sequences else ''}.png"
    draw(rows, picture)
    print(f"picture: benchmarks/output/{picture.name}")


if __name__ == "__main__":
    main()

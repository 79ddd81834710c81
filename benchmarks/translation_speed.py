"""Sentences a second: a loop over `predict`, Keras's `translate`, PyTorch's eager loop, and the one file.

All translate the same held-out sentences with the same weights, in one process, in turn, so that a noisy machine is as
noisy for each. PyTorch and the loop over `predict` end with ids; the file and Keras give text.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import seqkit_onnx
from matplotlib.figure import Figure
from torch_translator import TorchTranslator
from turns import turns

from keras_seqkit import Seq2SeqTranslator
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

SENTENCES, PREDICTED_SENTENCES = 64, 4
BEAMS = 4
FILE, PREDICT, TORCH, KERAS = "one file", "model.predict a token", "PyTorch, eager", "Keras translate"
Translate = Callable[[list[str]], Any]


def predict_loop(model: Seq2SeqTranslator) -> Translate:
    """What tutorials do: `predict` on all tokens so far, for each token."""

    def translate(texts: list[str]) -> list[list[int]]:
        source = model.source_vocabulary.encode(texts)
        target = np.full((len(texts), 1), START_ID, np.int32)
        done = np.zeros(len(texts), bool)
        while not done.all() and target.shape[1] <= model.max_length:
            logits = np.array(keras.Model.predict(model, {"source": source, "target": target}, verbose="0"))[:, -1]
            logits[:, [PADDING_ID, START_ID]] = -np.inf
            token = np.where(done, PADDING_ID, logits.argmax(axis=1)).astype(np.int32)
            done |= token == END_ID
            target = np.concatenate([target, token[:, None]], axis=1)
        return target[:, 1:].tolist()

    return translate


def candidates(model: Seq2SeqTranslator, path: str, batch: int, beams: int) -> dict[str, Translate]:
    """What is compared, by name; each translates a list of sentences."""
    file, network = seqkit_onnx.load(path), TorchTranslator(model)
    encode = model.source_vocabulary.encode_rows

    def with_torch(texts: list[str]) -> list[list[int]]:
        rows = encode(texts)
        return network.greedy(rows) if beams == 1 else network.beam_search(rows, beams)

    found: dict[str, Translate] = {
        FILE: lambda texts: file.translate(texts, num_beams=beams),
        TORCH: with_torch,
        KERAS: lambda texts: model.translate(texts, num_beams=beams),
    }
    if batch == 1 and beams == 1:
        found[PREDICT] = predict_loop(model)
    return found


def measure(
    model: Seq2SeqTranslator, path: str, texts: list[str], rounds: int
) -> dict[tuple[int, int], dict[str, float]]:
    """Returns sentences a second, by batch size and beams, and by name: the median of some rounds."""
    table = {}
    for batch in (1, 32):
        for beams in (1, BEAMS):
            runners = candidates(model, path, batch, beams)
            _check_equal(model, runners, texts[:batch])
            times: dict[str, list[float]] = {name: [] for name in runners}
            for name, translate in turns(runners, rounds):
                some = texts[: PREDICTED_SENTENCES if name == PREDICT else SENTENCES]
                begin = time.perf_counter()
                for start in range(0, len(some), batch):
                    translate(some[start : start + batch])
                times[name].append((time.perf_counter() - begin) / len(some))
            table[batch, beams] = {name: 1 / statistics.median(each) for name, each in times.items()}
    return table


def _check_equal(model: Seq2SeqTranslator, runners: dict[str, Translate], texts: list[str]) -> None:
    """Sees to it that all do the same work; it warms them up as well."""
    found = {}
    for name, translate in runners.items():
        translate(texts)
        found[name] = [
            row if isinstance(row, str) else model.join([token for token in row if token not in (PADDING_ID, END_ID)])
            for row in translate(texts)
        ]
    expected = found[FILE]
    for name, rows in found.items():
        same = sum(ours == theirs for ours, theirs in zip(rows, expected, strict=True))
        if same < len(expected):
            print(f"({name} and the file translate {same} of {len(expected)} sentences alike)")


def table_lines(table: dict[tuple[int, int], dict[str, float]]) -> list[str]:
    """Returns the table in Markdown."""
    lines = ["| batch | beams | | sentences a second | of the file's time |", "| --- | --- | --- | --- | --- |"]
    for (batch, beams), rates in table.items():
        lines += [
            f"| {batch} | {beams} | {name} | {rate:,.1f} | {rates[FILE] / rate:.2f} |" for name, rate in rates.items()
        ]
    return lines


def draw(table: dict[tuple[int, int], dict[str, float]], path: Path) -> None:
    """Draws how many times as fast the file is."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    grid = figure.subplots(2, len(table) // 2, sharex=True)
    for axes, ((batch, beams), rates) in zip(grid.flat, table.items(), strict=True):
        names = [name for name in rates if name != FILE]
        bars = axes.barh(names, [rates[FILE] / rates[name] for name in names], color="#4269d0")
        axes.bar_label(bars, fmt="%.1fx", padding=3)
        axes.set_title(f"batch {batch}, " + ("greedy" if beams == 1 else f"{beams} beams"))
        axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
    fastest = min(rates[FILE] / max(rates.values()) for rates in table.values())  # 1 where none is faster
    slowest = max(rates[FILE] / min(rates.values()) for rates in table.values())
    grid.flat[0].set_xlim(fastest, 4 * slowest)
    grid.flat[0].xaxis.set_major_formatter("{x:g}")
    figure.supxlabel("time, of the one file's")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)

"""How long one sentence takes: Keras's predict, Keras's own ONNX export, and the exported text classifier.

All run in one process, in turn, a burst of calls each, so that a noisy machine is as noisy for each, and no one pays
for the caches that another has filled. Keras's own export takes ids and gives probabilities; ours takes the string and
gives the label. Run it alone:

    python benchmarks/classifier_latency.py
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
import seqkit_onnx
from matplotlib.figure import Figure
from turns import turns

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary

OUTPUT = Path(__file__).parent / "output"
WORDS, DIM = 20_000, 50
NETWORKS = {"the default, (128, 64) units": (128, 64), "one layer of 64 units": (64,)}
BURST, SLOW_BURST = 20, 2  # calls in a turn
SENTENCE = (
    "This film, though rather long and at times a little slow, is a touching and funny story about two old friends "
    "who don't agree on anything; I loved it!"
)


def make_classifier(units: tuple[int, ...]) -> TextClassifier:
    """A network over a vocabulary of realistic size; what its weights are does not matter for time."""
    known = Vocabulary.from_texts([SENTENCE]).tokens
    vocabulary = Vocabulary([*known, *(f"word{index}" for index in range(WORDS - len(known)))])
    encoder = BidirectionalStack(units, name="encoder")
    return TextClassifier(vocabulary, ["rotten", "fresh"], embedding=DIM, encoder=encoder)


def export_with_keras(model: TextClassifier, path: str) -> onnxruntime.InferenceSession:
    """Keras's own export of the same masked network, from ids."""
    model.export(path, format="onnx", input_signature=[model.input_spec_of_ids()], verbose=False)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def interleaved_medians(candidates: dict[str, Callable[[], object]], rounds: int, slow: set[str]) -> dict[str, float]:
    """Returns the median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for name, candidate in turns(candidates, rounds):
        candidate()  # the first call of a burst is not counted
        for _ in range(SLOW_BURST if name in slow else BURST):
            begin = time.perf_counter()
            candidate()
            times[name].append(1000 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in times.items()}


def first_answer_seconds(path: str) -> float:
    """Seconds from the start of a fresh Python to the first answer, less those of a Python that does nothing."""
    program = f"import seqkit_onnx; seqkit_onnx.load({path!r}).predict([{SENTENCE!r}])"
    return _seconds(program) - _seconds("pass")


def _seconds(program: str) -> float:
    runs = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        runs.append(time.perf_counter() - begin)
    return statistics.median(runs)


def measure(units: tuple[int, ...], rounds: int, folder: str) -> dict[str, float]:
    """Prints a table for one network; returns its milliseconds."""
    model = make_classifier(units)
    ours, ours_ids = f"{folder}/ours.onnx", f"{folder}/ours_ids.onnx"
    seqkit_onnx.export(model, ours, verify=True)
    seqkit_onnx.export(model, ours_ids, text=False, verify=True)
    theirs = export_with_keras(model, f"{folder}/keras.onnx")
    text, ids_classifier = seqkit_onnx.load(ours), seqkit_onnx.load(ours_ids)
    ids = model.vocabulary.encode([SENTENCE])
    feeds = {theirs.get_inputs()[0].name: ids}
    difference = np.abs(theirs.run(None, feeds)[0] - text.predict([SENTENCE]).probabilities[:, 1:]).max()
    candidates = {
        "Keras model.predict, string": lambda: model.predict([SENTENCE], verbose=0),
        "Keras model(ids), eager": lambda: model(ids),
        "Keras's own ONNX, ids": lambda: theirs.run(None, feeds),
        "ours, ids to label": lambda: ids_classifier.predict(ids),
        "ours, string to label": lambda: text.predict([SENTENCE]),
    }
    medians = interleaved_medians(candidates, rounds, {"Keras model.predict, string", "Keras model(ids), eager"})
    best = medians["ours, string to label"]
    print(f"{'':32}{'ms':>9}{'times ours':>13}")
    for name, value in medians.items():
        print(f"{name:32}{value:9.3f}{value / best:12.1f}x")
    print(f"largest difference of ours to Keras's own export: {difference:.1e}\n", flush=True)
    return medians


def draw(milliseconds: dict[str, dict[str, float]], path: Path) -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    names = list(next(iter(milliseconds.values())))[::-1]
    places = np.arange(len(names))
    for shift, color, (network, values) in zip((0.2, -0.2), ("#0072b2", "#e69f00"), milliseconds.items(), strict=True):
        bars = axes.barh(places + shift, [values[name] for name in names], 0.38, color=color, label=network)
        axes.bar_label(bars, [f"{values[name]:.3g} ms" for name in names], padding=4)
    axes.set_yticks(places, names)
    axes.set(xscale="log", xlabel="milliseconds for one sentence (logarithmic)")
    axes.margins(x=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="turns (default: 40)")
    rounds = parser.parse_args().rounds
    tokens = len(Vocabulary([]).rules.split(SENTENCE))
    print(f"one sentence of {tokens} tokens, {WORDS:,} words x {DIM}, LSTM both ways")
    print(f"keras {keras.__version__}, onnxruntime {onnxruntime.__version__}\n")
    milliseconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, units in NETWORKS.items():
            print(name)
            milliseconds[name] = measure(units, rounds, folder)
        print(f"load and first answer in a fresh process: {first_answer_seconds(f'{folder}/ours.onnx'):.2f} s")
    print(f"import keras_seqkit: {_seconds('import keras_seqkit') - _seconds('pass'):.3f} s")
    draw(milliseconds, OUTPUT / "classifier_latency.png")
    print("picture: benchmarks/output/classifier_latency.png")


if __name__ == "__main__":
    main()

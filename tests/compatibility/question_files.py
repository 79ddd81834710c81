"""Exports models, and writes beside each file what it is asked and what Keras answers.

`model.npz` holds for each question its input, `question/in`, and the outputs in order, `question/out0` and so on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import seqkit_onnx

from keras_seqkit import BidirectionalStack, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.samplers import Sampler, TopPSampler, get
from tests.cases import CASES, MASKS, Case, masked_ids, randomize_weights
from tests.translators import VARIANTS, translator

SHAPES = ((1, 1), (1, 5), (3, 7), (16, 12))  # batch, time
FIXED_SHAPE = (3, 7)
# Rows without a real step: some versions of RNN read memory before their output for them, so what is there counts.
BATCHES_WITH_EMPTY_ROWS = (1, 2, 3, 5, 8, 15, 16, 17, 33, 64, 257)
TIME_OF_EMPTY_ROWS = 9
LABELS = ["neg", "pos", "é 😀"]
TEXTS = [
    "A good film!",
    "bad",
    "very GOOD é 😀",
    "so so bad a film",
    "não é bom",
    "word " * 500,
    "ÀÉÎ ção ß İ Ωδός 你好",
]
TEXT_QUESTIONS = {
    "all": [*TEXTS, "", " "],
    "ascii only": [text for text in TEXTS if text.isascii()],
    "one": TEXTS[2:3],
    "empty": [""],
    "empty rows": ["", "good", "", "", "bad film"] * 11,
    "many": [" ".join(TEXTS[:5])[index:] for index in range(60)],
}
VOCABULARIES: dict[str, Callable[[], Vocabulary]] = {
    "words": lambda: Vocabulary.from_texts(TEXTS),
    "words as they are": lambda: Vocabulary.from_texts(TEXTS, lowercase=False),
    "characters": lambda: Vocabulary.from_texts(TEXTS, level="char"),
    "whitespace": lambda: Vocabulary(["a", "good", "bad", "film", "so", "não"], "whitespace", "ascii", True),
}
CLASSIFIERS = [
    *(("words", cell) for cell in ("lstm", "gru", "simple_rnn")),
    *((name, "gru") for name in list(VOCABULARIES)[1:]),
]
GENERATORS: dict[str, tuple[str, str, Sampler]] = {
    "random": ("lstm", "characters", get("random")),
    "bans": ("gru", "words", TopPSampler(0.9, repetition_penalty=1.2, no_repeat_ngram_size=2, min_new_tokens=9)),
    "typical": ("simple_rnn", "whitespace", get("typical")),
    "beam": ("gru", "characters", get("beam")),
    "contrastive": ("lstm", "words as they are", get("contrastive")),
}


def write_all(folder: Path, older: str) -> None:
    """Fills a folder with every model of the table, and with text classifiers; one below it with opset 18."""
    (folder / older).mkdir()
    for case in CASES:
        write_case(folder, case, older)
    for vocabulary, cell in CLASSIFIERS:
        write_classifier(folder, vocabulary, cell)
    for name in GENERATORS:
        write_generator(folder, name)
    for name in VARIANTS:
        write_translator(folder, name)


def write_case(folder: Path, case: Case, older: str | None = None) -> None:
    """Writes a model of the table, which takes ids, as operators and, ``*_auto``, with loops for many rows."""
    model = case.model()
    questions = {
        f"{kind} {batch}x{time}": masked_ids(kind, batch, time, batch + time)
        for kind in MASKS
        for batch, time in SHAPES
    }
    questions |= {f"empty rows {batch}": _with_empty_rows(batch) for batch in BATCHES_WITH_EMPTY_ROWS}
    arrays = {}
    for question, ids in questions.items():
        arrays[f"{question}/in"] = ids
        for index, output in enumerate(keras.tree.flatten(model(ids))):
            arrays[f"{question}/out{index}"] = keras.ops.convert_to_numpy(output)
    path = folder / case.name.replace(" ", "_")
    _write(path, model, arrays, text=False)
    if older is not None:
        _write(folder / older / path.name, model, arrays, text=False, opset=18)
    _write(path.with_name(f"{path.name}_auto"), model, arrays, text=False, recurrence="auto")


def write_fixed_shapes(folder: Path) -> None:
    """Fills a folder with every model of the table, opset 18, all axes fixed."""
    batch, time = FIXED_SHAPE
    for case in CASES:
        model = case.model()
        arrays = {}
        for kind in MASKS:
            ids = masked_ids(kind, batch, time, batch + time)
            arrays[f"{kind}/in"] = ids
            for index, output in enumerate(keras.tree.flatten(model(ids))):
                arrays[f"{kind}/out{index}"] = keras.ops.convert_to_numpy(output)
        shapes = {"batch": batch, "time": time}
        _write(folder / case.name.replace(" ", "_"), model, arrays, text=False, opset=18, shapes=shapes)


def _with_empty_rows(batch: int) -> np.ndarray:
    ids = masked_ids("none", batch, TIME_OF_EMPTY_ROWS, batch)
    ids[::2] = 0
    return ids


def write_classifier(folder: Path, vocabulary: str, cell: str) -> None:
    """Writes a text classifier, which takes strings."""
    model = TextClassifier(VOCABULARIES[vocabulary](), LABELS, 5, BidirectionalStack((6, 4), cell))
    randomize_weights(model)
    arrays = {}
    for question, texts in TEXT_QUESTIONS.items():
        arrays[f"{question}/in"] = np.array(texts)
        arrays[f"{question}/out0"] = np.array(model.predict_labels(texts, verbose=0))
        arrays[f"{question}/out1"] = model.predict(texts, verbose=0)
    _write(folder / f"text_{cell}_{vocabulary.replace(' ', '_')}", model, arrays, text=True)


def write_generator(folder: Path, name: str) -> None:
    """Writes a text generator, which takes prompts and goes by its defaults."""
    cell, vocabulary, sampler = GENERATORS[name]
    model = TextGenerator(VOCABULARIES[vocabulary](), (8, 6), cell, embedding=5)
    randomize_weights(model)
    arrays = {}
    for question, texts in TEXT_QUESTIONS.items():
        arrays[f"{question}/in"] = np.array(texts)
        arrays[f"{question}/out0"] = np.array(model.generate(texts, sampler=sampler))
    path = folder / f"generator_{name}"
    seqkit_onnx.export(model, path.with_suffix(".onnx"), sampler=sampler, verify=False)
    np.savez(path.with_suffix(".npz"), **arrays)


def write_translator(folder: Path, name: str) -> None:
    """Writes a translator, which takes sentences and goes by its defaults."""
    model = translator(**VARIANTS[name])
    arrays = {}
    for question, texts in TEXT_QUESTIONS.items():
        arrays[f"{question}/in"] = np.array(texts)
        translations, scores = model.translate(texts, return_scores=True)
        arrays[f"{question}/out0"], arrays[f"{question}/out1"] = np.array(translations), scores
    path = folder / f"translator_{name}"
    seqkit_onnx.export(model, path.with_suffix(".onnx"), verify=False)
    np.savez(path.with_suffix(".npz"), **arrays)


def _write(path: Path, model: keras.Model, arrays: dict[str, np.ndarray], text: bool, **options: Any) -> None:
    seqkit_onnx.export(model, path.with_suffix(".onnx"), text=text, **options, verify=False)
    np.savez(path.with_suffix(".npz"), **arrays)

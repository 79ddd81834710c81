"""Exports one model of each kind, with weights drawn by seed, and writes beside each file what it is to be asked.

`comparison_of_checkouts.py` runs this on two checkouts. It uses public names only, so that both may be older or newer:

    python benchmarks/reference_files.py FOLDER
"""

import argparse
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import seqkit_onnx

from keras_seqkit import (
    BidirectionalStack,
    Seq2SeqTranslator,
    TextClassifier,
    TextGenerator,
    TextRegressor,
    Vocabulary,
    samplers,
)

WORDS, DIM, UNITS = 4_000, 32, 48
SENTENCES = [
    "A touching and funny story about two old friends.",
    "",
    "It isn't bad, it's brilliant!  É 😀",
    "zzz qqq",
    "Though rather long, and at times a little slow, I don't regret one minute of it. " * 3,
]
PROMPTS = ["the old", "", "zzz and", "a story"]
WRITING = {"max_new_tokens": np.int64(24), "seed": np.int64(7)}
Feeds = list[dict[str, Any]]  # of onnxruntime, by the names of the inputs
Writer = Callable[[Path], Feeds]


def vocabulary(level: str = "word") -> Vocabulary:
    """A vocabulary of realistic size, in which most words of the sentences stand."""
    if level == "char":
        return Vocabulary.from_texts(SENTENCES, level="char")
    known = Vocabulary.from_texts(SENTENCES).tokens
    return Vocabulary([*known, *(f"word{index}" for index in range(WORDS - len(known)))])


def drawn(model: keras.Model, scale: float = 0.3) -> Any:
    """Draws all weights by a seed."""
    random = np.random.default_rng(0)
    model.set_weights([random.normal(scale=scale, size=each.shape).astype("float32") for each in model.weights])
    return model


def texts_of(rows: list[str], **settings: Any) -> dict[str, Any]:
    return {"text": np.array(rows, object), **settings}


def classifier(**arguments: Any) -> TextClassifier:
    arguments = {"labels": ["rotten", "fresh"], "embedding": DIM, "encoder": BidirectionalStack((UNITS,)), **arguments}
    return drawn(TextClassifier(vocabulary(), arguments.pop("labels"), **arguments))


def write(path: Path, model: keras.Model, feeds: Feeds, **options: Any) -> Feeds:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is exported as a loop")
        seqkit_onnx.export(model, path, verify=False, **options)
    return feeds


def about_texts() -> Feeds:
    return [texts_of(SENTENCES), texts_of(SENTENCES[:1]), texts_of(SENTENCES * 8)]


def ids(rows: int, steps: int, seed: int = 0) -> np.ndarray:
    """Ids with padding of every kind."""
    random = np.random.default_rng(seed)
    return (random.integers(1, 60, (rows, steps)) * (random.random((rows, steps)) < 0.8)).astype(np.int32)


def plain(name: str, *layers: keras.layers.Layer) -> keras.Model:
    given = keras.Input((None,), dtype="int32", name="ids")
    states = keras.layers.Embedding(60, DIM, mask_zero=True)(given)
    for layer in layers:
        states = layer(states)
    return drawn(keras.Model(given, keras.layers.Dense(3, name="scores")(states), name=name))


def write_plain(path: Path) -> Feeds:
    both = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True))
    model = plain("plain", both, keras.layers.GRU(UNITS), keras.layers.Dropout(0.2))
    return write(path, model, [{"ids": ids(*shape)} for shape in ((4, 9), (1, 1), (32, 20))], text=False)


def write_loop(path: Path) -> Feeds:
    """A recurrence that ONNX has no operator for."""
    model = plain("loop", keras.layers.LSTM(UNITS, activation="gelu"))
    return write(path, model, [{"ids": ids(*shape)} for shape in ((4, 9), (1, 1), (32, 20))], text=False)


def write_auto(path: Path) -> Feeds:
    model = plain("auto", keras.layers.GRU(UNITS))
    feeds = [{"ids": ids(*shape)} for shape in ((4, 9), (1, 1), (64, 20))]
    return write(path, model, feeds, text=False, recurrence="auto")


def write_labels(path: Path) -> Feeds:
    """A model of Keras's own layers that takes text and gives labels."""
    given = keras.Input((None,), dtype="int32")
    states = keras.layers.LSTM(UNITS)(keras.layers.Embedding(len(vocabulary()), DIM, mask_zero=True)(given))
    model = drawn(keras.Model(given, keras.layers.Dense(3, activation="softmax")(states), name="labels"))
    return write(path, model, about_texts(), vocabulary=vocabulary(), labels=["a", "b", "c"])


def write_stateful(path: Path) -> Feeds:
    given = keras.Input(batch_shape=(2, None), dtype="int32", name="ids")
    states = keras.layers.LSTM(UNITS, stateful=True, name="lstm")(keras.layers.Embedding(60, DIM)(given))
    write(path, drawn(keras.Model(given, states, name="stateful")), [], text=False)
    names = [each for each in seqkit_onnx.load(path).input_names if each != "ids"]
    carried = {name: np.full((2, UNITS), 0.25, np.float32) for name in names}
    return [{"ids": ids(2, steps, steps) + 1, **carried} for steps in (1, 7, 30)]


def generator(level: str = "char", **arguments: Any) -> TextGenerator:
    arguments = {"units": (UNITS,), "embedding": DIM, **arguments}
    return drawn(TextGenerator(vocabulary(level), name="writer", **arguments))


def write_generator(path: Path, sampler: Any = "random", **arguments: Any) -> Feeds:
    prompts = [{"prompt": np.array(rows, object), **WRITING} for rows in (PROMPTS, PROMPTS[:1], PROMPTS * 4)]
    return write(path, generator(**arguments), prompts, sampler=sampler)


def write_step(path: Path) -> Feeds:
    write(path, generator(), [], step=True)
    network = seqkit_onnx.load(path)
    states = {name: value for name, value in network.initial_state(3).items() if name != "token"}
    given = {"token": np.full(3, 2, np.int32), "uniform": np.array([0.1, 0.5, 0.9], np.float32)}
    return [{**texts_of(rows), **given, **states} for rows in (["", "the", "a b"], ["", "", ""])]


def write_translator(path: Path, **arguments: Any) -> Feeds:
    arguments = {"units": (UNITS,), "embedding": DIM, "max_length": 20, "name": "translator", **arguments}
    model = drawn(Seq2SeqTranslator(vocabulary(), vocabulary(), **arguments))
    return write(path, model, [*about_texts(), texts_of(SENTENCES, num_beams=np.int64(3))])


BANS = {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "min_new_tokens": 5}
FILES: dict[str, Writer] = {
    "classifier, LSTM both ways": lambda path: write(path, classifier(), about_texts()),
    "classifier, GRU, three labels": lambda path: write(
        path, classifier(labels=["a", "b", "c"], encoder=BidirectionalStack((UNITS, 32), "gru")), about_texts()
    ),
    "classifier, convolution": lambda path: write(path, classifier(conv=DIM), about_texts()),
    "classifier, several labels": lambda path: write(
        path, classifier(labels=["a", "b", "c"], multi_label=True), about_texts()
    ),
    "classifier, float16": lambda path: write(path, classifier(), about_texts(), dtype="float16"),
    "classifier, int8": lambda path: write(path, classifier(), about_texts(), quantize="int8"),
    "classifier, ids": lambda path: write(
        path, classifier(), [{"ids": ids(*shape)} for shape in ((4, 9), (1, 1), (32, 20))], text=False
    ),
    "regressor": lambda path: write(
        path, drawn(TextRegressor(vocabulary(), embedding=DIM, encoder=BidirectionalStack((UNITS,)))), about_texts()
    ),
    "plain model": write_plain,
    "plain model as a loop": write_loop,
    "plain model, recurrence auto": write_auto,
    "plain model, text and labels": write_labels,
    "stateful model": write_stateful,
    "generator": write_generator,
    "generator, words, top-p and bans": lambda path: write_generator(
        path, samplers.TopPSampler(0.9, **BANS), level="word"
    ),
    "generator, GRU, beam": lambda path: write_generator(path, "beam", cell="gru"),
    "generator, contrastive": lambda path: write_generator(path, "contrastive", cell="simple_rnn"),
    "generator, a step": write_step,
    "translator, attention": write_translator,
    "translator, GRU, Bahdanau": lambda path: write_translator(path, cell="gru", attention="bahdanau"),
    "translator, RepeatVector": lambda path: write_translator(path, decoder="repeat_vector"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, writer in FILES.items():
        feeds = writer(folder / f"{name}.onnx")
        arrays = {f"{index}/{key}": value for index, each in enumerate(feeds) for key, value in each.items()}
        strings = {key: value.astype(str) if value.dtype == object else value for key, value in arrays.items()}
        np.savez(folder / f"{name}.npz", **strings)
        print(name, flush=True)


if __name__ == "__main__":
    main()

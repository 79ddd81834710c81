"""Trains models on the backend that KERAS_BACKEND names, and saves them beside their answers.

Run it as `python -m tests.backends.train FOLDER`; it needs Keras, that backend and keras_seqkit, and no TensorFlow.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from keras_seqkit import BidirectionalStack, Seq2SeqTranslator, TextClassifier, TextGenerator, Vocabulary
from tests.cases import CASES, MASKS, masked_ids

SEED = 3
SHAPES = ((1, 1), (3, 7), (8, 20))  # batch, time
CASE_NAMES = (
    "lstm last",
    "lstm zero output backwards",
    "gru sequences",
    "gru_reset_before last",
    "gru from encoder",
    "simple_rnn states",
    "both lstm concat sequences",
    "both gru ave last",
    "both simple_rnn concat last",
    "dropout",
    "stacked",
    "shared",
    "cell in RNN",
    "bidirectional stack",
    "residual stack",
    "convolution in front",
    "pooled",
)
GOOD = ["A touching story, and it's GOOD!", "Funny & warm; não é mau", "good 😀 good"]
BAD = ["Dull and far too long...", "bad bad film", "Not funny; é mau, a waste of time 😴"]
NEUTRAL = ["an okay film", "so so", "neither good nor bad"]
UNSEEN = ["", "unseen words", "A DULL story, but good!", "é 😀 mau " * 30, "...", "so so " * 100]
TEXTS = GOOD + BAD + NEUTRAL + UNSEEN


def _classifier(labels: list[str], encoder: keras.layers.Layer, **arguments: object) -> TextClassifier:
    texts = (GOOD + BAD + NEUTRAL)[: 3 * len(labels)] * 8
    names = [label for label in labels for _ in range(3)] * 8
    model = TextClassifier(Vocabulary.from_texts(texts), labels, 8, encoder, name="classifier", **arguments)
    loss = "binary_crossentropy" if len(labels) == 2 else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.02, clipnorm=1.0), loss)
    model.fit(texts, names, epochs=6, batch_size=8, verbose=0)
    return model


CLASSIFIERS: dict[str, Callable[[], TextClassifier]] = {
    "two labels": lambda: _classifier(["good", "bad"], BidirectionalStack((8, 4), "gru")),
    "three labels": lambda: _classifier(["good", "bad", "é 😀"], BidirectionalStack(6, "lstm"), conv=5, max_length=40),
    "pooled sequence": lambda: _classifier(["good", "bad"], BidirectionalStack(5, "simple_rnn", return_sequences=True)),
}


GENERATOR = "generator"
PROMPTS = ["", "a touching", "é 😀", "so so " * 20]
SAMPLERS = ("random", "top_p", "min_p", "typical", "beam", "contrastive")
SETTINGS = {"max_new_tokens": 30, "seed": SEED, "temperature": 0.8, "top_k": 9}


def train_generator() -> TextGenerator:
    """Builds a small character model, and trains it on streams that carry their state."""
    texts = (GOOD + BAD + NEUTRAL) * 4
    model = TextGenerator(Vocabulary.from_texts(texts, level="char"), (12, 8), embedding=6, name=GENERATOR)
    model.fit(texts, epochs=2, batch_size=4, length=20, verbose=0)
    return model


TRANSLATORS = ("attention", "repeat_vector")
BEAMS = (1, 3)


def train_translator(decoder: str) -> Seq2SeqTranslator:
    """Builds a small translator, and trains it on sentences and their reverse."""
    texts = (GOOD + BAD + NEUTRAL) * 4
    vocabulary = Vocabulary.from_texts(texts)
    model = Seq2SeqTranslator(vocabulary, vocabulary, 12, embedding=8, decoder=decoder, max_length=12, name=decoder)
    reverse = [" ".join(reversed(text.split())) for text in texts]
    model.fit(texts, reverse, epochs=6, batch_size=8, learning_rate=0.02, validation_data=(texts, reverse), verbose=0)
    return model


def train_case(name: str) -> keras.Model:
    """Builds a model of the table and trains it to give random numbers."""
    model = next(case for case in CASES if case.name == name).model()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    random = np.random.default_rng(SEED)
    for kind in MASKS:
        ids = masked_ids(kind, 8, 6, SEED)
        answers = keras.tree.map_structure(np.asarray, model.predict(ids, verbose=0))
        wanted = keras.tree.map_structure(lambda array: random.normal(size=array.shape).astype(np.float32), answers)
        model.fit(ids, wanted, epochs=2, batch_size=4, verbose=0)
    return model


def questions() -> Iterator[tuple[str, np.ndarray]]:
    """Yields the ids that each model of the table is asked about, with a name for each."""
    for kind in MASKS:
        for batch, time in SHAPES:
            yield f"{kind} {batch}x{time}", masked_ids(kind, batch, time, SEED)


def file_name(name: str) -> str:
    """Returns what a model's files are called, without the ending."""
    return name.replace(" ", "_")


def save(model: keras.Model, path: Path, **answers: np.ndarray) -> None:
    """Writes a model and its answers."""
    model.save(path.with_suffix(".keras"))
    np.savez(path.with_suffix(".npz"), **answers)


def main(folder: Path) -> None:
    """Trains all models and fills the folder; prints the backend."""
    keras.utils.set_random_seed(SEED)
    for name in CASE_NAMES:
        model = train_case(name)
        answers = {}
        for question, ids in questions():
            for index, output in enumerate(keras.tree.flatten(model.predict(ids, verbose=0))):
                answers[f"{question} {index}"] = output
        save(model, folder / file_name(name), **answers)
    for name, train in CLASSIFIERS.items():
        model = train()
        labels = np.array(model.predict_labels(TEXTS, verbose=0))
        save(model, folder / file_name(name), labels=labels, probabilities=model.predict(TEXTS, verbose=0))
    model = train_generator()
    texts = {sampler: np.array(model.generate(PROMPTS, sampler=sampler, **SETTINGS)) for sampler in SAMPLERS}
    save(model, folder / GENERATOR, **texts, log_probs=model.log_prob(TEXTS))
    for decoder in TRANSLATORS:
        model = train_translator(decoder)
        found = {f"{beams} {part}": each for beams in BEAMS for part, each in _translated(model, beams)}
        save(model, folder / decoder, **found)
    print(keras.backend.backend())


def _translated(model: Seq2SeqTranslator, beams: int) -> list[tuple[str, np.ndarray]]:
    translations, scores = model.translate(TEXTS, num_beams=beams, return_scores=True)
    return [("translations", np.array(translations)), ("scores", scores)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

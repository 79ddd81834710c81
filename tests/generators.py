"""Small generators with random weights, shared by the suites of generators and of their exports."""

from typing import Any

import keras

from keras_seqkit import TextGenerator, Vocabulary
from tests.cases import randomize_weights

TEXTS = {"char": ["abcab dcé 😀"], "word": ["the cat sat on a mat . é"]}
CELLS = ("lstm", "gru", "simple_rnn")
UNKNOWN = {"char": "zZ", "word": "dog Dogs"}


def vocabulary_of(level: str = "char") -> Vocabulary:
    return Vocabulary.from_texts(TEXTS[level], level=level)


def generator(cell: str = "lstm", level: str = "char", seed: int = 0, **arguments: Any) -> TextGenerator:
    """Makes a generator whose weights, biases too, are drawn with a standard deviation of 0.6."""
    keras.utils.set_random_seed(seed)
    arguments = {"units": (12, 8), "embedding": 6, **arguments}
    model = TextGenerator(vocabulary_of(level), cell=cell, name="writer", **arguments)
    randomize_weights(model, seed)
    return model


def biased(model: TextGenerator, token: str, bias: float) -> TextGenerator:
    """Makes a token more probable, in place."""
    values = model.head.bias.numpy()
    values[model.vocabulary.tokens.index(token)] += bias
    model.head.bias.assign(values)
    return model

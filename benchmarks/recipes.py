"""The classifiers that `accuracy.py` measures: data, vocabulary, word vectors, encoder, training.

No setting was fitted to the test texts: those for the reviews were compared on two parts of the training texts, each by
film, and those for R8 come from parts of its training texts too, where the differences were within the noise. Then all
training texts are trained on, and the weights after the last epoch are taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seqkit import GloveEmbedding, TextClassifier, Vocabulary, datasets
from keras_seqkit.layers.conv_front import ConvFront
from keras_seqkit.layers.masked_max_pooling import MaskedMaxPooling
from keras_seqkit.text.vectors.word_vectors import read_vectors

DIMS = (50, 100)  # the 100-d file has no words of one letter, no "'s" and no digits; the 50-d file has them all


@dataclass(frozen=True)
class Recipe:
    """How one classifier is made.

    Args:
        title: of the task, as it is printed.
        load: gives the parts of the data, as `keras_seqkit.datasets` do.
        held_out: what `load` is given so that a fifth of the training texts is a part of its own.
        min_count: how often a token must stand in the training texts.
        more_words: how many of GloVe's most frequent words join the vocabulary, so that a word that only a test text
            has comes with its vector.
        branches: each reads the same word vectors: ``("lstm", units)``, ``("gru", units)``, both bidirectional, or
            ``("conv", filters, kernel_size)``; one after the other in ``("conv-gru", filters, kernel_size, units)``,
            where two steps become one between them.
        words_too: whether a recurrence's output is joined with the word vectors that it read, before the maximum.
        word_dropout: the fraction of words that are left out in training.
        vector_dropout: the fraction of the word vectors' dimensions that each branch does not see in training.
        dropout: the fraction of the branches' output that the last layer does not see in training.
        max_length: how many tokens are read.
        learning_rate: at the beginning; it falls to 0 along a cosine.
        batch_size: texts in a batch.
        epochs: all of them are trained.
    """

    title: str
    load: Callable[..., Any]
    held_out: dict[str, float]
    min_count: int
    more_words: int
    branches: Sequence[tuple]
    words_too: bool
    word_dropout: float
    vector_dropout: float
    dropout: float
    max_length: int
    learning_rate: float
    batch_size: int
    epochs: int


RECIPES = {
    "rt": Recipe(
        title="Rotten Tomatoes, by film",
        load=datasets.rotten_tomatoes,
        held_out={"test_fraction": 0.2, "validation_fraction": 0.16},
        min_count=1,
        more_words=20_000,
        branches=[("lstm", 64)],
        words_too=True,
        word_dropout=0.0,
        vector_dropout=0.3,
        dropout=0.5,
        max_length=60,
        learning_rate=3e-3,
        batch_size=64,
        epochs=5,
    ),
    "r8": Recipe(
        title="Reuters R8",
        load=datasets.reuters_r8,
        held_out={"validation_fraction": 0.2},
        min_count=2,
        more_words=0,
        branches=[("conv-gru", 128, 3, 64)] * 3,
        words_too=False,
        word_dropout=0.0,
        vector_dropout=0.3,
        dropout=0.5,
        max_length=200,
        learning_rate=3e-3,
        batch_size=64,
        epochs=8,
    ),
}


def make_vocabulary(recipe: Recipe, texts: Sequence[str]) -> Vocabulary:
    """Returns the words of the training texts, and then the words that GloVe saw most."""
    own = Vocabulary.from_texts(texts, min_count=recipe.min_count).tokens
    with datasets.glove(50).open(encoding="utf-8") as lines:
        frequent = [line.partition(" ")[0] for line in islice(lines, recipe.more_words)]
    return Vocabulary(list(dict.fromkeys([*own, *frequent])))


def make_vectors(paths: Sequence[Path], tokens: Sequence[str]) -> dict[str, np.ndarray]:
    """Puts the vectors of several files side by side; zeros where only some files have a token."""
    files = [read_vectors(path, tokens) for path in paths]
    table = np.zeros((len(tokens), sum(file.dim for file in files)), np.float32)  # (vocab, dim)
    start = 0
    for file in files:
        table[file.rows, start : start + file.dim] = file.matrix
        start += file.dim
    found = np.unique(np.concatenate([file.rows for file in files]))
    return {tokens[int(row)]: table[row] for row in found}


def make_encoder(recipe: Recipe, dim: int) -> keras.Model:
    """Returns branches side by side, the maximum over time of each, joined: (batch, time, dim) to (batch, units)."""
    sequence = keras.Input((None, dim), name="vectors")
    words = keras.layers.Dropout(recipe.word_dropout, noise_shape=(None, None, 1))(sequence)
    pooled = []
    for number, (kind, *sizes) in enumerate(recipe.branches):
        x = keras.layers.SpatialDropout1D(recipe.vector_dropout)(words)  # (batch, time, dim)
        if kind.startswith("conv"):
            filters, kernel_size, *sizes = sizes
            pool_size = 2 if sizes else 1
            front = ConvFront(filters, kernel_size, pool_size, name=f"conv_{number}")
            x = front(x)  # (batch, time / pool_size, filters)
        if sizes:
            cell = keras.layers.LSTM if kind == "lstm" else keras.layers.GRU
            recurrence = cell(*sizes, return_sequences=True)
            states = keras.layers.Bidirectional(recurrence, name=f"recurrence_{number}")(x)  # (batch, time, 2 * units)
            x = keras.layers.Concatenate()([states, x]) if recipe.words_too else states
        pooled.append(MaskedMaxPooling(name=f"pooling_{number}")(x))
    joined = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]  # (batch, units)
    return keras.Model(sequence, joined, name="encoder")


def train(recipe: Recipe, texts: Sequence[str], labels: Sequence[str], seed: int, epochs: int) -> TextClassifier:
    """Makes the classifier and trains it on all of these texts."""
    keras.utils.set_random_seed(seed)
    vocabulary = make_vocabulary(recipe, texts)
    vectors = make_vectors([datasets.glove(dim) for dim in DIMS], vocabulary.tokens)
    embedding = GloveEmbedding(vocabulary, vectors, trainable=True, oov="normal", name="embedding")
    model = TextClassifier(
        vocabulary,
        sorted(set(labels)),
        embedding=embedding,
        encoder=make_encoder(recipe, embedding.output_dim),
        dropout=recipe.dropout,
        max_length=recipe.max_length,
    )
    steps = epochs * -(-len(texts) // recipe.batch_size)
    rate: Any = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    loss = "binary_crossentropy" if len(model.labels) == 2 else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, metrics=["accuracy"])
    model.fit(texts, labels, batch_size=recipe.batch_size, epochs=epochs, verbose=0)
    return model

"""A training step is traced once: the optimizer and the metrics have their variables before."""

import keras
import pytest

from keras_seqkit import Seq2SeqTranslator, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from keras_seqkit.models.compiling import build_optimizer
from keras_seqkit.models.generation.language_training import StreamTraining

TEXTS = ["a b", "b a"]
VOCABULARY = Vocabulary.from_texts(TEXTS)


def classifier(labels: list[str]) -> TextClassifier:
    return TextClassifier(VOCABULARY, labels, embedding=2, encoder=MaskedMaxPooling())


FITS = {
    "two labels": lambda: classifier(["x", "y"]).fit(TEXTS, ["x", "y"], verbose=0),
    "three labels": lambda: classifier(["x", "y", "z"]).fit(TEXTS, ["x", "y"], verbose=0),
    "generator": lambda: TextGenerator(VOCABULARY, 2, "simple_rnn", 2).fit(TEXTS, epochs=1, length=3, verbose=0),
    "translator": lambda: Seq2SeqTranslator(VOCABULARY, VOCABULARY, 2, "simple_rnn", 2).fit(
        TEXTS, TEXTS, epochs=1, verbose=0
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_training_step_is_traced_once(name, monkeypatch):
    traced = []
    for kind in (TextClassifier, StreamTraining, Seq2SeqTranslator):
        step = kind.train_step
        monkeypatch.setattr(kind, "train_step", lambda self, data, step=step: traced.append(1) or step(self, data))
    FITS[name]()
    assert len(traced) == 1


def test_an_optimizer_that_has_variables_keeps_them():
    model = classifier(["x", "y"])
    model.compile(keras.optimizers.Adam(), "binary_crossentropy")
    model.predict(TEXTS, verbose=0)
    build_optimizer(model)
    kept = model.optimizer.variables
    build_optimizer(model)
    assert all(ours is theirs for ours, theirs in zip(model.optimizer.variables, kept, strict=True))

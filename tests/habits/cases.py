"""The models of the table, tiny and without chance, each with texts that it learns from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seqkit import Seq2SeqTranslator, SkipGram, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling

TEXTS = ["a good film", "bad", "so bad a film", "good", "a bad film", "good good film", "a film", "so so bad"]
LABELS = ["pos", "neg", "neg", "pos", "neg", "pos", "pos", "neg"]
ANSWERS = ["um filme bom", "mau", "um filme tão mau", "bom", "um filme mau", "bom bom filme", "um filme", "mau"]
UNSEEN = ["good film zz", "", "bad"]
WHOLE = 64  # a batch size that makes one step of all
WORDS = Vocabulary.from_texts(TEXTS)
OTHER_WORDS = Vocabulary.from_texts(ANSWERS)


@dataclass(frozen=True)
class Case:
    """One model, and what it is tried with.

    Args:
        name: the class.
        make: makes a new one, always with the same weights.
        texts: what it learns from.
        targets: what belongs to them; `None`: nothing.
        answer: what its users ask of it: of a model and texts, an array or a list.
        settings: what each `fit` is given.
        chance: arguments of the constructor that let a seed matter.
    """

    name: str
    make: Callable[..., Any]
    targets: list[str] | None
    answer: Callable[[Any, Any], Any]
    settings: dict[str, Any]
    chance: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=lambda: list(TEXTS))

    def new(self, **arguments: Any) -> Any:
        """Makes a model whose weights are those of all others that it makes."""
        keras.utils.set_random_seed(1)
        return self.make(**arguments)

    def data(self, part: slice = slice(None), kind: Callable[[Any], Any] = list) -> tuple:
        """Returns texts, and what belongs to them, as arguments of `fit`; `kind` makes a column of a list."""
        columns = (self.texts, self.targets)
        return tuple(kind(column[part]) for column in columns if column is not None)

    def batches(self, kind: Callable[[Any], Any] = list, size: int = 4) -> list[tuple]:
        """Returns all data in batches."""
        return [self.data(slice(start, start + size), kind) for start in range(0, len(self.texts), size)]

    def held_out(self, kind: Callable[[Any], Any] = list) -> Any:
        """Returns what is measured after each epoch, as `validation_data`."""
        found = self.data(slice(4), kind)
        return found if len(found) == 2 else found[0]

    def fit(self, *data: Any, model: Any = None, **arguments: Any) -> Any:
        """Trains a model on what is given, else on its texts; returns it."""
        model = self.new() if model is None else model
        model.fit(*(data or self.data()), **{"verbose": 0, "epochs": 1, **self.settings, **arguments})
        return model

    def plain(self, **arguments: Any) -> Any:
        """Returns what `fit` makes, once for all that compare with it; nothing may change it."""
        return fitted(self.name, **arguments)

    def loss(self, model: Any, part: slice = slice(None)) -> float:
        """Measures a model's loss on its texts, or on a part of them."""
        measure = model.evaluate if self.name == "SkipGram" else model.test_on_batch
        arguments = {"verbose": 0} if self.name == "SkipGram" else {}
        return measure(*self.data(part), return_dict=True, **arguments)["loss"]

    @property
    def stream_settings(self) -> dict[str, Any]:
        """The settings of `fit` where batches come from elsewhere."""
        return {name: value for name, value in self.settings.items() if name != "batch_size"}


def weights(model: Any) -> list[np.ndarray]:
    """Returns the weights of a model as they are now."""
    return [np.array(each) for each in model.get_weights()]


def assert_same(one: Any, two: Any, tolerance: float = 0.0) -> None:
    """Compares answers, histories or weights: to the last bit, if no tolerance is given."""
    ones, twos = (keras.tree.flatten(weights(each) if isinstance(each, keras.Model) else each) for each in (one, two))
    assert len(ones) == len(twos)
    for first, second in zip(ones, twos, strict=True):
        if isinstance(first, str) or not tolerance:
            np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
        else:
            np.testing.assert_allclose(first, second, rtol=0, atol=tolerance)


def differ(one: Any, two: Any) -> bool:
    """Whether some weight is another one."""
    ones, twos = (weights(each) if isinstance(each, keras.Model) else each for each in (one, two))
    return any(not np.array_equal(first, second) for first, second in zip(ones, twos, strict=True))


def _classifier(**arguments: Any) -> TextClassifier:
    return TextClassifier(WORDS, ["neg", "pos"], 3, **{"encoder": MaskedMaxPooling(), "dropout": 0.0, **arguments})


def _generator(**arguments: Any) -> TextGenerator:
    return TextGenerator(WORDS, 4, "simple_rnn", 3, **arguments)


def _translator(**arguments: Any) -> Seq2SeqTranslator:
    arguments = {"cell": "simple_rnn", "embedding": 3, "max_length": 6, "dropout": 0.0, **arguments}
    return Seq2SeqTranslator(WORDS, OTHER_WORDS, 4, **arguments)


def _skip_gram(**arguments: Any) -> SkipGram:
    return SkipGram(WORDS, 3, window=2, negatives=2, subsample=0.0, **arguments)


CASES = [
    Case(
        "TextClassifier",
        _classifier,
        LABELS,
        lambda model, texts: model.predict(texts, verbose=0),
        {"batch_size": 4},
        {"dropout": 0.3},
    ),
    Case(
        "TextGenerator",
        _generator,
        None,
        lambda model, texts: model.generate(texts, 3),
        {"batch_size": 4, "length": 5},
        {"dropout": 0.3},
    ),
    Case(
        "Seq2SeqTranslator",
        _translator,
        ANSWERS,
        lambda model, texts: model.translate(texts, return_scores=True),
        {"batch_size": 4},
        {"dropout": 0.3},
    ),
    Case("SkipGram", _skip_gram, None, lambda model, texts: model.vectors, {"batch_size": 24}),
]


@cache
def fitted(name: str, validated: bool = False, **arguments: Any) -> Any:
    """Returns the model that was trained on plain lists; nothing may change it."""
    case = next(each for each in CASES if each.name == name)
    return case.fit(**arguments, **({"validation_data": case.held_out()} if validated else {}))


def only(folder: Path, pattern: str) -> Path:
    """Returns the only file of that pattern."""
    [found] = folder.rglob(pattern)
    return found

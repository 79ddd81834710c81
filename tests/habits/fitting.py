"""Habits: the arguments of `fit`."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.habits.cases import Case, assert_same, differ, weights
from tests.habits.table import habit

FITTING = "Arguments of `fit`"


class Seen(keras.callbacks.Callback):
    """Counts what Keras tells a callback, and remembers the weights before and after each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs: list[int] = []
        self.steps = 0
        self.weights: list[Any] = []
        self.began: list[Any] = []
        self.ended = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began.append(weights(self.model))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)
        self.weights.append(weights(self.model))

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = True


@habit(FITTING, "`fit(x, y, 3, 2)`: 2 epochs in batches of 3")
def keras_order(case: Case, folder: Path) -> None:
    arguments = {name: value for name, value in case.settings.items() if name != "batch_size"}
    model, seen = case.new(), Seen()
    given = case.data() if case.targets else (*case.data(), None)
    model.fit(*given, 3, 2, 0, [seen], **arguments)
    assert seen.epochs == [0, 1]
    assert_same(model, case.fit(batch_size=3, epochs=2))


@habit(FITTING, "`batch_size=0`")
def batch_size_of_nothing(case: Case, folder: Path) -> None:
    case.fit(batch_size=0)
    raise AssertionError("batches of nothing were taken")


@habit(FITTING, "`epochs=2.5`")
def half_an_epoch(case: Case, folder: Path) -> None:
    case.fit(epochs=2.5)
    raise AssertionError("half an epoch was taken")


@habit(FITTING, "`validation_split=0.25`")
def validation_split(case: Case, folder: Path) -> None:
    model = case.fit(validation_split=0.25)
    held_out = case.data(slice(6, None))
    expected = case.fit(*case.data(slice(6)), validation_data=held_out if len(held_out) > 1 else held_out[0])
    assert_same(model, expected)
    assert len(model.history.history["val_loss"]) == 1
    assert_same(model.history.history, expected.history.history)


@habit(FITTING, "`validation_split=1.5`")
def validation_split_beyond_all(case: Case, folder: Path) -> None:
    case.fit(validation_split=1.5)
    raise AssertionError("more than all was held out")


@habit(FITTING, "`validation_data` beside `validation_split`: the data win")
def validation_data_win(case: Case, folder: Path) -> None:
    both = case.fit(validation_data=case.held_out(), validation_split=0.25)
    expected = case.plain(validated=True)
    assert_same(both, expected)
    assert_same(both.history.history["val_loss"], expected.history.history["val_loss"])


@habit(FITTING, "`validation_data` as a list `[x, y]`")
def validation_data_as_a_list(case: Case, folder: Path) -> None:
    held_out = case.held_out()
    model = case.fit(validation_data=list(held_out) if case.targets else held_out)
    assert_same(model.history.history, case.plain(validated=True).history.history)


@habit(FITTING, "`validation_data` with a `sample_weight`: `(x, y, weights)`")
def validation_data_with_weights(case: Case, folder: Path) -> None:
    x, y = (*case.data(slice(4)), None)[:2]
    ones, few, many = (
        case.fit(validation_data=(x, y, np.array(each, np.float32))).history.history["val_loss"][0]
        for each in ([1, 1, 1, 1], [0, 1, 0, 1], [0, 3, 0, 3])
    )
    assert few != ones == case.plain(validated=True).history.history["val_loss"][0]
    assert np.isclose(many, few, rtol=1e-5) or np.isclose(many, 3 * few, rtol=1e-5)  # Keras's mean is over all texts


@habit(FITTING, "`validation_freq=2`")
def validation_freq(case: Case, folder: Path) -> None:
    history = case.fit(validation_data=case.held_out(), validation_freq=2, epochs=4).history.history
    assert len(history["loss"]) == 4
    assert len(history["val_loss"]) == 2


@habit(FITTING, "`sample_weight`: 0 for all leaves the weights as they were")
def sample_weight_of_zeros(case: Case, folder: Path) -> None:
    model, before = case.new(), weights(case.new())
    case.fit(model=model, sample_weight=np.zeros(len(case.texts)))
    assert not differ(model, before)


@habit(FITTING, "`sample_weight`: 1 for all is none, and others are not")
def sample_weight(case: Case, folder: Path) -> None:
    assert_same(case.fit(sample_weight=[1.0] * 8), case.plain())
    assert differ(case.fit(sample_weight=np.linspace(0.1, 3, 8)), case.plain())


@habit(FITTING, "`sample_weight` with a weight too many")
def sample_weight_too_long(case: Case, folder: Path) -> None:
    case.fit(sample_weight=np.ones(len(case.texts) + 1))
    raise AssertionError("a weight too many was taken in silence")


@habit(FITTING, "`sample_weight` with a `NaN`")
def sample_weight_of_nan(case: Case, folder: Path) -> None:
    case.fit(sample_weight=[float("nan")] * len(case.texts))
    raise AssertionError("NaN was taken as a weight")


@habit(FITTING, '`class_weight={"pos": 0.0, "neg": 2.0}`')
def class_weight(case: Case, folder: Path) -> None:
    model = case.fit(class_weight={"pos": 0.0, "neg": 2.0}, shuffle=False)
    as_weights = [0.0 if label == "pos" else 2.0 for label in case.targets or []]
    assert_same(model, case.fit(sample_weight=as_weights, shuffle=False))


@habit(FITTING, "`class_weight={0: 2.0, 1: 0.0}`")
def class_weight_by_index(case: Case, folder: Path) -> None:
    model = case.fit(class_weight={0: 2.0, 1: 0.0})
    assert_same(model, case.fit(class_weight={"pos": 0.0, "neg": 2.0}))


@habit(FITTING, '`class_weight="balanced"`')
def class_weight_balanced(case: Case, folder: Path) -> None:
    chosen = slice(1, None)  # 3 of one label, 4 of the other
    model = case.fit(*case.data(chosen), class_weight="balanced")
    labels = case.data(chosen)[-1]
    expected = {label: len(labels) / (2 * labels.count(label)) for label in ("neg", "pos")}
    assert_same(model, case.fit(*case.data(chosen), class_weight=expected))


@habit(FITTING, '`class_weight="balanced"` and a stream')
def class_weight_balanced_of_a_stream(case: Case, folder: Path) -> None:
    case.fit((batch if len(batch) > 1 else batch[0] for batch in case.batches()), class_weight="balanced")
    raise AssertionError("classes were balanced in silence within each batch")


@habit(FITTING, '`class_weight={"unknown": 2.0}`')
def class_weight_of_unknown(case: Case, folder: Path) -> None:
    case.fit(class_weight={"unknown": 2.0})
    raise AssertionError("an unknown class was weighed in silence")


@habit(FITTING, "`shuffle=False`, against the default")
def shuffle(case: Case, folder: Path) -> None:
    still = case.fit(shuffle=False)
    assert_same(still, case.plain(shuffle=False))
    assert differ(still, case.plain())


@habit(FITTING, "`initial_epoch=1, epochs=3`")
def initial_epoch(case: Case, folder: Path) -> None:
    seen = Seen()
    model = case.fit(initial_epoch=1, epochs=3, callbacks=[seen])
    assert seen.epochs == model.history.epoch == [1, 2]


@habit(FITTING, "`steps_per_epoch=1`")
def steps_per_epoch(case: Case, folder: Path) -> None:
    seen = Seen()
    case.fit(steps_per_epoch=1, epochs=2, callbacks=[seen])
    assert seen.epochs == [0, 1]
    assert seen.steps == 2


@habit(FITTING, "`validation_steps=1`, `validation_batch_size=2`")
def validation_steps(case: Case, folder: Path) -> None:
    few = case.fit(validation_data=case.held_out(), validation_steps=1, validation_batch_size=2)
    many = case.fit(validation_data=case.held_out(), validation_batch_size=2)
    assert few.history.history["val_loss"] != many.history.history["val_loss"]


@habit(FITTING, "a callback that is not in a list")
def a_single_callback(case: Case, folder: Path) -> None:
    seen = Seen()
    model = case.fit(callbacks=seen)
    assert seen.ended
    assert seen.model is model


@habit(FITTING, "a second `fit` goes on")
def a_second_fit(case: Case, folder: Path) -> None:
    model = case.fit()
    steps = int(model.optimizer.iterations)
    case.fit(model=model)
    assert int(model.optimizer.iterations) == 2 * steps or case.name == "Seq2SeqTranslator"  # a schedule of its own
    assert differ(model, case.plain())


@habit(FITTING, "an argument that `fit` does not know: the `TypeError` of Python")
def unknown_argument(case: Case, folder: Path) -> None:
    with pytest.raises(TypeError, match="no_such_argument"):  # as Python says it
        case.fit(no_such_argument=1)


@habit(FITTING, "the same seeds: the same weights to the last bit")
def seeds(case: Case, folder: Path) -> None:
    one, two, other = (case.fit(model=case.new(**case.chance), epochs=2, shuffle=True, seed=seed) for seed in (3, 3, 4))
    assert_same(one, two)
    assert differ(one, other)

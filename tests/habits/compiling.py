"""Habits: what models are compiled with, and in what precision."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.habits.cases import Case, assert_same, differ, weights
from tests.habits.fitting import Seen
from tests.habits.table import habit

COMPILING = "Compilation"
PRECISION = "Precision"
TOLERANCE = 1e-5  # of a few steps that XLA and TensorFlow add up in another order


def _compiled(case: Case, *arguments: Any, **named: Any) -> Any:
    model = case.new()
    model.compile(*arguments, **named)
    return model


@habit(COMPILING, "nothing: `fit` alone")
def no_compilation(case: Case, folder: Path) -> None:
    model = case.fit()
    assert model.compiled
    assert np.isfinite(model.history.history["loss"]).all()


@habit(COMPILING, "`compile()`")
def compile_of_nothing(case: Case, folder: Path) -> None:
    assert case.loss(_compiled(case)) == case.loss(case.new())


@habit(COMPILING, '`compile("sgd")`: that optimizer, the model\'s own loss')
def compile_of_an_optimizer(case: Case, folder: Path) -> None:
    model = _compiled(case, "sgd")
    assert case.loss(model) == case.loss(case.new())
    case.fit(model=model)
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert differ(model, case.new())


@habit(COMPILING, '`compile("adam", metrics=["accuracy"])`: the model\'s own loss')
def compile_with_metrics(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", metrics=["accuracy"])
    assert case.loss(model) == case.loss(case.new())
    history = case.fit(model=model, validation_data=case.held_out()).history.history
    assert 0 <= history["accuracy"][0] <= 1
    assert 0 <= history["val_accuracy"][0] <= 1


@habit(COMPILING, '`compile("adam", weighted_metrics=["accuracy"])`')
def compile_with_weighted_metrics(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", weighted_metrics=["accuracy"])
    assert 0 <= case.fit(model=model).history.history["accuracy"][0] <= 1


@habit(COMPILING, '`compile("adam", "sparse_categorical_crossentropy")`')
def compile_with_sparse_crossentropy(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", "sparse_categorical_crossentropy")
    np.testing.assert_allclose(case.loss(model), _unsmoothed(case), rtol=1e-5)


@habit(COMPILING, '`compile("adam", SparseCategoricalCrossentropy(from_logits=True))`')
def compile_with_sparse_crossentropy_of_logits(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    np.testing.assert_allclose(case.loss(model), _unsmoothed(case), rtol=1e-5)


def _unsmoothed(case: Case) -> float:
    """Returns the cross-entropy of an untrained model."""
    if case.name == "Seq2SeqTranslator":
        return case.new().evaluate(*case.data(), verbose=0)["loss"]
    return case.loss(case.new())


@habit(COMPILING, '`compile("adam", "binary_crossentropy")`')
def compile_with_binary_crossentropy(case: Case, folder: Path) -> None:
    assert case.loss(_compiled(case, "adam", "binary_crossentropy")) == case.loss(case.new())


@habit(COMPILING, '`compile("adam", "mse")`')
def compile_with_squares(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", "mse")
    found = (model.predict(case.texts, verbose=0)[:, 0] - [label == "pos" for label in case.targets]) ** 2
    np.testing.assert_allclose(case.loss(model), found.mean(), rtol=1e-5)


@habit(COMPILING, "`compile(loss=a function of one's own)`")
def compile_with_a_function(case: Case, folder: Path) -> None:
    called = []

    def ten(y_true: Any, y_pred: Any) -> Any:
        called.append(y_pred.shape)
        return keras.ops.zeros_like(keras.ops.mean(y_pred, -1)) + 10.0

    assert case.loss(_compiled(case, "adam", ten)) == 10
    assert called


@habit(COMPILING, '`compile("adam", "no_such_loss")`')
def compile_with_an_unknown_loss(case: Case, folder: Path) -> None:
    _compiled(case, "adam", "no_such_loss")
    raise AssertionError("an unknown loss was taken")


@habit(COMPILING, "`compile(metrics=[a metric of one's own])`")
def compile_with_a_metric(case: Case, folder: Path) -> None:
    class Calls(keras.metrics.Sum):
        """Counts the rows that it sees."""

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            super().update_state(keras.ops.ones((keras.ops.shape(y_pred)[0],)))

    model = _compiled(case, "adam", metrics=[Calls(name="rows")])
    assert case.fit(model=model).history.history["rows"][0] >= len(case.texts) / 2


@habit(COMPILING, "`run_eagerly=True`")
def run_eagerly(case: Case, folder: Path) -> None:
    model = _compiled(case, "adam", run_eagerly=True)
    assert model.run_eagerly
    assert_same(case.fit(model=model), case.fit(model=_compiled(case, "adam")), TOLERANCE)


@habit(COMPILING, "`steps_per_execution=2`", eager=False, costly=True)
def steps_per_execution(case: Case, folder: Path) -> None:
    seen = Seen()
    model = case.fit(model=_compiled(case, "sgd", steps_per_execution=2), callbacks=seen, shuffle=False)
    plain, steps = case.fit(model=_compiled(case, "sgd", run_eagerly=True), shuffle=False), model.optimizer.iterations
    assert seen.steps < int(steps) == int(plain.optimizer.iterations)
    assert_same(model, plain, TOLERANCE)


@habit(COMPILING, "`jit_compile=True`", eager=False, costly=True)
def jit_compile(case: Case, folder: Path) -> None:
    model = case.fit(model=_compiled(case, "sgd", jit_compile=True), shuffle=False)
    assert_same(model, case.fit(model=_compiled(case, "sgd", run_eagerly=True), shuffle=False), TOLERANCE)


@habit(COMPILING, "`Adam(gradient_accumulation_steps=2)`, `Adam(use_ema=True)`")
def accumulated_gradients(case: Case, folder: Path) -> None:
    optimizer = keras.optimizers.Adam(0.01, gradient_accumulation_steps=2, use_ema=True, ema_overwrite_frequency=1)
    model = case.fit(model=_compiled(case, optimizer))
    assert model.optimizer is optimizer
    assert differ(model, case.new())


@habit(COMPILING, "a learning rate schedule")
def a_schedule(case: Case, folder: Path) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5)
    model = case.fit(model=_compiled(case, keras.optimizers.Adam(schedule)))
    steps = int(model.optimizer.iterations)
    np.testing.assert_allclose(float(model.optimizer.learning_rate), 0.01 * 0.5**steps, rtol=1e-5)


@habit(COMPILING, "`loss_weights=[2.0]`: twice the loss, in `val_loss` too")
def loss_weights(case: Case, folder: Path) -> None:
    plain, twice = (_compiled(case, keras.optimizers.SGD(0.0), loss_weights=each) for each in (None, [2.0]))
    histories = [case.fit(model=model, validation_data=case.held_out()).history.history for model in (plain, twice)]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(histories[1][name], np.multiply(2, histories[0][name]), rtol=1e-5)


@habit(COMPILING, "a class of one's own with a `compute_loss`")
def own_compute_loss(case: Case, folder: Path) -> None:
    class Own(type(case.new())):
        """A model whose loss is 7, whatever it does."""

        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            return 0.0 * super().compute_loss(x, y, y_pred, sample_weight, training) + 7.0

    plain = case.new()
    model = Own.from_config(plain.get_config())
    model.set_weights(plain.get_weights())
    model.compile("sgd")
    history = case.fit(model=model, validation_data=case.held_out()).history.history
    assert history["loss"] == history["val_loss"] == [7.0]
    assert_same(model, plain)


def _of_precision(case: Case, model: Any, name: str) -> None:
    assert model.dtype_policy.name == name
    case.fit(model=model, validation_data=case.held_out())
    assert np.isfinite(model.history.history["loss"]).all()
    assert all(each.dtype == "float32" for each in model.trainable_variables)
    computes = {layer.compute_dtype for layer in model.layers if layer.name in ("embedding", "word_vectors")}
    assert all(each == name.removeprefix("mixed_") for each in computes)
    assert len(case.answer(model, case.texts)) >= len(case.texts) or case.name == "Seq2SeqTranslator"


@habit(PRECISION, '`dtype="mixed_bfloat16"`')
def mixed_bfloat16(case: Case, folder: Path) -> None:
    _of_precision(case, case.new(dtype="mixed_bfloat16"), "mixed_bfloat16")


@habit(PRECISION, '`dtype="mixed_float16"`')
def mixed_float16(case: Case, folder: Path) -> None:
    _of_precision(case, case.new(dtype="mixed_float16"), "mixed_float16")


@habit(PRECISION, '`keras.config.set_dtype_policy("mixed_bfloat16")`')
def a_policy_for_all(case: Case, folder: Path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        _of_precision(case, case.new(), "mixed_bfloat16")
    finally:
        keras.config.set_dtype_policy(before)


@habit(PRECISION, '`dtype="float64"`')
def float64(case: Case, folder: Path) -> None:
    model = case.fit(model=case.new(dtype="float64"))
    assert all(each.dtype == "float64" for each in weights(model)[:1])


def _numbers(case: Case, model: Any) -> Any:
    """Returns what a model computes, as an array."""
    if case.name == "Seq2SeqTranslator":
        return model.predict({"source": case.texts, "target": case.targets}, verbose=0)
    return model.vectors if case.name == "SkipGram" else model.predict(case.texts, verbose=0)


@habit(PRECISION, '`model.quantize("int8")`')
def quantize(case: Case, folder: Path) -> None:
    model = case.fit()
    numbers, answer = _numbers(case, model), case.answer(model, case.texts)
    model.quantize("int8")
    assert any(each.dtype == "int8" for each in model.variables)
    np.testing.assert_allclose(numbers, _numbers(case, model), rtol=0, atol=0.05)
    assert len(case.answer(model, case.texts)) == len(answer)

"""Habits: saving, loading, copying and changing models."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.eager import eagerly
from tests.habits.cases import UNSEEN, Case, assert_same, differ, weights
from tests.habits.table import habit

SAVING = "Saving, loading and copying"
TOLERANCE = 1e-5  # another process, another order of sums


def _assert_equal_answers(case: Case, one: Any, two: Any) -> None:
    assert_same(one, two)
    assert_same(case.answer(one, UNSEEN), case.answer(two, UNSEEN))


@habit(SAVING, "`save` and `load_model`, and training goes on as if nothing had been: weights, optimizer, metrics")
def save_and_load(case: Case, folder: Path) -> None:
    model = case.new()
    model.compile(keras.optimizers.Adam(0.01))
    case.fit(model=model)
    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    _assert_equal_answers(case, loaded, model)
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) > 0
    assert_same(case.fit(model=loaded), case.fit(model=model))
    assert_same(loaded.optimizer.variables, model.optimizer.variables)


@habit(SAVING, "`save` of a model that nobody compiled or trained")
def save_untrained(case: Case, folder: Path) -> None:
    model = case.new()
    model.save(folder / "model.keras")
    _assert_equal_answers(case, keras.saving.load_model(folder / "model.keras"), model)


@habit(SAVING, '`save("model.h5")`')
def save_as_hdf5(case: Case, folder: Path) -> None:
    model = case.plain()
    model.save(folder / "model.h5")
    raise AssertionError("Keras writes a file that it cannot read again")


@habit(SAVING, "`save_weights` and `load_weights`")
def save_weights(case: Case, folder: Path) -> None:
    case.plain().save_weights(folder / "model.weights.h5")
    model = case.new()
    model.load_weights(folder / "model.weights.h5")
    assert_same(model, case.plain())


@habit(SAVING, "`get_weights` and `set_weights`")
def set_weights(case: Case, folder: Path) -> None:
    model = case.new()
    model.set_weights(case.plain().get_weights())
    assert_same(model, case.plain())


@habit(SAVING, "`keras.models.clone_model`")
def clone(case: Case, folder: Path) -> None:
    model = keras.models.clone_model(case.plain())
    assert type(model) is type(case.plain())
    model.set_weights(case.plain().get_weights())
    assert_same(case.answer(model, UNSEEN), case.answer(case.plain(), UNSEEN))


@habit(SAVING, "`pickle`")
def pickled(case: Case, folder: Path) -> None:
    _assert_equal_answers(case, pickle.loads(pickle.dumps(case.plain())), case.plain())


@habit(SAVING, "`copy.deepcopy`, and the copy learns alone")
def deep_copy(case: Case, folder: Path) -> None:
    model = copy.deepcopy(case.plain())
    before = weights(case.plain())
    _assert_equal_answers(case, model, case.plain())
    case.fit(model=model)
    assert differ(model, before)
    assert_same(case.plain(), before)


@habit(SAVING, "`to_json` and `model_from_json`")
def as_json(case: Case, folder: Path) -> None:
    model = keras.models.model_from_json(case.plain().to_json())
    model.set_weights(case.plain().get_weights())
    assert_same(case.answer(model, UNSEEN), case.answer(case.plain(), UNSEEN))


@habit(SAVING, "`from_config(get_config())`")
def from_config(case: Case, folder: Path) -> None:
    config = json.loads(json.dumps(case.plain().get_config()))
    model = type(case.plain()).from_config(config)
    assert [each.shape for each in weights(model)] == [each.shape for each in weights(case.new())]


def _inputs(case: Case, model: Any) -> Any:
    """Returns what the network itself takes."""
    if case.name == "SkipGram":
        return np.array([4, 5], np.int32), np.array([[4, 5, 6], [7, 4, 5]], np.int32)
    texts = {"source": UNSEEN, "target": UNSEEN} if case.name == "Seq2SeqTranslator" else UNSEEN
    return model.encode_batch(texts)[0]


@habit(SAVING, "`model.export(folder)`: a SavedModel of the network", eager=False)
def export(case: Case, folder: Path) -> None:
    import tensorflow as tf

    with eagerly():
        model = case.plain()
        inputs = _inputs(case, model)
        expected = model.predict(inputs, verbose=0)
    model.export(folder / "exported", verbose=False)
    served: Any = tf.saved_model.load(str(folder / "exported"))
    given = tf.nest.map_structure(tf.constant, inputs)
    np.testing.assert_allclose(np.asarray(served.serve(given)), expected, rtol=0, atol=TOLERANCE)


@habit(SAVING, '`model.export("model.onnx", format="onnx")`')
def export_as_onnx(case: Case, folder: Path) -> None:
    case.plain().export(folder / "model.onnx", format="onnx")
    raise AssertionError("Keras wrote the network, without its texts")


@habit(SAVING, "`summary()`: all layers are built, batch and time of any size")
def summary(case: Case, folder: Path) -> None:
    lines: list[str] = []
    case.new().summary(print_fn=lambda text, *more, **named: lines.append(str(text)))
    text = "\n".join(lines)
    assert "unbuilt" not in text
    if "embedding (Embedding)" in text:  # layers that hold others give no shape: Keras writes ?
        assert "?" not in text
        assert "(None, None, 3)" in text
    assert f"{case.new().count_params():,}" in text


def _all_layers(layer: Any) -> list[Any]:
    """Returns a layer, the layers that it holds as attributes, and theirs."""
    held = [each for each in keras.tree.flatten(list(vars(layer).values())) if isinstance(each, keras.Layer)]
    found = {id(each): each for part in held if not isinstance(part, keras.Model) for each in _all_layers(part)}
    return [layer, *found.values()]


@habit(SAVING, "LoRA: `layer.enable_lora(2)` of each layer that has it")
def lora(case: Case, folder: Path) -> None:
    model = case.new()
    layers = [layer for layer in _all_layers(model) if hasattr(layer, "enable_lora")]
    for layer in layers:
        layer.enable_lora(2)
    changed = [each for layer in layers for each in layer.trainable_variables if "lora" in each.path]
    frozen = [each for layer in layers for each in layer.non_trainable_variables]
    before = [[np.array(each) for each in part] for part in (changed, frozen)]
    case.fit(model=model, epochs=2)
    assert changed
    assert differ([np.array(each) for each in changed], before[0])
    assert_same([np.array(each) for each in frozen], before[1])


@habit(SAVING, "`layer.trainable = False`")
def frozen_layer(case: Case, folder: Path) -> None:
    model = case.new()
    model.layers[0].trainable = False
    before = weights(model.layers[0])
    case.fit(model=model)
    assert differ(model, case.new())
    assert_same(model.layers[0].get_weights(), before)

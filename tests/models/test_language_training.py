"""Training on streams and on windows: what the loss is, where states begin, and what callbacks see."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqkit import TextGenerator
from keras_seqkit.models import SampleText
from keras_seqkit.models.generation.language_training import StreamTraining
from keras_seqkit.models.generation.token_streams import ContinuousBatches, WindowBatches
from keras_seqkit.text.vocabulary import START_ID
from tests.eager import eagerly
from tests.generators import CELLS, generator
from tests.numpy_generator import NumpyNetwork, log_softmax

TEXTS = ["abc é", "dcb a", "", "a" * 9]
TOLERANCE = 1e-5  # logits about 1, added up in float32 in another order


def frozen(cell: str = "lstm", **arguments) -> TextGenerator:
    """A generator that is trained and does not change; nothing is compiled, which takes longest in so small a model."""
    return compiled(generator(cell, **arguments), keras.optimizers.SGD(0.0), run_eagerly=True)


def compiled(model: TextGenerator, optimizer: keras.optimizers.Optimizer, **arguments) -> TextGenerator:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    model.compile(optimizer, loss, **arguments)
    return model


def rows_of(model: TextGenerator, texts: list[str]) -> list[np.ndarray]:
    return [np.asarray(row, np.int32) for row in model.vocabulary.encode_rows(texts)]


def nats_of(model: TextGenerator, ids: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The nats of each target, states carried along each row, in NumPy."""
    network, found = NumpyNetwork(model), np.zeros(ids.shape)
    for row in range(len(ids)):
        states = network.begin()
        for step in range(ids.shape[1]):
            logits, _, states = network.read(int(ids[row, step]), states)
            found[row, step] = -log_softmax(logits)[targets[row, step]]
    return found


def stream_losses(model: TextGenerator, batches: ContinuousBatches) -> float:
    parts = [batches[index] for index in range(len(batches))]
    ids, targets, weights = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
    nats = nats_of(model, ids, targets) * weights
    sums = zip(*(np.split(each, len(parts), axis=1) for each in (nats, weights)), strict=True)
    return float(np.mean([part.sum() / max(1, weight.sum()) for part, weight in sums]))


@pytest.mark.parametrize("cell", CELLS)
def test_two_parts_of_a_stream_are_one_long_call(cell):
    model = frozen(cell)
    training = StreamTraining(model, 2)
    ids = np.random.default_rng(0).integers(2, len(model.vocabulary), (2, 9)).astype(np.int32)
    for _ in range(2):
        parts = [np.asarray(training(ids[:, :4])), np.asarray(training(ids[:, 4:]))]
        whole = np.asarray(model.logits(model.run(ids)[0]))
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=0, atol=TOLERANCE)
        assert all(np.abs(np.asarray(kept)).max() > 0.01 for kept in training.kept.values())
        training.forget()
        assert not any(np.asarray(kept).any() for kept in training.kept.values())


def test_the_loss_of_streams_is_that_of_numpy_with_carried_states_in_each_epoch():
    model = frozen()
    history = model.fit(TEXTS, epochs=3, batch_size=2, length=4, seed=5, forget=0.0, verbose=0)
    batches = ContinuousBatches(rows_of(model, TEXTS), 2, 4, 5)
    expected = []
    for _ in range(4):
        expected.append(stream_losses(model, batches))
        batches.on_epoch_end()
    found = np.array(history.history["loss"])
    # Keras ends an epoch of its own before the first one.
    assert min(np.abs(found - expected[:3]).max(), np.abs(found - expected[1:]).max()) < TOLERANCE
    assert len(set(expected)) == 4


def test_the_loss_of_windows_is_that_of_numpy_without_states():
    model = frozen()
    history = model.fit(TEXTS, epochs=1, batch_size=64, length=4, step=3, verbose=0)
    ids, targets, weights = WindowBatches(rows_of(model, TEXTS), 64, 4, 3, 0)[0]
    expected = (nats_of(model, ids, targets) * weights).sum() / weights.sum()
    assert history.history["loss"] == pytest.approx([expected], abs=TOLERANCE)


@pytest.mark.parametrize("step", [None, 2])
@eagerly()
def test_held_out_texts_are_measured_after_each_epoch(step):
    model = frozen()
    history = model.fit("abc é", epochs=2, batch_size=1, length=4, step=step, validation_data="dcba é" * 4, verbose=0)
    expected = model.evaluate("dcba é" * 4)["loss"]  # one stream is one text
    assert history.history["val_loss"] == pytest.approx([expected] * 2, abs=TOLERANCE)
    assert set(history.history) == {"loss", "val_loss"}


def test_with_all_forgotten_each_batch_begins_without_state():
    model = frozen()
    history = model.fit(TEXTS, epochs=1, batch_size=2, length=4, seed=5, forget=1.0, verbose=0)
    batches = ContinuousBatches(rows_of(model, TEXTS), 2, 4, 5)
    candidates = []
    for _ in range(2):  # Keras may end an epoch of its own before the first one
        parts = [batches[index] for index in range(len(batches))]
        nats = [(nats_of(model, ids, targets) * weights).sum() / weights.sum() for ids, targets, weights in parts]
        candidates.append(float(np.mean(nats)))
        batches.on_epoch_end()
    assert min(abs(history.history["loss"][0] - each) for each in candidates) < TOLERANCE


@pytest.mark.parametrize("forget", [-0.1, 1.1])
def test_forget_is_a_fraction(forget):
    with pytest.raises(ValueError, match="forget is 0 to 1"):
        frozen().fit(TEXTS, forget=forget, verbose=0)


def test_a_string_is_one_text():
    one, two = (compiled(generator(seed=1), keras.optimizers.SGD(0.5), run_eagerly=True) for _ in range(2))
    one.fit("abcd é", epochs=2, batch_size=2, length=3, verbose=0)
    two.fit(["abcd é"], epochs=2, batch_size=2, length=3, verbose=0)
    assert any(np.any(old != new) for old, new in zip(generator(seed=1).get_weights(), one.get_weights(), strict=True))
    for first, second in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("cell", "step"), [("lstm", None), ("gru", None), ("simple_rnn", 4)])
def test_it_learns_what_can_be_learned(cell, step):
    text = "abcd" * 40
    model = compiled(generator(cell, units=16, embedding=8, dropout=0.1), keras.optimizers.Adam(0.03, clipnorm=1.0))
    model.fit(text, epochs=12, batch_size=4, length=10, step=step, verbose=0)
    with eagerly():
        assert model.generate("abcdab", max_new_tokens=10, temperature=0) == ["abcdabcdabcdabcd"]


def test_streams_and_windows_may_follow_each_other():
    model = compiled(generator(), keras.optimizers.Adam(), run_eagerly=True)
    for step in (None, 2, None):
        assert np.isfinite(model.fit(TEXTS, batch_size=2, length=4, step=step, verbose=0).history["loss"]).all()
    assert int(model.optimizer.iterations.numpy()) > 3


@eagerly()
def test_the_default_compilation_clips_gradients_and_the_callers_stays():
    model = generator()
    model.fit("abc", batch_size=1, length=2, verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.optimizer.clipnorm == 1.0
    model = frozen()
    model.fit("abc", batch_size=1, length=2, verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.SGD)


def test_arrays_go_to_keras_as_they_are():
    model = frozen()
    ids, targets = np.array([[2, 4, 5]]), np.array([[4, 5, 3]])
    history = model.fit(ids, targets, epochs=1, verbose=0)
    expected = nats_of(model, ids, targets).mean()
    assert history.history["loss"] == pytest.approx([expected], abs=TOLERANCE)
    assert model.evaluate(ids, targets, verbose=0) == pytest.approx(expected, abs=TOLERANCE)


class Watching(keras.callbacks.Callback):
    """Notes which model it is given, and may stop it."""

    def __init__(self, stop_after: int | None = None):
        super().__init__()
        self.stop_after, self.models, self.logs, self.batches = stop_after, [], [], 0

    def on_epoch_end(self, epoch, logs=None):
        self.models.append(self.model)
        self.logs.append(dict(logs))
        if epoch + 1 == self.stop_after:
            self.model.stop_training = True

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


@pytest.mark.parametrize("step", [None, 2])
def test_callbacks_get_this_model_and_can_stop_it(step):
    model, watching = frozen(), Watching(stop_after=2)
    arguments = {"batch_size": 4, "length": 4, "step": step, "validation_data": ["ab"], "verbose": 0}
    history = model.fit(TEXTS, epochs=5, callbacks=[watching], **arguments)
    assert len(history.history["loss"]) == 2
    assert watching.batches > 2
    assert all(each is model for each in watching.models)
    assert [set(logs) for logs in watching.logs] == [{"loss", "val_loss"}] * 2
    assert history.model is model
    assert len(model.fit(TEXTS, epochs=2, **arguments).history["loss"]) == 2  # it may go on


@pytest.mark.parametrize("step", [None, 2])
@eagerly()
def test_early_stopping_stops_and_restores(step):
    # The loss can only rise after a while.
    model = compiled(generator(units=6), keras.optimizers.SGD(30.0), run_eagerly=True)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    history = model.fit(
        TEXTS, epochs=30, batch_size=1, length=6, step=step, validation_data="abcd", callbacks=[stopping], verbose=0
    )
    losses = history.history["val_loss"]
    assert len(losses) < 30
    assert model.evaluate("abcd")["loss"] == pytest.approx(min(losses), rel=1e-4)


def test_a_sample_is_printed_every_few_epochs():
    model, printed = frozen(), []
    sample = SampleText("ab", every=2, print_text=printed.append, max_new_tokens=5, seed=1)
    model.fit(TEXTS, epochs=4, batch_size=2, length=4, callbacks=[sample], verbose=0)
    [expected] = model.generate("ab", max_new_tokens=5, seed=1)
    assert printed == [f"\n--- epoch {epoch} ---\n{expected}\n" for epoch in (2, 4)]
    with pytest.raises(ValueError, match="every is at least 1; received 0"):
        SampleText(every=0)


def test_progress_is_shown(capsys):
    frozen().fit(TEXTS, epochs=2, batch_size=2, length=4, validation_data=["ab"])
    shown = capsys.readouterr().out
    assert shown.count("Epoch ") == 2
    assert "Epoch 2/2" in shown
    assert "loss: " in shown
    assert "val_loss: " in shown


@pytest.mark.parametrize("name", ["batch_size", "length", "step"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"TextGenerator.fit: {name} is at least 1; received 0"):
        frozen().fit(TEXTS, **{name: 0})


def test_a_row_that_begins_a_text_forgets_and_the_others_do_not():
    model = frozen()
    training = StreamTraining(model, 2, forget=1e-9)  # none by chance
    random = np.random.default_rng(0)
    before, after = (random.integers(4, len(model.vocabulary), (2, 4)).astype(np.int32) for _ in range(2))
    after[0, 0] = START_ID
    training(before, training=True)
    found = np.asarray(training(after, training=True))
    fresh = np.asarray(model.logits(model.run(after)[0]))
    carried = np.asarray(model.logits(model.run(np.concatenate([before, after], axis=1))[0]))[:, 4:]
    np.testing.assert_allclose(found, np.stack([fresh[0], carried[1]]), rtol=0, atol=TOLERANCE)


class SevenLoss(TextGenerator):
    """A model with a loss of its own that no weight changes."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 0.0 * super().compute_loss(x, y, y_pred, sample_weight, training) + 7.0


class CountingMetrics(TextGenerator):
    """A model that also tells what its `compute_metrics` was given."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "rows": keras.ops.shape(y_pred)[0]}


class OwnSteps(TextGenerator):
    """A model with steps of its own, as users write them on TensorFlow: with a factor, and a metric beside."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tripled = keras.metrics.Mean(name="tripled")

    @property
    def metrics(self):
        return [self.tripled]

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = 3.0 * self.compute_loss(x, y, self(x, training=True), weights)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.tripled.update_state(loss)
        return {"tripled": self.tripled.result(), "length": keras.ops.shape(x)[1]}

    def test_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        self.tripled.update_state(5.0 * self.compute_loss(x, y, self(x, training=False), weights, training=False))
        return {"tripled": self.tripled.result()}


def tiny(kind: type[TextGenerator], optimizer: Any = None, **arguments) -> TextGenerator:
    keras.utils.set_random_seed(0)
    model = kind(generator().vocabulary, 5, embedding=4)
    model.compile(keras.optimizers.SGD(0.1) if optimizer is None else optimizer, **arguments)
    return model


def fitted(kind: type[TextGenerator], step: int | None, texts: Any = TEXTS, **arguments) -> tuple[Any, TextGenerator]:
    model = tiny(kind, **arguments)
    settings = {"batch_size": 2, "length": 4, "forget": 0.0, "verbose": 0, "epochs": 2}
    return model.fit(texts, step=step, validation_data=["ab", "dcb a"], **settings).history, model


@pytest.mark.parametrize("step", [None, 2])
def test_a_loss_of_a_subclass_is_what_it_trains_on_and_logs(step):
    history, model = fitted(SevenLoss, step)
    assert history == {"loss": [7.0, 7.0], "val_loss": [7.0, 7.0]}
    for ours, before in zip(model.get_weights(), tiny(SevenLoss).get_weights(), strict=True):
        np.testing.assert_array_equal(ours, before)


@pytest.mark.parametrize("step", [None, 2])
def test_metrics_of_a_subclass_are_logged(step):
    history, _ = fitted(CountingMetrics, step)
    assert set(history) == {"loss", "rows", "val_loss", "val_rows"}
    assert history["rows"] == [2, 2] if step is None else max(history["rows"]) <= 2


@pytest.mark.parametrize("step", [None, 2])
def test_steps_of_a_subclass_train_and_measure(step):
    history, model = fitted(OwnSteps, step)
    assert set(history) == {"tripled", "length", "val_tripled"}
    assert history["length"] == [4, 4]
    plain, thrice = fitted(TextGenerator, step, optimizer=keras.optimizers.SGD(0.3))
    for ours, theirs in zip(model.get_weights(), thrice.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)
    # Each of the two batches that are measured counts once here, and as its tokens do in the model's own loss.
    assert history["val_tripled"] == pytest.approx([5 * each for each in plain["val_loss"]], rel=0.2)


@pytest.mark.parametrize("step", [None, 2])
def test_a_loss_weight_multiplies_the_loss_that_is_trained_on_logged_and_validated(step):
    weighted, model = fitted(TextGenerator, step, loss_weights=[2.0], weighted_metrics=["accuracy"])
    plain, faster = fitted(TextGenerator, step, optimizer=keras.optimizers.SGD(0.2), weighted_metrics=["accuracy"])
    for ours, theirs in zip(model.get_weights(), faster.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)
    for name, values in plain.items():
        factor = 2 if name in ("loss", "val_loss") else 1
        assert weighted[name] == pytest.approx([factor * value for value in values], rel=TOLERANCE)


@pytest.mark.parametrize("step", [None, 2])
@eagerly()
def test_held_out_texts_are_measured_by_the_loss_that_is_trained_on(step):
    def twice(y_true, y_pred):
        return 2.0 * keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    plain, _ = fitted(TextGenerator, step, optimizer=keras.optimizers.SGD(0.0))
    doubled, _ = fitted(TextGenerator, step, optimizer=keras.optimizers.SGD(0.0), loss=twice)
    assert doubled["val_loss"] == pytest.approx([2 * value for value in plain["val_loss"]], rel=TOLERANCE)
    total = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    model = tiny(TextGenerator, keras.optimizers.SGD(0.0), loss=total)
    settings = {"batch_size": 1, "length": 50, "step": step, "verbose": 0}
    summed = model.fit("abc", validation_data="abc", **settings).history
    expected = 4 * model.evaluate("abc")["loss"]  # three letters and their end, in one batch
    assert summed["val_loss"] == pytest.approx([expected], rel=TOLERANCE)


@pytest.mark.parametrize("step", [None, 2])
@eagerly()
def test_weights_of_texts_multiply_losses_as_in_keras(step):
    settings = {"batch_size": 1, "length": 50, "step": step, "verbose": 0, "forget": 0.0, "shuffle": False}

    def found(of):
        model = tiny(TextGenerator, keras.optimizers.SGD(0.0), metrics=["accuracy"])
        logged = model.fit(TEXTS, sample_weight=of, validation_data=(TEXTS, None, of), **settings).history
        stream = model.fit(iter_of([(TEXTS, None, of)]), verbose=0, steps_per_epoch=1).history
        figures = model.test_on_batch(TEXTS, None, of, return_dict=True)
        losses = [logged["loss"][0], logged["val_loss"][0], stream["loss"][0], figures["loss"]]
        losses.append(model.train_on_batch(TEXTS, None, of, return_dict=True)["loss"])
        losses.append(model.evaluate(iter_of([(TEXTS, None, of)]), verbose=0, return_dict=True, steps=1)["loss"])
        return losses, [logged["accuracy"][0], logged["val_accuracy"][0], figures["accuracy"]]

    losses, metrics = found(np.ones(4))
    doubled, same = found(np.full(4, 2.0))
    assert doubled == pytest.approx([2 * each for each in losses], rel=TOLERANCE)
    assert same == pytest.approx(metrics, rel=TOLERANCE)
    assert losses == pytest.approx(found(None)[0], rel=TOLERANCE)
    assert found(np.zeros(4))[0] == [0.0] * 6


def iter_of(batches):
    yield from batches


def test_a_batch_without_a_target_does_not_count_in_the_mean():
    model = frozen()
    expected = model.evaluate("a")["loss"]
    texts = ["a"] * 8  # of [START], a, [END], one after the other, every third has no target
    history = model.fit(texts, length=1, batch_size=1, forget=0.0, validation_data=["a"], verbose=0).history
    # The states are carried from text to text, so the losses are not quite those of one text.
    assert history["loss"] == pytest.approx([expected], rel=0.1)
    assert history["val_loss"] == pytest.approx([expected], abs=TOLERANCE)


def test_the_end_of_the_only_empty_text_is_a_target():
    model = compiled(generator(), keras.optimizers.SGD(0.5), run_eagerly=True)
    before, expected = model.get_weights(), model.evaluate([""])["loss"]
    history = model.fit([""], epochs=4, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, abs=TOLERANCE)
    assert min(history["loss"]) > 0
    assert any(np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True))


def test_states_of_streams_are_no_weights_of_the_model():
    model, seen = frozen(), []

    class Weights(keras.callbacks.Callback):
        """Notes how many variables the model has while it is trained."""

        def on_train_batch_end(self, batch, logs=None):
            seen.append((len(self.model.get_weights()), len(self.model.variables)))

    before = len(model.get_weights()), len(model.variables)
    model.fit(TEXTS, batch_size=2, length=4, callbacks=[Weights()], verbose=0)
    assert set(seen) == {before}
    assert model.reading.streams is None


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_states_are_carried_in_float32_whatever_is_computed_in(policy):
    model = generator(dtype=policy, tie_weights=True)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    kept = []

    class Kept(keras.callbacks.Callback):
        """Notes the states."""

        def on_train_batch_end(self, batch, logs=None):
            kept.append(logs["loss"])

    model.fit(TEXTS, batch_size=2, length=4, callbacks=[Kept()], verbose=0)
    assert np.isfinite(kept).all()
    training = StreamTraining(model, 2)
    ids = np.random.default_rng(0).integers(2, len(model.vocabulary), (2, 8)).astype(np.int32)
    training(ids)
    for name, state in model.run(ids)[1].items():
        np.testing.assert_array_equal(np.asarray(training.kept[name]), np.asarray(state))


@pytest.mark.parametrize("step", [None, 2])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"forget": "a"}, TypeError, "forget is a number; received str 'a'"),
        ({"forget": None}, TypeError, "forget is a number; received NoneType None"),
        ({"seed": "a"}, TypeError, "seed is a whole number; received"),
        ({"seed": 1.5}, TypeError, "seed is a whole number; received"),
        ({"seed": -1}, ValueError, "seed is at least 0; received -1"),
        ({"validation_freq": 0}, ValueError, "validation_freq is at least 1; received 0"),
        ({"validation_freq": "a"}, TypeError, "validation_freq is a whole number; received"),
        ({"validation_steps": "a"}, TypeError, "validation_steps is a whole number; received"),
        ({"validation_steps": -1}, ValueError, "validation_steps is at least 1; received -1"),
    ],
)
def test_numbers_of_fit_that_are_out_of_range_are_refused(step, arguments, error, message):
    with pytest.raises(error, match=f"^TextGenerator.fit: {message}"):
        frozen().fit(TEXTS, validation_data=["ab"], verbose=0, step=step, **arguments)


@eagerly()
def test_without_a_seed_the_order_is_another_one_each_time():
    def weights_after(drawn: int) -> list[np.ndarray]:
        model = tiny(TextGenerator)
        keras.utils.set_random_seed(drawn)
        model.fit(TEXTS, batch_size=2, length=3, forget=0.0, verbose=0, seed=None)
        return model.get_weights()

    one, same, other = weights_after(1), weights_after(1), weights_after(2)
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@eagerly()
def test_ids_without_targets_are_one_sentence():
    model, message = frozen(), "TextGenerator: y is expected with arrays; received y=None"
    ids = model.vocabulary.encode(TEXTS)
    for call in (
        lambda: model.fit(ids, verbose=0),
        lambda: model.fit(tf.data.Dataset.from_tensors(ids), verbose=0),
        lambda: model.evaluate(ids, verbose=0),
        lambda: model.train_on_batch(ids),
        lambda: model.test_on_batch(ids),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert model.predict(ids, verbose=0).shape == (*ids.shape, len(model.vocabulary))
    assert model.predict(tf.data.Dataset.from_tensors(ids), verbose=0).shape == (*ids.shape, len(model.vocabulary))


@eagerly()
def test_a_checkpoint_tells_other_weights_from_other_texts(tmp_path):
    arguments = {"batch_size": 2, "length": 4, "verbose": 0, "checkpoint": tmp_path}
    tiny(TextGenerator).fit(TEXTS, sample_weight=[1, 2, 3, 4], **arguments)
    with pytest.raises(ValueError, match="another run: its sample_weight differ"):
        tiny(TextGenerator).fit(TEXTS, sample_weight=[1, 2, 3, 5], **arguments)
    with pytest.raises(ValueError, match="another run: its texts differ"):
        tiny(TextGenerator).fit(TEXTS[::-1], sample_weight=[1, 2, 3, 4], **arguments)


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_of_batches_to_read_is_at_least_1(size):
    model = frozen()
    for call, name in ((model.evaluate, "evaluate"), (model.log_prob, "log_prob"), (model.perplexity, "evaluate")):
        with pytest.raises(ValueError, match=f"TextGenerator.{name}: batch_size is at least 1; received {size}"):
            call(TEXTS, batch_size=size)

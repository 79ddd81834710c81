"""Losses and metrics of models that predict tokens: logits are read as logits, and padding does not count."""

import keras
import numpy as np
import pytest

from keras_seqkit.models.token_losses import token_loss, token_metrics

OWNER = "TextGenerator"
LOGITS = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
TOKENS = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 6, 0]])
WEIGHTS = (TOKENS > 0).astype(np.float32)
TOLERANCE = 1e-5  # float32


def nats() -> float:
    """The mean cross-entropy of the real tokens, in NumPy."""
    powers = np.exp(LOGITS - LOGITS.max(axis=2, keepdims=True))
    probabilities = powers / powers.sum(axis=2, keepdims=True)
    of_tokens = np.take_along_axis(probabilities, TOKENS[..., None], axis=2)[..., 0]
    return float(-(np.log(of_tokens) * WEIGHTS).sum() / WEIGHTS.sum())


def own_crossentropy(y_true, y_pred):
    """A loss as users write one: a value for each token."""
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


class ScaledCrossentropy(keras.losses.Loss):
    """A loss of a user's own, whose config leaves out how it is reduced."""

    def call(self, y_true, y_pred):
        return 2.0 * keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    def get_config(self):
        return {}


CROSSENTROPIES = {
    "string": "sparse_categorical_crossentropy",
    "name of the class": "SparseCategoricalCrossentropy",
    "short": "crossentropy",
    "function of Keras": keras.losses.sparse_categorical_crossentropy,
    "instance": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "mean": keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean"),
    "one in a list": [keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
    "own function": own_crossentropy,
}


@pytest.mark.parametrize("given", CROSSENTROPIES)
def test_each_way_to_ask_for_cross_entropy_reads_logits_and_counts_real_tokens(given):
    found = token_loss(OWNER, CROSSENTROPIES[given])(TOKENS, LOGITS, WEIGHTS)
    assert float(found) == pytest.approx(nats(), abs=TOLERANCE)


def keras_with_a_mask(loss, weights) -> float:
    """What Keras computes where a layer such as `Embedding(mask_zero=True)` masks padding."""
    logits = keras.ops.convert_to_tensor(LOGITS)
    logits._keras_mask = keras.ops.convert_to_tensor(TOKENS > 0)
    return float(loss(TOKENS, logits, weights))


@pytest.mark.parametrize("weights", [[2.0, 2.0], [1.0, 50.0], [0.0, 0.0], [3.0, 0.0], [-1.0, 1.0]])
@pytest.mark.parametrize("given", CROSSENTROPIES)
def test_weights_are_those_of_keras_with_a_mask(given, weights):
    weights = np.array(weights, np.float32)[:, np.newaxis] * WEIGHTS
    expected = keras_with_a_mask(keras.losses.SparseCategoricalCrossentropy(from_logits=True), weights)
    found = float(token_loss(OWNER, CROSSENTROPIES[given])(TOKENS, LOGITS, weights))
    assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_another_reduction_stays_that_of_keras(reduction):
    weights = np.array([[1.0], [50.0]], np.float32) * WEIGHTS
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    assert float(token_loss(OWNER, loss)(TOKENS, LOGITS, weights)) == float(loss(TOKENS, LOGITS, weights))


def test_a_class_that_is_ignored_is_no_token():
    weights = np.array([[1.0], [3.0]], np.float32) * WEIGHTS
    loss = token_loss(OWNER, keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=6))
    expected = token_loss(OWNER, "crossentropy")(np.where(TOKENS == 6, 0, TOKENS), LOGITS, weights * (TOKENS != 6))
    assert float(loss(TOKENS, LOGITS, weights)) == pytest.approx(float(expected), rel=TOLERANCE)


def test_a_loss_that_weighs_in_a_way_of_its_own_is_asked():
    class Doubled(keras.losses.Loss):
        """Twice what Keras gives."""

        def call(self, y_true, y_pred):
            return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

        def __call__(self, y_true, y_pred, sample_weight=None):
            return 2.0 * super().__call__(y_true, y_pred, sample_weight)

    assert float(token_loss(OWNER, Doubled())(TOKENS, LOGITS, WEIGHTS)) == pytest.approx(2 * nats(), abs=TOLERANCE)


def test_values_that_are_no_value_for_each_token_are_weighed_too():
    for shape in ((), (2,), (2, 1)):
        loss = token_loss(OWNER, lambda y_true, y_pred, shape=shape: keras.ops.ones(shape) + 2.0)
        assert float(loss(TOKENS, LOGITS, WEIGHTS)) == 3.0
        assert float(loss(TOKENS, LOGITS, 2.0 * WEIGHTS)) == 6.0


def test_a_loss_of_ones_own_counts_real_tokens_and_stays_as_it_was():
    own = ScaledCrossentropy()
    assert float(token_loss(OWNER, own)(TOKENS, LOGITS, WEIGHTS)) == pytest.approx(2 * nats(), abs=TOLERANCE)
    assert own.reduction == "sum_over_batch_size"
    summed = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    assert float(token_loss(OWNER, summed)(TOKENS, LOGITS, WEIGHTS)) == pytest.approx(
        nats() * WEIGHTS.sum(), rel=TOLERANCE
    )


def test_a_loss_that_was_made_of_a_function_can_be_saved():
    loss = token_loss(OWNER, own_crossentropy)
    with keras.saving.custom_object_scope({"own_crossentropy": own_crossentropy}):
        loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert loaded.name == "own_crossentropy"
    again = token_loss(OWNER, loaded)
    assert float(again(TOKENS, LOGITS, WEIGHTS)) == pytest.approx(nats(), abs=TOLERANCE)


def test_losses_that_would_misread_logits_or_tokens_are_refused():
    for given, message in (
        (keras.losses.SparseCategoricalCrossentropy(), "from_logits=True"),
        ("categorical_crossentropy", "categorical_crossentropy.*indices of tokens"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "indices of tokens"),
        ("mse", "mean_squared_error.*indices of tokens"),
        (keras.losses.binary_crossentropy, "indices of tokens"),
        ({"logits": "mse"}, "one output"),
        (["mse", "mae"], "one output"),
        ("no_such_loss", "no_such_loss"),
    ):
        with pytest.raises(ValueError, match=message):
            token_loss(OWNER, given)


@pytest.mark.parametrize("given", ["accuracy", "acc", "sparse_categorical_accuracy", "own function"])
def test_metrics_leave_padding_out(given):
    def hits(y_true, y_pred):
        return keras.ops.cast(keras.ops.equal(y_true, keras.ops.argmax(y_pred, -1)), "float32")

    [metric] = token_metrics([hits if given == "own function" else given])
    model = keras.Sequential([keras.layers.Identity()])
    model.compile(loss=token_loss(OWNER, "crossentropy"), weighted_metrics=[metric])
    found = model.evaluate(LOGITS, TOKENS, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    expected = ((LOGITS.argmax(axis=2) == TOKENS) * WEIGHTS).sum() / WEIGHTS.sum()
    name = "hits" if given == "own function" else given
    assert found[name] == pytest.approx(expected, abs=TOLERANCE)
    assert found["loss"] == pytest.approx(nats(), abs=TOLERANCE)


def test_a_cross_entropy_among_the_metrics_reads_logits():
    for given in ("crossentropy", "sparse_categorical_crossentropy", keras.metrics.sparse_categorical_crossentropy):
        [metric] = token_metrics(given if isinstance(given, str) else [given])
        metric.update_state(TOKENS, LOGITS, WEIGHTS)
        assert float(metric.result()) == pytest.approx(nats(), abs=TOLERANCE)
        assert metric.name == (given if isinstance(given, str) else "sparse_categorical_crossentropy")


def test_each_token_counts_alike_in_batches_of_any_times():
    for name in ("accuracy", "crossentropy"):
        [whole], [parts] = token_metrics([name]), token_metrics([name])
        whole.update_state(TOKENS, LOGITS, WEIGHTS)
        for row, time in ((0, 3), (1, 5)):
            part = slice(row, row + 1), slice(time)
            parts.update_state(TOKENS[part], LOGITS[part], WEIGHTS[part])
        assert float(parts.result()) == pytest.approx(float(whole.result()), abs=TOLERANCE)
        parts.reset_state()
        parts.update_state(TOKENS, LOGITS, np.array([1.0, 0.0]))  # a weight for each row
        whole.reset_state()
        whole.update_state(TOKENS[:1], LOGITS[:1])
        assert float(parts.result()) == pytest.approx(float(whole.result()), abs=TOLERANCE)
        assert type(parts).from_config(parts.get_config()).name == name


def test_metrics_that_would_misread_logits_or_tokens_are_refused():
    for given, message in (
        (keras.metrics.SparseCategoricalCrossentropy(), "from_logits=True"),
        ("categorical_accuracy", "categorical_accuracy.*indices of tokens"),
        (keras.metrics.AUC(), "indices of tokens"),
        (keras.metrics.Accuracy(), "indices of tokens"),
        ("mse", "indices of tokens"),
        (keras.losses.mean_squared_error, "indices of tokens"),
        ("no_such_metric", "no_such_metric"),
    ):
        with pytest.raises(ValueError, match=message):
            token_metrics([given])
    assert token_metrics(None) == []
    assert token_metrics([None, [keras.metrics.SparseTopKCategoricalAccuracy(3)], {"logits": ["acc"]}])[1].name == "acc"

"""Losses and metrics of models whose output is logits of tokens, and whose targets are indices of tokens."""

import inspect
from typing import Any

import keras

from keras_seqkit.text.vocabulary import PADDING_ID, START_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

OVER_ALL_STEPS = ("sum_over_batch_size", "mean")  # reductions that divide by all steps, padding too
OVER_TOKENS = "mean_with_sample_weight"
CROSSENTROPY_NAMES = ("crossentropy", "ce", "sparse_categorical_crossentropy", "sparsecategoricalcrossentropy")
ACCURACY_NAMES = ("accuracy", "acc")
BASES = (keras.metrics.Metric, keras.metrics.Mean, keras.metrics.Sum, keras.metrics.MeanMetricWrapper)


class MeanOverTokens(keras.losses.Loss):
    """The base of losses that have a value for each token: their sum, weighted, divided by the number of real tokens.

    So does Keras with a mask: a weight of 2 for all doubles the loss. A subclass says what the values are, in
    `of_tokens`.

    Args:
        name: the loss's name.
        **kwargs: `dtype`, as in Keras.

    Call:
        y_true: integers (batch, time).
        y_pred: float (batch, time, vocab).
        sample_weight: float (batch, time), or (batch,); `None`: all count. What has the weight 0 and is padding, or
            `[START]`, is no real token.

    Returns:
        A float scalar.
    """

    ignore_class: int | None = None  # targets that are no real tokens either

    def __init__(self, name: str, **kwargs: Any):
        super().__init__(name=name, reduction=OVER_TOKENS, **kwargs)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See the class."""
        if sample_weight is None:
            return super().__call__(y_true, y_pred)
        y_true, weights = ops.convert_to_tensor(y_true), ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        real = ops.logical_or(real_tokens(y_true), ops.not_equal(_with_rank(weights, len(y_true.shape)), 0))
        if self.ignore_class is not None:
            real = ops.logical_and(real, ops.not_equal(y_true, self.ignore_class))
        # Keras divides by the sum of the weights that it is given, so it is given those that count.
        return super().__call__({"tokens": y_true, "weights": weights}, y_pred, ops.cast(real, self.dtype))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values, weighted where `y_true` is a dict that holds weights too."""
        if not isinstance(y_true, dict):
            return self.of_tokens(y_true, y_pred)
        values, weights = self.of_tokens(y_true["tokens"], y_pred), y_true["weights"]
        rank = max(len(values.shape), len(weights.shape))
        return _with_rank(values, rank) * _with_rank(weights, rank)

    def of_tokens(self, y_true: Any, y_pred: Any) -> Any:
        """Returns a value for each token: float (batch, time)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what the values of tokens are.")


def real_tokens(targets: Any) -> Any:
    """Whether targets are tokens that a model is to predict: neither padding nor `[START]`."""
    return ops.logical_and(ops.not_equal(targets, PADDING_ID), ops.not_equal(targets, START_ID))


def _with_rank(values: Any, rank: int) -> Any:
    """Appends axes of size 1."""
    return ops.reshape(values, (*ops.shape(values), *(1,) * (rank - len(values.shape))))


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TokenLoss(MeanOverTokens):
    """A loss that divides by the number of real tokens, made of any other.

    Args:
        function: a loss of Keras, however it is reduced, or a function: from indices of tokens (batch, time) and logits
            (batch, time, vocab) to a value for each token.
        name: the loss's name; `None`: the function's.

    Call:
        y_true: integers (batch, time).
        y_pred: float (batch, time, vocab).

    Returns:
        A float scalar.
    """

    def __init__(self, function: Any, name: str | None = None, **kwargs: Any):
        is_loss = isinstance(function, keras.losses.Loss)
        known = function.name if is_loss else getattr(function, "__name__", "token_loss")
        super().__init__(name or known, **({"dtype": function.dtype} if is_loss else {}), **kwargs)
        self.function = function
        self.ignore_class = getattr(function, "ignore_class", None)

    def of_tokens(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the function's values."""
        if isinstance(self.function, keras.losses.Loss):
            return self.function.call(y_true, y_pred)
        return self.function(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {"function": keras.saving.serialize_keras_object(self.function), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TokenLoss":
        """Returns the loss that `get_config` described."""
        return cls(keras.saving.deserialize_keras_object(config["function"]), config["name"])


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TokenCrossentropy(keras.metrics.SparseCategoricalCrossentropy):
    """Cross-entropy a token, over batches of any times.

    Keras averages over the time first, so that a token of a long batch counts less than one of a short batch.

    Args:
        name: the metric's name.
        **kwargs: as in `keras.metrics.SparseCategoricalCrossentropy`; `from_logits` is `True` by default.
    """

    def __init__(self, name: str = "nats", from_logits: bool = True, **kwargs: Any):
        super().__init__(name, from_logits=from_logits, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch."""
        return super().update_state(*_flat(y_true, y_pred, sample_weight))


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TokenAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The fraction of tokens that are the most probable ones, over batches of any times."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch."""
        return super().update_state(*_flat(y_true, y_pred, sample_weight))


def _flat(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Returns targets (tokens,), logits (tokens, vocab), and weights (tokens,), if there are."""
    if sample_weight is not None:
        missing = len(y_true.shape) - len(sample_weight.shape)
        shape = (*ops.shape(sample_weight), *(1,) * missing)
        sample_weight = ops.reshape(ops.broadcast_to(ops.reshape(sample_weight, shape), ops.shape(y_true)), (-1,))
    return ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1, y_pred.shape[-1])), sample_weight


def token_crossentropy() -> TokenLoss:
    """Returns the cross-entropy of logits, in nats a token."""
    return TokenLoss(keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def token_loss(owner: str, loss: Any) -> keras.losses.Loss:
    """Returns a loss that reads logits of tokens, and counts real tokens only.

    Args:
        owner: the model, for errors.
        loss: as in `keras.Model.compile`, for one output. ``"sparse_categorical_crossentropy"`` reads logits here.

    Returns:
        The same loss; where it divides by all steps, padding too, one that divides by the number of real tokens.

    Raises:
        ValueError: it would misread logits or indices of tokens, or there are several.
    """
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, (list, tuple, dict)):
        raise ValueError(  # noqa: TRY004 - as for all losses that do not fit
            f"{owner}.compile: the model has one output, so loss is one loss; received {loss!r:.80}."
        )
    name = loss.lower() if isinstance(loss, str) else getattr(loss, "__name__", "")
    if name in CROSSENTROPY_NAMES:
        return token_crossentropy()
    loss = keras.losses.get(loss)
    _check(owner, "loss", loss, keras.losses, (keras.losses.Loss,))
    if not isinstance(loss, keras.losses.Loss):
        return TokenLoss(loss)
    if loss.reduction not in OVER_ALL_STEPS:
        return loss
    if type(loss).__call__ is keras.losses.Loss.__call__:
        return TokenLoss(loss)
    return _with_reduction(loss, OVER_TOKENS)  # it has a way of its own to weigh


def _with_reduction(loss: keras.losses.Loss, reduction: str) -> keras.losses.Loss:
    # Keras copies by saving and loading, which a loss of one's own may not be made for.
    new = object.__new__(type(loss))
    vars(new).update(vars(loss), reduction=reduction)
    return new


def token_metrics(metrics: Any, owner: str = "The model") -> list[Any]:
    """Returns metrics that read logits of tokens, in a list; as `weighted_metrics` they leave padding out.

    ``"accuracy"`` and a cross-entropy count each token alike, in batches of any times; objects stay as they are.

    Args:
        metrics: as `metrics` or `weighted_metrics` of `keras.Model.compile`; `None`, and `None` among them, is none.
        owner: the model, for errors.

    Raises:
        ValueError: one would misread logits or indices of tokens.
    """
    return [_token_metric(owner, each) for each in keras.tree.flatten(metrics) if each is not None]


def _token_metric(owner: str, metric: Any) -> Any:
    name = metric.lower() if isinstance(metric, str) else getattr(metric, "__name__", "")
    if name in CROSSENTROPY_NAMES:
        shown = metric if isinstance(metric, str) else name
        return TokenCrossentropy(shown)
    if isinstance(metric, str) and name in ACCURACY_NAMES:
        return TokenAccuracy(name=metric)
    found = keras.metrics.get(metric)
    for known in (keras.metrics, keras.losses):
        _check(owner, "metric", found, known, BASES)
    return metric


def _check(owner: str, kind: str, each: Any, known: Any, bases: tuple) -> None:
    """Refuses what `known`, a module of Keras, has for other targets, or for probabilities.

    Raises:
        ValueError: it is such a one.
    """
    is_function = inspect.isfunction(each)
    exact = each if is_function else type(each)
    name = _snake(exact.__name__)
    if any(exact is one for one in vars(known).values()) and exact not in bases and not name.startswith("sparse_"):
        raise ValueError(
            f"{owner}.compile: {kind} {name!r} does not fit: the targets are indices of tokens, and the output is "
            "logits. Pass 'sparse_categorical_crossentropy' or 'accuracy', or leave it out for the model's own."
        )
    sparse = (keras.losses.SparseCategoricalCrossentropy, keras.metrics.SparseCategoricalCrossentropy)
    if isinstance(each, sparse) and each.get_config().get("from_logits") is False:
        raise ValueError(
            f"{owner}.compile: {kind} {name!r} has from_logits=False, and the output is logits, not probabilities. "
            f"Pass {exact.__name__}(from_logits=True), or the string 'sparse_categorical_crossentropy'."
        )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")

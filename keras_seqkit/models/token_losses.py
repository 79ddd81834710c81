"""Losses and metrics of models whose output is logits of tokens, and whose targets are indices of tokens."""

import inspect
from typing import Any

import keras

ops: Any = keras.ops  # Keras's annotations know no tensors

OVER_ALL_STEPS = ("sum_over_batch_size", "mean")  # reductions that divide by all steps, padding too
OVER_TOKENS = "mean_with_sample_weight"
CROSSENTROPY_NAMES = ("crossentropy", "ce", "sparse_categorical_crossentropy", "sparsecategoricalcrossentropy")
ACCURACY_NAMES = ("accuracy", "acc")
BASES = (keras.metrics.Metric, keras.metrics.Mean, keras.metrics.Sum, keras.metrics.MeanMetricWrapper)


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TokenLoss(keras.losses.Loss):
    """A function of targets and logits as a loss: its mean over all tokens, weighted where weights are given.

    Args:
        function: from indices of tokens (batch, time) and logits (batch, time, vocab) to a value for each token.
        name: the loss's name; `None`: the function's.

    Call:
        y_true: integers (batch, time).
        y_pred: float (batch, time, vocab).

    Returns:
        A float scalar.
    """

    def __init__(self, function: Any, name: str | None = None, **kwargs: Any):
        super().__init__(name=name or getattr(function, "__name__", "token_loss"), reduction=OVER_TOKENS, **kwargs)
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the function's values."""
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


def token_loss(owner: str, loss: Any) -> keras.losses.Loss:
    """Returns a loss that reads logits of tokens, and counts real tokens only.

    Args:
        owner: the model, for errors.
        loss: as in `keras.Model.compile`, for one output. ``"sparse_categorical_crossentropy"`` reads logits here.

    Returns:
        The same loss; where it divides by all steps, padding too, a copy that divides by the sum of the weights.

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
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=OVER_TOKENS, name="sparse_categorical_crossentropy"
        )
    loss = keras.losses.get(loss)
    _check(owner, "loss", loss, keras.losses, (keras.losses.Loss,))
    if not isinstance(loss, keras.losses.Loss):
        return TokenLoss(loss)
    if loss.reduction in OVER_ALL_STEPS:
        return _with_reduction(loss, OVER_TOKENS)
    return loss


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

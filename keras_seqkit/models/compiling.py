"""What a model is compiled with, and checks of it that Keras makes only when training begins."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import keras

from keras_seqkit.models.checked_arguments import check_whole, shown

AUTO = "auto"
PLURALS = {"optimizer": "optimizers", "loss": "losses", "metric": "metrics"}
SETTING_RATES = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
SPECIAL_NAMES = ("accuracy", "acc", "crossentropy", "ce")  # Keras chooses what they mean by the shapes that it sees


class DefaultCompilation(NamedTuple):
    """What a model is compiled with where its user says nothing else."""

    optimizer: Any
    loss: Any
    metrics: list | None = None
    weighted_metrics: list | None = None


def check_compiled(
    owner: str, optimizer: Any, loss: Any, metrics: Any, weighted_metrics: Any, arguments: dict[str, Any]
) -> None:
    """Checks the types of what a model is compiled with.

    Args:
        owner: the model, for errors.
        optimizer: as in Keras, or ``"auto"``.
        loss: as in Keras, or ``"auto"``.
        metrics: as in Keras, or ``"auto"``.
        weighted_metrics: as in Keras, or ``"auto"``.
        arguments: others of Keras, by name.

    Raises:
        TypeError: one is of the wrong type.
        ValueError: there are too few steps.
    """
    call = f"{owner}.compile"
    if isinstance(optimizer, type):
        raise TypeError(
            f"{call}: optimizer is an object or a name; received the class {optimizer.__name__}. Make one: "
            f"{optimizer.__name__}()."
        )
    if optimizer is not None and not isinstance(optimizer, (str, dict, keras.optimizers.Optimizer)):
        raise TypeError(f"{call}: optimizer is a keras.optimizers.Optimizer or its name; received {shown(optimizer)}.")
    if isinstance(loss, dict) and "class_name" not in loss:
        raise TypeError(
            f"{call}: loss is one, for the model has one output; received a dict, {shown(loss)}. Pass the loss itself."
        )
    if loss is not None and not (isinstance(loss, (str, dict, list, tuple)) or callable(loss)):
        raise TypeError(f"{call}: loss is a keras.losses.Loss, its name or a function; received {shown(loss)}.")
    for name, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
        if given is not None and not is_auto(given) and not isinstance(given, (list, tuple, dict)):
            raise TypeError(f"{call}: {name} is a list; received {shown(given)}. Put it in a list.")
    steps = arguments.get("steps_per_execution")
    if steps is not None:
        check_whole(call, "steps_per_execution", steps, 1)


def check_names(owner: str, optimizer: Any, loss: Any, metrics: list[Any]) -> None:
    """Checks that Keras has what strings name, which it looks up only when training begins.

    Raises:
        ValueError: it has no such optimizer, loss or metric.
    """
    named = [("optimizer", keras.optimizers, [optimizer]), ("loss", keras.losses, keras.tree.flatten(loss))]
    for kind, known, values in [*named, ("metric", keras.metrics, metrics)]:
        for name in values:
            if not isinstance(name, str) or name.lower() in SPECIAL_NAMES:
                continue
            try:
                known.get(name)
            except ValueError as error:
                raise ValueError(
                    f"{owner}.compile: Keras has no {kind} {name!r}. Its {PLURALS[kind]} are in keras.{PLURALS[kind]}."
                ) from error


def check_callbacks(owner: str, callbacks: list[Any], optimizer: Any) -> None:
    """Checks that no callback sets a learning rate that follows a schedule.

    Raises:
        ValueError: one does.
    """
    rate = getattr(optimizer, "inner_optimizer", optimizer).get_config().get("learning_rate")
    for each in callbacks:
        if isinstance(each, SETTING_RATES) and not isinstance(rate, (int, float)):
            raise ValueError(  # noqa: TRY004 - the callback is of the right type
                f"{owner}.fit: {type(each).__name__} sets the learning rate, which follows a schedule here. Compile "
                "with an optimizer of a rate that is a number, such as keras.optimizers.Adam(0.001)."
            )


def is_auto(value: Any) -> bool:
    """Whether an argument says that the model's own is meant."""
    return isinstance(value, str) and value == AUTO


def name_of(each: Any) -> str:
    """Returns what a loss or metric is called, in lower case: of an object, its class."""
    if isinstance(each, str):
        return each.lower()
    name = getattr(each, "__name__", type(each).__name__)
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def build_optimizer(model: Any) -> None:
    """Makes the variables of a compiled model's optimizer, where it has none yet.

    TensorFlow traces a training step twice if variables are made in it, and tracing recurrent layers takes seconds.

    Args:
        model: a compiled `keras.Model` that is built.
    """
    if model.optimizer.built:
        return
    strategy = getattr(model, "distribute_strategy", None)  # on TensorFlow
    with nullcontext() if strategy is None else strategy.scope():
        model.optimizer.build(model.trainable_variables)

"""Arguments of `fit`, `evaluate` and `predict`, checked before anything is done with them."""

import math
import os
import random
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

SHOWN = 60  # characters of what was received
SEED_BITS = 32


def check_sizes(owner: str, call: str = "fit", **sizes: int | None) -> None:
    """Checks that each size is a whole number of at least 1, or `None`.

    Args:
        owner: the model, for errors.
        call: its method.
        **sizes: the values of arguments.

    Raises:
        TypeError: one is no whole number.
        ValueError: one is below 1.
    """
    for name, size in sizes.items():
        if size is not None:
            check_whole(f"{owner}.{call}", name, size, 1)


def check_whole(owner: str, name: str, value: Any, least: int) -> None:
    """Checks that an argument is a whole number of at least `least`.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is below.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{owner}: {name} is a whole number; received {shown(value)}.")
    if value < least:
        raise ValueError(f"{owner}: {name} is at least {least}; received {value!r}.")


def check_number(owner: str, name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> None:
    """Checks that an argument is a finite number from `least` to `most`.

    Raises:
        TypeError: it is no number.
        ValueError: it is out of its range.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{owner}: {name} is a number; received {shown(value)}.")
    if not (math.isfinite(value) and least <= value <= most):
        bounds = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{owner}: {name} is a finite number, {bounds}; received {value!r}.")


def check_learning_rate(owner: str, learning_rate: Any) -> None:
    """Checks that a learning rate is one that Keras can use: a number of at least 0, or a schedule.

    Raises:
        TypeError: it is neither.
        ValueError: it is below 0, or not finite.
    """
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        check_number(owner, "learning_rate", learning_rate, 0)


def checked_seed(owner: str, seed: Any, checkpoint: Any = None) -> int:
    """Returns a seed; of `None` one that is drawn, after `keras.utils.set_random_seed` always the same.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is below 0, or is drawn where a killed run is to go on with the same one.
    """
    if seed is None:
        if checkpoint is not None:
            raise ValueError(f"{owner}: with a checkpoint the seed is the same each time; received None. Pass seed=0.")
        return random.getrandbits(SEED_BITS)
    check_whole(owner, "seed", seed, 0)
    return int(seed)


def check_fit(
    owner: str, epochs: Any, batch_size: Any, callbacks: Any, validation_split: Any, checkpoint: Any, arguments: dict
) -> None:
    """Checks the arguments of `fit` that all models have.

    Args:
        owner: the model, for errors.
        epochs: as in Keras.
        batch_size: as in Keras.
        callbacks: as in Keras; one alone will do.
        validation_split: as in Keras.
        checkpoint: a directory, or `None`.
        arguments: others of Keras, by name.

    Raises:
        TypeError: one is of the wrong type.
        ValueError: one is out of its range.
    """
    call = f"{owner}.fit"
    check_whole(call, "epochs", epochs, 1)
    check_sizes(owner, batch_size=batch_size)
    for name in ("steps_per_epoch", "validation_steps", "validation_batch_size"):
        if arguments.get(name) is not None:
            check_whole(call, name, arguments[name], 1)
    check_whole(call, "initial_epoch", arguments.get("initial_epoch", 0), 0)
    if validation_split is not None:
        _check_fraction(call, validation_split)
    _check_frequency(call, arguments.get("validation_freq", 1))
    _check_callbacks(call, callbacks)
    if checkpoint is not None and not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"{call}: checkpoint is the path of a directory, or None; received {shown(checkpoint)}.")
    if checkpoint is not None and Path(checkpoint).exists() and not Path(checkpoint).is_dir():
        raise ValueError(
            f"{call}: checkpoint is a directory, which is made if it is not there; received the path of a file, "
            f"{os.fspath(checkpoint)!r}."
        )


def _check_fraction(call: str, fraction: Any) -> None:
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.integer, np.floating)):
        raise TypeError(f"{call}: validation_split is a fraction from 0 to 1; received {shown(fraction)}.")
    if fraction and not 0 < fraction < 1:
        raise ValueError(f"{call}: validation_split is a fraction from 0 to 1; received {fraction!r}.")


def _check_frequency(call: str, every: Any) -> None:
    if isinstance(every, Container) and not isinstance(every, (str, bytes)):
        return
    check_whole(call, "validation_freq", every, 1)


def _check_callbacks(call: str, callbacks: Any) -> None:
    for each in callback_list(callbacks, call):
        if isinstance(each, type):
            raise TypeError(
                f"{call}: callbacks are objects; received the class {each.__name__}. Make one: {each.__name__}(...)."
            )
        if not hasattr(each, "set_model"):
            raise TypeError(f"{call}: callbacks is a list of keras.callbacks.Callback; received {shown(each)} in it.")


def callback_list(callbacks: Any, call: str = "fit") -> list[Any]:
    """Returns callbacks as a list; one alone is a list of one.

    Raises:
        TypeError: they are neither.
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, (keras.callbacks.Callback, type)):
        return [callbacks]
    if isinstance(callbacks, (str, bytes)) or not isinstance(callbacks, Iterable):
        raise TypeError(f"{call}: callbacks is a list of keras.callbacks.Callback; received {shown(callbacks)}.")
    return list(callbacks)


def check_arrays(owner: str, name: str, x: Any) -> None:
    """Checks that what is neither texts nor a stream is made of arrays.

    Args:
        owner: the model, for errors.
        name: the argument.
        x: what was received.

    Raises:
        TypeError: it is not.
    """
    if _is_array(x):
        return
    advice = "Pass a list of texts."
    if isinstance(x, (list, tuple)):
        advice = (
            "Join the tokens of each text, [' '.join(tokens) for tokens in x]; pass texts and what belongs to them "
            "as two arguments."
        )
    elif hasattr(x, "read_text"):
        advice = "Read the texts first: path.read_text().splitlines()."
    elif hasattr(x, "collect"):  # a LazyFrame of polars
        advice = "Collect it first: x.collect()."
    elif isinstance(x, (Iterator, map, zip, filter)):
        advice = "Put what it gives in a list: list(x)."
    raise TypeError(
        f"{owner}: {name} is texts in a column (a list, an array, a data frame's), a stream of batches, or arrays of "
        f"ids; received {type(x).__name__} {shown(x)}. {advice}"
    )


def rows_as_array(owner: str, x: Any) -> Any:
    """Returns rows of ids, lists of whole numbers, as an int32 array (batch, time); anything else as it is.

    Raises:
        ValueError: rows have different lengths.
    """
    if not isinstance(x, (list, tuple)) or not x or not all(_is_row(row) for row in x):
        return x
    lengths = sorted({len(row) for row in x})
    if len(lengths) > 1:
        raise ValueError(
            f"{owner}: rows of ids have one length, with 0 behind the shorter ones; received lengths {lengths[0]} to "
            f"{lengths[-1]}. vocabulary.encode(texts) makes such rows."
        )
    return np.array(x, np.int32)


def _is_row(row: Any) -> bool:
    return isinstance(row, (list, tuple)) and bool(row) and all(isinstance(each, (int, np.integer)) for each in row)


def _is_array(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return bool(x) and all(_is_array(each) or isinstance(each, (int, float, np.number)) for each in x)
    if isinstance(x, dict):  # its model knows the names
        return True
    return (hasattr(x, "shape") and (hasattr(x, "dtype") or hasattr(x, "iloc"))) or hasattr(x, "__array__")


def shown(value: Any) -> str:
    """Returns a value as an error shows it: on one line, shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."

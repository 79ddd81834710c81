"""Arguments of Keras's recurrent layers: which cell knows which, and checks of what users pass."""

import inspect
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import keras

from keras_seqkit.text.limits import MAX_LAYERS, MAX_WIDTH, check_limit

RECURRENT_LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
STATE_NAMES = {"lstm": ("h", "c"), "gru": ("h",), "simple_rnn": ("h",)}  # what each direction carries
MERGE_MODES = ("concat", "sum", "mul", "ave", None)

LAYER_ARGUMENTS = frozenset({"name", "dtype", "trainable", "autocast", "activity_regularizer"})
REFUSED_ARGUMENTS = {
    "stateful": "the backward direction needs the text that follows. Carry states with return_state=True and "
    "initial_state instead",
    "go_backwards": "every layer reads in both directions already. Leave it out",
}
_ARGUMENTS_OF_THE_STACK = frozenset(
    ("self", "units", "kwargs", "dropout", "recurrent_dropout", "return_sequences", "return_state")
)


def arguments_of(cell: str) -> set[str]:
    """Names that a stack hands on to the Keras layer of this cell."""
    names = set(inspect.signature(RECURRENT_LAYERS[cell].__init__).parameters)
    return names - _ARGUMENTS_OF_THE_STACK - LAYER_ARGUMENTS - set(REFUSED_ARGUMENTS)


def checked_recurrent_arguments(kwargs: dict[str, Any], cells: tuple[str, ...]) -> dict[str, Any]:
    """Pick the recurrent layers' arguments, serialized as a config holds them and as Keras takes them too.

    Raises:
        ValueError: No chosen cell knows an argument, or bidirectional layers cannot do what it asks.
    """
    known = set().union(*map(arguments_of, cells))
    arguments = {}
    for name, value in kwargs.items():
        if name in known:
            arguments[name] = keras.saving.serialize_keras_object(value)
        elif name in REFUSED_ARGUMENTS:
            if value:
                reason = REFUSED_ARGUMENTS[name]
                raise ValueError(f"BidirectionalStack: {name}={value!r} is not supported: {reason}.")
        elif name not in LAYER_ARGUMENTS:
            chosen = " or ".join(repr(cell) for cell in dict.fromkeys(cells))
            owners = " and ".join(repr(cell) for cell in RECURRENT_LAYERS if name in arguments_of(cell))
            raise ValueError(
                f"BidirectionalStack: cell {chosen} has no argument {name!r}, which belongs to "
                f"{owners or 'no cell'}. Leave it out, or pass one of {sorted(known | LAYER_ARGUMENTS)}."
            )
    return arguments


def checked_units(units: Any, owner: str = "BidirectionalStack") -> tuple[int, ...]:
    """Units of each layer; an int is one layer."""
    values = tuple(units) if isinstance(units, Iterable) else (units,)
    if not values or any(isinstance(v, bool) or not isinstance(v, Integral) or v < 1 for v in values):
        raise ValueError(f"{owner}: units must be a positive int, or one for each layer; received {units!r}.")
    check_limit(owner, "the number of layers", len(values), MAX_LAYERS)
    check_limit(owner, "units", max(values), MAX_WIDTH)
    return tuple(int(v) for v in values)


def checked_cells(cell: Any, count: int) -> tuple[str, ...]:
    """Cell of each layer; a string is the cell of all."""
    values = (cell,) * count if isinstance(cell, str) or not isinstance(cell, Iterable) else tuple(cell)
    if len(values) != count or any(value not in RECURRENT_LAYERS for value in values):
        raise ValueError(
            f"BidirectionalStack: cell must be one of {list(RECURRENT_LAYERS)}, or {count} of them, one for "
            f"each of units; received {cell!r}."
        )
    return values


def checked_fraction(name: str, value: Any, owner: str = "BidirectionalStack") -> float:
    """A fraction to drop."""
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{owner}: {name} must be a fraction in [0, 1) of what to drop; received {value!r}.")
    return float(value)


def checked_combination(merge_mode: Any, joins: bool, residual: bool, first_returns_sequences: bool) -> None:
    """Refuse combinations that leave an option without a meaning; `joins`: residual or layer_norm is on."""
    if merge_mode not in MERGE_MODES:
        raise ValueError(f"BidirectionalStack: merge_mode must be one of {MERGE_MODES}; received {merge_mode!r}.")
    if merge_mode is None and joins:
        raise ValueError(
            "BidirectionalStack: residual and layer_norm need the two directions joined, and merge_mode is "
            "None. Pass merge_mode='concat', or leave residual and layer_norm out."
        )
    if residual and not first_returns_sequences:
        raise ValueError(
            "BidirectionalStack: residual=True would connect nothing: the only layer returns its final "
            "output. Pass return_sequences=True, units for several layers, or residual=False."
        )

"""Which layers and arguments occur in described models, so that a suite can say that it met each of them."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tests.fuzzing.model_descriptions import (
    STATES,
    Both,
    Branches,
    Cell,
    Convolution,
    Dense,
    Description,
    Drop,
    Handover,
    MaskZeros,
    Nested,
    Norm,
    PerStep,
    Pool,
    Recurrent,
    Repeat,
    Shared,
    Source,
    Stack,
    Tap,
    walk,
)
from tests.fuzzing.random_inputs import PADDINGS
from tests.fuzzing.random_nodes import FOREIGN, MERGE_MODES, NATIVE

_CLASSES = (
    Recurrent, Both, Stack, Handover, PerStep, Branches, Shared, Nested,
    Dense, Convolution, Repeat, Norm, Pool, Drop, MaskZeros, Tap,
)  # fmt: skip
_VALUES = {
    "Cell.kind": STATES,
    "Cell.activation": NATIVE,
    "Cell.recurrent_activation": NATIVE,
    "Both.merge_mode": MERGE_MODES,
    "Stack.merge_mode": MERGE_MODES,
    "Branches.join": ("concat", "add"),
    "Nested.form": ("sequential", "functional", "subclassed"),
    "Description.form": ("sequential", "functional", "subclassed"),
    "Convolution.padding": ("same", "causal"),
    "Pool.kind": ("max", "average", "masked"),
    "Source.kind": ("ids", "values", "text", "words"),
    "Run.padding": PADDINGS,
    "Run.batch": (1, 3),
}
_COMPOSED = {
    "an activation that ONNX does not name",
    "cell with reset_after=False",
    "cell without bias",
    "cell with dropout",
    "cell with recurrent_dropout",
    "stacked cells",
    "stacked cells of both directions",
    "backward layer of its own",
    "backward layer of another class",
    "directions swapped",
    "recurrence in each step",
    "several layers in each step",
    "time that varies",
    "time that is fixed",
    "batch that is fixed",
}


def everything() -> set[str]:
    """Returns all features there are."""
    values = {f"{name}={value!r}" for name, options in _VALUES.items() for value in options}
    flags = {f"{owner.__name__}.{each.name}" for owner in (*_CLASSES, Source, Description) for each in fields(owner)
             if each.type is bool}  # fmt: skip
    return values | flags | {each.__name__ for each in _CLASSES} | _COMPOSED


def features(description: Description) -> set[str]:
    """Returns the features that a model has."""
    return everything() & {*_named(description), *_composed(description)}


def covering(pool: list[Description], count: int) -> list[Description]:
    """Picks small models that have all features between them, then others that have them all again, and so on."""
    left = {description: features(description) for description in pool}
    missing, picked = everything(), []
    while left and len(picked) < count:
        best = max(left, key=lambda each: len(left[each] & missing) / len(repr(each)))
        missing = (missing - left.pop(best)) or everything()
        picked.append(best)
    return picked


def _named(part: Any) -> Iterator[str]:
    """Yields a name for each dataclass within, and for each of its fields that is set."""
    owner = type(part).__name__
    yield owner
    for each in fields(part):
        value = getattr(part, each.name)
        if value is True:
            yield f"{owner}.{each.name}"
        yield f"{owner}.{each.name}={value!r}"
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                yield from _named(inner)


def _composed(description: Description) -> Iterator[str]:
    source = description.source
    yield "time that varies" if None in source.steps else "time that is fixed"
    if source.batch:
        yield "batch that is fixed"
    for _, node in walk(description.nodes):
        match node:
            case Recurrent():
                yield from _of_layer(node)
            case Both():
                yield from _of_layer(node.forward)
                yield from _of_directions(node)
            case PerStep(nodes=nodes):
                if len(nodes) > 1:
                    yield "several layers in each step"
                if any(isinstance(inner, (Recurrent, Both, Stack)) for inner in nodes):
                    yield "recurrence in each step"


def _of_layer(layer: Recurrent) -> Iterator[str]:
    if len(layer.cells) > 1:
        yield "stacked cells"
    for cell in layer.cells:
        yield from _of_cell(cell)


def _of_cell(cell: Cell) -> Iterator[str]:
    said = {
        "an activation that ONNX does not name": {cell.activation, cell.recurrent_activation} & set(FOREIGN),
        "cell with reset_after=False": not cell.reset_after,
        "cell without bias": not cell.use_bias,
        "cell with dropout": cell.dropout,
        "cell with recurrent_dropout": cell.recurrent_dropout,
    }
    yield from (name for name, holds in said.items() if holds)


def _of_directions(node: Both) -> Iterator[str]:
    if len(node.forward.cells) > 1:
        yield "stacked cells of both directions"
    if node.forward.go_backwards:
        yield "directions swapped"
    if node.backward:
        yield "backward layer of its own"
        if node.backward.cells[0].kind != node.forward.cells[0].kind:
            yield "backward layer of another class"

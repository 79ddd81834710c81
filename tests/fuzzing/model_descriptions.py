"""Descriptions of recurrent models, as plain data: what the random models are drawn as, built from, and reported as.

The repr of a description leaves defaults out, and is Python that makes it again.
"""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any

STATES = {"lstm": 2, "gru": 1, "simple_rnn": 1}


class Described:
    """A dataclass whose repr leaves out what is as by default."""

    def __repr__(self) -> str:
        values = [(each, getattr(self, each.name)) for each in fields(self)]
        shown = [f"{each.name}={value!r}" for each, value in values if value != each.default or each.default is MISSING]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Cell(Described):
    """A cell of a recurrent layer: its kind is "lstm", "gru" or "simple_rnn"."""

    kind: str
    units: int
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    reset_after: bool = True
    use_bias: bool = True
    dropout: float = 0.0
    recurrent_dropout: float = 0.0


@dataclass(frozen=True, repr=False)
class Recurrent(Described):
    """A recurrent layer: `keras.layers.LSTM` and the like, or `keras.layers.RNN` where it is wrapped.

    Args:
        cells: one, or several for `StackedRNNCells`.
        wrapped: whether it is an `RNN` over the cells.
        initial_state: whether its initial states are inputs of the model.
        explicit_mask: whether it is called with the model's input `mask`.
        return_state: whether its final states are outputs of the model.
    """

    cells: tuple[Cell, ...]
    wrapped: bool = False
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False
    initial_state: bool = False
    explicit_mask: bool = False
    stateful: bool = False

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes of all states."""
        return tuple(cell.units for cell in self.cells for _ in range(STATES[cell.kind]))


@dataclass(frozen=True, repr=False)
class Both(Described):
    """`keras.layers.Bidirectional`; with `merge_mode` None, the backward output is an output of the model."""

    forward: Recurrent
    merge_mode: str | None = "concat"
    backward: Recurrent | None = None
    initial_state: bool = False
    explicit_mask: bool = False

    @property
    def return_state(self) -> bool:
        """Whether the final states are outputs of the model."""
        return self.forward.return_state

    @property
    def return_sequences(self) -> bool:
        """Whether the outputs of all steps are wanted."""
        return self.forward.return_sequences

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes of all states, forward ones first."""
        return self.forward.state_sizes + (self.backward or self.forward).state_sizes


@dataclass(frozen=True, repr=False)
class Stack(Described):
    """`keras_seqkit.layers.BidirectionalStack`."""

    kinds: tuple[str, ...]
    units: tuple[int, ...]
    activation: str = "tanh"
    return_sequences: bool = False
    return_state: bool = False
    merge_mode: str | None = "concat"
    residual: bool = False
    layer_norm: bool = False
    dropout: float = 0.0
    unroll: bool = False
    initial_state: bool = False
    explicit_mask: bool = False

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes of all states, layer by layer."""
        return tuple(units for kind, units in zip(self.kinds, self.units, strict=True) for _ in range(2 * STATES[kind]))


@dataclass(frozen=True, repr=False)
class Handover(Described):
    """Two layers of the same states, the second of which starts from the final states of the first."""

    first: Recurrent | Both | Stack
    second: Recurrent | Both | Stack


@dataclass(frozen=True, repr=False)
class PerStep(Described):
    """`keras.layers.TimeDistributed` over one layer, or over a `Sequential` of several."""

    nodes: "tuple[Node, ...]"
    explicit_mask: bool = False


@dataclass(frozen=True, repr=False)
class Branches(Described):
    """Two ways from one value, joined by `Concatenate` ("concat") or `Add` ("add")."""

    first: "tuple[Node, ...]"
    second: "tuple[Node, ...]"
    join: str = "concat"


@dataclass(frozen=True, repr=False)
class Shared(Described):
    """The same layers called twice: one call after the other, or on a second input and then concatenated."""

    nodes: "tuple[Node, ...]"
    on_second_input: bool = False


@dataclass(frozen=True, repr=False)
class Nested(Described):
    """A model within the model; its form is "sequential", "functional" or "subclassed"."""

    nodes: "tuple[Node, ...]"
    form: str = "sequential"


@dataclass(frozen=True, repr=False)
class Dense(Described):
    """`keras.layers.Dense`."""

    units: int
    activation: str = "linear"


@dataclass(frozen=True, repr=False)
class Convolution(Described):
    """`keras.layers.Conv1D`, which drops the mask."""

    filters: int
    kernel_size: int
    padding: str = "same"


@dataclass(frozen=True, repr=False)
class Repeat(Described):
    """`keras.layers.RepeatVector`."""

    times: int


@dataclass(frozen=True, repr=False)
class Norm(Described):
    """`keras.layers.LayerNormalization`, or `BatchNormalization` of the whole batch."""

    batch: bool = False


@dataclass(frozen=True, repr=False)
class Pool(Described):
    """One value for all steps; its kind is "max", "average" (Keras's), or "masked" (`keras_seqkit`'s maximum)."""

    kind: str = "max"


@dataclass(frozen=True, repr=False)
class Drop(Described):
    """`keras.layers.Dropout` or `SpatialDropout1D`, which do nothing when a model is not trained."""

    spatial: bool = False


@dataclass(frozen=True, repr=False)
class MaskZeros(Described):
    """`keras.layers.Masking`."""


@dataclass(frozen=True, repr=False)
class Tap(Described):
    """The value at this place is an output of the model too."""


Node = (
    Recurrent | Both | Stack | Handover | PerStep | Branches | Shared | Nested
    | Dense | Convolution | Repeat | Norm | Pool | Drop | MaskZeros | Tap
)  # fmt: skip
HOLDERS = {Handover: ("first", "second"), PerStep: ("nodes",), Branches: ("first", "second"),
           Shared: ("nodes",), Nested: ("nodes",)}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Source(Described):
    """What a model reads.

    Args:
        kind: "ids", embedded, or "values"; "words", looked up by `StringLookup` and embedded, or "text", of which
            `TextVectorization` makes ids.
        dim: the size of the vectors.
        masked: whether `Embedding(mask_zero=True)` or `Masking` makes a mask.
        steps: the sizes of the time axes, one or two; `None` for one that varies.
        batch: the size of the batch where it is fixed, as stateful layers want it.
    """

    kind: str
    dim: int
    masked: bool = False
    steps: tuple[int | None, ...] = (None,)
    batch: int | None = None


@dataclass(frozen=True, repr=False)
class Run(Described):
    """Inputs that a model is run on: batch and sizes of the time axes where they vary, and which steps are real."""

    batch: int = 1
    steps: tuple[int, ...] = (1,)
    padding: str = "none"
    seed: int = 0


@dataclass(frozen=True, repr=False)
class Description(Described):
    """A model, and how it is exported.

    Args:
        source: what it reads.
        nodes: what it does with that.
        form: "functional", "sequential" or "subclassed".
        runs: what it is run on.
        seed: of its weights.
        scanned: whether recurrent layers are exported as `Scan`.
        right_padded: whether its masks are exported as such that have their real steps in front.
    """

    source: Source
    nodes: tuple[Node, ...]
    form: str = "functional"
    runs: tuple[Run, ...] = (Run(),)
    seed: int = 0
    scanned: bool = False
    right_padded: bool = False


def children(node: Any) -> dict[str, tuple]:
    """Returns the nodes that a node holds, by the name of the field."""
    held = {name: getattr(node, name) for name in HOLDERS.get(type(node), ())}
    return {name: value if isinstance(value, tuple) else (value,) for name, value in held.items()}


def walk(nodes: tuple, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields every node with its place, each before what it holds."""
    for index, node in enumerate(nodes):
        here = (*place, str(index))
        yield here, node
        for name, held in children(node).items():
            yield from walk(held, (*here, name))


def recurrent_parts(node: Any) -> tuple[Recurrent, ...]:
    """Returns the layers of one direction that a node runs itself, those of its children left out."""
    if isinstance(node, Recurrent):
        return (node,)
    if isinstance(node, Both):
        return (node.forward, node.backward or node.forward)
    if isinstance(node, Stack):
        cells = [Cell(kind, units, node.activation) for kind, units in zip(node.kinds, node.units, strict=True)]
        return tuple(Recurrent((cell,), return_sequences=True) for cell in cells for _ in range(2))
    return ()


def cells_of(description: Description) -> list[Cell]:
    """Returns every cell of a model."""
    nodes = [node for _, node in walk(description.nodes)]
    return [cell for node in nodes for layer in recurrent_parts(node) for cell in layer.cells]

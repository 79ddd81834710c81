"""One call of a recurrent layer, as plain data."""

from dataclasses import dataclass

from seqkit_onnx.cells.operators import CellOperator

# The node that stands for a recurrence until it is written; its one attribute says which.
PLACEHOLDER_DOMAIN = "keras_seqkit"
PLACEHOLDER_TYPE = "Recurrence"


@dataclass(frozen=True)
class Lookup:
    """A recurrence's input (time, batch, dim) that is looked up.

    Args:
        table: float32 (rows, dim), an initializer.
        rows: the size of the table.
        ids: integers (time, batch).
    """

    table: str
    rows: int
    ids: str


@dataclass(frozen=True)
class Recurrence:
    """What a recurrent layer was asked to do in one call.

    Args:
        name: a readable name, unique in the model: ``"encoder/lstm_0"``.
        directions: one cell, or the forward and the backward one.
        go_backwards: whether the one direction runs from the end.
        return_sequences: whether the outputs of all steps are wanted, or the last alone.
        return_state: whether the final states are outputs too.
        merge_mode: how two directions become one output; `None`: they stay two.
        zero_output_for_mask: whether a masked step gives zeros; else it repeats the output before it.
        has_mask: whether the second input is a mask.
        has_initial_state: whether the last inputs are the initial states, direction by direction.
        unrolled: whether Keras unrolls the loop; with `go_backwards` it then zeroes other steps.
        keeps_time_order: whether the outputs of a run from the end are wanted in the order of time.
        stateful: whether the states become inputs and outputs of the file.
        repeats_earlier: whether a masked step before the first real one repeats the output that the states come from;
            else it gives zeros.
        input_may_be_nan: whether the input comes from a floating input of the file.
        states_may_be_nan: whether an initial state does, or a stateful layer's input.
    """

    name: str
    directions: tuple[CellOperator, ...]
    go_backwards: bool = False
    return_sequences: bool = False
    return_state: bool = False
    merge_mode: str | None = None
    zero_output_for_mask: bool = False
    has_mask: bool = False
    has_initial_state: bool = False
    unrolled: bool = False
    keeps_time_order: bool = False
    stateful: bool = False
    repeats_earlier: bool = False
    input_may_be_nan: bool = False
    states_may_be_nan: bool = False

    @property
    def direction(self) -> str:
        """ONNX's word for the direction."""
        if len(self.directions) == 2:
            return "bidirectional"
        return "reverse" if self.go_backwards else "forward"

    @property
    def output_count(self) -> int:
        """How many outputs are not states."""
        return 2 if len(self.directions) == 2 and self.merge_mode is None else 1

    @property
    def units(self) -> int:
        """The size of one direction."""
        return self.directions[0].units

    @property
    def width(self) -> int:
        """The size of an output's last axis."""
        return 2 * self.units if self.is_concatenated else self.units

    @property
    def is_concatenated(self) -> bool:
        """Whether an output holds both directions side by side."""
        return len(self.directions) == 2 and self.merge_mode == "concat"

    @property
    def flips_time(self) -> bool:
        """Whether the outputs are wanted in the order in which they are run, from the end."""
        return self.go_backwards and not self.keeps_time_order

    @property
    def gives_states(self) -> bool:
        """Whether the final states are read."""
        return self.return_state or self.stateful

    @property
    def state_count(self) -> int:
        """How many states all directions have together."""
        return sum(len(cell.state_names) for cell in self.directions)

    @property
    def state_labels(self) -> tuple[str, ...]:
        """A name for each state, direction by direction: ``"h"``, or ``"forward/h"``."""
        sides = ("",) if len(self.directions) == 1 else ("forward/", "backward/")
        return tuple(
            side + state.removeprefix("Y_")
            for side, cell in zip(sides, self.directions, strict=True)
            for state in cell.state_names
        )

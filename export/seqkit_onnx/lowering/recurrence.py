"""One call of a recurrent layer, as plain data."""

from dataclasses import dataclass

from seqkit_onnx.lowering.operators import CellOperator


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
    """

    name: str
    directions: tuple[CellOperator, ...]
    go_backwards: bool
    return_sequences: bool
    return_state: bool
    merge_mode: str | None
    zero_output_for_mask: bool
    has_mask: bool
    has_initial_state: bool

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
    def width(self) -> int:
        """The size of an output's last axis."""
        units = self.directions[0].units
        return 2 * units if len(self.directions) == 2 and self.merge_mode == "concat" else units

    @property
    def state_count(self) -> int:
        """How many states all directions have together."""
        return sum(len(cell.state_names) for cell in self.directions)

"""How many native operators and nodes the export of a described model should have."""

from typing import Any

from tests.fuzzing.model_descriptions import (
    Both,
    Cell,
    Description,
    Shared,
    Stack,
    cells_of,
    children,
    recurrent_parts,
    walk,
)

NATIVE = {"tanh", "sigmoid", "relu", "hard_sigmoid", "elu", "softsign", "leaky_relu", "linear"}
NODES_OF_A_MODEL, NODES_OF_A_LAYER = 40, 20
NODES_OF_A_GUARD = 12  # of a layer that may read NaN: numbers, and not what ids look up
NODES_OF_STATES = 24  # what the guard adds where states are inputs: they may be NaN, and each is handed on


def is_native(cell: Cell) -> bool:
    """Whether ONNX names the cell's activations."""
    return {cell.activation, cell.recurrent_activation} <= NATIVE


def expect_loops(description: Description) -> bool:
    """Whether some layer has no operator in ONNX."""
    return not all(is_native(cell) for cell in cells_of(description))


def recurrent_operators(description: Description) -> int | None:
    """Returns how many LSTM, GRU and RNN nodes are due.

    `None` where it depends on a mask: Keras's unrolled directions differ from each other on masked steps, and one
    operator can hold them only without a mask.
    """
    for _, node in walk(description.nodes):
        if isinstance(node, Both) and node.return_sequences and node.forward.unroll and _is_a_pair(node):
            return None
    return sum(map(_operators, description.nodes))


def node_bound(description: Description) -> int:
    """Returns a number of nodes, linear in the number of calls of layers, that no export without a loop exceeds."""
    layers = [layer for _, node in walk(description.nodes) for layer in recurrent_parts(node)]
    with_states = any(layer.initial_state or layer.stateful for layer in layers)
    guarded = with_states or description.source.kind == "values"  # later layers read what states have been made to
    of_a_layer = NODES_OF_A_LAYER + NODES_OF_A_GUARD * guarded + NODES_OF_STATES * with_states
    return NODES_OF_A_MODEL + of_a_layer * sum(map(_calls, description.nodes))


def _operators(node: Any) -> int:
    held = sum(_operators(inner) for nodes in children(node).values() for inner in nodes)
    return held * (2 if isinstance(node, Shared) else 1) + _own_operators(node)


def _own_operators(node: Any) -> int:
    native = [layer for layer in recurrent_parts(node) if all(map(is_native, layer.cells))]
    if isinstance(node, Stack):
        return len(native) // 2
    if isinstance(node, Both) and _is_a_pair(node):
        return 1
    return sum(len(layer.cells) for layer in native)


def _is_a_pair(node: Both) -> bool:
    """Whether one operator can hold both directions: one cell each, alike but for its activations."""
    layers = recurrent_parts(node)
    cells = [cell for layer in layers for cell in layer.cells]
    alike = {(cell.kind, cell.kind == "gru" and cell.reset_after) for cell in cells}
    return not node.forward.go_backwards and len(cells) == 2 and len(alike) == 1 and all(map(is_native, cells))


def _calls(node: Any) -> int:
    """How many layers a node calls, each cell and direction for itself."""
    held = sum(_calls(inner) for nodes in children(node).values() for inner in nodes)
    return held * (2 if isinstance(node, Shared) else 1) + max(
        1, sum(len(each.cells) for each in recurrent_parts(node))
    )

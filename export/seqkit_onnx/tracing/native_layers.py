"""Which layers native operators can hold, and why others cannot."""

from typing import Any

import keras
import tensorflow as tf

from seqkit_onnx.cells.activations import NoNativeOperator, also_named
from seqkit_onnx.cells.operators import CellOperator, lowering_of

also_named("tanh", tf.tanh, tf.nn.tanh, keras.ops.tanh)
also_named("sigmoid", tf.sigmoid, tf.nn.sigmoid, keras.ops.sigmoid)
also_named("relu", tf.nn.relu, keras.ops.relu)
also_named("softsign", tf.nn.softsign, keras.ops.softsign)
also_named("elu", tf.nn.elu, keras.ops.elu)
also_named("leaky_relu", tf.nn.leaky_relu, keras.ops.leaky_relu)
also_named("hard_sigmoid", keras.ops.hard_sigmoid)
also_named("linear", tf.identity)

HIDDEN_BY_HOOK = "hidden_by_hook"  # of a hook: the method of its own that the layer had before
_LAYERS = (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
_CELLS = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell, keras.layers.StackedRNNCells)
_KERAS_CALLS = {layer.call for layer in _LAYERS}
_KERAS_LOOPS = {layer.inner_loop for layer in _LAYERS}
_KERAS_STATES = {each.get_initial_state for each in (*_LAYERS, *_CELLS)}


def native_cells(layer: Any) -> tuple[CellOperator, ...]:
    """Returns the operators of a layer's cells, one after the other.

    Raises:
        NoNativeOperator: a cell, or the layer's own loop, cannot be expressed; the message says why.
    """
    if type(layer).inner_loop not in _KERAS_LOOPS or own_method(layer, "inner_loop"):
        raise NoNativeOperator(f"{type(layer).__name__} has a loop of its own")
    with tf.init_scope():  # the weights are read outside the graph that is being traced
        return tuple(_lower(cell) for cell in cells_of(layer))


def native_pair(layer: Any, has_mask: bool) -> tuple[CellOperator, CellOperator] | None:
    """Returns the operators of both directions of a Bidirectional where one ONNX operator can hold them."""
    forward, backward = layer.forward_layer, layer.backward_layer
    if not all(isinstance(each, keras.layers.RNN) and len(cells_of(each)) == 1 for each in (forward, backward)):
        return None
    if any(has_own_call(each) for each in (forward, backward)):
        return None
    if forward.go_backwards or forward.zero_output_for_mask != backward.zero_output_for_mask:
        return None
    if has_mask and forward.return_sequences and (backward.unroll or not forward.zero_output_for_mask):
        return None  # the two directions differ in what they give on masked steps
    if not all(starts_at_zero(each) for each in (forward, backward)):
        return None
    try:
        (first,), (second,) = native_cells(forward), native_cells(backward)
    except NoNativeOperator:  # each direction by itself says so
        return None
    return (first, second) if first.pairs_with(second) else None


def has_own_call(layer: Any) -> bool:
    """Whether a recurrent layer does something of its own when it is called, around its loop."""
    return type(layer).call not in _KERAS_CALLS or own_method(layer, "call") is not None


def own_method(layer: Any, name: str) -> Any:
    """Returns the method that somebody has given one layer or cell alone, or `None`; a hook of ours is none."""
    method = vars(layer).get(name)
    return getattr(method, HIDDEN_BY_HOOK, method)


def cells_of(layer: Any) -> list[Any]:
    """The cells that a recurrent layer runs in each step, the lowest first."""
    cell = layer.cell
    is_plain = type(cell) is keras.layers.StackedRNNCells and own_method(cell, "call") is None
    return list(cell.cells) if is_plain else [cell]


def starts_at_zero(layer: Any) -> bool:
    """Whether a layer that is given no initial state begins with zeros, as all of Keras's do."""
    makers = [layer, layer.cell, *cells_of(layer)]
    return all(
        getattr(type(maker), "get_initial_state", None) in {*_KERAS_STATES, None}
        and own_method(maker, "get_initial_state") is None
        for maker in makers
    )


def _lower(cell: Any) -> CellOperator:
    lowering = lowering_of(cell) if own_method(cell, "call") is None else None
    if lowering is None:
        raise NoNativeOperator(f"cell {type(cell).__name__} has no ONNX operator")
    return lowering(cell)

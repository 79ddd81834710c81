"""Builds the Keras model that a description describes, with random weights."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_seqkit.layers import BidirectionalStack, MaskedMaxPooling
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
    cells_of,
    recurrent_parts,
)

LAYERS = keras.layers
VOCAB = 9
WORDS = ("the", "The", "film", "é", "no,", "don't", "漢字", "a\0b")  # one fewer than ids; the last two are unknown
_CELL_CLASSES = {"lstm": LAYERS.LSTMCell, "gru": LAYERS.GRUCell, "simple_rnn": LAYERS.SimpleRNNCell}
_LAYER_CLASSES = {"lstm": LAYERS.LSTM, "gru": LAYERS.GRU, "simple_rnn": LAYERS.SimpleRNN}
_POOLS = {
    "max": LAYERS.GlobalMaxPooling1D,
    "average": LAYERS.GlobalAveragePooling1D,
    "masked": MaskedMaxPooling,
}
_BOUNDED = {"tanh", "sigmoid", "hard_sigmoid", "softsign", "hard_tanh", "softmax", "relu6", "sparse_sigmoid"}
_FROM_0_TO_1 = {"sigmoid", "hard_sigmoid", "softmax", "sparse_sigmoid"}


def build(description: Description) -> tuple[keras.Model, dict[str, Any]]:
    """Returns the model, and its inputs (`keras.KerasTensor`) by name in the order in which it takes them."""
    keras.utils.clear_session()
    network = _Network(description)
    if description.form == "sequential":
        model = keras.Sequential([network.input("x", *_input_of(description)), *_source_layers(description)])
        for node in description.nodes:
            model.add(_make_layer(node))
    else:
        outputs = network()
        inputs = list(network.inputs.values())
        packed = inputs if len(inputs) > 1 else inputs[0]
        if description.form == "functional":
            model = keras.Model(packed, outputs if len(outputs) > 1 else outputs[0])
        else:
            model = Subclassed(network)
            model(network.inputs if len(inputs) > 1 else packed)
    _randomize_weights(model, description)
    return model, network.inputs


def _input_of(description: Description) -> tuple[tuple, str]:
    source = description.source
    if source.kind == "values":
        return (*source.steps, source.dim), "float32"
    if source.kind == "text":
        return (1,), "string"
    return source.steps, "int32" if source.kind == "ids" else "string"


def _source_layers(description: Description) -> list[Any]:
    source = description.source
    if source.kind != "values":
        embedding = LAYERS.Embedding(VOCAB, source.dim, mask_zero=source.masked)
        return [*_layers_of_strings(source), embedding]
    return [LAYERS.Masking()] if source.masked else []


def _layers_of_strings(source: Source) -> list[Any]:
    known = list(WORDS[:-2])
    if source.kind == "words":
        return [LAYERS.StringLookup(vocabulary=known, mask_token="")]
    if source.kind == "text":
        options = {"standardize": None, "output_sequence_length": source.steps[0]}
        return [LAYERS.TextVectorization(vocabulary=known, **options)]
    return []


class _Network:
    """The layers of a description: made at the first call, and used again at each further one."""

    def __init__(self, description: Description):
        self.description = description
        self.layers: dict[tuple[str, ...], Any] = {}
        self.inputs: dict[str, Any] = {}
        self.extras: list[Any] = []

    def __call__(self, inputs: dict[str, Any] | None = None) -> list[Any]:
        """Returns the outputs; without inputs, they are made where they are needed."""
        known, self.inputs = self.inputs, inputs or self.inputs
        self.extras = []
        x = self.input("x", *_input_of(self.description))
        for index, layer in enumerate(_source_layers(self.description)):
            x = self.layer(("source", str(index)), lambda layer=layer: layer)(x)
        outputs = [self.chain(self.description.nodes, x, ()), *self.extras]
        self.inputs = known or self.inputs
        return outputs

    def input(self, name: str, shape: tuple, dtype: str = "float32") -> Any:
        if name not in self.inputs:
            self.inputs[name] = keras.Input(shape, self.description.source.batch, dtype=dtype, name=name)
        return self.inputs[name]

    def layer(self, place: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if place not in self.layers:
            self.layers[place] = make()
        return self.layers[place]

    def chain(self, nodes: tuple, x: Any, place: tuple[str, ...]) -> Any:
        for index, node in enumerate(nodes):
            x = self.apply(node, x, (*place, str(index)))
        return x

    def apply(self, node: Any, x: Any, place: tuple[str, ...]) -> Any:
        match node:
            case Recurrent() | Both() | Stack():
                x, *others = self.recurrence(node, x, place)
                self.extras += others
                return x
            case Handover():
                states = self.recurrence(node.first, x, (*place, "first"))[-len(node.first.state_sizes) :]
                x, *others = self.recurrence(node.second, x, (*place, "second"), states)
                self.extras += others
                return x
            case PerStep():
                return self.per_step(node, x, place)
            case Branches():
                ways = [self.chain(node.first, x, (*place, "first")), self.chain(node.second, x, (*place, "second"))]
                return self.layer(place, LAYERS.Concatenate if node.join == "concat" else LAYERS.Add)(ways)
            case Shared():
                first = self.chain(node.nodes, x, (*place, "nodes"))
                if not node.on_second_input:
                    return self.chain(node.nodes, first, (*place, "nodes"))
                other = self.input("_".join(("x", *place)), tuple(x.shape[1:]))
                both = [first, self.chain(node.nodes, other, (*place, "nodes"))]
                return self.layer(place, LAYERS.Concatenate)(both)
            case Nested():
                return self.layer(place, lambda: self.nested(node, x, place))(x)
            case Tap():
                self.extras.append(x)
                return x
        return self.layer(place, lambda: _make_layer(node))(x)

    def recurrence(self, node: Any, x: Any, place: tuple[str, ...], states: list | None = None) -> list[Any]:
        layer = self.layer(place, lambda: _make_layer(node))
        arguments: dict[str, Any] = {}
        if node.initial_state:
            names = [f"state_{'_'.join(place)}_{index}" for index in range(len(node.state_sizes))]
            states = [self.input(name, (size,)) for name, size in zip(names, node.state_sizes, strict=True)]
        if states is not None:
            arguments["initial_state"] = _states_as_keras_takes_them(node, states)
        if node.explicit_mask:
            arguments["mask"] = self.input("mask", self.description.source.steps, "bool")
        return keras.tree.flatten(layer(x, **arguments))

    def per_step(self, node: PerStep, x: Any, place: tuple[str, ...]) -> Any:
        layer = self.layer(place, lambda: _make_layer(node))
        mask = self.input("mask", self.description.source.steps, "bool") if node.explicit_mask else None
        y = layer(x, mask=mask) if node.explicit_mask else layer(x)
        # Keras leaves a mask of two time axes on what has one time axis now, and the next layer fails on it.
        return y + 0.0 if len(x.shape) == 4 else y

    def nested(self, node: Nested, x: Any, place: tuple[str, ...]) -> Any:
        if node.form == "sequential":
            start = keras.Input(x.shape[1:], x.shape[0])
            return keras.Sequential([start, *(_make_layer(inner) for inner in node.nodes)])
        inner = _Inner(self.description, node)
        if node.form == "functional":
            start = keras.Input(x.shape[1:], x.shape[0])
            return keras.Model(start, inner(start))
        inner(keras.KerasTensor(x.shape, x.dtype))
        return Subclassed(inner)


class _Inner(_Network):
    """The layers within a nested model."""

    def __init__(self, description: Description, node: Nested):
        super().__init__(description)
        self.node = node

    def __call__(self, x: Any) -> Any:
        return self.chain(self.node.nodes, x, ())


class Subclassed(keras.Model):
    """A model with a `call` of its own."""

    def __init__(self, network: _Network, **kwargs: Any):
        super().__init__(**kwargs)
        self.parts = list(network.layers.values())
        self.network = network

    def call(self, inputs: Any) -> Any:
        if isinstance(self.network, _Inner):
            return self.network(inputs)
        outputs = self.network(inputs if isinstance(inputs, dict) else {"x": inputs})
        return outputs if len(outputs) > 1 else outputs[0]


def _states_as_keras_takes_them(node: Any, states: list[Any]) -> list[Any]:
    """`StackedRNNCells` want a list within the list for each cell with several states."""
    rest, packed = iter(states), []
    for layer in () if isinstance(node, Stack) else recurrent_parts(node):
        for count in [STATES[cell.kind] for cell in layer.cells]:
            few = [next(rest) for _ in range(count)]
            packed += [few] if count > 1 and len(layer.cells) > 1 else few
    return [*packed, *rest]


def _make_layer(node: Any) -> Any:
    match node:
        case Recurrent():
            return _make_recurrent(node)
        case Both():
            backward = _make_recurrent(node.backward) if node.backward else None
            return LAYERS.Bidirectional(_make_recurrent(node.forward), node.merge_mode, backward_layer=backward)
        case Stack():
            return BidirectionalStack(
                node.units, node.kinds, node.return_sequences, node.return_state, node.merge_mode, node.dropout,
                residual=node.residual, layer_norm=node.layer_norm, activation=node.activation, unroll=node.unroll,
            )  # fmt: skip
        case PerStep():
            inner = [_make_layer(each) for each in node.nodes]
            return LAYERS.TimeDistributed(inner[0] if len(inner) == 1 else keras.Sequential(inner))
    return _SMALL_LAYERS[type(node)](node)


_SMALL_LAYERS: dict[type, Callable[[Any], Any]] = {
    Dense: lambda node: LAYERS.Dense(node.units, node.activation),
    Convolution: lambda node: LAYERS.Conv1D(node.filters, node.kernel_size, padding=node.padding),
    Repeat: lambda node: LAYERS.RepeatVector(node.times),
    Norm: lambda node: LAYERS.BatchNormalization() if node.batch else LAYERS.LayerNormalization(),
    Pool: lambda node: _POOLS[node.kind](),
    Drop: lambda node: LAYERS.SpatialDropout1D(0.4) if node.spatial else LAYERS.Dropout(0.4),
    MaskZeros: lambda _: LAYERS.Masking(),
}


def _make_recurrent(node: Recurrent) -> Any:
    arguments = {
        name: getattr(node, name)
        for name in ("return_sequences", "return_state", "go_backwards", "unroll", "zero_output_for_mask", "stateful")
    }
    if not node.wrapped:
        (cell,) = node.cells
        return _LAYER_CLASSES[cell.kind](cell.units, **_arguments_of(cell), **arguments)
    cells = [_CELL_CLASSES[cell.kind](cell.units, **_arguments_of(cell)) for cell in node.cells]
    return LAYERS.RNN(cells[0] if len(cells) == 1 else LAYERS.StackedRNNCells(cells), **arguments)


def _arguments_of(cell: Cell) -> dict[str, Any]:
    names = ["activation", "use_bias", "dropout", "recurrent_dropout"]
    names += ["recurrent_activation"] if cell.kind != "simple_rnn" else []
    names += ["reset_after"] if cell.kind == "gru" else []
    return {name: getattr(cell, name) for name in names}


def _randomize_weights(model: keras.Model, description: Description) -> None:
    """Gives every weight random values, small ones where an activation without bounds could blow them up.

    Differences of float32 say something only as long as a step does not make them larger.
    """
    random = np.random.default_rng(description.seed)
    cells = cells_of(description)
    activations, gates = {cell.activation for cell in cells}, {cell.recurrent_activation for cell in cells}
    kernel, recurrence, bias = (0.6, 0.8, 0.4) if activations <= _BOUNDED else (0.3, 0.3, 0.2)
    if not gates <= _FROM_0_TO_1:  # such gates let more than all through: a step makes differences larger
        kernel, recurrence, bias = 0.2, 0.1, 0.2
    if "exponential" in activations | gates:
        kernel, recurrence, bias = 0.1, 0.02, 0.1
    values = []
    for weight in model.weights:
        name = weight.path.split("/")[-1]
        scale = {"kernel": kernel, "bias": bias, "rnn_state": 0.0}.get(name, 0.6)
        if name == "recurrent_kernel":
            scale = recurrence / np.sqrt(weight.shape[0])
        start = 1.0 if name in ("gamma", "moving_variance") else 0.0
        value = start + random.normal(0, scale, weight.shape)
        values.append((np.abs(value) if name == "moving_variance" else value).astype(weight.dtype))
    model.set_weights(values)

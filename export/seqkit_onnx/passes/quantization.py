"""Weights as int8 in a finished model: a file about a quarter as large.

Only weights are rounded. `onnxruntime.quantization.quantize_dynamic` rounds what flows through the network too, in one
range for the whole batch, so that a text's answer depends on the texts beside it. Its `DynamicQuantizeLSTM` moreover
reads memory that was never written, where rows are shorter than the batch and only the last output is asked for; and
products of int8 can overflow on processors with AVX2 or AVX512 and without VNNI. Here there are no such products.

A stored weight goes through Cast and Mul, which onnxruntime computes once, when it opens the file (it would not do so
for DequantizeLinear): what runs is the float32 operator, as fast as before. A table that is only looked up stays int8
in memory, and the rows that were found are scaled.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

SMALLEST = 1024  # numbers: below, a file gains less than a page of memory
_HIGHEST = 127
_RECURRENT = {"LSTM", "GRU", "RNN"}


def to_int8(model: ModelProto, smallest: int = SMALLEST) -> ModelProto:
    """Stores a model's weights as int8, with a scale in float32 for each output of an operator and each row of a table.

    Those of `LSTM`, `GRU`, `RNN`, `MatMul`, `Gemm`, `Conv` and `Gather` are meant; biases stay float32. A weight keeps
    its name where it is read; what is stored is called `<name>/int8` and `<name>/scale`.

    Args:
        model: a finished model; it is left as it is.
        smallest: weights of fewer numbers stay float32, and those whose every number would have a scale.

    Returns:
        The model with int8 weights, without an operator that it did not have but `Cast`, `Mul` and `Gather`.

    Raises:
        ValueError: a weight holds NaN or an infinity, or `smallest` is below 1.

    Example:
    >>> import numpy as np
    >>> from onnx import numpy_helper, parser
    >>> text = '<ir_version: 9, opset_import: ["": 20]> g (float[n, 64] x) => (float[n, 32] y) {y = MatMul(x, kernel)}'
    >>> model = parser.parse_model(text)
    >>> model.graph.initializer.extend([numpy_helper.from_array(np.ones((64, 32), np.float32), "kernel")])
    >>> small = to_int8(model)
    >>> [(tensor.name, list(tensor.dims)) for tensor in small.graph.initializer]
    [('kernel/int8', [64, 32]), ('kernel/scale', [1, 32])]
    >>> [node.op_type for node in small.graph.node]
    ['Cast', 'Mul', 'MatMul']
    """
    if smallest < 1:
        raise ValueError(f"to_int8: smallest is at least 1; received {smallest}.")
    small = ModelProto()
    small.CopyFrom(model)
    graph = small.graph
    border = {value.name for value in (*graph.input, *graph.output)}
    uses: dict[str, list[_Use]] = defaultdict(list)
    for use in _uses(graph):
        uses[use.name].append(use)
    tables: set[str] = set()
    nodes: list[NodeProto] = []
    for tensor in list(graph.initializer):
        name = tensor.name
        axes = next(filter(None, (_axes_of_a_scale(use, len(tensor.dims)) for use in uses[name])), ())
        if tensor.data_type != TensorProto.FLOAT or name in border or not _gains(tensor, axes, smallest):
            continue
        graph.initializer.remove(tensor)
        graph.initializer.extend(_quantize(tensor, axes))
        if all(use.in_main_graph and _is_look_up(use.node, name) for use in uses[name]):
            tables.add(name)
        else:
            nodes.extend(_scaled(f"{name}/int8", f"{name}/scale", name))
    for node in graph.node:
        nodes.extend(_look_up(node) if tables.intersection(node.input) else [node])
    del graph.node[:]
    graph.node.extend(nodes)
    return small


class _Use(NamedTuple):
    """Where a value is read."""

    name: str
    node: NodeProto
    place: int
    in_main_graph: bool


def _uses(graph: GraphProto, in_main_graph: bool = True) -> Iterator[_Use]:
    for node in graph.node:
        for place, name in enumerate(node.input):
            yield _Use(name, node, place, in_main_graph)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _uses(attribute.g, in_main_graph=False)


def _axes_of_a_scale(use: _Use, rank: int) -> tuple[int, ...]:
    """Returns the axes over which one scale serves; none where the value is not read as a weight."""
    node, place, every = use.node, use.place, set(range(rank))
    kept: set[int] | None = None
    if node.domain or rank < 2:
        return ()
    if node.op_type in _RECURRENT and place in (1, 2):
        kept = {0, 1}  # (directions, gates * units, ..)
    elif node.op_type == "MatMul":
        kept = every - {rank - 2 if place else rank - 1}
    elif node.op_type == "Gemm" and place == 1:
        kept = {0 if _attribute(node, "transB") else 1}
    elif node.op_type in ("Conv", "ConvTranspose") and place == 1:
        kept = {0 if node.op_type == "Conv" else 1}
    elif _is_look_up(node, use.name):
        kept = {0}
    return () if kept is None else tuple(sorted(every - kept))


def _gains(tensor: TensorProto, axes: tuple[int, ...], smallest: int) -> bool:
    """Whether a weight is large enough, and takes fewer bytes with its scales than without."""
    sharing = np.prod([tensor.dims[axis] for axis in axes], dtype=int)  # numbers that share a scale
    return bool(axes) and np.prod(tensor.dims, dtype=int) >= smallest and sharing > 1


def _is_look_up(node: NodeProto, table: str) -> bool:
    """Whether a node looks up rows of a table."""
    is_gather = node.op_type == "Gather" and not node.domain
    return is_gather and node.input[0] == table and _attribute(node, "axis") == 0


def _attribute(node: NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


def _quantize(tensor: TensorProto, axes: tuple[int, ...]) -> list[TensorProto]:
    """Returns the weight as int8, and its scale, which has size 1 on `axes`."""
    weight = numpy_helper.to_array(tensor)
    if not np.isfinite(weight).all():
        raise ValueError(f"to_int8: {tensor.name!r} holds NaN or an infinity. Train the model again, or repair it.")
    scale = np.max(np.abs(weight), axis=axes, keepdims=True) / np.float32(_HIGHEST)
    steps = np.rint(np.divide(weight, scale, out=np.zeros_like(weight), where=scale > 0))
    # The smallest float32 numbers lose digits when they are divided.
    stored = np.clip(steps, -_HIGHEST, _HIGHEST).astype(np.int8)
    parts = (stored, "int8"), (scale, "scale")
    return [numpy_helper.from_array(array, f"{tensor.name}/{part}") for array, part in parts]


def _scaled(stored: str, scale: str, output: str) -> list[NodeProto]:
    unscaled = f"{output}/unscaled"
    return [
        helper.make_node("Cast", [stored], [unscaled], name=unscaled, to=TensorProto.FLOAT),
        helper.make_node("Mul", [unscaled, scale], [output], name=output),
    ]


def _look_up(node: NodeProto) -> list[NodeProto]:
    """Looks rows and their scales up."""
    table, rows = node.input
    output = node.output[0]
    parts = [
        helper.make_node("Gather", [f"{table}/{part}", rows], [f"{output}/{part}"], name=f"{output}/{part}")
        for part in ("int8", "scale")
    ]
    return [*parts, *_scaled(f"{output}/int8", f"{output}/scale", output)]

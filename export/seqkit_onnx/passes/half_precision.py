"""Float16 in place of float32 in a finished model, for CUDA.

Of the converters that there are, `onnxruntime.transformers.float16` (onnxconverter-common's is its parent) comes near,
and does not fit: it writes its casts behind the nodes that read them, which onnx's checker refuses; casts for values of
a subgraph go into the main graph, and such a file does not open; index arithmetic, which tf2onnx does in floats,
becomes float16, which counts to 2048; and weights beyond float16's range are cut without a word.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from seqkit_onnx.passes.passes import rename_values

_FLOAT, _FLOAT16 = int(TensorProto.FLOAT), int(TensorProto.FLOAT16)
_FLOATS = {_FLOAT, _FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}
_LARGEST, _SMALLEST = float(np.finfo(np.float16).max), float(np.finfo(np.float16).smallest_normal)
_PROBABILITIES = {"Softmax", "LogSoftmax", "Sigmoid"}


def to_float16(model: ModelProto) -> ModelProto:
    """Lets a model compute in float16, its weights too.

    Inputs and outputs keep their dtypes, with casts behind and before them. Integers, bools and strings stay as they
    are, and so do, in float32: subgraphs (`If`, `Loop`, `Scan`), operators that have no float16 in ONNX, arithmetic
    whose only use is an integer, a last `Softmax` or `Sigmoid`, and what reads a single number that float16 cannot
    hold (a mask's -1e9): its result is cut to float16's range.

    Args:
        model: a finished model that names its operator sets; it is left as it is.

    Returns:
        The model in float16. Values beyond 65504 that only turn up as it runs become infinite.

    Raises:
        ValueError: a weight is beyond float16's range, or onnx cannot tell the type of a value.

    Example:
    >>> from onnx import parser
    >>> text = '<ir_version: 9, opset_import: ["": 20]> g (float[n] x) => (float[n] y) {t = Tanh(x) y = Mul(t, t)}'
    >>> [node.op_type for node in to_float16(parser.parse_model(text)).graph.node]
    ['Cast', 'Tanh', 'Mul', 'Cast']
    """
    plan = _Plan(model)
    half = ModelProto()
    half.CopyFrom(model)
    _Writer(half.graph, plan).write()
    return half


def computes_in_half(graph: GraphProto) -> bool:
    """Whether a model's own casts to half precision are followed by more than another cast."""
    half = (_FLOAT16, TensorProto.BFLOAT16)
    cast = {value.name for value in graph.input if value.type.tensor_type.elem_type in half}
    cast |= {tensor.name for tensor in graph.initializer if tensor.data_type in half and tensor.dims}
    for node in graph.node:
        if node.op_type == "Cast" and any(each.name == "to" and each.i in half for each in node.attribute):
            cast.update(node.output)
    return any(node.op_type not in ("Cast", "CastLike") and cast.intersection(node.input) for node in graph.node)


class _Plan:
    """Says for each node of the main graph whether its floats are float32 or float16."""

    def __init__(self, model: ModelProto):
        graph = model.graph
        self.opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
        self.types = _types(model)
        self.outputs = {value.name for value in graph.output}
        border = {value.name for value in graph.input} | self.outputs  # an initializer among the inputs is a default
        weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == _FLOAT}
        self.constants = {name: tensor for name, tensor in weights.items() if name not in border}
        # The dtype in which each float that is no constant is made.
        self.made = dict.fromkeys((value.name for value in graph.input if self.is_float(value.name)), _FLOAT)
        self.made |= dict.fromkeys(weights.keys() & border, _FLOAT)
        indices = self._index_arithmetic(list(graph.node))
        self.dtypes: list[int] = []
        for position, node in enumerate(graph.node):
            dtype = _FLOAT if position in indices else self._dtype(node)
            self.dtypes.append(dtype)
            self.made.update((name, dtype) for name in node.output if self.is_float(name))
        # In which dtypes each constant is read.
        self.wanted: dict[str, set[int]] = defaultdict(set)
        for node, dtype in zip(graph.node, self.dtypes, strict=True):
            for name in filter(self.constants.__contains__, node.input):
                self.wanted[name].add(dtype)
            for name in filter(self.constants.__contains__, _captured(node)):
                self.wanted[name].add(_FLOAT)

    def is_float(self, name: str) -> bool:
        """Whether a value is float32 in the model as it was."""
        return self.types.get(name) == _FLOAT

    def does_not_fit(self, node: NodeProto) -> bool:
        """Whether a node reads a single number that float16 cannot hold."""
        for name in node.input:
            if name in self.constants and np.prod(self.constants[name].dims, dtype=int) == 1:
                size = abs(float(numpy_helper.to_array(self.constants[name]).item()))
                too_small = 0 < size < _SMALLEST and node.op_type in ("Mul", "Div")
                if too_small or _LARGEST < size < float("inf"):
                    return True
        return False

    def _dtype(self, node: NodeProto) -> int:
        inputs, outputs = [[name for name in names if self.is_float(name)] for names in (node.input, node.output)]
        if list(_subgraphs(node)) or not self._has_float16(node) or self.does_not_fit(node):
            return _FLOAT
        if not outputs:  # it reads what there is
            return _FLOAT16 if {self.made[name] for name in inputs if name in self.made} == {_FLOAT16} else _FLOAT
        if node.op_type in _PROBABILITIES and self.outputs.issuperset(outputs):
            return _FLOAT
        return _FLOAT16

    def _has_float16(self, node: NodeProto) -> bool:
        """Whether ONNX has the operator in float16, its output's dtype that of an input."""
        if node.domain not in ("", "ai.onnx"):
            return False
        schema = onnx.defs.get_schema(node.op_type, self.opset, "")
        inputs, outputs = [
            [formals[min(index, len(formals) - 1)] for index, name in enumerate(names) if self.is_float(name)]
            for formals, names in ((schema.inputs, node.input), (schema.outputs, node.output))
        ]
        variables = {formal.type_str for formal in inputs}
        return all("tensor(float16)" in formal.types for formal in inputs + outputs) and (
            node.op_type == "Cast" or all(formal.type_str in variables for formal in outputs)
        )

    def _index_arithmetic(self, nodes: list[NodeProto]) -> set[int]:
        """Returns the places of nodes whose floats end as integers, without a weight on the way."""
        readers: dict[str, list[int]] = defaultdict(list)
        for position, node in enumerate(nodes):
            for name in (*node.input, *_captured(node)):
                readers[name].append(position)
        found: set[int] = set()
        for position, node in reversed(list(enumerate(nodes))):
            outputs = [name for name in node.output if self.is_float(name)]
            has_weight = any(name in self.constants and len(self.constants[name].dims) > 1 for name in node.input)
            if not outputs or has_weight or list(_subgraphs(node)) or self.outputs.intersection(outputs):
                continue
            uses = {reader for name in outputs for reader in readers[name]}
            if uses and all(reader in found or self._is_cast_to_integer(nodes[reader]) for reader in uses):
                found.add(position)
        return found

    def _is_cast_to_integer(self, node: NodeProto) -> bool:
        return node.op_type == "Cast" and self.types[node.output[0]] not in _FLOATS


class _Writer:
    """Writes the nodes of a plan, and casts where the two dtypes meet."""

    def __init__(self, graph: GraphProto, plan: _Plan):
        self.graph = graph
        self.plan = plan
        self.nodes: list[NodeProto] = []
        self.taken = set(plan.types)
        # The name of each float value in each dtype.
        self.names: dict[tuple[str, int], str] = {(name, _FLOAT): name for name in plan.constants}
        self.names.update(((name, dtype), name) for name, dtype in plan.made.items())
        self.to_cut: set[str] = set()  # values that may be beyond float16's range
        self.limits: list[str] = []

    def write(self) -> None:
        """Changes the graph."""
        nodes = list(self.graph.node)
        self._write_constants(nodes)
        for node, dtype in zip(nodes, self.plan.dtypes, strict=True):
            self._write_node(node, dtype)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        described = [value for value in self.graph.value_info if value.type.tensor_type.elem_type != _FLOAT]
        del self.graph.value_info[:]
        self.graph.value_info.extend(described)

    def _write_constants(self, nodes: list[NodeProto]) -> None:
        """Makes each constant float16 that is read as such; one that is also read as float32 is there twice."""
        for tensor in list(self.graph.initializer):
            dtypes = self.plan.wanted.get(tensor.name, set()) if tensor.name in self.plan.constants else set()
            if _FLOAT16 not in dtypes:
                continue
            reader = next(node.name or node.op_type for node in nodes if tensor.name in node.input)
            if _FLOAT in dtypes:
                name = self._unique(f"{tensor.name}/as_float16")
                self.graph.initializer.append(_half(tensor, name, reader))
            else:
                name = tensor.name
                tensor.CopyFrom(_half(tensor, name, reader))
            self.names[tensor.name, _FLOAT16] = name

    def _write_node(self, node: NodeProto, dtype: int) -> None:
        is_float = self.plan.is_float
        node.input[:] = [self._name(name, dtype) if is_float(name) else name for name in node.input]
        captured = {name: self._name(name, _FLOAT) for name in sorted(_captured(node)) if is_float(name)}
        for subgraph in _subgraphs(node):
            rename_values(subgraph, {old: new for old, new in captured.items() if old != new})
        outputs = [name for name in node.output if is_float(name)]
        self.nodes.append(node)
        if dtype == _FLOAT:
            self.to_cut.update(outputs if self.plan.does_not_fit(node) else ())
            return
        if node.op_type == "Cast" and outputs:
            next(attribute for attribute in node.attribute if attribute.name == "to").i = _FLOAT16
        for name in filter(self.plan.outputs.__contains__, outputs):
            half = self.names[name, _FLOAT16] = self._unique(f"{name}/as_float16")
            node.output[:] = [half if output == name else output for output in node.output]
            self._cast(half, name, _FLOAT)
            self.names[name, _FLOAT] = name

    def _name(self, name: str, dtype: int) -> str:
        """Returns what a value is called in a dtype, after a cast where it has to be."""
        if (name, dtype) not in self.names:
            source = self.names[name, _FLOAT if dtype == _FLOAT16 else _FLOAT16]
            if dtype == _FLOAT16 and name in self.to_cut:
                source = self._cut(source)
            new = self._unique(f"{name}/as_{'float16' if dtype == _FLOAT16 else 'float32'}")
            self.names[name, dtype] = self._cast(source, new, dtype)
        return self.names[name, dtype]

    def _cast(self, source: str, output: str, dtype: int) -> str:
        self.nodes.append(helper.make_node("Cast", [source], [output], name=output, to=dtype))
        return output

    def _cut(self, source: str) -> str:
        if not self.limits:
            self.limits = [self._unique(f"float16/{name}") for name in ("lowest", "highest")]
            for name, value in zip(self.limits, (-_LARGEST, _LARGEST), strict=True):
                self.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
        output = self._unique(f"{source}/in_range")
        self.nodes.append(helper.make_node("Clip", [source, *self.limits], [output], name=output))
        return output

    def _unique(self, name: str) -> str:
        new, count = name, 1
        while new in self.taken:
            new, count = f"{name}_{count}", count + 1
        self.taken.add(new)
        return new


def _half(tensor: TensorProto, name: str, reader: str) -> TensorProto:
    array = numpy_helper.to_array(tensor)
    largest = np.max(np.abs(array[np.isfinite(array)]), initial=0.0)
    if largest > _LARGEST:
        raise ValueError(
            f"to_float16: {tensor.name!r}, which {reader!r} reads, holds {largest:g}, and float16 ends at "
            f"{_LARGEST:g}. Export the model in float32."
        )
    half = array.astype(np.float16)
    lost = (half == 0) & (array != 0)
    if array.size == 1 and lost.any():  # an epsilon keeps a divisor from being zero
        half = np.copysign(np.finfo(np.float16).smallest_subnormal, array).astype(np.float16)
    return numpy_helper.from_array(half, name)


def _types(model: ModelProto) -> dict[str, int]:
    """Returns the element type of every value of the main graph; 0 for what is no tensor."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    types |= {
        value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output, *graph.value_info)
    }
    for node in graph.node:
        for name in node.output:
            if name and name not in types:
                raise ValueError(
                    f"to_float16: onnx cannot tell the type of {name!r}, which {node.name!r} ({node.op_type}) makes. "
                    "Write it into the graph's value_info."
                )
    return types


def _subgraphs(node: NodeProto) -> Iterable[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _captured(node: NodeProto) -> set[str]:
    """Returns what the subgraphs of a node read, their own values among it."""
    names = set()
    for subgraph in _subgraphs(node):
        names.update(output.name for output in subgraph.output)
        for inner in subgraph.node:
            names |= {*inner.input, *_captured(inner)}
    return names

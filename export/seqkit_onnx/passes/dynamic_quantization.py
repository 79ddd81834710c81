"""Products of int8 in a finished model: weights are rounded when it is written, what meets them as it runs.

An `LSTM` becomes `com.microsoft::DynamicQuantizeLSTM`, a large `MatMul` or `Gemm` `DynamicQuantizeMatMul`: operators
that every stock onnxruntime has. Both find one range for all that they are given at once, so an answer depends a little
on the rows beside it. There is nothing of the kind for `GRU` and `RNN`: their weights are stored as int8, and they
compute in float32.

Three things are known of these operators (onnxruntime 1.32):

- Without VNNI, a processor adds two products of 8 bits in 16 and keeps what fits. Weights here have 7 bits, -64 to 64,
  and 2 * 255 * 64 fits.
- `DynamicQuantizeLSTM` leaves memory as it was where rows are shorter than the batch and its first output is not asked
  for. So it always is.
- The weights of a node in a branch or loop are packed only where they stand in that graph; there they stay.
"""

from collections.abc import Iterator

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from seqkit_onnx.passes.quantization import SMALLEST, to_int8

MICROSOFT_DOMAIN = "com.microsoft"
HIGHEST = 64  # 2 * 255 * 64 is less than 2 ** 15
# A product of fewer numbers is computed as fast in float32: measured with one thread on a processor without VNNI.
SMALLEST_PRODUCT = 50_000


def to_int8_dynamic(
    model: ModelProto, smallest: int = SMALLEST, smallest_product: int = SMALLEST_PRODUCT
) -> ModelProto:
    """Rounds weights to 7 bits, and lets products be computed in int8.

    Args:
        model: a finished model; it is left as it is.
        smallest: see `to_int8`, which stores the weights of all other operators.
        smallest_product: products of matrices of fewer numbers stay in float32.

    Returns:
        The model with int8 operators.

    Raises:
        ValueError: see `to_int8`.
    """
    small = ModelProto()
    small.CopyFrom(model)
    _Quantizer(smallest, smallest_product).graph(small.graph, [])
    if all(each.domain != MICROSOFT_DOMAIN for each in small.opset_import):
        small.opset_import.append(helper.make_opsetid(MICROSOFT_DOMAIN, 1))
    return to_int8(small, smallest)


def computing_in_float32(model: ModelProto) -> list[str]:
    """Lists the recurrent operators that do not compute in int8, by the names of their nodes."""
    return [node.name for node in _all_nodes(model.graph) if node.op_type in ("GRU", "RNN", "LSTM")]


def _all_nodes(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for inner in _subgraphs(node):
            yield from _all_nodes(inner)


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


class _Quantizer:
    """Replaces operators in a graph and in those below it.

    Args:
        smallest: recurrent weights of fewer numbers stay as they are.
        smallest_product: the same for products of matrices.
    """

    def __init__(self, smallest: int, smallest_product: int):
        self.smallest, self.smallest_product = smallest, smallest_product
        self.unread: list[tuple[GraphProto, TensorProto]] = []

    def graph(self, graph: GraphProto, around: list[GraphProto]) -> None:
        """Replaces what can be replaced.

        Args:
            graph: changed in place.
            around: the graphs in which it stands, the nearest one last.
        """
        scope = [*around, graph]
        for node in graph.node:
            if not node.domain and node.op_type == "LSTM":
                self._lstm(node, scope)
            elif not node.domain and node.op_type in ("MatMul", "Gemm"):
                self._product(node, scope)
            for inner in _subgraphs(node):
                self.graph(inner, scope)
        if not around:
            self._remove_unread(graph)

    def _lstm(self, node: NodeProto, scope: list[GraphProto]) -> None:
        inputs = [*node.input, *[""] * (8 - len(node.input))]
        weights = [_weight(name, scope) for name in inputs[1:3]]
        if any(each is None or np.prod(each[1].dims, dtype=int) < self.smallest for each in weights):
            return
        rounded = [self._rounded(owner, tensor, axis=2) for owner, tensor in filter(None, weights)]
        own = {name: [name, f"{name}/scale", f"{name}/zero"] for name in rounded}
        (kernel, *of_kernel), (recurrent, *of_recurrent) = (own[name] for name in rounded)
        node.op_type, node.domain = "DynamicQuantizeLSTM", MICROSOFT_DOMAIN
        outputs = list(node.output)
        del node.input[:], node.output[:]
        node.input.extend([inputs[0], kernel, recurrent, *inputs[3:8], *of_kernel, *of_recurrent])
        node.output.extend([outputs[0] or f"{node.name}/all_steps", *outputs[1:]])

    def _product(self, node: NodeProto, scope: list[GraphProto]) -> None:
        found = _weight(node.input[1], scope)
        if found is None or len(found[1].dims) != 2 or np.prod(found[1].dims, dtype=int) < self.smallest_product:
            return
        attributes = {attribute.name: attribute.f or attribute.i for attribute in node.attribute}
        if node.op_type == "Gemm" and any(attributes.get(name, usual) != usual for name, usual in _PLAIN.items()):
            return
        name = self._rounded(*found, axis=0)
        bias = [node.input[2]] if len(node.input) > 2 and node.input[2] else []
        if bias and len((_weight(bias[0], scope) or (None, TensorProto()))[1].dims) != 1:
            return
        inputs = [node.input[0], name, f"{name}/scale", f"{name}/zero", *bias]
        node.op_type, node.domain = "DynamicQuantizeMatMul", MICROSOFT_DOMAIN
        del node.input[:], node.attribute[:]
        node.input.extend(inputs)

    def _rounded(self, owner: GraphProto, tensor: TensorProto, axis: int) -> str:
        """Stores a weight with 7 bits where it stood; returns its name.

        Args:
            owner: the graph that has it.
            tensor: the weight: (directions, gates * units, dim) of an LSTM, which the operator wants transposed; or
                (dim, units).
            axis: the one over which a scale serves.
        """
        name = f"{tensor.name}/of_int8"
        if not any(each.name == name for each in owner.initializer):
            weight = numpy_helper.to_array(tensor)
            if not np.isfinite(weight).all():
                raise ValueError(f"to_int8_dynamic: {tensor.name!r} holds NaN or an infinity. Train the model again.")
            scale = np.max(np.abs(weight), axis=axis, keepdims=True) / np.float32(HIGHEST)
            steps = np.rint(np.divide(weight, scale, out=np.zeros_like(weight), where=scale > 0))
            stored = np.clip(steps, -HIGHEST, HIGHEST).astype(np.int8)
            scale = np.where(scale > 0, scale, np.float32(1)).squeeze(axis)
            parts = {name: stored.transpose(0, 2, 1) if axis == 2 else stored, f"{name}/scale": scale}
            parts[f"{name}/zero"] = np.zeros(scale.shape, np.int8)
            owner.initializer.extend(
                numpy_helper.from_array(np.ascontiguousarray(array), key) for key, array in parts.items()
            )
            self.unread.append((owner, tensor))
        return name

    def _remove_unread(self, main: GraphProto) -> None:
        read = {name for node in _all_nodes(main) for name in node.input}
        for owner, tensor in self.unread:
            if tensor.name not in read:
                owner.initializer.remove(tensor)


_PLAIN = {"transA": 0, "transB": 0, "alpha": 1.0, "beta": 1.0}


def _weight(name: str, scope: list[GraphProto]) -> tuple[GraphProto, TensorProto] | None:
    """Returns a float32 weight that a node of the last graph can read, and the graph that has it."""
    for graph in reversed(scope):
        for tensor in graph.initializer:
            if tensor.name == name:
                border = {value.name for value in (*graph.input, *graph.output)}
                return (graph, tensor) if tensor.data_type == TensorProto.FLOAT and name not in border else None
        if any(name in node.output for node in graph.node) or any(name == value.name for value in graph.input):
            return None
    return None

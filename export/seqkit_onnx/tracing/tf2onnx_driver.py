"""Runs tf2onnx, part by part: those of its parts that answer wrongly are left out."""

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import onnx
import tensorflow as tf
from tf2onnx import constants, handler, optimizer, rewriter, tf_loader, tfonnx
from tf2onnx.graph import Graph
from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

from seqkit_onnx.tracing.constant_conditions import choose_branches
from seqkit_onnx.tracing.small_integers import widened
from seqkit_onnx.tracing.tensorflow_graph import TensorflowGraph

TO_BFLOAT16 = "_to_bfloat16"  # an attribute of ours on TensorFlow's Cast
OPSET = 18  # the last one that tf2onnx writes

Handler = Callable[[Any, Any, str, list], None]


def _rewrite_gemm(graph: Graph, nodes: list) -> list:
    """tf2onnx's own, for float32: sums of other dtypes it leaves, with a line in the log of the whole process."""
    sums = ("Add", "AddV2", "BiasAdd")
    others = [each for each in nodes if each.type in sums and graph.get_dtype(each.output[0]) != onnx.TensorProto.FLOAT]
    return [*rewriter.rewrite_gemm(graph, [each for each in nodes if each not in others]), *others]


# All of tf2onnx's own, in its order, but for those that look for LSTM, GRU and other recurrent loops: they take an
# LSTMCell that is wrapped by zoneout, by clipping or by scaling for a plain one.
_REWRITERS = (
    tfonnx.rewrite_constant_fold,
    rewriter.rewrite_quantize_and_dequantize,
    rewriter.rewrite_fused_ops,
    rewriter.rewrite_transpose,
    rewriter.rewrite_flatten,
    rewriter.rewrite_random_uniform,
    rewriter.rewrite_random_uniform_fold_const,
    rewriter.rewrite_random_normal,
    rewriter.rewrite_dropout,
    rewriter.rewrite_conv_dilations,
    rewriter.rewrite_eye,
    rewriter.rewrite_leakyrelu,
    rewriter.rewrite_thresholded_relu,
    rewriter.rewrite_conv2d_with_pad,
    rewriter.rewrite_generic_loop,
    rewriter.rewrite_cond,
    rewriter.rewrite_biasadd_with_conv2d,
    rewriter.rewrite_layer_normalization,
    _rewrite_gemm,
    rewriter.rewrite_ragged_variant_shape,
)


class _Transposes(TransposeOptimizer):
    """tf2onnx's own, which leaves a Transpose where an axis is 1.

    tf2onnx 1.17 replaces it by a Reshape, by shapes that it wrote down before it had moved other Transposes, so that a
    model with one fixed step answered with a wrong shape: (batch, batch, units) for (batch, 1, units).
    """

    def post_optimize_action(self) -> None:
        """Leaves the graph as it is."""


def _optimizers() -> dict[str, Any]:
    """All of tf2onnx's own but for the einsum optimizer, which takes minutes where an equation has five axes.

    Those for operators that no layer of Keras becomes are left out too: each looks through the whole graph.
    """
    own = dict(optimizer._get_optimizers())
    for name in ("einsum_optimizer", "remove_redundant_upsample", "const_dequantize_optimizer", "q_dq_optimizer"):
        del own[name]
    return {**own, "optimize_transpose": _Transposes}


def _optimized(graph: Graph) -> Graph:
    """Optimizes a converted graph, as tf2onnx does.

    It copies the graph in front of each step, in case the step fails, which takes a third of an export. Here one copy
    is made, and where a step has failed, all begins anew from it, with a copy in front of each.
    """
    whole = copy.deepcopy(graph)
    try:
        return optimizer.optimize_graph(graph, False, _optimizers())
    except Exception:  # noqa: BLE001  # whatever a step raises: the next ones go on without it
        return optimizer.optimize_graph(whole, True, _optimizers())


class NotConverted(Exception):  # noqa: N818  # it steers the conversion and is never shown
    """tf2onnx cannot convert an operation.

    Args:
        node: the name of the node.
        operation: TensorFlow's name of the operation.
        reason: what was said; may be empty.
    """

    def __init__(self, node: str, operation: str, reason: str = ""):
        super().__init__(f"{node}: {operation}: {reason}")
        self.node = node
        self.operation = operation
        self.reason = reason


def to_onnx(
    graph: TensorflowGraph, handlers: Mapping[str, Handler], domains: Mapping[str, int] | None = None
) -> onnx.ModelProto:
    """Converts a graph, at opset `OPSET`.

    Args:
        graph: what `freeze` returned.
        handlers: what converts an operation in place of tf2onnx's own handler, by TensorFlow's name of it.
        domains: operator sets that the handlers use, by domain.

    Returns:
        The ONNX model; its inputs and outputs are named as in the graph.

    Raises:
        NotConverted: an operation has no handler, or its handler cannot convert it.
    """
    extra = [onnx.helper.make_opsetid(domain, version) for domain, version in (domains or {}).items()]
    with _quiet(), tf.device("/cpu:0"):
        definition = _simplified(graph)
        _mark_bfloat16(definition)
        with tf.Graph().as_default() as tensorflow_graph:
            tf.import_graph_def(definition, name="")
            tf_loader.clear_functions()
            main, functions = tfonnx.graphs_from_tf(tensorflow_graph, graph.inputs, graph.outputs)
            for each in (main, *functions):
                each.set_config(None, OPSET, extra)
            own = {name: (_as_tf2onnx_calls(each), {}) for name, each in handlers.items()}
            mapping = {**handler.tf_op.create_mapping(OPSET, main.extra_opset), **own}
            for function in functions:
                tf_loader.set_function(function.graph_name, _converted(function, mapping))
            finished = _optimized(_converted(main, mapping))
            return finished.make_model("keras-seqkit")


def _simplified(graph: TensorflowGraph) -> Any:
    """TensorFlow's own folding of constants, until no condition is left whose answer is one."""
    definition = graph.definition
    while True:
        with tf.Graph().as_default():
            tf.import_graph_def(definition, name="")
            definition = tf_loader.tf_optimize(list(graph.inputs), list(graph.outputs), definition)
        if not choose_branches(definition):
            return definition


def _mark_bfloat16(definition: Any) -> None:
    """Marks casts to bfloat16, for tf2onnx takes it for float16; what else computes in it cannot be converted."""
    for nodes in (definition.node, *(function.node_def for function in definition.library.function)):
        for node in nodes:
            types = [attribute.type for attribute in node.attr.values()]
            types += [dtype for attribute in node.attr.values() for dtype in attribute.list.type]
            if tf.bfloat16.as_datatype_enum in types and node.op != "Cast":
                raise NotConverted(
                    node.name, node.op, "onnxruntime computes nothing in bfloat16: cast to float32 first"
                )
            if node.op == "Cast" and node.attr["DstT"].type == tf.bfloat16.as_datatype_enum:
                node.attr[TO_BFLOAT16].b = True


def _converted(graph: Graph, mapping: Mapping[str, Any]) -> Graph:
    """Converts the nodes of one graph; see `tf2onnx.tfonnx.process_parsed_graph`."""
    tfonnx.run_rewriters(graph, _REWRITERS, False)
    graph.delete_unused_nodes(graph.outputs)
    graph.topological_sort(graph.get_nodes())
    _convert_nodes(graph, mapping)
    graph.topological_sort(graph.get_nodes())
    graph.update_proto()
    return graph


def _convert_nodes(graph: Graph, mapping: Mapping[str, Any]) -> None:
    """Converts each node of a graph, those of its loops and branches before it."""
    for node in list(graph.get_nodes()):
        if node.need_skip():
            continue
        name, operation = node.name, node.type
        if operation not in mapping:
            raise NotConverted(name, operation)
        node = widened(graph, node)
        function, arguments = mapping[operation]
        if "onnx_op" in arguments:
            arguments = {**arguments, "tf_op": operation}
            node.type = arguments["onnx_op"]
        for body in (node.get_body_graphs() or {}).values():
            body.topological_sort(body.get_nodes())
            _convert_nodes(body, mapping)
            body.topological_sort(body.get_nodes())
        try:
            function(graph, node, **arguments, initialized_tables={}, dequantize=False)
        except NotConverted:
            raise
        except Exception as error:
            raise NotConverted(name, operation, str(error)) from error
        node.skip_conversion = True


def _as_tf2onnx_calls(ours: Handler) -> Callable[..., None]:
    def convert(graph: Graph, node: Any, **_: Any) -> None:
        ours(graph, node, node.name, [])

    return convert


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps tf2onnx's lines out of the user's terminal, in this thread; its errors are raised all the same."""
    logger = logging.getLogger(constants.TF2ONNX_PACKAGE_NAME)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.propagate = propagate

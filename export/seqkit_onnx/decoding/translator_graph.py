"""A `Seq2SeqTranslator` as one graph: sentence in, translation out."""

from typing import Any

import keras
import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from keras_seqkit.models.translation.seq2seq_translator import Seq2SeqTranslator
from keras_seqkit.models.translation.translation_search import SourceReader, TranslationStep
from seqkit_onnx.conversion import convert
from seqkit_onnx.decoding.generator_graph import describe_input, empty_model, spec
from seqkit_onnx.decoding.translation_loop import LoopInputs, Written, add_beam_loop, add_greedy_loop
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import GraphJoiner
from seqkit_onnx.passes.passes import remove_dead_nodes, remove_identities
from seqkit_onnx.passes.step_passes import simplify_step
from seqkit_onnx.text.ids_to_text import described_text
from seqkit_onnx.text.text_to_ids import add_text_to_ids
from seqkit_onnx.text.translation_text import add_translation_text
from seqkit_onnx.tracing.signature import model_signature

MEMORY = "memory/"


def translator_model(translator: Seq2SeqTranslator, text: bool) -> ModelProto:
    """Makes the model that translates.

    Args:
        translator: the model.
        text: whether it takes `text` and gives `translation`; else `ids` int32 (batch, time), and `translation_ids`
            int32 (batch, time), `[END]` included, padding behind it. Both give `score` float32 (batch,).
    """
    reader = SourceReader(translator)
    inputs = {"ids": spec("int32", None, None), "room": spec("int32", None), "beam": spec("int32", None)}
    reader_graph = convert(reader, model_signature(reader, inputs), ("ids",)).graph
    steps = {greedy: _step_graph(translator, reader, inputs, greedy) for greedy in (True, False)}

    proto = empty_model(translator.name)
    graph = proto.graph
    joiner, builder = GraphJoiner(graph), GraphBuilder(graph, "translation")
    first = "text" if text else "ids"
    graph.input.append(describe_input(first, text))
    if text:
        builder.nodes.extend(add_text_to_ids(graph, translator.source_vocabulary, "text", "text/ids", None))
    one = builder.constant(1, name="one_at_least")
    beams = builder.node("Max", ["num_beams", one], "beams")
    trips = builder.node("Max", ["max_length", one], "trips")
    bindings = {
        "ids": "text/ids" if text else "ids",
        "room": _counted(builder, trips, "room"),
        "beam": _counted(builder, beams, "beam"),
    }
    names = joiner.join(reader_graph, "reader", bindings)
    builder.nodes.extend(reader_graph.node)
    fixed = {"length_penalty": "length_penalty"}
    fixed |= {name: value for name, value in names.items() if name.startswith(MEMORY)}
    begin = {name: value for name, value in names.items() if name not in fixed and name not in inputs}
    loop_inputs = LoopInputs(begin, fixed, trips)
    is_greedy = builder.node("Equal", [beams, one], "is_greedy")
    branches = []
    for greedy, prefix in ((True, "greedy"), (False, "beam_search")):
        inner = GraphBuilder(graph, prefix)
        written = (
            add_greedy_loop(inner, joiner, steps[greedy], prefix, loop_inputs)
            if greedy
            else add_beam_loop(inner, joiner, steps[greedy], prefix, loop_inputs, beams)
        )
        branches.append(_branch(inner, prefix, written))
    tokens, scores = (f"translation/{name}" for name in ("tokens", "best_scores"))
    builder.nodes.append(
        helper.make_node(
            "If",
            [is_greedy],
            [tokens, scores],
            name="translation/search",
            then_branch=branches[0],
            else_branch=branches[1],
        )
    )
    if text:
        builder.nodes.extend(
            add_translation_text(graph, translator.target_vocabulary, translator.detokenizer, tokens, "translation")
        )
        graph.output.append(described_text("translation"))
    else:
        builder.nodes.append(_padded(builder, tokens, trips, "translation_ids"))
        graph.output.append(helper.make_tensor_value_info("translation_ids", TensorProto.INT32, ["batch", "time"]))
    builder.nodes.append(helper.make_node("Identity", [scores], ["score"], name="translation/as_score"))
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]))
    graph.node.extend(builder.nodes)
    remove_identities(graph)
    described = list(graph.value_info)
    remove_dead_nodes(graph)
    graph.value_info.extend(described)
    for name, value in (
        ("num_beams", np.int64(1)),
        ("length_penalty", np.float32(1.0)),
        ("max_length", np.int64(translator.max_length)),
    ):
        array = np.asarray(value)
        graph.input.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), []))
        graph.initializer.append(numpy_helper.from_array(array, name))
    return proto


def _step_graph(
    translator: Seq2SeqTranslator, reader: SourceReader, inputs: dict[str, Any], greedy: bool
) -> GraphProto:
    symbolic = {name: keras.KerasTensor(each.shape, each.dtype) for name, each in inputs.items()}
    carried: Any = reader.compute_output_spec(symbolic)
    of_step = {name: spec(value.dtype, *value.shape) for name, value in carried.items()}
    of_step |= {"index": spec("int32"), "length_penalty": spec("float32")}
    step = TranslationStep(translator, greedy)
    graph = convert(step, model_signature(step, of_step), inputs_are_finite=True).graph
    simplify_step(graph)
    return graph


def _counted(builder: GraphBuilder, count: str, name: str) -> str:
    """Adds 0, 1, 2, ...: int32 (count,)."""
    zero, one = builder.constant(0, name="count_from"), builder.constant(1, name="one_at_least")
    return builder.node("Cast", [builder.node("Range", [zero, count, one], f"{name}_wide")], name, to=TensorProto.INT32)


def _branch(builder: GraphBuilder, prefix: str, written: Written) -> GraphProto:
    """Gives what was written: tokens int32 (batch, time), and their score float32 (batch,)."""
    is_token = builder.node("Cast", [written.tokens], "is_token", to=TensorProto.BOOL)  # padding is 0
    counted, axis = (
        builder.node("Cast", [is_token], "counted", to=TensorProto.FLOAT),
        builder.constant([1], name="time"),
    )
    length = builder.node("ReduceSum", [counted, axis], "lengths", keepdims=0)
    at_least_one = builder.node("Max", [length, builder.constant(1.0, np.float32, f"{prefix}_one")], "length_at_least")
    divisor = builder.node("Pow", [at_least_one, "length_penalty"], "penalty")
    score = builder.node("Div", [written.scores, divisor], "score")
    outputs = [
        helper.make_tensor_value_info(written.tokens, TensorProto.INT32, [None, None]),
        helper.make_tensor_value_info(score, TensorProto.FLOAT, [None]),
    ]
    return helper.make_graph(builder.nodes, f"{prefix}/branch", [], outputs)


def _padded(builder: GraphBuilder, tokens: str, length: str, output: str) -> NodeProto:
    """Pads int32 (batch, time) behind, up to a length that is int64 ()."""
    zero, axis = (builder.constant([value], name=f"padded_{name}") for value, name in ((0, "before"), (1, "axis")))
    time = builder.node("Shape", [tokens], "written_time", start=1, end=2)
    missing = builder.node("Sub", [builder.node("Unsqueeze", [length, zero], "whole_time"), time], "missing")
    pads = builder.node("Concat", [zero, missing], "pads", axis=0)
    return helper.make_node("Pad", [tokens, pads, "", axis], [output], name="translation/as_ids")

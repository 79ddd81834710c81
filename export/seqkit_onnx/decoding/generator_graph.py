"""A `TextGenerator` as one graph: prompt in, text out."""

from typing import Any

import keras
import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper

from keras_seqkit.models.generation.generation import GenerationStep, PromptReader
from keras_seqkit.models.generation.text_generator import TextGenerator
from keras_seqkit.samplers import Sampler
from keras_seqkit.samplers.counter_random import uniform
from seqkit_onnx.conversion import IR_VERSIONS, OPSET, convert
from seqkit_onnx.decoding.generation_loop import SETTINGS, StepVariant, add_generation_loop, draws_of
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import GraphJoiner, reads
from seqkit_onnx.passes.passes import remove_dead_nodes, remove_identities
from seqkit_onnx.passes.step_passes import simplify_step
from seqkit_onnx.text.ids_to_text import add_ids_to_text, described_text
from seqkit_onnx.text.joined_words import Prompt, add_joined_words
from seqkit_onnx.text.text_to_ids import add_text_to_ids
from seqkit_onnx.tracing.signature import model_signature

DEFAULTS = {
    "max_new_tokens": (100, np.int64),
    "temperature": (1.0, np.float32),
    "top_k": (0, np.int64),
    "top_p": (1.0, np.float32),
    "seed": (0, np.int64),
    "step": (0, np.int64),
}
WRITER_DEFAULTS = ("max_new_tokens", "temperature", "top_k", "top_p", "seed")


class UniformDraws(keras.Model):
    """The random numbers of all rows and steps; see `keras_seqkit.samplers.counter_random.uniform`."""

    def __init__(self):
        super().__init__(name="draws")
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        """See the class."""
        return uniform(inputs["words"], inputs["rows"], inputs["steps"])


def generator_model(generator: TextGenerator, sampler: Sampler, text: bool) -> ModelProto:
    """Makes the model that writes a whole text.

    Args:
        generator: the model.
        sampler: how tokens are chosen.
        text: whether it takes `prompt` and gives `text`; else `ids` int32 (batch, time), and `generated_ids` int32
            (batch, time), padding behind `[END]`.
    """
    reader = PromptReader(generator, sampler)
    prompt_inputs = {"ids": spec("int32", None, None), "room": spec("int32", None)}
    reader_graph = convert(reader, model_signature(reader, prompt_inputs), ("ids",)).graph
    of_step = step_inputs(reader, prompt_inputs)
    plain = _step_graph(generator, sampler, of_step, filters=False)
    filtered = _step_graph(generator, sampler, of_step, filters=True)
    draws = UniformDraws()
    of_draws = {name: spec("int32", None) for name in ("words", "rows", "steps")}
    draws_graph = convert(draws, model_signature(draws, of_draws)).graph

    proto = empty_model(generator.name)
    graph = proto.graph
    joiner, builder = GraphJoiner(graph), GraphBuilder(graph, "generation")
    first = "prompt" if text else "ids"
    graph.input.append(describe_input(first, text))
    vocabulary = generator.vocabulary
    if text:
        builder.nodes.extend(add_text_to_ids(graph, vocabulary, "prompt", "prompt/ids", None))
    ids = "prompt/ids" if text else "ids"
    limit = builder.node("Max", ["max_new_tokens", builder.constant(1, name="one_token")], "trips")
    room = _room(builder, limit)
    names = joiner.join(reader_graph, "reader", {"ids": ids, "room": room})
    builder.nodes.extend(reader_graph.node)
    begin = {value.name: names[value.name] for value in carried_values(plain)}
    numbers = draws_of(builder, draws_graph, "seed", ids)
    settings = {
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": small_top_k(builder, len(vocabulary)),
    }
    arguments = (begin, numbers, limit, settings)
    if _reads(filtered, "top_k"):
        tokens = _choose_loop(builder, joiner, sampler, plain, filtered, arguments)
    else:
        found = add_generation_loop(builder, joiner, StepVariant(plain, "loop"), *arguments)
        tokens = _result(builder, sampler, found)
    tokens = _cut(builder, tokens)
    if text:
        builder.nodes.extend(
            add_ids_to_text(graph, vocabulary, "prompt", tokens, "text")
            if generator.detokenizer is None
            else add_joined_words(graph, generator.detokenizer, tokens, "text", prompt=Prompt("prompt", ids))
        )
        graph.output.append(described_text("text"))
    else:
        builder.nodes.append(helper.make_node("Identity", [tokens], ["generated_ids"], name="generation/as_ids"))
        graph.output.append(helper.make_tensor_value_info("generated_ids", TensorProto.INT32, ["batch", "time"]))
    graph.node.extend(builder.nodes)
    remove_identities(graph)
    described = list(graph.value_info)
    remove_dead_nodes(graph)
    graph.value_info.extend(described)
    for name in WRITER_DEFAULTS:
        add_default(graph, name)
    return proto


def step_inputs(reader: PromptReader, prompt_inputs: dict[str, Any]) -> dict[str, Any]:
    """Describes what a step takes: what the reader gives, and the settings."""
    symbolic = {name: keras.KerasTensor(spec.shape, spec.dtype) for name, spec in prompt_inputs.items()}
    carried: Any = reader.compute_output_spec(symbolic)
    return {
        **{name: spec(value.dtype, *value.shape) for name, value in carried.items()},
        "uniform": spec("float32", None),
        "index": spec("int32"),
        "temperature": spec("float32"),
        "top_k": spec("int32"),
        "top_p": spec("float32"),
    }


def carried_values(step_graph: GraphProto) -> list[Any]:
    """Lists the inputs of a step that are carried."""
    return [value for value in step_graph.input if value.name not in (*SETTINGS, "uniform", "index")]


def spec(dtype: str, *shape: int | None) -> keras.layers.InputSpec:
    """Describes an input."""
    return keras.layers.InputSpec(shape=shape, dtype=dtype)


def empty_model(name: str) -> ModelProto:
    """Returns a model without nodes."""
    return helper.make_model(
        helper.make_graph([], name, [], []),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSIONS[OPSET],
    )


def describe_input(name: str, text: bool) -> onnx.ValueInfoProto:
    """Describes an input of text, string (batch,), or of ids, int32 (batch, time)."""
    if text:
        return helper.make_tensor_value_info(name, TensorProto.STRING, ["batch"])
    return helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "time"])


def add_default(graph: GraphProto, name: str) -> None:
    """Adds an optional input: an initializer of the same name is its default."""
    value, dtype = DEFAULTS[name]
    array = np.asarray(value, dtype)
    graph.input.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), []))
    graph.initializer.append(onnx.numpy_helper.from_array(array, name))


def _room(builder: GraphBuilder, limit: str) -> str:
    axis = builder.constant([0], name="room_axis")
    return builder.node(
        "ConstantOfShape",
        [builder.node("Unsqueeze", [limit, axis], "room_shape")],
        "room",
        value=onnx.numpy_helper.from_array(np.zeros(1, np.int32)),
    )


def small_top_k(builder: GraphBuilder, size: int) -> str:
    """Casts top-k to int32; above the vocabulary's size it means the same as that size."""
    limited = builder.node("Min", ["top_k", builder.constant(size, name="all_tokens")], "top_k_limited")
    return builder.node("Cast", [limited], "top_k_small", to=TensorProto.INT32)


def _step_graph(generator: TextGenerator, sampler: Sampler, inputs: dict[str, Any], filters: bool) -> GraphProto:
    """Converts a step that applies top-k and top-p of the call, or does not."""
    step = GenerationStep(generator, sampler, filters=filters)
    graph = convert(step, model_signature(step, inputs), inputs_are_finite=True).graph
    simplify_step(graph)
    return graph


def _reads(graph: GraphProto, name: str) -> bool:
    return any(name in reads(node) for node in graph.node)


def _choose_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    sampler: Sampler,
    plain: GraphProto,
    filtered: GraphProto,
    arguments: tuple,
) -> str:
    """Adds a loop with top-k and top-p and one without, so that a call that sets none does not ask at each step."""
    one, zero = builder.constant(1.0, np.float32, "all_probability"), builder.constant(0, name="all_tokens_kept")
    filters = builder.node(
        "Or",
        [
            builder.node("Greater", ["top_k", zero], "has_top_k"),
            builder.node("Less", ["top_p", one], "has_top_p"),
        ],
        "has_filters",
    )
    branches = []
    for graph, prefix in ((filtered, "loop_filtered"), (plain, "loop")):
        inner = GraphBuilder(builder.outer, prefix)
        found = add_generation_loop(inner, joiner, StepVariant(graph, prefix), *arguments)
        tokens = _result(inner, sampler, found)
        described = helper.make_tensor_value_info(tokens, TensorProto.INT32, [None, None])
        branches.append(helper.make_graph(inner.nodes, f"{prefix}/branch", [], [described]))
    return builder.node("If", [filters], "all_written", then_branch=branches[0], else_branch=branches[1])


def _result(builder: GraphBuilder, sampler: Sampler, found: dict[str, str]) -> str:
    """Returns the written tokens, int32 (batch, time)."""
    if sampler.writes_each_step:
        tokens = builder.transpose(found["tokens"], 1, 0)  # (batch, time)
    else:
        values = ([0], [2**63 - 1], [0], [sampler.beams])
        names = ("first_beam", "last_row", "row_axis", "beams")
        start, end, rows, beams = (
            builder.constant(value, name=f"{builder.prefix}_{name}") for value, name in zip(values, names, strict=True)
        )
        tokens = builder.node("Slice", [found["written"], start, end, rows, beams], "best_beams")
    return tokens


def _cut(builder: GraphBuilder, tokens: str) -> str:
    """Cuts tokens to what was asked for: one token is written even where none is wanted."""
    start, axis = builder.constant([0], name="first_token"), builder.constant([1], name="token_axis")
    wanted = builder.node("Unsqueeze", ["max_new_tokens", start], "wanted_tokens")
    return builder.node("Slice", [tokens, start, wanted, axis], "wanted")

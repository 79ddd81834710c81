"""One step of a `TextGenerator` as a graph: some text and states in, one token and states out."""

from typing import Any

import keras
import numpy as np
from onnx import ModelProto, TensorProto, helper

from keras_seqkit.models import TextGenerator
from keras_seqkit.models.generation.generation import GenerationStep
from keras_seqkit.samplers import Sampler, Settings, constraints
from keras_seqkit.samplers.sampler import NetworkOutput
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from keras_seqkit.text.vocabulary import PADDING_ID, START_ID
from seqkit_onnx.conversion import convert
from seqkit_onnx.decoding.generator_graph import add_default, describe_input, empty_model, small_top_k, spec
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.passes.joining import GraphJoiner
from seqkit_onnx.passes.passes import remove_identities, rename_values
from seqkit_onnx.recurrence.carried_state import CarriedState
from seqkit_onnx.text.ids_to_text import token_strings
from seqkit_onnx.text.joined_words import add_pieces, last_token, with_space
from seqkit_onnx.text.text_to_ids import add_text_to_ids
from seqkit_onnx.tracing.signature import model_signature

ops: Any = keras.ops  # Keras's annotations know no tensors

STEP_DEFAULTS = ("temperature", "top_k", "top_p", "step")
SEEN = "seen"  # the state of a repetition penalty: which tokens were there before


class CarriedStep(keras.Model):
    """Reads one token and the text behind it, and chooses the next token.

    Args:
        generator: a `TextGenerator`.
        sampler: how tokens are chosen.

    Call:
        A dict: ``token`` int32 (batch,); ``ids`` int32 (batch, time), one step or more, 0 behind each text; the states,
        by their names; ``uniform`` float32 (batch,); ``index`` int32 () and the settings.

    Returns:
        A dict: ``next_token`` int32 (batch,), and the new states.
    """

    def __init__(self, generator: TextGenerator, sampler: Sampler):
        super().__init__(name="step")
        self.step = GenerationStep(generator, sampler)
        self.generator = generator
        self.sampler = sampler
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        ids = inputs["ids"]
        whole = ops.concatenate([ops.expand_dims(inputs["token"], 1), ids], axis=1)  # (batch, time + 1)
        is_read = ops.concatenate([ops.ones_like(ids[:, :1]), ids], axis=1)
        states = {name: inputs[name] for name in self.generator.state_sizes}
        _, states = self.generator.run(whole, states, mask=ops.not_equal(is_read, PADDING_ID))
        hidden = states[self.generator.output_state]
        output = NetworkOutput(self.generator.logits(hidden), hidden, states)
        carry = {"token": inputs["token"], "done": ops.zeros_like(inputs["token"], dtype="bool"), **states}
        vocab = len(self.generator.vocabulary)
        if SEEN in inputs:
            carry[SEEN] = ops.logical_or(inputs[SEEN] > 0, constraints.seen_tokens(ids, vocab))
        settings = Settings(inputs["temperature"], inputs["top_k"], inputs["top_p"])
        new = self.sampler.step(
            lambda _token, _states: output, carry, inputs["uniform"], inputs["index"], settings, self.step.allowed
        )
        found = {"next_token": new["token"], **{name: new[name] for name in states}}
        return found | ({SEEN: ops.cast(new[SEEN], "float32")} if SEEN in new else {})


def step_states(generator: TextGenerator, sampler: Sampler) -> list[CarriedState]:
    """Lists what the caller carries."""
    sizes = dict(generator.state_sizes)
    if sampler.repetition_penalty != 1.0:
        sizes[SEEN] = len(generator.vocabulary)
    return [CarriedState(_named(name, "initial"), _named(name, "final"), size, (size,)) for name, size in sizes.items()]


def generator_step_model(generator: TextGenerator, sampler: Sampler, text: bool) -> ModelProto:
    """Makes the model that writes one token.

    Args:
        generator: the model.
        sampler: how tokens are chosen.
        text: whether what is read behind `token` is `text`, string (batch,); else `ids` int32 (batch, time).

    Raises:
        ValueError: the sampler needs the whole text.
    """
    if sampler.needs_whole_text:
        raise ValueError(
            f"export: {type(sampler).__name__} with these settings looks at the whole text, which a step does not "
            "carry. Pass step=False."
        )
    step = CarriedStep(generator, sampler)
    states = step_states(generator, sampler)
    inputs = {
        "token": spec("int32", None),
        "ids": spec("int32", None, None),
        "uniform": spec("float32", None),
        "index": spec("int32"),
        "temperature": spec("float32"),
        "top_k": spec("int32"),
        "top_p": spec("float32"),
        **{_own(state.input): spec("float32", None, state.units) for state in states},
    }
    part = convert(step, model_signature(step, inputs), ("ids",), inputs_are_finite=True).graph
    proto = empty_model(generator.name)
    graph = proto.graph
    joiner, builder = GraphJoiner(graph), GraphBuilder(graph, "step")
    graph.input.append(describe_input("text" if text else "ids", text))
    graph.input.append(helper.make_tensor_value_info("token", TensorProto.INT32, ["batch"]))
    graph.input.append(helper.make_tensor_value_info("uniform", TensorProto.FLOAT, ["batch"]))
    for state in states:
        graph.input.append(helper.make_tensor_value_info(state.input, TensorProto.FLOAT, ["batch", state.units]))
    if text:
        builder.nodes.extend(add_text_to_ids(graph, generator.vocabulary, "text", "text/ids", None))
    bindings = {
        "ids": "text/ids" if text else "ids",
        "token": "token",
        "uniform": "uniform",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": small_top_k(builder, len(generator.vocabulary)),
        "index": builder.node("Cast", ["step"], "index", to=TensorProto.INT32),
        **{_own(state.input): state.input for state in states},
    }
    names = joiner.join(part, "network", bindings)
    builder.nodes.extend(part.node)
    if generator.detokenizer is None:
        piece = _piece(builder, generator.vocabulary, names["next_token"], text)
    else:
        piece = _joined_piece(builder, generator.detokenizer, names["next_token"], bindings["ids"], text)
    results = {names["next_token"]: "next_token"} | {
        names[_result_name(part, _own(state.input), names)]: state.output for state in states
    }
    builder.nodes.append(helper.make_node("Identity", [piece], ["piece"], name="step/piece"))
    graph.node.extend(builder.nodes)
    rename_values(graph, results)
    graph.output.append(helper.make_tensor_value_info("next_token", TensorProto.INT32, ["batch"]))
    graph.output.append(helper.make_tensor_value_info("piece", TensorProto.STRING, ["batch"]))
    for state in states:
        graph.output.append(helper.make_tensor_value_info(state.output, TensorProto.FLOAT, ["batch", state.units]))
    remove_identities(graph)
    for name in STEP_DEFAULTS:
        add_default(graph, name)
    return proto


def _piece(builder: GraphBuilder, vocabulary: Vocabulary, token: str, text: bool) -> str:
    """Adds what a token stands for, string (batch,); the first subword of a text that has no prompt loses its space."""
    strings = token_strings(vocabulary)
    piece = builder.node("Gather", [builder.constant(strings, object, "step_tokens"), token], "written")
    if not text or not vocabulary.rules.leading_space:
        return piece
    spaceless = builder.constant([each.removeprefix(" ") for each in strings], object, "step_first_tokens")
    no_prompt = builder.node("Equal", ["text", builder.constant("", object, "step_no_text")], "no_text")
    begins = builder.node("Equal", ["token", builder.constant(START_ID, np.int32, "step_start")], "begins")
    first = builder.node("And", [no_prompt, begins], "is_first")
    return builder.where(first, builder.node("Gather", [spaceless, token], "written_first"), piece)


def _joined_piece(builder: GraphBuilder, detokenizer: Detokenizer, token: str, ids: str, text: bool) -> str:
    """Adds a word as it is written behind the last one that was read, string (batch,): it needs to know no other."""
    last = last_token(builder, ids)  # (batch,)
    nothing = builder.node("Equal", [last, builder.constant(PADDING_ID, np.int32, "step_padding")], "nothing_read")
    before = builder.where(nothing, "token", last)
    if text:
        before = with_space(builder, detokenizer, before, "text")
    return add_pieces(builder, detokenizer, token, before, after_spaces=text)


def _result_name(part: Any, name: str, names: dict[str, str]) -> str:
    return f"{name}_output" if f"{name}_output" in names else name


def _named(state: str, which: str) -> str:
    """``"lstm_0/h"`` to ``"lstm_0/initial_h"``."""
    *layer, kind = state.split("/")
    return "/".join([*layer, f"{which}_{kind}"])


def _own(name: str) -> str:
    """``"lstm_0/initial_h"`` to ``"lstm_0/h"``."""
    return name.replace("initial_", "")

"""Exports a `TextGenerator`: the whole writer, or one step of it."""

import json
import os
from typing import Any

import numpy as np

from keras_seqkit.models import TextGenerator
from keras_seqkit.samplers import Sampler
from keras_seqkit.text.continuation import Continuation
from keras_seqkit.text.files import write_atomically
from keras_seqkit.text.vocabulary import START_ID
from seqkit_onnx.generator_graph import generator_model
from seqkit_onnx.generator_step_graph import generator_step_model, step_states
from seqkit_onnx.graphs.no_rows import answer_no_rows
from seqkit_onnx.metadata import declare_operator_sets, open_checked, serialize, write_metadata
from seqkit_onnx.runtime.random_numbers import uniform
from seqkit_onnx.runtime.step_generator import StepGenerator
from seqkit_onnx.verification import VerificationError

SAMPLE_TOKENS = 40
SAMPLE_SEED = 1


def export_generator(
    generator: TextGenerator,
    path: str | os.PathLike,
    text: bool,
    sampler: Sampler,
    step: bool,
    verify: bool,
    others: dict[str, Any],
) -> None:
    """Writes a `TextGenerator` as one file; see `seqkit_onnx.export`.

    Raises:
        ValueError: an argument does not belong to generators, the sampler cannot be run step by step, or a weight is
            not finite.
        VerificationError: the file and Keras write different texts.
    """
    given = sorted(name for name, value in others.items() if value is not None)
    if given:
        raise ValueError(f"export: {', '.join(given)} do not belong to a TextGenerator. Leave them out.")
    generator.check_finite()
    proto = generator_step_model(generator, sampler, text) if step else generator_model(generator, sampler, text)
    if not step:
        answer_no_rows(proto.graph)
    declare_operator_sets(proto)
    about = {
        "sampler": json.dumps({"class_name": type(sampler).__name__, "config": sampler.get_config()}),
        "joiner": generator.vocabulary.rules.joiner if generator.detokenizer is None else "",  # the words bring spaces
        "takes_text": json.dumps(text),
    }
    states = step_states(generator, sampler) if step else []
    write_metadata(
        proto, generator, None, generator.vocabulary, states, about, "generator_step" if step else "generator"
    )
    writer = open_checked(proto, generator)
    if verify:
        _check(generator, sampler, writer, text)
    write_atomically(path, serialize(proto))


def _check(generator: TextGenerator, sampler: Sampler, writer: Any, text: bool) -> None:
    own = generator.vocabulary.tokens[4:12]
    joiner = generator.vocabulary.rules.joiner
    prompts = ["", *own[:3], joiner.join(own)]
    settings: dict[str, Any] = {"max_new_tokens": SAMPLE_TOKENS, "seed": SAMPLE_SEED}
    expected = generator.generate(prompts, sampler=sampler, **settings)
    if text:
        received = writer.generate(prompts, **settings)
    else:
        ids = generator.vocabulary.encode(prompts)
        rows = _stepped_ids(writer, ids) if isinstance(writer, StepGenerator) else writer.generate_ids(ids, **settings)
        received = [_text(generator, prompt, row) for prompt, row in zip(prompts, rows, strict=True)]
    wrong = [pair for pair in zip(expected, received, strict=True) if pair[0] != pair[1]]
    if wrong:
        raise VerificationError(f"export: Keras writes {wrong[0][0]!r}, and the file {wrong[0][1]!r}.")


def _stepped_ids(step: StepGenerator, ids: np.ndarray) -> np.ndarray:
    """Writes with a file of one step that takes ids: int32 (batch, time)."""
    batch = len(ids)
    draws = uniform(SAMPLE_SEED, np.arange(batch), np.arange(SAMPLE_TOKENS))  # (time, batch)
    feeds = {"ids": ids, "token": np.full(batch, START_ID, np.int32), **step.initial_state(batch)}
    written = []
    for number, draw in enumerate(draws):
        outputs = step.predict({**feeds, "uniform": draw, "step": np.int64(number)})
        written.append(outputs["next_token"])
        feeds = {"ids": np.zeros((batch, 1), np.int32), "token": written[-1], **step.next_state(outputs)}
    return np.stack(written, axis=1)


def _text(generator: TextGenerator, prompt: str, tokens: Any) -> str:
    continuation = Continuation(generator.vocabulary, prompt, detokenizer=generator.detokenizer)
    continuation.extend(int(token) for token in tokens)
    return continuation.text()

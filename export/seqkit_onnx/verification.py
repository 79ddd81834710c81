"""Compares an exported file with the Keras model that it came from."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx

from keras_seqkit.models import Seq2SeqTranslator, TextClassifier, TextGenerator
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import RESERVED_TOKENS
from seqkit_onnx.lowering.cuda_placement import KeptOnCpu, nodes_kept_on_cpu
from seqkit_onnx.lowering.layer_walk import all_layers
from seqkit_onnx.lowering.signature import ModelSignature, model_signature
from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.loading import load

TOLERANCE = 1e-5  # float32 sums taken in another order differ by about 1e-7 a step, and probabilities are at most 1
# float16 has 11 bits and int8 weights have 8; rounded weights moved probabilities of networks of real size by up to
# 5e-4 and 2e-2, and outputs are taken to be about 1.
TOLERANCES = {None: TOLERANCE, "float16": 5e-3, "int8": 5e-2}
SAMPLE_ROWS = 8
UNKNOWN_INPUT_SIZE = 7  # for axes that vary
KEPT_STATE = "rnn_state"  # what Keras calls the variables of stateful layers


class VerificationError(ValueError):
    """A file and its Keras model do not give the same answers."""


class _Measured(NamedTuple):
    largest_difference: float
    label_agreement: float
    count: int


class Verification(_Measured):
    """How far a file is from its Keras model: a tuple of three, and what a GPU would not run.

    Attributes:
        largest_difference: between any two numbers.
        label_agreement: the fraction of rows with the same label; 1.0 where a model has no labels.
        count: how many rows were compared.
        kept_on_cpu: the nodes that onnxruntime's CUDA provider would leave on the CPU, with a reason each.
    """

    kept_on_cpu: tuple[KeptOnCpu, ...] = ()


def verify(
    model: keras.Model, path: str | os.PathLike, texts: Any, vocabulary: Vocabulary | None = None
) -> Verification:
    """Compares the answers of a file with those of Keras.

    Args:
        model: the model that was exported.
        path: the file.
        texts: a list of strings for a text classifier; for any other model, or a file that takes ids, what
            ``model.predict`` takes.
        vocabulary: the one that was given to `export`, where the model is no `TextClassifier` and the file takes text.

    Returns:
        A `Verification`.

    Raises:
        TypeError: the model writes or translates.
        ValueError: there are no texts.
    """
    if isinstance(model, (Seq2SeqTranslator, TextGenerator)):
        raise TypeError(
            f"verify: a {type(model).__name__} has no numbers to compare. Pass verify=True to export, or compare what "
            "both write."
        )
    found = _compare(model, load(path, ["CPUExecutionProvider"]), texts, vocabulary)
    found.kept_on_cpu = nodes_kept_on_cpu(onnx.load(path))
    return found


def _compare(model: keras.Model, network: Any, inputs: Any, vocabulary: Vocabulary | None) -> Verification:
    with _states_at_zero(model):
        expected = _keras_outputs(model, inputs, network.input_names == ["text"], vocabulary)
    if not isinstance(network, Classifier):
        return _compare_outputs(network, inputs, keras.tree.flatten(expected))
    probabilities = np.concatenate([1 - expected, expected], axis=1) if expected.shape[1] == 1 else expected
    labels, answers = network.predict(inputs)
    expected_labels = [network.classes[index] for index in np.argmax(probabilities, axis=1)]
    agreement = np.mean([ours == theirs for ours, theirs in zip(labels, expected_labels, strict=True)])
    return Verification(float(np.max(np.abs(answers - probabilities))), float(agreement), len(labels))


def _compare_outputs(network: Any, inputs: Any, expected: list[Any]) -> Verification:
    own = network.own_inputs(inputs)
    rows = len(next(iter(own.values())))
    outputs = list(network.predict({**own, **network.initial_state(rows)}).values())
    differences = [
        np.max(np.abs(ours - np.asarray(theirs, ours.dtype)), initial=0.0)
        for ours, theirs in zip(outputs[: len(expected)], expected, strict=True)
    ]
    return Verification(float(max(differences)), 1.0, rows)


@contextmanager
def _states_at_zero(model: keras.Model) -> Iterator[None]:
    """Lets stateful layers begin with zeros, and gives them back what they had kept."""
    states = [variable for variable in model.non_trainable_variables if variable.name == KEPT_STATE]
    kept = [keras.ops.convert_to_numpy(variable) for variable in states]
    for variable in states:
        variable.assign(keras.ops.zeros_like(variable))
    try:
        yield
    finally:
        for variable, value in zip(states, kept, strict=True):
            variable.assign(value)


def _keras_outputs(model: keras.Model, inputs: Any, from_text: bool, vocabulary: Vocabulary | None) -> Any:
    if from_text and not isinstance(model, TextClassifier):
        if vocabulary is None:
            raise ValueError(
                "verify: the file takes text and the model ids; pass the vocabulary that export was given."
            )
        time = model_signature(model).specs[0].shape[1]
        ids = vocabulary.encode(inputs, time)  # (batch, time)
        inputs = ids if ids.shape[1] else np.zeros((len(ids), 1), np.int32)
    return model.predict(inputs, verbose="0")


def compare_on_own_samples(
    model: keras.Model,
    network: Any,
    signature: ModelSignature,
    vocabulary: Vocabulary | None,
    padded_after: bool,
    row_counts: Sequence[int] = (),
) -> Verification:
    """Compares a network with its Keras model on inputs made up for it.

    Args:
        model: the model.
        network: what `load` gives for the file.
        signature: the model's inputs.
        vocabulary: what makes ids of text, where the file takes text.
        padded_after: whether the zeros of ids and masks stand after all else.
        row_counts: how many rows are run at once, one number after the other; empty: all samples once.
    """
    samples = sample_texts(vocabulary) if vocabulary is not None else sample_inputs(model, signature, padded_after)
    if not row_counts:
        return _compare(model, network, samples, vocabulary)
    found = [_compare(model, network, _first_rows(samples, count), vocabulary) for count in row_counts]
    return Verification(
        max(each.largest_difference for each in found),
        min(each.label_agreement for each in found),
        sum(each.count for each in found),
    )


def _first_rows(samples: Any, count: int) -> Any:
    """Returns so many rows, from the beginning again where there are fewer."""
    if isinstance(samples, list) and isinstance(samples[0], str):
        return [samples[place % len(samples)] for place in range(count)]
    return keras.tree.map_structure(lambda array: np.resize(array, (count, *array.shape[1:])), samples)


def check(found: Verification, precision: str | None = None) -> None:
    """Sees to it that a file and its Keras model agree.

    Args:
        found: what was measured.
        precision: ``"float16"`` or ``"int8"`` for a file that was asked to be less exact.

    Raises:
        VerificationError: they differ by more than `TOLERANCES` allow.
    """
    tolerance = TOLERANCES[precision]
    if not found.largest_difference <= tolerance or (found.label_agreement < 1 and not precision):
        raise VerificationError(
            f"export: on {found.count} samples the file and Keras differ by {found.largest_difference:.2g}, and at "
            f"most {tolerance:g} is expected; {found.label_agreement:.0%} of the labels agree. Nothing was written. "
            "Check the model for NaN, infinite or very large weights."
        )


def sample_texts(vocabulary: Vocabulary) -> list[str]:
    """Returns texts that try what a vocabulary has: known and unknown words, none, one, many, other scripts."""
    random = np.random.default_rng(0)
    known = vocabulary.tokens[len(RESERVED_TOKENS) :] or ["?"]
    texts = [vocabulary.rules.joiner.join(random.choice(known, size)) for size in (1, 2, 5, 13, 40, 500)]
    return [*texts, "", " ", "ÀÉÎ ção ß İ Ωδός 你好 😀👍🏽 \u2019t 12,5%", texts[2].upper()]


def sample_inputs(model: keras.Model, signature: ModelSignature, padded_after: bool = False) -> Any:
    """Returns random inputs for a model, zeros among the ids.

    Args:
        model: the model.
        signature: its inputs.
        padded_after: whether the zeros of ids and masks stand after all else.
    """
    random = np.random.default_rng(0)
    sizes = [layer.input_dim for layer in all_layers(model) if isinstance(layer, keras.layers.Embedding)]
    arrays = []
    for spec in signature.specs:
        shape = [signature.batch or SAMPLE_ROWS, *(size or UNKNOWN_INPUT_SIZE for size in spec.shape[1:])]
        dtype = spec.dtype.as_numpy_dtype
        if spec.dtype.is_integer or spec.dtype.is_bool:
            array = random.integers(0, 2 if spec.dtype.is_bool else min(sizes, default=2), shape).astype(dtype)
            if padded_after:
                array = np.take_along_axis(array, np.argsort(array == 0, axis=-1, kind="stable"), axis=-1)
        else:
            array = random.normal(size=shape).astype(dtype)
        arrays.append(array)
    return signature.pack_inputs(tuple(arrays))

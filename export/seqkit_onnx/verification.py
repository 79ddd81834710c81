"""Compares an exported file with the Keras model that it came from."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import onnx

from keras_seqkit.models import Seq2SeqTranslator, TextGenerator
from keras_seqkit.models.finite_weights import check_finite_weights
from keras_seqkit.models.text_encoder_model import TextEncoderModel
from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison import (
    TOLERANCE,
    TOLERANCES,
    Comparison,
    Verification,
    VerificationError,
    largest_difference,
)
from seqkit_onnx.lowering.cuda_placement import nodes_kept_on_cpu
from seqkit_onnx.lowering.layer_walk import unchanged
from seqkit_onnx.lowering.other_precision import BUILD_IT_YOURSELF, in_float32
from seqkit_onnx.lowering.refusals import CANNOT_REBUILD, UnsupportedLayerError, said
from seqkit_onnx.lowering.signature import ModelSignature
from seqkit_onnx.runtime.loading import load
from seqkit_onnx.samples import long_samples, sample_batches, sample_inputs, sample_texts

__all__ = [
    "TOLERANCE",
    "TOLERANCES",
    "Verification",
    "VerificationError",
    "check",
    "sample_inputs",
    "sample_texts",
    "verify",
]

# A network may magnify the rounding of float32. Where that is so, Keras itself is further from its answers in float64,
# or to inputs that differ in the last bit, and a file may be so many times as far from Keras.
AS_FAR_AS_KERAS = 4.0
HALF_TOLERANCE = 0.1  # bfloat16 has 8 bits, and recurrences add up what is rounded


def verify(
    model: keras.Model, path: str | os.PathLike, texts: Any, vocabulary: Vocabulary | None = None
) -> Verification:
    """Compares the answers of a file with those of Keras.

    A model that computes in half precision is compared with itself in float32, in which it is exported.

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
    network = load(path, ["CPUExecutionProvider"])
    found = Comparison(in_float32(model), network, vocabulary).of(texts)
    found.kept_on_cpu = nodes_kept_on_cpu(onnx.load(path))
    return found


def compare_on_own_samples(
    model: keras.Model,
    network: Any,
    signature: ModelSignature,
    vocabulary: Vocabulary | None,
    padded_after: bool,
    row_counts: Sequence[int] = (),
    limits: Mapping[str, int] | None = None,
    precision: str | None = None,
    half: bool = False,
    states: Collection[str] = (),
) -> Verification:
    """Compares a network with its Keras model on inputs made up for it.

    Keras answers to the first ones by `predict`. To those of other shapes it answers by a plain call, since it compiles
    `predict` for each shape, and since `TimeDistributed` (Keras 3.15) answers wrongly then where shapes vary.

    Args:
        model: the model.
        network: what `load` gives for the file.
        signature: the model's inputs.
        vocabulary: what makes ids of text, where the file takes text.
        padded_after: whether the zeros of ids and masks stand after all else.
        row_counts: how many rows are run at once too, one number after the other.
        limits: see `sample_inputs`.
        precision: ``"float16"`` or ``"int8"`` for a file that was asked to be less exact: then values are about 1.
        half: whether the model casts to half precision itself and computes in it; then too.
        states: see `sample_inputs`.

    Raises:
        VerificationError: Keras answers to none of the samples.
    """
    comparison = Comparison(model, network, vocabulary, signature)
    found: list[Verification] = []
    tame = half or precision is not None
    for batch, answers in _answered(comparison, model, signature, padded_after, row_counts, limits or {}, tame, states):
        _check_some_numbers(answers)
        measured = comparison.with_answers(batch, answers)
        if half:
            measured.tolerance = TOLERANCES["float16"]
        elif measured.largest_difference > TOLERANCE and not precision:
            measured.tolerance += AS_FAR_AS_KERAS * comparison.rounding(batch)
        found.append(measured)
    if not found:
        raise VerificationError(
            "export: Keras answers to none of the inputs that were made up to verify the file. Pass verify=False, and "
            "compare with seqkit_onnx.verify on inputs of your own."
        )
    worst = max(found, key=lambda each: each.largest_difference - each.tolerance)
    whole = Verification(
        worst.largest_difference, min(each.label_agreement for each in found), sum(each.count for each in found)
    )
    whole.tolerance = worst.tolerance
    return whole


def _check_some_numbers(answers: Sequence[np.ndarray]) -> None:
    """Some rows may have no answer, such as the logarithm of a negative number; a model that has none is broken."""
    if any(answer.dtype.kind == "f" and answer.size and np.isnan(answer).all() for answer in answers):
        raise VerificationError(
            "export: Keras itself answers NaN to all samples. Nothing was written. Check the model for NaN, infinite "
            "or very large weights."
        )


def _answered(
    comparison: Comparison,
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool,
    row_counts: Sequence[int],
    limits: Mapping[str, int],
    tame: bool,
    states: Collection[str],
) -> Iterator[tuple[Any, list[np.ndarray]]]:
    """Yields inputs, and what Keras answers to them."""
    if comparison.takes_text and isinstance(model, TextEncoderModel):
        texts = sample_texts(model.vocabulary)
        (answers,) = comparison.answers(texts, predicts=True)
        for places in [range(len(texts)), (2,), (6,), (1, 2, 3), *(range(count) for count in row_counts)]:
            rows = [place % len(texts) for place in places]  # an answer does not depend on the texts beside it
            yield [texts[row] for row in rows], [answers[rows]]
        return
    if comparison.takes_text:
        texts = sample_texts(comparison.vocabulary)  # type: ignore[arg-type]  # a file that takes text has one
        batches: list[Any] = [texts, texts[2:3], texts[6:7], texts[1:4]]
    else:
        batches = list(sample_batches(model, signature, padded_after, limits, tame, states))
    batches += [_first_rows(batches[0], count) for count in row_counts]
    found = 0
    for index, batch in enumerate(batches):
        answers = comparison.answers_if_taken(batch, predicts=index == 0 and comparison.can_predict)
        if answers is not None:
            found += 1
            yield batch, answers
    if not found and not comparison.takes_text:
        batch = long_samples(model, signature, padded_after, limits, tame)
        answers = comparison.answers_if_taken(batch, predicts=comparison.can_predict)
        if answers is not None:
            yield batch, answers


def _first_rows(samples: Any, count: int) -> Any:
    """Returns so many rows, from the beginning again where there are fewer."""
    if isinstance(samples, list) and isinstance(samples[0], str):
        return [samples[place % len(samples)] for place in range(count)]
    return keras.tree.map_structure(lambda array: np.resize(array, (count, *array.shape[1:])), samples)


def check_rebuilt(model: keras.Model, whole: keras.Model, signature: ModelSignature) -> None:
    """Sees to it that a model which was built anew in float32 is the same function.

    Raises:
        VerificationError: it answers otherwise than half precision explains.
        UnsupportedLayerError: it cannot be called.
    """
    inputs = sample_inputs(model, signature)
    of_half, of_whole = (
        [keras.ops.convert_to_tensor(array) for array in keras.tree.flatten(_in_dtypes(inputs, each))]
        for each in (signature, signature.in_float32())
    )
    built = (
        f"export: model {model.name!r} computes in half precision, and what was built from its configuration to be "
        "exported in float32"
    )
    lost = f"Something that a layer uses does not stand in its get_config(). {BUILD_IT_YOURSELF}"
    with unchanged(model):
        half = [np.asarray(each, np.float64) for each in signature.call(model, of_half)]
    try:
        answers = signature.call(whole, of_whole)
    except CANNOT_REBUILD as error:
        raise UnsupportedLayerError(f"{built} cannot be called: {said(error)} {lost}") from error
    found = largest_difference([np.asarray(each) for each in answers], half)
    if not found <= HALF_TOLERANCE:
        raise VerificationError(f"{built} answers otherwise: by {found:.2g}. {lost}")


def _in_dtypes(inputs: Any, signature: ModelSignature) -> Any:
    flat = zip(keras.tree.flatten(inputs), signature.specs, strict=True)
    return signature.pack_inputs(tuple(array.astype(spec.dtype.as_numpy_dtype) for array, spec in flat))


def check_weights(model: keras.Model) -> None:
    """Sees to it that the weights of a model are numbers.

    Raises:
        VerificationError: one is NaN; it is named.
    """
    try:
        check_finite_weights(model)
    except ValueError as error:
        raise VerificationError(f"export: {error} Nothing was written. Check the model for NaN.") from error


def check(found: Verification, precision: str | None = None) -> None:
    """Sees to it that a file and its Keras model agree.

    Args:
        found: what was measured.
        precision: ``"float16"`` or ``"int8"`` for a file that was asked to be less exact.

    Raises:
        VerificationError: they differ by more than `TOLERANCES` allow.
    """
    tolerance = TOLERANCES[precision] if precision else found.tolerance
    if not found.largest_difference <= tolerance or (found.label_agreement < 1 and not precision):
        raise VerificationError(
            f"export: on {found.count} samples the file and Keras differ by {found.largest_difference:.2g}, and at "
            f"most {tolerance:g} is expected; {found.label_agreement:.0%} of the labels agree. Nothing was written. "
            "Check the model for NaN, infinite or very large weights."
        )

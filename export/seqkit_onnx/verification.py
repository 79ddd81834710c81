"""Compares an exported file with the Keras model that it came from."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx
import tensorflow as tf
from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[attr-defined]  # compiled

from keras_seqkit.models import Seq2SeqTranslator, TextClassifier, TextGenerator
from keras_seqkit.models.finite_weights import check_finite_weights
from keras_seqkit.text import Vocabulary
from seqkit_onnx.lowering.cuda_placement import KeptOnCpu, nodes_kept_on_cpu
from seqkit_onnx.lowering.interception import plain_scope_name
from seqkit_onnx.lowering.layer_walk import all_layers, unchanged
from seqkit_onnx.lowering.other_precision import in_float32, rebuilt
from seqkit_onnx.lowering.signature import ModelSignature, model_signature
from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.loading import load
from seqkit_onnx.samples import long_samples, sample_batches, sample_inputs, sample_texts

__all__ = ["Verification", "VerificationError", "check", "sample_inputs", "sample_texts", "verify"]

TOLERANCE = 1e-5  # float32 sums taken in another order differ by about 1e-7 a step, and probabilities are at most 1
# float16 has 11 bits and int8 weights have 8; rounded weights moved probabilities of networks of real size by up to
# 5e-4 and 2e-2, and outputs are taken to be about 1.
TOLERANCES = {None: TOLERANCE, "float16": 5e-3, "int8": 5e-2}
# A network may magnify the rounding of float32. Where that is so, Keras itself is further from its answers in float64,
# or to inputs that differ in the last bit, and a file may be so many times as far from Keras.
AS_FAR_AS_KERAS = 4.0
_REFUSED_BY_KERAS = (ValueError, TypeError, IndexError, tf.errors.OpError)


class VerificationError(ValueError):
    """A file and its Keras model do not give the same answers."""


class _Measured(NamedTuple):
    largest_difference: float
    label_agreement: float
    count: int


class Verification(_Measured):
    """How far a file is from its Keras model: a tuple of three, and what a GPU would not run.

    Attributes:
        largest_difference: between any two numbers, divided by the largest one of that output where that is above 1.
        label_agreement: the fraction of rows with the same label; 1.0 where a model has no labels. A row of which two
            classes are as probable, within `TOLERANCE`, may have either.
        count: how many rows were compared.
        kept_on_cpu: the nodes that onnxruntime's CUDA provider would leave on the CPU, with a reason each.
        tolerance: the largest difference that is taken for rounding in float32.
    """

    kept_on_cpu: tuple[KeptOnCpu, ...] = ()
    tolerance: float = TOLERANCE


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
    found = _Comparison(in_float32(model), network, vocabulary).of(texts)
    found.kept_on_cpu = nodes_kept_on_cpu(onnx.load(path))
    return found


class _Comparison:
    """A model and a file that are asked the same."""

    def __init__(
        self,
        model: keras.Model,
        network: Any,
        vocabulary: Vocabulary | None = None,
        signature: ModelSignature | None = None,
    ):
        self.model = model
        self.network = network
        self.vocabulary = vocabulary
        self.signature = signature
        self.takes_text = network.input_names == ["text"]
        self.can_predict = _can_predict(model) and not (signature and signature.several_arguments)

    def of(self, inputs: Any) -> Verification:
        """Compares on some inputs that Keras takes."""
        return self.with_answers(inputs, self.answers(inputs, self.can_predict))

    def answers_if_taken(self, inputs: Any, predicts: bool) -> list[np.ndarray] | None:
        """Returns what Keras answers; `None` where it refuses inputs of such a shape."""
        try:
            return self.answers(inputs, predicts)
        except _REFUSED_BY_KERAS:
            return None

    def rounding(self, inputs: Any) -> float:
        """How far rounding takes Keras's answers, by two measures, the larger of which counts.

        They are compared with those in float64, where the model can be built anew, and with those to numbers that
        differ in their last bit, which is as near as an operator can be to what it is given.
        """
        own = self._scores(self.answers(inputs, predicts=False))
        nudged = self.answers(_changed_floats(inputs, lambda array: np.nextafter(array, 2 * array)), predicts=False)
        found = _largest(own, self._scores(nudged))
        try:
            exact = _Comparison(rebuilt(self.model, "float64"), self.network, self.vocabulary, self.signature)
            answers = exact.answers(_changed_floats(inputs, lambda array: array.astype(np.float64)), predicts=False)
        except (*_REFUSED_BY_KERAS, NotImplementedError, KeyError, AttributeError):
            return found
        return max(found, _largest(own, self._scores(answers)))

    def answers(self, inputs: Any, predicts: bool) -> list[np.ndarray]:
        """Returns what Keras answers, in a row: by `predict`, or by a plain call."""
        if self.takes_text:
            inputs = self._of_text(inputs)
        with _states_at_zero(self.model):
            if predicts or (isinstance(inputs, list) and isinstance(inputs[0], str)):
                answers = self.model.predict(inputs, verbose="0")
            elif self.signature is None:
                answers = self.model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False)
            else:
                tensors = [keras.ops.convert_to_tensor(array) for array in keras.tree.flatten(inputs)]
                answers = self.signature.call(self.model, tensors)
        return [np.asarray(answer) for answer in keras.tree.flatten(answers)]

    def with_answers(self, inputs: Any, answers: list[np.ndarray]) -> Verification:
        """Compares what the file answers with what Keras has answered."""
        expected = self._scores(answers)
        if isinstance(self.network, Classifier):
            labels, ours = self.network.predict(inputs if self.takes_text else self._own(inputs))
            agreement = _agreement(labels, expected[0], self.network.classes)
            return Verification(_largest([ours], expected), agreement, len(labels))
        own = self._own(inputs)
        rows = max((len(array) for array in own.values() if np.ndim(array)), default=1)
        try:
            outputs = list(self.network.predict({**own, **self.network.initial_state(rows)}).values())
        except (errors.Fail, errors.InvalidArgument, errors.RuntimeException, errors.NotImplemented) as error:
            shapes = {name: np.shape(array) for name, array in own.items()}
            raise VerificationError(
                f"export: onnxruntime cannot run the file on inputs of shapes {shapes}, which Keras takes: {error} "
                "Nothing was written."
            ) from error
        return Verification(_largest(outputs[: len(expected)], expected), 1.0, rows)

    def _own(self, inputs: Any) -> Mapping[str, Any]:
        """Returns the inputs by their names."""
        if self.signature is None or self.takes_text:
            return self.network.own_inputs(inputs)
        return dict(zip(self.signature.input_names, keras.tree.flatten(inputs), strict=True))

    def _scores(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Returns what the file is to give: probabilities where it has labels."""
        if not isinstance(self.network, Classifier):
            return answers
        return [_probabilities(answers[0], self.network.metadata.get("scores", "probabilities"))]

    def _of_text(self, texts: Any) -> Any:
        """Returns what Keras takes for texts: its own layer's ids where the vocabulary was taken from one."""
        if isinstance(self.model, TextClassifier):
            return texts
        if self.vocabulary is None:
            raise ValueError(
                "verify: the file takes text and the model ids; pass the vocabulary that export was given."
            )
        layer = getattr(self.vocabulary, "layer", None)
        if layer is not None:
            ids = np.asarray(layer(keras.ops.convert_to_tensor(texts)))
        else:
            signature = self.signature or model_signature(self.model)
            ids = self.vocabulary.encode(texts, signature.specs[0].shape[1])  # (batch, time)
        return ids if ids.shape[1] else np.zeros((len(ids), 1), np.int32)


def _can_predict(model: keras.Model) -> bool:
    """Whether `predict` can run the model: TensorFlow compiles no layer whose name it does not take."""
    return hasattr(model, "predict") and all(plain_scope_name(layer.name) for layer in all_layers(model))


def _changed_floats(inputs: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Returns the inputs, those in float32 changed."""
    if isinstance(inputs, list) and isinstance(inputs[0], str):
        return inputs

    def convert(array: Any) -> Any:
        return change(array) if isinstance(array, np.ndarray) and array.dtype == np.float32 else array

    return keras.tree.map_structure(convert, inputs)


def _largest(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    """The largest difference of any two numbers; where both are NaN, or infinite alike, there is none."""
    return max((_difference(mine, np.asarray(other)) for mine, other in zip(ours, theirs, strict=True)), default=0.0)


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    if ours.dtype.kind in "OSU" or theirs.dtype.kind in "OSU":
        return float(np.any(ours.astype(str) != theirs.astype(str)))
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0.0, np.abs(ours - theirs))
    largest = np.max(np.abs(theirs[np.isfinite(theirs)]), initial=1.0)
    return float(np.max(differences, initial=0.0) / largest)


def _probabilities(scores: np.ndarray, kind: str) -> np.ndarray:
    """Returns the probability of each class, (batch, classes), of what a model answers."""
    if kind == "logits":
        activation = keras.activations.sigmoid if scores.shape[1] == 1 else keras.activations.softmax
        scores = np.asarray(activation(keras.ops.convert_to_tensor(scores)))
    elif np.any(scores < -TOLERANCE) or np.any(scores > 1 + TOLERANCE):
        raise VerificationError(
            f"export: the model's answers are no probabilities: they are from {scores.min():.3g} to "
            f"{scores.max():.3g}. Pass scores='logits' if a sigmoid or softmax makes probabilities of them."
        )
    return np.concatenate([1 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


def _agreement(labels: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> float:
    """The fraction of labels that are the most probable class, or as probable as that."""
    chosen = probabilities[np.arange(len(labels)), [classes.index(label) for label in labels]]
    return float(np.mean(chosen >= np.max(probabilities, axis=1) - TOLERANCE))


@contextmanager
def _states_at_zero(model: keras.Model) -> Iterator[None]:
    """Lets stateful layers begin with zeros, and gives back what they, and others, had kept."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    with unchanged(model):
        for layer in layers:
            layer.reset_state()
        yield


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
    comparison = _Comparison(model, network, vocabulary, signature)
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
    comparison: _Comparison,
    model: keras.Model,
    signature: ModelSignature,
    padded_after: bool,
    row_counts: Sequence[int],
    limits: Mapping[str, int],
    tame: bool,
    states: Collection[str],
) -> Iterator[tuple[Any, list[np.ndarray]]]:
    """Yields inputs, and what Keras answers to them."""
    if comparison.takes_text and isinstance(model, TextClassifier):
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

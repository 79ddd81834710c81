"""What Keras answers and what a file answers, side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[attr-defined]  # compiled

from keras_seqkit.models.text_encoder_model import TextEncoderModel
from keras_seqkit.text import Vocabulary
from seqkit_onnx.ignored_warnings import ignored_here
from seqkit_onnx.lowering.cuda_placement import KeptOnCpu
from seqkit_onnx.lowering.hooks import plain_scope_name
from seqkit_onnx.lowering.layer_walk import all_layers, states_of, unchanged
from seqkit_onnx.lowering.other_precision import rebuilt
from seqkit_onnx.lowering.refusals import CANNOT_REBUILD, REFUSED_INPUTS
from seqkit_onnx.lowering.signature import ModelSignature, model_signature
from seqkit_onnx.predictions import predictions
from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.multi_label_classifier import THRESHOLD, MultiLabelClassifier

TOLERANCE = 1e-5  # float32 sums taken in another order differ by about 1e-7 a step, and probabilities are at most 1
# float16 has 11 bits and int8 weights have 8; rounded weights moved probabilities of networks of real size by up to
# 5e-4 and 2e-2, and outputs are taken to be about 1.
TOLERANCES = {None: TOLERANCE, "float16": 5e-3, "int8": 5e-2}


# Of a sample of one step. What a softmax of one number is for is for the user to know, who was told when it was built.
_SOFTMAX_OF_ONE = "You are using a softmax over axis .* has size 1"


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


class Comparison:
    """A model and a file that are asked the same.

    Args:
        model: the model, in float32.
        network: what `load` gives for the file.
        vocabulary: what makes ids of text, where the file takes text and the model ids.
        signature: the model's inputs, where they are known.
    """

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
        except REFUSED_INPUTS:
            return None

    def rounding(self, inputs: Any) -> float:
        """How far rounding takes Keras's answers, by two measures, the larger of which counts.

        They are compared with those in float64, where the model can be built anew, and with those to numbers that
        differ in their last bit, which is as near as an operator can be to what it is given.
        """
        own = self._scores(self.answers(inputs, predicts=False))
        nudged = self.answers(_changed_floats(inputs, lambda array: np.nextafter(array, 2 * array)), predicts=False)
        found = largest_difference(own, self._scores(nudged))
        try:
            same, exact = (
                Comparison(rebuilt(self.model, dtype), self.network, self.vocabulary, self.signature)
                for dtype in ("float32", "float64")
            )
            if largest_difference(own, self._scores(same.answers(inputs, predicts=False))) > 0.1 * TOLERANCE:
                return found  # not all that the model does stands in its configuration
            answers = exact.answers(_changed_floats(inputs, lambda array: array.astype(np.float64)), predicts=False)
        except CANNOT_REBUILD:
            return found
        return max(found, largest_difference(own, self._scores(answers)))

    def answers(self, inputs: Any, predicts: bool) -> list[np.ndarray]:
        """Returns what Keras answers, in a row: by `predict`, or by a plain call."""
        if self.takes_text:
            inputs = self._of_text(inputs)
        with _states_at_zero(self.model), ignored_here(_SOFTMAX_OF_ONE):
            if isinstance(inputs, list) and isinstance(inputs[0], str):
                answers = self.model.predict(inputs, verbose="0")
            elif predicts:
                answers = predictions(self.model, inputs)
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
            several = isinstance(self.network, MultiLabelClassifier)
            agreement = (_agreement_of_sets if several else _agreement)(labels, expected[0], self.network.classes)
            return Verification(largest_difference([ours], expected), agreement, len(labels))
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
        return Verification(largest_difference(outputs[: len(expected)], expected), 1.0, rows)

    def _own(self, inputs: Any) -> Mapping[str, Any]:
        """Returns the inputs by their names."""
        if self.signature is None or self.takes_text:
            return self.network.own_inputs(inputs)
        return dict(zip(self.signature.input_names, keras.tree.flatten(inputs), strict=True))

    def _scores(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Returns what the file is to give: probabilities where it has labels."""
        if not isinstance(self.network, Classifier):
            return answers
        if isinstance(self.network, MultiLabelClassifier):
            return answers
        return [_probabilities(answers[0], self.network.metadata.get("scores", "probabilities"))]

    def _of_text(self, texts: Any) -> Any:
        """Returns what Keras takes for texts: its own layer's ids where the vocabulary was taken from one."""
        if isinstance(self.model, TextEncoderModel):
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


def largest_difference(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
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


def _agreement_of_sets(labels: Sequence[Sequence[str]], probabilities: np.ndarray, classes: Sequence[str]) -> float:
    """The fraction of texts that have the labels above the threshold; one as probable as it may be there or not."""
    given = np.array([[name in row for name in classes] for row in labels])
    same = (given == (probabilities > THRESHOLD)) | (np.abs(probabilities - THRESHOLD) <= TOLERANCE)
    return float(np.mean(same.all(axis=1)))


@contextmanager
def _states_at_zero(model: keras.Model) -> Iterator[None]:
    """Lets stateful layers begin with zeros, and gives back what they, and others, had kept."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    with unchanged(model):
        for variable in (each for layer in layers for each in states_of(layer)):
            variable.assign(keras.ops.zeros_like(variable))
        yield

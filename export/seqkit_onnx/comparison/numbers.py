"""What a network answers in Keras and in a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[attr-defined]  # compiled

from seqkit_onnx.comparison.predictions import predictions
from seqkit_onnx.comparison.verification import TOLERANCE, TOLERANCES, Verification, VerificationError
from seqkit_onnx.ignored_warnings import SOFTMAX_OF_ONE, ignored_here
from seqkit_onnx.layer_walk import all_layers, states_of, unchanged
from seqkit_onnx.tracing.hooks import plain_scope_name
from seqkit_onnx.tracing.other_precision import rebuilt
from seqkit_onnx.tracing.refusals import CANNOT_REBUILD, REFUSED_INPUTS
from seqkit_onnx.tracing.signature import ModelSignature

# A network may magnify the rounding of float32. Where that is so, Keras itself is further from its answers in float64,
# or to inputs that differ in the last bit, and a file may be so many times as far from Keras.
AS_FAR_AS_KERAS = 4.0


class Comparison:
    """A model and a file that are asked the same.

    Args:
        model: the model, in float32.
        file: what `load` gives for the file.
        of_text: where the file takes text and the model does not, what makes of a list of strings what it takes.
        signature: the model's inputs, where they are known.
    """

    def __init__(
        self,
        model: keras.Model,
        file: Any,
        of_text: Callable[[list[str]], Any] | None = None,
        signature: ModelSignature | None = None,
    ):
        self.model = model
        self.file = file
        self.of_text = of_text
        self.signature = signature
        self.takes_text = file.takes_text and of_text is not None
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
        own = self.scores(self.answers(inputs, predicts=False))
        nudged = self.answers(_changed_floats(inputs, lambda array: np.nextafter(array, 2 * array)), predicts=False)
        found = largest_difference(own, self.scores(nudged))
        try:
            same, exact = (
                type(self)(rebuilt(self.model, dtype), self.file, self.of_text, self.signature)
                for dtype in ("float32", "float64")
            )
            if largest_difference(own, self.scores(same.answers(inputs, predicts=False))) > 0.1 * TOLERANCE:
                return found  # not all that the model does stands in its configuration
            answers = exact.answers(_changed_floats(inputs, lambda array: array.astype(np.float64)), predicts=False)
        except CANNOT_REBUILD:
            return found
        return max(found, largest_difference(own, self.scores(answers)))

    def answers(self, inputs: Any, predicts: bool) -> list[np.ndarray]:
        """Returns what Keras answers, in a row: by `predict`, or by a plain call."""
        if self.takes_text and self.of_text is not None:
            inputs = self.of_text(inputs)
        inputs = keras.tree.map_structure(_as_strings, inputs)
        with _states_at_zero(self.model), ignored_here(SOFTMAX_OF_ONE):
            if isinstance(inputs, list) and inputs and isinstance(inputs[0], str):
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
        expected = self.scores(answers)
        own = self.own(inputs)
        rows = max((len(array) for array in own.values() if np.ndim(array)), default=1)
        try:
            outputs = self.outputs(own, rows)
        except (errors.Fail, errors.InvalidArgument, errors.RuntimeException, errors.NotImplemented) as error:
            raise VerificationError(
                f"export: onnxruntime cannot run the file on inputs of shapes {self._shapes(own)}, which Keras "
                f"takes: {error} Nothing was written."
            ) from error
        for name, ours, theirs in zip(self.file.output_names, outputs, expected, strict=False):
            if ours.shape != theirs.shape:
                raise VerificationError(
                    f"export: to inputs of shapes {self._shapes(own)} Keras gives the output {name!r} in shape "
                    f"{theirs.shape}, and the file in shape {ours.shape}. Nothing was written. Give the input a fixed "
                    "shape, or write the layer so that its output has the same axes for all."
                )
        return Verification(largest_difference(outputs[: len(expected)], expected), 1.0, rows)

    def outputs(self, own: Mapping[str, Any], rows: int) -> list[np.ndarray]:
        """Returns what the file answers to so many rows, in the order of its outputs."""
        return list(self.file.predict({**own, **self.file.initial_state(rows)}).values())

    def over(
        self, asked: Iterable[tuple[Any, list[np.ndarray]]], precision: str | None = None, half: bool = False
    ) -> Verification:
        """Compares on several inputs, and finds out how much of a difference is rounding.

        Args:
            asked: pairs of inputs and Keras's answers.
            precision: ``"float16"`` or ``"int8"`` for a file that was asked to be less exact.
            half: whether the model casts to half precision itself and computes in it.

        Raises:
            VerificationError: Keras answers to none of them, or answers NaN to all.
        """
        found: list[Verification] = []
        for inputs, answers in asked:
            _check_some_numbers(answers)
            measured = self.with_answers(inputs, answers)
            if half:
                measured.tolerance = TOLERANCES["float16"]
            elif measured.largest_difference > TOLERANCE and not precision:
                measured.tolerance += AS_FAR_AS_KERAS * self.rounding(inputs)
            found.append(measured)
        if not found:
            raise VerificationError(
                "export: Keras answers to none of the inputs that were made up to verify the file. Pass verify=False, "
                "and compare with seqkit_onnx.verify on inputs of your own."
            )
        worst = max(found, key=lambda each: each.largest_difference - each.tolerance)
        whole = Verification(
            worst.largest_difference, min(each.label_agreement for each in found), sum(each.count for each in found)
        )
        whole.tolerance = worst.tolerance
        return whole

    def _shapes(self, inputs: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return {name: np.shape(array) for name, array in inputs.items()}

    def scores(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Returns what the file is to give where the model gives `answers`."""
        return answers

    def own(self, inputs: Any) -> Mapping[str, Any]:
        """Returns the inputs by their names."""
        if self.signature is None or self.takes_text:
            return self.file.own_inputs(inputs)
        return dict(zip(self.signature.input_names, keras.tree.flatten(inputs), strict=True))


def _check_some_numbers(answers: Sequence[np.ndarray]) -> None:
    """Some rows may have no answer, such as the logarithm of a negative number; a model that has none is broken."""
    if any(answer.dtype.kind == "f" and answer.size and np.isnan(answer).all() for answer in answers):
        raise VerificationError(
            "export: Keras itself answers NaN to all samples, which were made up: numbers of both signs, positive "
            "ones, and some between 0 and 1. Nothing was written. Check the model for infinite or very large weights; "
            "or, if it is meant for other inputs, pass verify=False and compare with "
            "seqkit_onnx.verify(model, path, inputs) on your own."
        )


def _can_predict(model: keras.Model) -> bool:
    """Whether `predict` can run the model: TensorFlow compiles no layer whose name it does not take."""
    return hasattr(model, "predict") and all(plain_scope_name(layer.name) for layer in all_layers(model))


def _as_strings(array: Any) -> Any:
    """Returns what Keras takes for an array of strings: `predict` takes none of NumPy's."""
    is_text = isinstance(array, np.ndarray) and array.dtype.kind in "OU"
    return keras.ops.convert_to_tensor(array.tolist()) if is_text else array


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


@contextmanager
def _states_at_zero(model: keras.Model) -> Iterator[None]:
    """Lets stateful layers begin with zeros, and gives back what they, and others, had kept."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    with unchanged(model):
        for variable in (each for layer in layers for each in states_of(layer)):
            variable.assign(keras.ops.zeros_like(variable))
        yield

"""An exported text classifier: strings in, labels out."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, overload

import numpy as np

from seqkit_onnx.runtime.description import listed
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.texts import text_array

TEXTS_AT_ONCE = 256  # more would only make padding longer and memory larger


class Prediction(NamedTuple):
    """What a classifier says of a batch.

    Args:
        labels: the most probable class of each text.
        probabilities: float32 (batch, classes), in the order of the classifier's `classes`.
    """

    labels: list[str]
    probabilities: np.ndarray


class TopPrediction(NamedTuple):
    """The most probable classes of each text of a batch.

    Args:
        labels: for each text, its classes, the most probable one first.
        probabilities: float32 (batch, top_k), theirs.
    """

    labels: list[list[str]]
    probabilities: np.ndarray


class Classifier(Network):
    """An exported `TextClassifier`.

    Example::

        classifier = seqkit_onnx.load("sentiment.onnx")
        labels, probabilities = classifier.predict(["A touching story.", "Dull."])
        [best_three], _ = classifier.predict("A touching story.", top_k=3)
    """

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the columns of `probabilities`."""
        return json.loads(self.metadata["labels"])

    @overload
    def predict(self, inputs: Any, top_k: None = None) -> Prediction: ...  # type: ignore[override]

    @overload
    def predict(self, inputs: Any, top_k: int) -> TopPrediction: ...

    def predict(self, inputs: Any, top_k: int | None = None) -> Prediction | TopPrediction:
        """Classifies texts, or what the network takes where the file was exported with ``text=False``.

        Args:
            inputs: texts of any length: one string, which is a batch of one; a list, tuple or generator; a NumPy array
                (batch,) or (batch, 1); a column, or a table of one column, of pandas, polars, pyarrow or Hugging Face
                datasets. Or integers (batch, time), or what else the network takes; a dict of arrays by name where it
                has several inputs.
            top_k: how many of the most probable classes are given; more than there are: all. `None`: the most probable
                one, and the probabilities of all.

        Returns:
            A `Prediction`; with `top_k`, a `TopPrediction`, among equally probable classes the first one first. It does
            not depend on what else is in the batch.

        Raises:
            TypeError: a text is missing (`None`, NaN) or is not a string, or `top_k` is no integer.
            ValueError: a text holds a lone surrogate, or `top_k` is below 1.
        """
        if top_k is not None and (isinstance(top_k, bool) or not hasattr(top_k, "__index__")):
            raise TypeError(f"predict: top_k is an integer, or None; received {top_k!r}.")
        if top_k is not None and top_k < 1:
            raise ValueError(f"predict: top_k is at least 1; received {top_k!r}. Pass None for the best label alone.")
        prediction = self._predict(inputs)
        return prediction if top_k is None else self._best(prediction.probabilities, top_k)

    def _about(self) -> list[str]:
        return [f"{len(self.classes)} labels: {listed(self.classes, quoted=True)}"]

    def _predict(self, inputs: Any, **settings: Any) -> Prediction:
        """Classifies texts; `settings` go to `_answer`."""
        if len(self.input_names) > 1:
            outputs = super().predict(inputs)
            return Prediction(outputs["label"].tolist(), outputs["probabilities"])
        [name] = self.input_names
        if isinstance(inputs, Mapping):
            if list(inputs) != [name]:
                raise ValueError(f"predict: the input {name!r} is expected; received {list(inputs)}.")
            inputs = inputs[name]
        axes = len(self._axes[name])
        array = text_array(inputs, "predict: texts", axes) if self.takes_text else self._array(name, inputs)
        if len(array) <= TEXTS_AT_ONCE:
            return Prediction(*self._answer(array, **settings))
        lengths = [sum(map(len, np.ravel(each))) if self.takes_text else len(each) for each in array]
        order = np.argsort(lengths, kind="stable")
        labels: list[Any] = [None] * len(array)
        probabilities = np.empty((len(array), len(self.classes)), np.float32)
        for start in range(0, len(array), TEXTS_AT_ONCE):
            part = order[start : start + TEXTS_AT_ONCE]
            found, probabilities[part] = self._answer(array[part], **settings)
            for place, label in zip(part, found, strict=True):
                labels[place] = label
        return Prediction(labels, probabilities)

    def _best(self, probabilities: np.ndarray, top_k: int) -> TopPrediction:
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]  # (batch, top_k)
        names = np.array(self.classes, object)
        return TopPrediction(names[best].tolist(), np.take_along_axis(probabilities, best, axis=1))

    def _array(self, name: str, inputs: Any) -> np.ndarray:
        array, axes = self._cast(name, inputs), self._axes[name]
        if array.ndim != len(axes) or (len(array) and 0 in array.shape):
            shown, of_time = ", ".join(map(str, axes)), "time" if len(axes) == 2 else "none"
            raise ValueError(f"predict: {name} ({shown}) are expected, {of_time} not 0; received shape {array.shape}.")
        return array

    def _answer(self, array: np.ndarray) -> tuple[list[Any], np.ndarray]:
        label, probabilities = self._run(["label", "probabilities"], {self.input_names[0]: array})
        return label.tolist(), probabilities

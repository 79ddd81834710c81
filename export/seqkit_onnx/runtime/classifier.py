"""An exported text classifier: strings in, labels out."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

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


class Classifier(Network):
    """An exported `TextClassifier`.

    Example::

        classifier = seqkit_onnx.load("sentiment.onnx")
        labels, probabilities = classifier.predict(["A touching story.", "Dull."])
    """

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the columns of `probabilities`."""
        return json.loads(self.metadata["labels"])

    def predict(self, inputs: Any) -> Prediction:  # type: ignore[override]  # a classifier's answer has a type of its own
        """Classifies texts, or what the network takes where the file was exported with ``text=False``.

        Args:
            inputs: a list of strings of any length; or integers (batch, time), or what else the network takes; a dict
                of arrays by name where it has several inputs.

        Returns:
            A `Prediction`. It does not depend on what else is in the batch.

        Raises:
            TypeError: something in the list is not a string.
            ValueError: the list is empty, or a text holds a lone surrogate.
        """
        if len(self.input_names) > 1:
            outputs = super().predict(inputs)
            return Prediction(outputs["label"].tolist(), outputs["probabilities"])
        array = text_array(inputs) if self.input_names == ["text"] else self._array(inputs)
        if len(array) <= TEXTS_AT_ONCE:
            return Prediction(*self._run(array))
        order = np.argsort([len(each) for each in array], kind="stable")
        labels = np.empty(len(array), object)
        probabilities = np.empty((len(array), len(self.classes)), np.float32)
        for start in range(0, len(array), TEXTS_AT_ONCE):
            part = order[start : start + TEXTS_AT_ONCE]
            labels[part], probabilities[part] = self._run(array[part])
        return Prediction(labels.tolist(), probabilities)

    def _array(self, inputs: Any) -> np.ndarray:
        name, axes = self.input_names[0], self.session.get_inputs()[0].shape
        array = self._cast(name, inputs[name] if isinstance(inputs, Mapping) else inputs)
        if array.ndim != len(axes) or 0 in array.shape:
            shown, none = ", ".join(map(str, axes)), "neither" if len(axes) == 2 else "none"
            raise ValueError(f"predict: {name} ({shown}) are expected, {none} 0; received shape {array.shape}.")
        return array

    def _run(self, array: np.ndarray) -> tuple[list[str], np.ndarray]:
        outputs: Any = self.session.run(["label", "probabilities"], {self.input_names[0]: array})
        label, probabilities = outputs
        return label.tolist(), probabilities

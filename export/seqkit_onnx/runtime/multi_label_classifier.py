"""An exported classifier whose texts have any number of labels."""

from typing import Any, NamedTuple

import numpy as np

from seqkit_onnx.runtime.classifier import Classifier

THRESHOLD = 0.5


class MultiLabelPrediction(NamedTuple):
    """What a classifier of several labels says of a batch.

    Args:
        labels: for each text its classes, in the order of the classifier's `classes`.
        probabilities: float32 (batch, classes), in the same order.
    """

    labels: list[list[str]]
    probabilities: np.ndarray


class MultiLabelClassifier(Classifier):
    """An exported `TextClassifier` with ``multi_label=True``.

    Example::

        classifier = seqkit_onnx.load("topics.onnx")
        labels, probabilities = classifier.predict(["Wheat and corn fell.", ""], threshold=0.4)
    """

    def predict(  # type: ignore[override]  # another kind of prediction
        self, inputs: Any, top_k: int | None = None, threshold: float = THRESHOLD
    ) -> Any:
        """Gives each text the labels whose probability is above a threshold.

        Args:
            inputs: as in `Classifier.predict`.
            top_k: as in `Classifier.predict`: the most probable classes, whatever the threshold.
            threshold: a probability.

        Returns:
            A `MultiLabelPrediction`; with `top_k`, a `TopPrediction`.

        Raises:
            TypeError: as in `Classifier.predict`.
            ValueError: as in `Classifier.predict`; or the threshold is not from 0 to 1.
        """
        if top_k is not None:
            return super().predict(inputs, top_k)
        if not 0 <= threshold <= 1:
            raise ValueError(f"predict: threshold is from 0 to 1; received {threshold!r}.")
        found: Any = self._predict(inputs, threshold=threshold)
        return MultiLabelPrediction(found.labels, found.probabilities)

    def _answer(self, array: np.ndarray, threshold: float = THRESHOLD) -> tuple[list[Any], np.ndarray]:
        feeds = {self.input_names[0]: array, "threshold": np.array(threshold, np.float32)}
        labels, probabilities = self._run(["labels", "probabilities"], feeds)
        return [[label for label in row if label] for row in labels.tolist()], probabilities

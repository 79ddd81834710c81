"""Labels and probabilities of Keras and of a file."""

import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from seqkit_onnx.comparison.numbers import Comparison, largest_difference
from seqkit_onnx.comparison.verification import TOLERANCE, Verification, VerificationError
from seqkit_onnx.runtime.multi_label_classifier import THRESHOLD


class LabelComparison(Comparison):
    """A model and a file that names the most probable class."""

    def scores(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Returns the probability of each class."""
        return [_probabilities(answers[0], self.file.metadata.get("scores", "probabilities"))]

    def with_answers(self, inputs: Any, answers: list[np.ndarray]) -> Verification:
        """Compares labels and probabilities with those of Keras."""
        expected = self.scores(answers)
        labels, ours = self.file.predict(inputs if self.takes_text else self.own(inputs))
        agreement = self.agreement(labels, expected[0])
        return Verification(largest_difference([ours], expected), agreement, len(labels))

    def agreement(self, labels: Sequence[Any], probabilities: np.ndarray) -> float:
        """The fraction of labels that are the most probable class, or as probable as that."""
        classes = json.loads(self.file.metadata["labels"])
        chosen = probabilities[np.arange(len(labels)), [classes.index(label) for label in labels]]
        return float(np.mean(chosen >= np.max(probabilities, axis=1) - TOLERANCE))


class LabelSetComparison(LabelComparison):
    """A model and a file that names each class whose probability is above a threshold."""

    def scores(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Returns the probability of each class."""
        return answers

    def agreement(self, labels: Sequence[Any], probabilities: np.ndarray) -> float:
        """The fraction of texts that have the labels above the threshold; one as probable may be there or not."""
        given = np.array([[name in row for name in self.file.classes] for row in labels])
        same = (given == (probabilities > THRESHOLD)) | (np.abs(probabilities - THRESHOLD) <= TOLERANCE)
        return float(np.mean(same.all(axis=1)))


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

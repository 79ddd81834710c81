"""What Keras answers to whole sequences, and a file to the same in chunks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from seqkit_onnx.comparison.labels import LabelComparison
from seqkit_onnx.comparison.numbers import Comparison, largest_difference
from seqkit_onnx.comparison.verification import Verification


class ChunkComparison(Comparison):
    """A model that is asked whole sequences, and a file that is given them chunk by chunk, cut in several ways."""

    sizes: Sequence[int] = ()  # of the chunks of one cut

    def with_answers(self, inputs: Any, answers: list[np.ndarray]) -> Verification:
        """Compares each cut with the answers to the whole, and returns the worst."""
        found = []
        for sizes in self.cuts(inputs):
            self.sizes = sizes
            found.append(super().with_answers(inputs, answers))
        largest = max(each.largest_difference for each in found)
        return Verification(largest, min(each.label_agreement for each in found), found[0].count)

    def cuts(self, inputs: Any) -> Iterator[list[int]]:
        """Yields the sizes of the chunks of a sequence: all in one, one by one, in halves, and others."""
        about, own = json.loads(self.file.metadata["stream"]), self.own(inputs)
        names = about["inputs"]
        steps = np.shape(own[names[0]])[1]
        fixed = self.file.axes(names[0])[1]
        if isinstance(fixed, int):
            yield [fixed] * (steps // fixed)
            return
        yield [steps]
        yield [1] * steps
        if steps > 2:
            yield [1, steps - 1]
            yield [steps - steps // 2, steps // 2]
            random = np.random.default_rng(0)
            yield np.diff([0, *sorted(random.choice(np.arange(1, steps), 2, replace=False)), steps]).tolist()

    def outputs(self, own: Mapping[str, Any], rows: int) -> list[np.ndarray]:
        """Returns what the file has answered to all steps when it is given the last of them."""
        about = json.loads(self.file.metadata["stream"])
        stream = self.file.stream(rows)
        parts: list[dict[str, np.ndarray]] = []
        start = 0
        for size in self.sizes:
            chunk = {
                name: array[:, start : start + size] if name in about["inputs"] else array
                for name, array in own.items()
            }
            parts.append(stream.run(chunk))
            start += size
        return [
            np.concatenate([part[name] for part in parts], axis=1) if name in about["outputs"] else parts[-1][name]
            for name in parts[0]
        ]


class LabelChunkComparison(ChunkComparison, LabelComparison):
    """The same for a file that names the most probable class of each answer."""

    def with_answers(self, inputs: Any, answers: list[np.ndarray]) -> Verification:
        """Compares labels and probabilities of each cut with those of Keras."""
        [expected], own = self.scores(answers), self.own(inputs)
        differences, agreements = [], []
        for sizes in self.cuts(inputs):
            self.sizes = sizes
            labels, ours = self.outputs(own, len(expected))
            differences.append(largest_difference([ours], [expected]))
            agreements.append(self.agreement(labels.tolist(), expected))
        return Verification(max(differences), min(agreements), len(expected))

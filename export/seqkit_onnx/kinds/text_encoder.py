"""The files of our models that read a text and answer with numbers: classifiers and regressors."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import onnx

from keras_seqkit.models import TextClassifier, TextRegressor
from keras_seqkit.models.classification.text_encoder_model import TextEncoderModel
from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.labels import LabelSetComparison
from seqkit_onnx.comparison.numbers import Comparison
from seqkit_onnx.comparison.samples import sample_texts
from seqkit_onnx.kinds.file_kind import Options, exports
from seqkit_onnx.kinds.network import NetworkFile
from seqkit_onnx.text.labels import add_several_labels
from seqkit_onnx.tracing.signature import ModelSignature, model_signature


@exports(TextEncoderModel)
class TextEncoderFile(NetworkFile):
    """The file of a model that knows its vocabulary, and masks padding everywhere."""

    takes: ClassVar[frozenset[str]] = frozenset({"padding", "dtype", "quantize", "recurrence", "opset", "shapes"})
    brings_vocabulary: ClassVar[bool] = True
    masks_padding: ClassVar[bool] = True

    @property
    def own_vocabulary(self) -> Vocabulary:
        """See `FileKind`."""
        return self.model.vocabulary

    def signature_of_model(self) -> ModelSignature:
        """See `NetworkFile`."""
        return model_signature(self.model, self.model.input_spec_of_ids())

    def traced_signature(self) -> ModelSignature:
        """See `NetworkFile`: LabelEncoder gives int64, and the model takes that as well as int32: one Cast less."""
        return self.signature if self.tokens is None else self.signature.with_dtype("int64")

    def lengths(self, vocabulary: Vocabulary) -> tuple[int | None, int]:
        """See `NetworkFile`."""
        return self.model.max_length, self.model.min_length

    def ids_of_text(self, texts: Any) -> Any:
        """Returns the texts: the model takes them."""
        return texts

    def check_rows(self, vocabulary: Vocabulary, rows: int | None) -> None:
        """See `NetworkFile`: the model was made with its vocabulary."""

    def samples(self, comparison: Comparison) -> Iterator[tuple[Any, list[np.ndarray]]]:
        """See `NetworkFile`: Keras is asked once, as an answer does not depend on the texts beside it."""
        if not comparison.takes_text:
            yield from super().samples(comparison)
            return
        texts = sample_texts(self.own_vocabulary)
        (answers,) = comparison.answers(texts, predicts=True)
        for places in [range(len(texts)), (2,), (6,), (1, 2, 3), *(range(count) for count in self.row_counts)]:
            rows = [place % len(texts) for place in places]
            yield [texts[row] for row in rows], [answers[rows]]


@exports(TextClassifier)
class ClassifierFile(TextEncoderFile):
    """The file of a `TextClassifier`: text in, label and probabilities out."""

    takes: ClassVar[frozenset[str]] = TextEncoderFile.takes | {"labels"}

    def __init__(self, model: Any, options: Options):
        super().__init__(model, options)
        if self._names_several:
            self.name = "multi_label_classifier"

    def class_names(self) -> list[str]:
        """See `NetworkFile`: those of the model, unless others are given."""
        return super().class_names() or [str(label) for label in self.model.label_names]

    @property
    def _names_several(self) -> bool:
        return self.model.multi_label

    def kind_of_scores(self, graph: onnx.GraphProto) -> str:
        """See `NetworkFile`."""
        return "probabilities"

    def columns_of(self, labels: Sequence[str], columns: int) -> int:
        """See `NetworkFile`: where each label is decided for itself, each has its column."""
        return len(labels) if self._names_several else super().columns_of(labels, columns)

    def add_labels(self, graph: onnx.GraphProto, labels: Sequence[str], scores: str, columns: int, kind: str) -> None:
        """See `NetworkFile`."""
        if self._names_several:
            add_several_labels(graph, labels, scores)
        else:
            super().add_labels(graph, labels, scores, columns, kind)

    def comparison(self, file: Any, signature: ModelSignature | None) -> Comparison:
        """See `NetworkFile`."""
        if self._names_several:
            return LabelSetComparison(self.model, file, self.ids_of_text, signature)
        return super().comparison(file, signature)


@exports(TextRegressor)
class RegressorFile(TextEncoderFile):
    """The file of a `TextRegressor`: text in, `value` out."""

    def signature_of_model(self) -> ModelSignature:
        """See `NetworkFile`."""
        return replace(super().signature_of_model(), output_names=("value",))

"""What the files of all models that write text have in common."""

import json
from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import onnx

from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.samples import sample_texts
from seqkit_onnx.comparison.verification import Verification
from seqkit_onnx.kinds.file_kind import FileKind, Options
from seqkit_onnx.metadata import declare_operator_sets, of_vocabulary
from seqkit_onnx.text.no_rows import answer_no_rows
from seqkit_onnx.tracing.other_precision import default_policy, in_float32


class WriterFile(FileKind):
    """The file of a model that writes: a text, or ids."""

    brings_vocabulary: ClassVar[bool] = True
    answers_no_rows: ClassVar[bool] = True

    def __init__(self, model: Any, options: Options):
        super().__init__(in_float32(model), options)

    def around(self) -> AbstractContextManager[Any]:
        """The policy of the models that stand around the user's while it is traced."""
        return default_policy("float32")

    def draft(self) -> onnx.ModelProto:
        """See `FileKind`."""
        self.model.check_finite()
        proto = self.graph()
        if self.answers_no_rows:
            answer_no_rows(proto.graph)
        declare_operator_sets(proto)
        return proto

    @abstractmethod
    def graph(self) -> onnx.ModelProto:
        """Makes the graph."""

    def metadata(self) -> dict[str, str]:
        """See `FileKind`."""
        return of_vocabulary(self.own_vocabulary) | self.about() | {"takes_text": json.dumps(self.options.text)}

    @abstractmethod
    def about(self) -> dict[str, str]:
        """What the file says of itself beside its vocabulary."""

    def compare_on_samples(self, file: Any) -> Verification:
        """See `FileKind`."""
        return self.compare(file, self.samples())

    def samples(self) -> list[str]:
        """Texts that try what the model reads."""
        return sample_texts(self.own_vocabulary)

    @property
    def own_vocabulary(self) -> Vocabulary:
        """See `FileKind`."""
        return self.model.vocabulary

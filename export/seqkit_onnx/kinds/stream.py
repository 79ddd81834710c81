"""The file of a recurrent model that takes a sequence chunk by chunk: states in, states out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import keras
import numpy as np
import onnx

from seqkit_onnx.comparison.chunks import ChunkComparison, LabelChunkComparison
from seqkit_onnx.comparison.numbers import Comparison
from seqkit_onnx.comparison.samples import in_batches_of, sample_inputs
from seqkit_onnx.comparison.verification import Verification, VerificationError
from seqkit_onnx.kinds.file_kind import Options, exports
from seqkit_onnx.kinds.network import NetworkFile
from seqkit_onnx.metadata import of_stream
from seqkit_onnx.tracing.refusals import UnsupportedLayerError
from seqkit_onnx.tracing.signature import ModelSignature

SAMPLES = ((8, 7), (1, 1), (3, 19))  # rows and steps


@exports(keras.layers.Layer)
class StreamFile(NetworkFile):
    """A file that takes the next steps of a sequence and states, and gives their outputs and new states.

    Args:
        model: any built Keras model that runs forward in time.
        options: what `export` was asked for.
    """

    takes: ClassVar[frozenset[str]] = (NetworkFile.takes - {"vocabulary"}) | {"stream"}
    streams: ClassVar[bool] = True

    def __init__(self, model: Any, options: Options):
        super().__init__(model, options)
        self.name = "model"  # with labels too: what is asked gives labels and states

    @classmethod
    def is_wanted(cls, options: Options) -> bool:
        """See `FileKind`."""
        return options.stream

    def signature_of_model(self) -> ModelSignature:
        """See `NetworkFile`: the inputs have any number of steps, whatever number Keras has."""
        own = super().signature_of_model()
        self.of_steps = own.inputs_with_steps
        if not self.of_steps:
            raise ValueError(
                f"export: model {self.model.name!r} has no input with steps, (batch, time, ...), and a stream takes "
                "the next ones. Leave stream out."
            )
        pairs = list(zip(own.input_names, own.specs, strict=True))
        for name, spec in pairs:
            if None in spec.shape[1 + (name in self.of_steps) :]:
                raise ValueError(
                    f"export: input {name!r} of a stream varies in other axes than batch and steps: {spec.shape}. Give "
                    "the model an Input in which those are fixed."
                )
        sizes = [spec.shape[1] for name, spec in pairs if name in self.of_steps]
        self.lengths_of_keras = {int(size) for size in sizes if size is not None}
        if len(self.lengths_of_keras) > 1:
            raise ValueError(
                f"export: the inputs {list(self.of_steps)} of model {self.model.name!r} have other numbers of steps, "
                "and the inputs of a stream have the same steps. Leave stream out."
            )
        return own.with_open_steps(self.of_steps)

    def traced_signature(self) -> ModelSignature:
        """See `NetworkFile`: which tensors have steps is seen by their axis, which is open."""
        return self.signature.with_open_steps(self.of_steps)

    def draft(self) -> onnx.ModelProto:
        """See `FileKind`."""
        proto = super().draft()
        graph = proto.graph
        states = {name for state in self.states for name in (state.input, state.output)}
        outputs = [value for value in graph.output if value.name not in states]
        self.outputs_with_steps = tuple(value.name for value in outputs if _has_steps(value))
        sizes = self._chunk_sizes()
        for value in (*graph.input, *outputs):
            if value.name in sizes:
                _set_steps(value, sizes[value.name])
            elif value.name in self.outputs_with_steps and sizes:
                _set_steps(value, self.chunk)
        return proto

    def metadata(self) -> dict[str, str]:
        """See `FileKind`."""
        return super().metadata() | of_stream(self.of_steps, self.outputs_with_steps)

    def check_states(self) -> None:
        """See `NetworkFile`: states are what a stream is made of."""
        if not self.states:
            raise UnsupportedLayerError(
                f"export: model {self.model.name!r} keeps nothing from step to step, and answers each by itself. Leave "
                "stream out."
            )

    def _answer_with_labels(self, graph: onnx.GraphProto, labels: Sequence[str]) -> str:
        """See `NetworkFile`: labels stand in front of the states."""
        states = list(graph.output)[len(graph.output) - len(self.states) :]
        del graph.output[len(graph.output) - len(self.states) :]
        kind = super()._answer_with_labels(graph, labels)
        graph.output.extend(states)
        return kind

    def comparison(self, file: Any, signature: ModelSignature | None) -> Comparison:
        """See `NetworkFile`."""
        kind = ChunkComparison if self.labels is None else LabelChunkComparison
        return kind(self.model, file, None, signature)

    def samples(self, comparison: Comparison) -> Iterator[tuple[Any, list[np.ndarray]]]:
        """See `NetworkFile`: whole sequences, of a number of steps that Keras takes and chunks make up."""
        signature = replace(self.traced_signature(), batch=self.of_samples.batch)
        tame = self.computes_in_half or self.options.precision is not None
        padded_after = self.options.padding == "post"
        axes: list[int] = []
        for index, (rows, steps) in enumerate(SAMPLES[: 1 if self.lengths_of_keras else None]):
            size = next(iter(self.lengths_of_keras), -(-steps // self.chunk) * self.chunk)
            batch = sample_inputs(self.model, signature, padded_after, self.limits, rows, size, tame)
            parts = [batch] if self.signature.batch in (None, signature.batch) else in_batches_of(batch, self.rows)
            for part in parts:
                taken = self._answered(comparison, part, predicts=index == 0)
                own = None if taken is None else [np.ndim(answer) for answer in taken[1]]
                axes = axes or own or []
                if taken is not None and own == axes:  # some layers of Keras (3.15) drop an axis of a single step
                    yield taken

    def check(self, found: Verification) -> None:
        """See `FileKind`."""
        try:
            super().check(found)
        except VerificationError as error:
            raise VerificationError(
                f"{error} Whole sequences, for Keras, were given to the file in chunks. Where the model does not carry "
                "all that it needs of earlier steps, or needs later ones, such as by keras.ops.cumsum in a call of its "
                "own, it cannot be a stream."
            ) from error

    @property
    def rows(self) -> int:
        """The size of a batch that is fixed."""
        return self.signature.batch or 1

    @property
    def chunk(self) -> int:
        """How many steps a call takes where `shapes` says so; else 1, of which any number is made."""
        return next(iter(self._chunk_sizes().values()), 1)

    def _chunk_sizes(self) -> dict[str, int]:
        """Returns how many steps the inputs take where `shapes` says so, and sees to it that they take as many."""
        pairs = zip(self.signature.input_names, self.signature.specs, strict=True)
        sizes = {name: spec.shape[1] for name, spec in pairs if name in self.of_steps}
        fixed = {name: size for name, size in sizes.items() if size is not None}
        whole = next(iter(self.lengths_of_keras), 0)
        if fixed and (len(set(sizes.values())) > 1 or whole % next(iter(fixed.values()))):
            raise ValueError(
                f"export: shapes fix the steps of a chunk to {fixed}; the inputs {list(self.of_steps)} of a stream "
                f"have the same steps{f', of which Keras takes {whole}' if whole else ''}. Pass one number for all, "
                "which chunks of a sequence can have."
            )
        return fixed


def _has_steps(value: onnx.ValueInfoProto) -> bool:
    dims = value.type.tensor_type.shape.dim
    return len(dims) > 1 and not dims[1].HasField("dim_value")


def _set_steps(value: onnx.ValueInfoProto, size: int) -> None:
    axis = value.type.tensor_type.shape.dim[1]
    axis.Clear()
    axis.dim_value = size

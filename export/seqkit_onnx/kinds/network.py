"""The file of any Keras model: arrays in, arrays out; with a vocabulary strings in, with labels labels out."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from keras_seqkit.models.finite_weights import check_finite_weights
from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.labels import LabelComparison
from seqkit_onnx.comparison.numbers import Comparison
from seqkit_onnx.comparison.rebuilt_model import check_rebuilt
from seqkit_onnx.comparison.samples import (
    first_rows,
    in_batches_of,
    long_samples,
    of_other_numbers,
    sample_batches,
    sample_texts,
)
from seqkit_onnx.comparison.verification import Verification, VerificationError
from seqkit_onnx.conversion import IR_VERSIONS, OPSET, convert
from seqkit_onnx.kinds.file_kind import FileKind, Options, exports
from seqkit_onnx.kinds.kind_of_scores import kind_of_scores
from seqkit_onnx.layer_walk import owner_of_node, reads_text
from seqkit_onnx.metadata import declare_operator_sets, of_labels, of_states, of_vocabulary
from seqkit_onnx.passes.dynamic_quantization import computing_in_float32, to_int8_dynamic
from seqkit_onnx.passes.half_precision import computes_in_half, to_float16
from seqkit_onnx.passes.id_limits import id_limits, initial_states
from seqkit_onnx.passes.passes import move_weights_into_branches, remove_identities, rename_values
from seqkit_onnx.passes.quantization import to_int8
from seqkit_onnx.recurrence.carried_state import CarriedState, carried_states
from seqkit_onnx.recurrence.choice_by_rows import always, both_sides, never, where_faster
from seqkit_onnx.text.labels import add_labels
from seqkit_onnx.text.no_rows import answer_no_rows
from seqkit_onnx.text.text_to_ids import add_text_to_ids
from seqkit_onnx.tracing.other_precision import in_float32
from seqkit_onnx.tracing.signature import ModelSignature, model_signature

RECURRENCES = {"native": never, "scan": always, "auto": where_faster}
QUANTIZATIONS = {"int8": to_int8, "int8_dynamic": to_int8_dynamic}
CHOICES = {
    "padding": (None, "post"),
    "dtype": (None, "float16"),
    "quantize": (None, *QUANTIZATIONS),
    "recurrence": tuple(RECURRENCES),
    "scores": (None, "probabilities", "logits"),
    "opset": tuple(IR_VERSIONS),
}


@exports(keras.layers.Layer)
class NetworkFile(FileKind):
    """The file of a model that is none of ours.

    Args:
        model: any built Keras model.
        options: what `export` was asked for.
    """

    takes: ClassVar[frozenset[str]] = frozenset(
        {
            "labels",
            "vocabulary",
            "input_signature",
            "padding",
            "dtype",
            "quantize",
            "recurrence",
            "scores",
            "opset",
            "shapes",
            "text_layer",
        }
    )
    masks_padding: ClassVar[bool] = False  # whether the model is known to leave padding out of account
    streams: ClassVar[bool] = False  # whether it takes a sequence chunk by chunk

    def __init__(self, model: Any, options: Options):
        super().__init__(model, options)
        self.users_model = model
        if options.text_layer is not None and "text_layer" in self.takes:
            self.model = _with_text_layer(model, options)
        _check_choices(options)
        if not isinstance(options.vocabulary, Vocabulary | None):
            raise TypeError(
                f"export: vocabulary is a Vocabulary; received {type(options.vocabulary).__name__}. "
                "Vocabulary(tokens) makes one of a list of tokens."
            )
        self.labels = self.class_names()
        self.name = "model" if self.labels is None else "classifier"
        if options.scores is not None and self.labels is None:
            raise ValueError("export: scores belong to a model of your own with labels. Leave it out.")
        self.tokens = self.own_vocabulary if options.text else None
        if self.tokens is not None and (options.opset != OPSET or options.shapes):
            raise ValueError(
                f"export: a file that takes text needs opset {OPSET} and takes texts of any number and length. Pass "
                "text=False, or leave opset and shapes out."
            )
        self.scores_are: str | None = None
        self.states: list[CarriedState] = []

    @property
    def own_vocabulary(self) -> Vocabulary | None:
        """See `FileKind`."""
        return self.options.vocabulary

    def class_names(self) -> list[str] | None:
        """The labels that the file answers with."""
        labels = self.options.labels
        if isinstance(labels, str):
            raise TypeError(f"export: labels is a list of names; received the string {labels!r}.")
        return None if labels is None else [str(label) for label in labels]

    def signature_of_model(self) -> ModelSignature:
        """The model's inputs and outputs."""
        return model_signature(self.model, self.options.input_signature)

    def lengths(self, vocabulary: Vocabulary) -> tuple[int | None, int]:
        """How many tokens a text has at most and at least."""
        time = self.signature.specs[0].shape[1] or vocabulary.length
        return time, time or 1

    def draft(self) -> onnx.ModelProto:
        """See `FileKind`."""
        _check_weights(self.model)
        self.signature = self.signature_of_model()
        self._compute_in_float32()
        self.of_samples = self.signature
        if self.options.shapes:
            self.signature = self.signature.with_sizes(self.options.shapes)
            self.of_samples = replace(self.signature, batch=self.of_samples.batch)
        if self.tokens is not None:
            _check_ids_input(self.signature)
        padding = "all" if self.options.padding == "post" else () if self.tokens is None else self.signature.input_names
        proto = convert(
            self.model,
            self.traced_signature(),
            padding,
            RECURRENCES[self.options.recurrence],
            opset=self.options.opset,
            stream=self.streams,
        )
        graph = proto.graph
        self.states = carried_states(graph, len(self.signature.input_names), len(self.signature.output_names))
        self.check_states()
        if self.labels is not None:
            self.scores_are = self._answer_with_labels(graph, self.labels)
        self.limits, self.begins_with = id_limits(graph), initial_states(graph)
        if self.tokens is not None:
            self.check_rows(self.tokens, self.limits.get(self.signature.input_names[0]))
            self._take_text(graph, self.tokens)
        remove_identities(graph)
        declare_operator_sets(proto, self.options.opset)
        if self.options.precision:
            quantize = QUANTIZATIONS.get(self.options.quantize or "", to_float16)
            proto = quantize(proto)
            if self.options.quantize == "int8_dynamic":
                self._warn_of_float32(computing_in_float32(proto))
        move_weights_into_branches(proto.graph)
        if (self.tokens is not None or self.labels is not None) and not self.states:
            answer_no_rows(proto.graph)  # whoever calls other networks makes the arrays, and would pay for the copy
        self.computes_in_half = computes_in_half(graph)
        self.row_counts = [] if self.signature.batch else both_sides(graph)
        return proto

    def metadata(self) -> dict[str, str]:
        """See `FileKind`."""
        scores = {} if self.scores_are is None else {"scores": self.scores_are}
        return of_labels(self.labels) | of_vocabulary(self.tokens) | of_states(self.states) | scores

    def compare_on_samples(self, file: Any) -> Verification:
        """See `FileKind`.

        Keras answers to the first ones by `predict`. To those of other shapes it answers by a plain call, since it
        compiles `predict` for each shape, and since `TimeDistributed` (Keras 3.15) answers wrongly then where shapes
        vary.
        """
        comparison = self.comparison(file, self.signature)
        return comparison.over(self.samples(comparison), self.options.precision, self.computes_in_half)

    def compare(self, file: Any, inputs: Any) -> Verification:
        """See `FileKind`."""
        self.model = in_float32(self.model)
        return self.comparison(file, None).of(inputs)

    def comparison(self, file: Any, signature: ModelSignature | None) -> Comparison:
        """Sets the model and its file side by side."""
        kind = Comparison if self.labels is None else LabelComparison
        return kind(self.model, file, None if reads_text(self.model) else self.ids_of_text, signature)

    def ids_of_text(self, texts: Any) -> Any:
        """Returns what Keras takes for texts: its own layer's ids where the vocabulary was taken from one."""
        vocabulary = self.own_vocabulary
        if vocabulary is None:
            raise ValueError(
                "verify: the file takes text and the model ids; pass the vocabulary that export was given."
            )
        layer = getattr(vocabulary, "layer", None)
        if layer is not None:
            ids = np.asarray(layer(keras.ops.convert_to_tensor(texts)))
        else:
            ids = vocabulary.encode(texts, self.signature_of_model().specs[0].shape[1])  # (batch, time)
        return ids if ids.shape[1] else np.zeros((len(ids), 1), np.int32)

    def samples(self, comparison: Comparison) -> Iterator[tuple[Any, list[np.ndarray]]]:
        """Yields inputs, and what Keras answers to them."""
        model, signature = self.model, self.of_samples
        padded_after, tame = self.options.padding == "post", self.computes_in_half or self.options.precision is not None
        if comparison.takes_text and self.tokens is not None:
            texts = sample_texts(self.tokens)
            batches: list[Any] = [texts, texts[2:3], texts[6:7], texts[1:4]]
        else:
            batches = list(sample_batches(model, signature, padded_after, self.limits, tame, self.begins_with))
        batches += [first_rows(batches[0], count) for count in self.row_counts]
        if self.signature.batch != signature.batch and self.signature.batch is not None:
            batches = [part for batch in batches for part in in_batches_of(batch, self.signature.batch)]
        axes: list[int] = []
        for index, batch in enumerate(batches):
            taken = self._answered(comparison, batch, predicts=index == 0)
            if taken is not None:
                own = [np.ndim(answer) for answer in taken[1]]
                axes = axes or own
                if own == axes:  # some layers of Keras (3.15) drop an axis of a single step, such as Normalization
                    yield taken
        if not axes and not comparison.takes_text:
            for batch in long_samples(model, self.signature, padded_after, self.limits, tame):
                taken = self._answered(comparison, batch, predicts=True)
                if taken is not None:
                    yield taken
                    return

    def _answered(self, comparison: Comparison, batch: Any, predicts: bool) -> tuple[Any, list[np.ndarray]] | None:
        """Returns inputs and what Keras answers to them; `None` where it refuses their shapes.

        Where some answers are no numbers, other numbers are tried: those about 1, which overflow less, positive ones,
        and some between 0 and 1.
        """
        predicts = predicts and comparison.can_predict
        tried = [batch] if comparison.takes_text else [batch, *of_other_numbers(batch)]
        answered = []
        for each in tried:
            answers = comparison.answers_if_taken(each, predicts)
            if answers is None:
                return None
            answered.append((each, answers))
            if all(map(_all_finite, answers)):
                return answered[-1]
        return next((pair for pair in answered if all(map(_some_numbers, pair[1]))), answered[0])

    def traced_signature(self) -> ModelSignature:
        """The inputs with which the model is converted."""
        return self.signature

    def check_states(self) -> None:
        """Finds states that nobody can carry: those between texts."""
        if self.states and (self.tokens is not None or self.labels is not None):
            raise ValueError(
                f"export: the model has stateful layers ({self.states[0].input!r} is a state), whose states the caller "
                "carries from ids to ids. Pass text=False and no labels."
            )

    def check_rows(self, vocabulary: Vocabulary, rows: int | None) -> None:
        """Finds ids that the model was not trained on.

        Args:
            vocabulary: what makes ids of text.
            rows: of the smallest embedding that looks them up, where it is known.
        """
        _check_enough_rows(self.model.name, vocabulary, rows)
        if vocabulary.from_other_ids:
            raise ValueError(
                "export: the vocabulary was taken from a TextVectorization, whose ids begin at 2 and not at 4, and "
                "which ids the model was trained on is not known. Pass Vocabulary.from_keras(layer, keras_ids=True) if "
                "on what the layer gives, and Vocabulary.from_keras(layer, keras_ids=False) if on what "
                "vocabulary.encode gives."
            )

    def add_labels(self, graph: onnx.GraphProto, labels: Sequence[str], scores: str, columns: int, kind: str) -> None:
        """Adds label and probabilities in the place of the output.

        Args:
            graph: changed in place.
            labels: the names of the classes.
            scores: the output.
            columns: how many it has.
            kind: ``"probabilities"`` or ``"logits"``.
        """
        nodes = add_labels(graph, labels, scores, columns, "probabilities", "label", kind == "logits")
        graph.node.extend(nodes)
        label = helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"])
        probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(labels)])
        del graph.output[:]
        graph.output.extend([label, probabilities])

    def columns_of(self, labels: Sequence[str], columns: int) -> int:
        """How many columns so many labels need, of the two numbers that may be right."""
        return 1 if len(labels) == 2 and columns == 1 else len(labels)

    def _warn_of_float32(self, nodes: Sequence[str]) -> None:
        layers = sorted({owner_of_node(node, self.model) for node in nodes})
        if layers:
            warnings.warn(
                f"export: {', '.join(layers)} computes in float32: onnxruntime has products of int8 for LSTM alone, of "
                "1,024 weights or more. The weights are stored as int8.",
                stacklevel=6,
            )

    def _compute_in_float32(self) -> None:
        whole = in_float32(self.model)
        if whole is not self.model:
            check_rebuilt(self.model, whole, self.signature)
            self.model, self.signature = whole, self.signature.in_float32()

    def _answer_with_labels(self, graph: onnx.GraphProto, labels: Sequence[str]) -> str:
        """Adds what names classes; returns whether the output was probabilities or logits."""
        if len(graph.output) != 1:
            raise ValueError(f"export: labels belong to a model with one output; received {len(graph.output)} outputs.")
        scores = graph.output[0]
        dims = scores.type.tensor_type.shape.dim
        columns = dims[-1].dim_value
        if len(dims) != 2 or columns != self.columns_of(labels, columns):
            raise ValueError(
                f"export: {len(labels)} labels need an output (batch, {len(labels)}), or (batch, 1) for two; the "
                f"model's has {len(dims)} axes and {columns} columns."
            )
        kind = self.kind_of_scores(graph)
        rename_values(graph, {scores.name: "scores"})
        self.add_labels(graph, labels, "scores", columns, kind)
        return kind

    def kind_of_scores(self, graph: onnx.GraphProto) -> str:
        """``"probabilities"`` or ``"logits"``: what the model's output is."""
        return kind_of_scores(self.users_model, graph, self.options.scores)

    def _take_text(self, graph: onnx.GraphProto, vocabulary: Vocabulary) -> None:
        ids = graph.input[0]
        dtype = ids.type.tensor_type.elem_type
        max_length, min_length = self.lengths(vocabulary)
        nodes = add_text_to_ids(graph, vocabulary, "text", ids.name, max_length, min_length, self.masks_padding, dtype)
        rest = list(graph.node)
        del graph.node[:]
        graph.node.extend([*nodes, *rest])
        settings = list(graph.input)[1:]
        del graph.input[:]
        graph.input.extend([helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"]), *settings])


def _with_text_layer(model: keras.Model, options: Options) -> keras.Model:
    """Puts a layer that makes ids of texts in front of a model."""
    layer = options.text_layer
    if not isinstance(layer, keras.layers.TextVectorization):
        raise TypeError(f"export: text_layer is a keras.layers.TextVectorization; received {type(layer).__name__}.")
    if options.vocabulary is not None or options.input_signature is not None:
        raise ValueError(
            "export: text_layer makes the model's input of texts. Leave vocabulary and input_signature out."
        )
    if not options.text:
        raise ValueError("export: text_layer lets the file take text. Leave text=False out.")
    text = keras.Input((), dtype="string", name="text")
    return keras.Model(text, model(layer(text)), name=model.name)


def _all_finite(answer: np.ndarray) -> bool:
    return answer.dtype.kind != "f" or bool(np.isfinite(answer).all())


def _some_numbers(answer: np.ndarray) -> bool:
    return answer.dtype.kind != "f" or not answer.size or not np.isnan(answer).all()


def _check_choices(options: Options) -> None:
    for name, choices in CHOICES.items():
        value = getattr(options, name)
        if value not in choices:
            raise ValueError(f"export: {name} is {' or '.join(map(repr, choices))}; received {value!r}.")
    if options.dtype and options.quantize:
        raise ValueError("export: dtype='float16' is for CUDA and quantize='int8' for the CPU. Pass one of them.")


def _check_ids_input(signature: ModelSignature) -> None:
    """A file takes text in the place of one input of ids."""
    specs = signature.specs
    if len(specs) != 1 or specs[0].shape.rank != 2 or not specs[0].dtype.is_integer:
        received = [
            (name, spec.shape, spec.dtype.name) for name, spec in zip(signature.input_names, specs, strict=True)
        ]
        raise ValueError(
            f"export: with text=True the model's one input is ids (batch, time); received {received}. Pass text=False."
        )


def _check_enough_rows(name: str, vocabulary: Vocabulary, rows: int | None) -> None:
    if rows is not None and rows < len(vocabulary):
        hint = (
            "If the model was trained on what a TextVectorization gives, pass Vocabulary.from_keras(layer, "
            "keras_ids=True)."
            if vocabulary.from_other_ids or len(vocabulary) - rows <= len(vocabulary.reserved)
            else "Pass the vocabulary that the model was trained with."
        )
        raise ValueError(
            f"export: the vocabulary has {len(vocabulary)} ids, and the embedding of model {name!r} {rows} rows. "
            + hint
        )


def _check_weights(model: keras.Model) -> None:
    try:
        check_finite_weights(model)
    except ValueError as error:
        raise VerificationError(f"export: {error} Nothing was written. Check the model for NaN.") from error

"""Exports a Keras model to one ONNX file."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import onnx
from onnx import TensorProto, helper

from keras_seqkit import samplers
from keras_seqkit.models import Seq2SeqTranslator, TextClassifier, TextGenerator, TextRegressor
from keras_seqkit.models.text_encoder_model import TextEncoderModel
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.files import write_atomically
from seqkit_onnx.export_checks import (
    check_backend,
    check_choices,
    check_ids_input,
    check_no_generator,
    check_no_word_vectors,
    check_path,
    check_rows,
    check_scores,
    check_states,
)
from seqkit_onnx.generator_export import export_generator
from seqkit_onnx.graphs.labels import add_labels, add_several_labels
from seqkit_onnx.graphs.no_rows import answer_no_rows
from seqkit_onnx.graphs.text_to_ids import add_text_to_ids
from seqkit_onnx.kind_of_scores import kind_of_scores
from seqkit_onnx.lowering.carried_state import carried_states
from seqkit_onnx.lowering.choice_by_rows import always, both_sides, never, where_faster
from seqkit_onnx.lowering.conversion import convert
from seqkit_onnx.lowering.half_precision import computes_in_half, to_float16
from seqkit_onnx.lowering.id_limits import id_limits, initial_states
from seqkit_onnx.lowering.other_precision import default_policy, in_float32
from seqkit_onnx.lowering.passes import move_weights_into_branches, remove_identities, rename_values
from seqkit_onnx.lowering.quantization import to_int8
from seqkit_onnx.lowering.signature import ModelSignature, model_signature
from seqkit_onnx.metadata import declare_operator_sets, open_checked, serialize, write_metadata
from seqkit_onnx.translator_export import export_translator
from seqkit_onnx.verification import (
    Verification,
    check,
    check_rebuilt,
    check_weights,
    compare_on_own_samples,
)

RECURRENCES = {"native": never, "scan": always, "auto": where_faster}


def export(
    model: keras.Model,
    path: str | os.PathLike,
    text: bool = True,
    labels: Sequence[str] | None = None,
    vocabulary: Vocabulary | None = None,
    input_signature: Any = None,
    verify: bool = True,
    padding: str | None = None,
    dtype: str | None = None,
    quantize: str | None = None,
    recurrence: str = "native",
    sampler: Any = None,
    step: bool = False,
    scores: str | None = None,
) -> None:
    """Writes a trained model as one ONNX file that a stock onnxruntime runs.

    Recurrent layers become native `LSTM`, `GRU` and `RNN` operators, masked ones too. The file is checked, opened and
    compared with Keras before it takes the place of an older one. A model that computes in half precision is exported
    in float32. Other threads may use Keras, and this model, meanwhile; exports run one after the other.

    Args:
        model: a `TextClassifier`, a `TextGenerator`, a `Seq2SeqTranslator`, or any built Keras model.
        path: the file to write, in a folder that is there; a name that does not end in ``.onnx`` is warned of.
        text: whether the file takes strings, where a vocabulary is known; else ids, int32 (batch, time).
        labels: names of the classes, for a model with one output: the file then answers with `label` and
            `probabilities`. `None`: those of a `TextClassifier`; for other models there are none.
        vocabulary: for a model other than `TextClassifier` whose one input are ids: what makes them of strings. Where
            the model was trained on what a `TextVectorization` gives: ``Vocabulary.from_keras(layer, keras_ids=True)``.
        input_signature: `keras.InputSpec`, or a list or dict of them, where the model does not know its inputs, or
            other ones are wanted than those that it was first called with.
        verify: whether the answers are compared with Keras's, on samples made up for it: ids over the whole range of
            the embeddings, padding of every kind, several lengths and batch sizes.
        padding: ``"post"`` promises that all padding will stand after the sequence, so that nothing has to be moved;
            `None`: masks may be of any kind. A file that takes text needs no promise.
        dtype: ``"float16"``: the file computes in half precision, for CUDA; `None`: in float32.
        quantize: ``"int8"``: weights of a quarter of the size, for the CPU; `None`: weights as they are.
        recurrence: ``"native"``: recurrent layers become ONNX's operators. ``"auto"``: they become `Scan` loops of few
            nodes too, where the CPU runs those faster, and each run takes operator or loop by its number of texts.
            ``"scan"``: `GRU` and `SimpleRNN` become such loops alone. On a GPU loops are slower.
        sampler: for a `TextGenerator`, how the file chooses tokens: a `Sampler` or its name; `None`: the one
            that it was compiled with, else `RandomSampler`.
            Temperature, top-k, top-p and seed remain inputs.
        step: for a `TextGenerator`, whether the file writes one token a call, and the caller carries the states: for
            streams, and for many sessions at once.
        scores: with `labels`, what the model's output is: ``"probabilities"``, or ``"logits"``, of which the file takes
            the sigmoid (one column) or softmax. `None`: found out from the model; an error where it cannot be known.

    Raises:
        ValueError: the model was never built, the labels do not fit its output, an argument has a value that is not
            known, the path names no file, or a layer cannot be exported.
        TypeError: the path is no path.
        VerificationError: the file and Keras differ by more than `TOLERANCES` allow.
        OSError: the file cannot be written, which is found before the work where it can be; an older one stays.

    Example:
    >>> import keras, tempfile, os
    >>> ids = keras.Input((None,), dtype="int32", name="ids")
    >>> states = keras.layers.GRU(4)(keras.layers.Embedding(10, 3, mask_zero=True)(ids))
    >>> model = keras.Model(ids, keras.layers.Dense(2, activation="softmax", name="topic")(states))
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> export(model, path, text=False, verify=True)
    >>> from seqkit_onnx import load
    >>> load(path).predict([[1, 2, 0]])["topic"].shape
    (1, 2)
    """
    check_backend()
    check_path(path)
    check_choices(padding, dtype, quantize, recurrence, tuple(RECURRENCES))
    check_no_word_vectors(model)
    if isinstance(model, (TextGenerator, Seq2SeqTranslator)):
        model = in_float32(model)
        others = {"labels": labels, "vocabulary": vocabulary, "input_signature": input_signature, "padding": padding}
        others |= {
            "scores": scores,
            "dtype": dtype,
            "quantize": quantize,
            "recurrence": None if recurrence == "native" else recurrence,
        }
        with default_policy("float32"):  # of the models that stand around it while it is traced
            return _export_writer(model, path, text, sampler, step, verify, others)
    check_no_generator(model, sampler, step)
    check_weights(model)
    check_scores(scores, labels, isinstance(model, TextClassifier))
    labels, vocabulary, scores = _of_our_own(model, labels, vocabulary, scores)
    ours, several = isinstance(model, TextEncoderModel), isinstance(model, TextClassifier) and model.multi_label
    signature = model_signature(model, input_signature if not ours else model.input_spec_of_ids())
    if isinstance(model, TextRegressor):
        signature = replace(signature, output_names=("value",))
    model, signature = _in_float32(model, signature)
    tokens = vocabulary if text else None
    if tokens is not None:
        check_ids_input(signature)
    # LabelEncoder gives int64, and our own networks take that as well as int32: one Cast less.
    traced = signature.with_dtype("int64") if ours and tokens is not None else signature
    right_padded = "all" if padding == "post" else () if tokens is None else signature.input_names
    proto = convert(model, traced, right_padded, RECURRENCES[recurrence])
    graph = proto.graph
    states = carried_states(graph, len(signature.input_names), len(signature.output_names))
    check_states(states, text_or_labels=tokens is not None or labels is not None)
    about: dict[str, str] = {}
    if labels is not None:
        about["scores"] = _answer_with_labels(model, graph, labels, scores, several)
    limits, begins_with = id_limits(graph), initial_states(graph)
    if tokens is not None:
        check_rows(model.name, ours, tokens, limits.get(signature.input_names[0]))
        _take_text(graph, tokens, *_lengths(model, signature, tokens), masks_padding=ours)
    remove_identities(graph)
    declare_operator_sets(proto)
    precision = dtype or quantize
    if precision:
        proto = to_float16(proto) if dtype else to_int8(proto)
    _finish(proto.graph, tokens is not None or labels is not None)
    kind = "multi_label_classifier" if labels is not None and several else None
    write_metadata(proto, model, labels, tokens, states, about, kind)
    network = open_checked(proto, model)
    if verify or precision:
        row_counts = [] if signature.batch else both_sides(graph)
        asked = (
            signature,
            tokens,
            padding == "post",
            row_counts,
            limits,
            precision,
            computes_in_half(graph),
            begins_with,
        )
        found = compare_on_own_samples(model, network, *asked)
        if verify:
            check(found, precision)
        if precision:
            write_metadata(proto, model, labels, tokens, states, {**about, **_as_metadata(precision, found)}, kind)
    return write_atomically(path, serialize(proto))


def _of_our_own(
    model: keras.Model, labels: Sequence[Any] | None, vocabulary: Vocabulary | None, scores: str | None
) -> tuple[Sequence[str] | None, Vocabulary | None, str | None]:
    """Returns labels, vocabulary and what the output is: what our own models know, and what is given for others."""
    if isinstance(model, TextEncoderModel):
        vocabulary = model.vocabulary
    if isinstance(model, TextClassifier):
        labels, scores = labels or model.label_names, "probabilities"
    return None if labels is None else [str(label) for label in labels], vocabulary, scores


def _in_float32(model: keras.Model, signature: ModelSignature) -> tuple[keras.Model, ModelSignature]:
    whole = in_float32(model)
    if whole is model:
        return model, signature
    check_rebuilt(model, whole, signature)
    return whole, signature.in_float32()


def _finish(graph: onnx.GraphProto, for_texts: bool) -> None:
    move_weights_into_branches(graph)
    if for_texts:  # whoever calls other networks makes the arrays, and would pay for the copy
        answer_no_rows(graph)


def _export_writer(
    model: TextGenerator | Seq2SeqTranslator,
    path: str | os.PathLike,
    text: bool,
    sampler: Any,
    step: bool,
    verify: bool,
    others: dict[str, Any],
) -> None:
    if isinstance(model, TextGenerator):
        sampler = samplers.get(model.default_sampler if sampler is None else sampler)
        return export_generator(model, path, text, sampler, step, verify, others)
    return export_translator(model, path, text, verify, {**others, "sampler": sampler, "step": step or None})


def _as_metadata(precision: str, found: Verification) -> dict[str, str]:
    return {
        "precision": precision,
        "largest_difference": f"{found.largest_difference:.2e}",
        "label_agreement": f"{found.label_agreement:.4f}",
        "compared_samples": str(found.count),
    }


def _lengths(model: keras.Model, signature: ModelSignature, vocabulary: Vocabulary) -> tuple[int | None, int]:
    """Returns how many tokens a text has at most and at least."""
    if isinstance(model, TextEncoderModel):
        return model.max_length, model.min_length
    time = signature.specs[0].shape[1] or vocabulary.length
    return time, time or 1


def _answer_with_labels(
    model: keras.Model, graph: onnx.GraphProto, labels: Sequence[str], scores_are: str | None, several: bool
) -> str:
    """Adds label and probabilities; returns whether the output was probabilities or logits."""
    if len(graph.output) != 1:
        raise ValueError(f"export: labels belong to a model with one output; received {len(graph.output)} outputs.")
    scores = graph.output[0]
    dims = scores.type.tensor_type.shape.dim
    columns = dims[-1].dim_value
    if len(dims) != 2 or columns != (1 if len(labels) == 2 and columns == 1 and not several else len(labels)):
        raise ValueError(
            f"export: {len(labels)} labels need an output (batch, {len(labels)}), or (batch, 1) for two; the model's "
            f"has {len(dims)} axes and {columns} columns."
        )
    kind = kind_of_scores(model, graph, scores_are)
    rename_values(graph, {scores.name: "scores"})
    if several:
        add_several_labels(graph, labels, "scores")
        return kind
    graph.node.extend(add_labels(graph, labels, "scores", columns, "probabilities", "label", kind == "logits"))
    label = helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(labels)])
    del graph.output[:]
    graph.output.extend([label, probabilities])
    return kind


def _take_text(
    graph: onnx.GraphProto, vocabulary: Vocabulary, max_length: int | None, min_length: int, masks_padding: bool
) -> None:
    ids = graph.input[0]
    dtype = ids.type.tensor_type.elem_type
    nodes = add_text_to_ids(graph, vocabulary, "text", ids.name, max_length, min_length, masks_padding, dtype)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    settings = list(graph.input)[1:]
    del graph.input[:]
    graph.input.extend([helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"]), *settings])

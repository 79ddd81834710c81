"""Exports a Keras model to one ONNX file."""

import importlib.metadata
import json
import os
from collections.abc import Sequence
from typing import Any

import keras
import onnx
from onnx import TensorProto, helper

from keras_seqkit.models import TextClassifier
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.files import write_atomically
from seqkit_onnx.graphs.labels import add_labels
from seqkit_onnx.graphs.text_to_ids import MICROSOFT_DOMAIN, ML_DOMAIN, add_text_to_ids
from seqkit_onnx.lowering.conversion import OPSET, convert
from seqkit_onnx.lowering.passes import remove_identities, rename_values
from seqkit_onnx.lowering.signature import ModelSignature, model_signature
from seqkit_onnx.runtime.loading import open_model
from seqkit_onnx.verification import check_own_samples

FORMAT_VERSION = "1"


def export(
    model: keras.Model,
    path: str | os.PathLike,
    text: bool = True,
    labels: Sequence[str] | None = None,
    vocabulary: Vocabulary | None = None,
    input_signature: Any = None,
    verify: bool = False,
) -> None:
    """Writes a trained model as one ONNX file that a stock onnxruntime runs.

    Recurrent layers become native `LSTM`, `GRU` and `RNN` operators, masked ones too. The file is checked and opened
    before it takes the place of an older one.

    Args:
        model: a `TextClassifier`, or any built Keras model.
        path: the file to write.
        text: whether the file takes strings, where a vocabulary is known; else ids, int32 (batch, time).
        labels: names of the classes, for a model with one output: the file then answers with `label` and
            `probabilities`. `None`: those of a `TextClassifier`; for other models there are none.
        vocabulary: for a model other than `TextClassifier` whose one input are ids: what makes them of strings.
        input_signature: `keras.InputSpec`, or a list or dict of them, for a subclassed model.
        verify: whether the answers are compared with Keras's, on samples made up for it.

    Raises:
        ValueError: the model was never built, the labels do not fit its output, or a layer cannot be exported.
        VerificationError: the file and Keras differ by more than `TOLERANCE`.
        OSError: the file cannot be written; an older one stays.

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
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"export: Keras runs on {keras.backend.backend()!r} here, and exports go through TensorFlow. Save the "
            "model as .keras, and load and export it in a process with KERAS_BACKEND=tensorflow."
        )
    classifier = isinstance(model, TextClassifier)
    if classifier:
        labels, vocabulary = labels or model.labels, model.vocabulary
    signature = model_signature(model, input_signature if not classifier else model.input_spec_of_ids())
    tokens = vocabulary if text else None
    if tokens is not None:
        _check_ids_input(signature)
    # LabelEncoder gives int64, and a classifier takes that as well as int32: one Cast less.
    traced = signature.with_dtype("int64") if classifier and tokens is not None else signature
    proto = convert(model, traced, right_padded_inputs=() if tokens is None else signature.input_names)
    graph = proto.graph
    if labels is not None:
        _answer_with_labels(graph, list(labels))
    if tokens is not None:
        _take_text(graph, tokens, *_lengths(model, signature), masks_padding=classifier)
    remove_identities(graph)
    _describe(proto, "classifier" if labels is not None else "model", model, labels, tokens)
    onnx.checker.check_model(proto, full_check=True)
    content = proto.SerializeToString(deterministic=True)
    network = open_model(content, ["CPUExecutionProvider"])
    if verify:
        check_own_samples(model, network, signature, tokens)
    write_atomically(path, content)


def _lengths(model: keras.Model, signature: ModelSignature) -> tuple[int | None, int]:
    """Returns how many tokens a text has at most and at least."""
    if isinstance(model, TextClassifier):
        return model.max_length, model.min_length
    time = signature.specs[0].shape[1]
    return time, time or 1


def _check_ids_input(signature: ModelSignature) -> None:
    specs = signature.specs
    if len(specs) != 1 or specs[0].shape.rank != 2 or not specs[0].dtype.is_integer:
        received = [
            (name, spec.shape, spec.dtype.name) for name, spec in zip(signature.input_names, specs, strict=True)
        ]
        raise ValueError(
            f"export: with text=True the model's one input is ids (batch, time); received {received}. Pass text=False."
        )


def _answer_with_labels(graph: onnx.GraphProto, labels: list[str]) -> None:
    if len(graph.output) != 1:
        raise ValueError(f"export: labels belong to a model with one output; received {len(graph.output)} outputs.")
    dims = graph.output[0].type.tensor_type.shape.dim
    columns = dims[-1].dim_value
    if len(dims) != 2 or columns != (1 if len(labels) == 2 and columns == 1 else len(labels)):
        raise ValueError(
            f"export: {len(labels)} labels need an output (batch, {len(labels)}), or (batch, 1) for two; the model's "
            f"has {len(dims)} axes and {columns} columns."
        )
    scores = graph.output[0].name
    rename_values(graph, {scores: "scores"})
    graph.node.extend(add_labels(graph, labels, "scores", columns, "probabilities", "label"))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"]))
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(labels)]))


def _take_text(
    graph: onnx.GraphProto, vocabulary: Vocabulary, max_length: int | None, min_length: int, masks_padding: bool
) -> None:
    ids = graph.input[0]
    dtype = ids.type.tensor_type.elem_type
    nodes = add_text_to_ids(graph, vocabulary, "text", ids.name, max_length, min_length, masks_padding, dtype)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"]))


def _describe(
    proto: onnx.ModelProto, kind: str, model: keras.Model, labels: Sequence[str] | None, vocabulary: Vocabulary | None
) -> None:
    """Writes the metadata and the operator sets."""
    version = importlib.metadata.version("keras-seqkit")
    metadata = {
        "kind": kind,
        "format_version": FORMAT_VERSION,
        "keras_seqkit_version": version,
        "keras_version": keras.__version__,
        "model_name": model.name,
    }
    if labels is not None:
        metadata["labels"] = json.dumps(list(labels), ensure_ascii=False)
    if vocabulary is not None:
        metadata["vocabulary_digest"] = vocabulary.digest
        metadata["vocabulary_size"] = str(len(vocabulary))
    helper.set_model_props(proto, metadata)
    proto.producer_name, proto.producer_version = "keras-seqkit", version
    proto.graph.name = model.name
    del proto.opset_import[:]
    for domain, opset in (("", OPSET), (ML_DOMAIN, 3), (MICROSOFT_DOMAIN, 1)):
        proto.opset_import.append(helper.make_opsetid(domain, opset))

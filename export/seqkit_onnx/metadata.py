"""What a file says of itself."""

import importlib.metadata
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import onnx
from onnx import helper

from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.verification import Verification
from seqkit_onnx.conversion import IR_VERSIONS, OPSET
from seqkit_onnx.layer_walk import owner_of_node
from seqkit_onnx.recurrence.carried_state import CarriedState
from seqkit_onnx.runtime.content_digest import KEY, digest_entry
from seqkit_onnx.runtime.loading import FORMAT_VERSION, PRODUCER, open_model
from seqkit_onnx.text.text_to_ids import MICROSOFT_DOMAIN, ML_DOMAIN
from seqkit_onnx.tracing.refusals import UnsupportedLayerError


def declare_operator_sets(proto: onnx.ModelProto, opset: int = OPSET) -> None:
    """Writes down which operator sets a file uses, and the version of the format that came with them."""
    proto.ir_version = IR_VERSIONS[opset]
    del proto.opset_import[:]
    for domain, version in (("", opset), (ML_DOMAIN, 3), (MICROSOFT_DOMAIN, 1)):
        proto.opset_import.append(helper.make_opsetid(domain, version))


def open_checked(proto: onnx.ModelProto, model: keras.Model | None = None) -> Any:
    """Checks a finished file, and opens it with onnxruntime.

    Args:
        proto: the file.
        model: what it was made of, by which an error names the layer.

    Raises:
        UnsupportedLayerError: onnxruntime cannot run it; the message names the layer.
    """
    try:
        onnx.checker.check_model(proto, full_check=True)
        return open_model(serialize(proto), ["CPUExecutionProvider"])
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        reason = " ".join(str(error.__cause__ or error).split()).removesuffix(".")
        raise UnsupportedLayerError(_why_it_does_not_run(reason, proto, model)) from error


def _why_it_does_not_run(reason: str, proto: onnx.ModelProto, model: keras.Model | None) -> str:
    named = [node for node in _all_nodes(proto.graph) if node.name and re.search(_whole(node.name), reason)]
    node = max(named, key=lambda each: len(each.name), default=None)
    what = "the model" if model is None else f"model {model.name!r}"
    if node is not None and model is not None:
        what = owner_of_node(node.name, model)
    operator = f"ONNX's {node.op_type}" if node is not None else "an operator"
    return (
        f"export: {what} needs {operator} in a way that onnxruntime does not run ({reason}). Write it with other "
        "operations of keras.ops or in another dtype, such as float32 or int32, or leave it out of the model that is "
        "exported."
    )


def _whole(name: str) -> str:
    """A pattern for a node's name in a message, and not in a longer name."""
    return rf"(?:'|\(|name: ){re.escape(name)}(?:'|\))"


def _all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _all_nodes(inner)


def serialize(proto: onnx.ModelProto) -> bytes:
    """Returns the bytes of a finished model: the same for the same model, and with a digest of all of them at the end.

    Args:
        proto: the model; it stays as it is, and where it has a digest already, that is left out.
    """
    if any(each.key == KEY for each in proto.metadata_props):
        proto = onnx.ModelProto.FromString(proto.SerializeToString())
        rest = [each for each in proto.metadata_props if each.key != KEY]
        del proto.metadata_props[:]
        proto.metadata_props.extend(rest)
    content = proto.SerializeToString(deterministic=True)
    return content + digest_entry(content)  # serialized fields that stand one behind the other are one message


def write_metadata(proto: onnx.ModelProto, name: str, kind: str, about: Mapping[str, str]) -> None:
    """Writes the metadata, the version of their format last, so that a file that was cut does not have it.

    Args:
        proto: the file; changed in place.
        name: of the model that it was made of.
        kind: what `load` makes of it.
        about: what else it says of itself.
    """
    version = importlib.metadata.version("keras-seqkit")
    metadata = {
        "kind": kind,
        "keras_seqkit_version": version,
        "keras_version": keras.__version__,
        "model_name": name,
        **about,
        "format_version": FORMAT_VERSION,
    }
    helper.set_model_props(proto, metadata)
    proto.producer_name, proto.producer_version = PRODUCER, version
    proto.graph.name = name


def of_labels(labels: Sequence[str] | None) -> dict[str, str]:
    """What a file says of its labels."""
    return {} if labels is None else {"labels": json.dumps(list(labels), ensure_ascii=False)}


def of_vocabulary(vocabulary: Vocabulary | None) -> dict[str, str]:
    """What a file that takes text says of the vocabulary in it."""
    if vocabulary is None:
        return {}
    return {"vocabulary_digest": vocabulary.digest, "vocabulary_size": str(len(vocabulary))}


def of_states(states: Sequence[CarriedState]) -> dict[str, str]:
    """What a file says of the states that its caller carries."""
    return {"states": json.dumps([state._asdict() for state in states])} if states else {}


def of_stream(inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """What a file that takes a sequence chunk by chunk says of which inputs and outputs have its steps, axis 1."""
    return {"stream": json.dumps({"inputs": list(inputs), "outputs": list(outputs)})}


def of_settings(defaults: Mapping[str, Any]) -> dict[str, str]:
    """What a file says of settings that its inputs have no defaults for."""
    return {"settings": json.dumps(dict(defaults))} if defaults else {}


def of_precision(precision: str, found: Verification) -> dict[str, str]:
    """What a file that was asked to be less exact says of how exact it is.

    Args:
        precision: ``"float16"``, ``"int8"`` or ``"int8_dynamic"``.
        found: what was measured.
    """
    return {
        "precision": precision,
        "largest_difference": f"{found.largest_difference:.2e}",
        "label_agreement": f"{found.label_agreement:.4f}",
        "compared_samples": str(found.count),
    }

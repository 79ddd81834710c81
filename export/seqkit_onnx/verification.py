"""Compares an exported file with the Keras model that it came from."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import onnx

from keras_seqkit import samplers
from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.samples import sample_inputs, sample_texts
from seqkit_onnx.comparison.verification import TOLERANCE, TOLERANCES, Verification, VerificationError, check
from seqkit_onnx.kinds import Options, kind_for
from seqkit_onnx.passes.cuda_placement import nodes_kept_on_cpu
from seqkit_onnx.runtime.loading import load

__all__ = [
    "TOLERANCE",
    "TOLERANCES",
    "Verification",
    "VerificationError",
    "check",
    "sample_inputs",
    "sample_texts",
    "verify",
]


def verify(
    model: keras.Model, path: str | os.PathLike, texts: Any, vocabulary: Vocabulary | None = None
) -> Verification:
    """Compares the answers of a file with those of Keras.

    A model that computes in half precision is compared with itself in float32, in which it is exported.

    Args:
        model: the model that was exported.
        path: the file.
        texts: a list of strings for a text classifier; prompts for a `TextGenerator`, behind each of which both write
            40 tokens with one seed, by the file's sampler; sentences for a `Seq2SeqTranslator`, which both translate
            greedily and by three beams. For any other model, or a network's file that takes ids, what
            ``model.predict`` takes.
        vocabulary: the one that was given to `export`, where the model has none of its own and the file takes text.

    Returns:
        A `Verification`.

    Raises:
        ValueError: there are no texts, the file is of another kind than the model's, it takes text and there is no
            vocabulary, or its sampler is of a class that is not defined here.

    Example:
    >>> import os, tempfile
    >>> from keras_seqkit import TextGenerator, Vocabulary
    >>> from seqkit_onnx import export
    >>> model = TextGenerator(Vocabulary.from_texts(["to be or not to be"], level="char"), units=(4,), embedding=3)
    >>> path = os.path.join(tempfile.mkdtemp(), "writer.onnx")
    >>> export(model, path, sampler="greedy")
    >>> verify(model, path, ["to be", "or"]).label_agreement
    1.0
    """
    file = load(path, ["CPUExecutionProvider"])
    kind = kind_for(model, options_of(file, vocabulary))
    if kind.name != file.metadata.get("kind"):
        raise ValueError(
            f"verify: the file is a {file.metadata.get('kind')}, and a {type(model).__name__} is exported as a "
            f"{kind.name}. Pass the model that the file was made of."
        )
    with kind.around():
        found = kind.compare(file, texts)
    found.kept_on_cpu = nodes_kept_on_cpu(onnx.load(path))
    return found


def options_of(file: Any, vocabulary: Vocabulary | None = None) -> Options:
    """Returns what a file was exported with, as far as answers depend on it.

    Args:
        file: what `load` gives for it.
        vocabulary: the one that was given to `export`, if any.
    """
    about: Mapping[str, str] = file.metadata
    return Options(
        text=file.takes_text,
        labels=json.loads(about["labels"]) if "labels" in about else None,
        vocabulary=vocabulary,
        sampler=_sampler(json.loads(about["sampler"])) if "sampler" in about else None,
        step=about.get("kind") == "generator_step",
        scores=about.get("scores"),
        stream="stream" in about,
    )


def _sampler(described: Mapping[str, Any]) -> samplers.Sampler:
    known = {each.__name__: each for each in _with_subclasses(samplers.Sampler)}
    kind = known.get(described["class_name"])
    if kind is None:
        raise ValueError(
            f"verify: the file's sampler is a {described['class_name']}, which is not defined here. Import the module "
            "that defines it."
        )
    return kind.from_config(described["config"])


def _with_subclasses(kind: type[samplers.Sampler]) -> Iterator[type[samplers.Sampler]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _with_subclasses(each)

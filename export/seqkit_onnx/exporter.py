"""Exports a Keras model to one ONNX file."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.files import write_atomically
from seqkit_onnx.comparison.verification import Verification
from seqkit_onnx.conversion import OPSET
from seqkit_onnx.export_checks import check_backend, check_path
from seqkit_onnx.kinds import FileKind, Options, kind_for
from seqkit_onnx.metadata import of_precision, of_settings, open_checked, serialize, write_metadata
from seqkit_onnx.passes.require_settings import require_settings


def export(
    model: keras.Model,
    path: str | os.PathLike,
    *,
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
    settings: str = "optional",
    opset: int = OPSET,
    shapes: Mapping[str, int] | None = None,
    text_layer: Any = None,
    stream: bool = False,
) -> None:
    """Writes a trained model as one ONNX file that a stock onnxruntime runs.

    Recurrent layers become native `LSTM`, `GRU` and `RNN` operators, masked ones too. The file is checked, opened and
    compared with Keras before it takes the place of an older one. A model that computes in half precision is exported
    in float32. Other threads may use Keras, and this model, meanwhile; exports run one after the other.

    Args:
        model: a `TextClassifier`, a `TextGenerator`, a `Seq2SeqTranslator`, or any built Keras model.
        path: the file to write, in a folder that is there; a name that does not end in ``.onnx`` is warned of.
        text: whether the file takes strings, where a vocabulary is known; else ids, int32 (batch, time). A model that
            takes strings itself has a file that does.
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
        quantize: ``"int8"``: weights of a quarter of the size, for the CPU. ``"int8_dynamic"``: LSTM and
            large dense layers compute in int8 too, 1.4 to 3.5 times as fast, and an answer depends a little on the
            rows beside it. `None`: weights as they are.
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
        settings: ``"optional"``: callers may leave out the file's settings, such as temperature or beams. JavaScript
            and Java cannot feed such inputs: ``"required"`` makes them plain inputs, whose defaults the metadata name;
            what `load` returns fills them in.
        opset: of ONNX. For a file that takes no text, 18 and 19 open in older runtimes: 18 in onnxruntime 1.14.
        shapes: for a file that takes no text, sizes of axes that would vary, for runtimes that want all of them
            fixed: ``{"batch": 1, "time": 60}``.
        text_layer: for a model that was trained on what a `keras.layers.TextVectorization` outside of it gives: that
            layer. The file then takes `text`, string (batch,). Layers inside a model become part of its file anyway:
            `TextVectorization`, `StringLookup` and `IntegerLookup`.
        stream: for a recurrent model of your own that runs forward in time, whether the file takes a sequence chunk by
            chunk: its states are inputs and outputs, and begin with zeros. Layers that need later steps are refused.

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
    options = Options(
        text=text,
        labels=labels,
        vocabulary=vocabulary,
        input_signature=input_signature,
        padding=padding,
        dtype=dtype,
        quantize=quantize,
        recurrence=recurrence,
        sampler=sampler,
        step=step,
        scores=scores,
        settings=settings,
        opset=opset,
        shapes=shapes,
        text_layer=text_layer,
        stream=stream,
    )
    write_file(model, path, options, verify)


def write_file(
    model: keras.Model, path: str | os.PathLike, options: Options, verify: bool = True
) -> Verification | None:
    """Writes a file; see `export`.

    Args:
        model: see `export`.
        path: see `export`.
        options: its other arguments.
        verify: see `export`.

    Returns:
        How far the file is from Keras; `None` where nothing was compared.
    """
    check_backend()
    check_path(path)
    kind = kind_for(model, options)
    kind.refuse_what_it_does_not_take()
    with kind.around():
        return _write(kind, path, verify)


def _write(kind: FileKind, path: str | os.PathLike, verify: bool) -> Verification | None:
    proto = kind.draft()
    about = kind.metadata()
    if kind.options.settings == "required":
        about |= of_settings(require_settings(proto.graph))
    write_metadata(proto, kind.model.name, kind.name, about)
    file = open_checked(proto, kind.model)
    precision = kind.options.precision
    found = kind.compare_on_samples(file) if verify or precision else None
    if verify and found is not None:
        kind.check(found)
    if precision and found is not None:
        write_metadata(proto, kind.model.name, kind.name, about | of_precision(precision, found))
    write_atomically(path, serialize(proto))
    return found

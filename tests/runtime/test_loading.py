"""load opens what export wrote, and says clearly why it cannot open anything else."""

import errno
import io
import json
import os
import random
import re
import zipfile
from pathlib import Path

import onnxruntime
import pytest
import seqkit_onnx
from onnx import TensorProto, helper
from seqkit_onnx.runtime import loading
from seqkit_onnx.runtime.classifier import Classifier
from seqkit_onnx.runtime.network import Network


def write_identity(path: Path, opset: int = 20, operator: str = "Identity", **metadata: str) -> Path:
    """A model of one node that says nothing of where it comes from."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "identity", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_classifier_is_opened_as_a_classifier(classifier_path):
    assert type(seqkit_onnx.load(classifier_path)) is Classifier
    assert type(seqkit_onnx.load(Path(classifier_path))) is Classifier


@pytest.mark.parametrize("metadata", [{}, {"kind": "model"}])
def test_a_model_of_another_kind_or_none_is_opened_as_a_network(tmp_path, metadata):
    network = seqkit_onnx.load(write_identity(tmp_path / "identity.onnx", **metadata))
    assert type(network) is Network
    assert network.predict([1.0, 2.0])["y"].tolist() == [1.0, 2.0]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load: there is no file .*missing\.onnx"):
        seqkit_onnx.load(tmp_path / "missing.onnx")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="load: there is no file"):
        seqkit_onnx.load(tmp_path)


@pytest.mark.parametrize("other", [None, 5, ["text.onnx"], object()], ids=lambda other: type(other).__name__)
def test_what_is_no_file_at_all_is_refused(other):
    with pytest.raises(TypeError, match=rf"^load: a path, the file's bytes, or .* received {type(other).__name__}"):
        seqkit_onnx.load(other)


def test_a_file_open_for_text_is_refused_with_advice():
    with pytest.raises(
        TypeError, match=r"^load: a file open for reading bytes .* gives str\. Open it with open\(path, 'rb'\)"
    ):
        seqkit_onnx.load(io.StringIO("onnx"))


@pytest.mark.parametrize("content", [b"not ONNX", b"\xff" * 50])
def test_bytes_that_are_no_onnx_are_refused_in_one_sentence(content, capfd):
    with pytest.raises(
        ValueError, match=r"^load: onnxruntime cannot open the bytes given: [^\n]*\. Export it again\.$"
    ):
        seqkit_onnx.load(content)
    assert capfd.readouterr() == ("", "")


def test_bytes_answer_as_the_file_does(classifier_path):
    content = Path(classifier_path).read_bytes()
    expected = seqkit_onnx.load(classifier_path).predict(["bad film"])
    with Path(classifier_path).open("rb") as stream:
        for given in (content, bytearray(content), memoryview(content), io.BytesIO(content), stream):
            assert seqkit_onnx.load(given).predict(["bad film"]).probabilities.tolist() == (
                expected.probabilities.tolist()
            )


def test_a_file_says_what_it_is(classifier_path, generator_path, translator_path, tmp_path):
    def size(path: str | Path) -> str:
        return f"{Path(path).stat().st_size / 1024:.1f} KiB"

    assert repr(seqkit_onnx.load(classifier_path)) == (
        f"<Classifier: text -> label, probabilities; 3 labels: 'neg', 'pos', 'é 😀'; {size(classifier_path)}>"
    )
    assert repr(seqkit_onnx.load(Path(classifier_path).read_bytes())) == repr(seqkit_onnx.load(classifier_path))
    assert re.fullmatch(
        r"<(Step)?Generator: \w+(, .*)? -> \w+(, .*)?; RandomSampler(; 4 states)?; "
        + re.escape(size(generator_path))
        + ">",
        repr(seqkit_onnx.load(generator_path)),
    )
    assert repr(seqkit_onnx.load(translator_path)) == (
        f"<Translator: text -> translation, score; attention decoder; at most 9 tokens; {size(translator_path)}>"
    )
    path = write_identity(tmp_path / "identity.onnx")
    assert repr(seqkit_onnx.load(path)) == f"<Network: x -> y; {path.stat().st_size} bytes>"
    assert repr(Network(seqkit_onnx.load(path).session)) == "<Network: x -> y>"


def test_many_and_long_labels_are_cut(tmp_path):
    labels = json.dumps(["a" * 100, *map(str, range(10))])
    shown = repr(seqkit_onnx.load(write_identity(tmp_path / "labels.onnx", kind="classifier", labels=labels)))
    assert f"11 labels: '{'a' * 23}…', '0', '1', '2', '3' and 6 more; " in shown
    assert len(shown) < 120


def archive() -> bytes:
    with zipfile.ZipFile(content := io.BytesIO(), "w") as file:
        file.writestr("config.json", "{}")
    return content.getvalue()


GARBAGE = {
    "nothing": b"",
    "a word": b"not ONNX",
    "text": b"Half a page of text.\n" * 100,
    "zeros": b"\0" * 100,
    "ones": b"\xff" * 50,
    "the head of a zip": b"PK\x03\x04",
    "a zip": archive(),
    "a version alone": b"\x08\x09",
    "random": random.Random(0).randbytes(5000),
    "a file of onnxruntime's own format": b"\x18\0\0\0ORTM" + bytes(range(256)),
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_onnx_is_refused_in_one_sentence_and_nothing_is_printed(tmp_path, content, capfd):
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"^load: onnxruntime cannot open .*odd\.onnx: [^\n]*[^.]\. Export it again\.$"
    ):
        seqkit_onnx.load(path)
    assert capfd.readouterr() == ("", "")


def test_what_was_no_utf_8_or_json_is_refused_in_one_sentence_and_nothing_is_printed(tmp_path, capfd):
    """onnxruntime opens such files; its Python part fails, retries, and prints that it does."""
    path = write_identity(tmp_path / "odd.onnx", kind="model", states="[]")
    content = path.read_bytes()
    for old in (b"kind", b"model", b"states", b"[]", b"Identity", b"x", b"y"):
        assert old in content
        path.write_bytes(content.replace(old, b"\xff" * len(old)))
        with pytest.raises(ValueError, match=r"^load: onnxruntime (cannot open|opens) .*odd\.onnx.* again\.$"):
            seqkit_onnx.load(path)
    assert capfd.readouterr() == ("", "")


def test_a_model_with_an_input_that_is_no_tensor_is_refused(tmp_path):
    numbers = helper.make_tensor_type_proto(TensorProto.FLOAT, ["batch"])
    sequence = helper.make_value_info("x", helper.make_sequence_type_proto(numbers))
    length = helper.make_tensor_value_info("y", TensorProto.INT64, [])
    graph = helper.make_graph([helper.make_node("SequenceLength", ["x"], ["y"])], "sequence", [sequence], [length])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path = tmp_path / "sequence.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        ValueError, match=r"sequence\.onnx, but it is no exported file: KeyError\('seq\(tensor\(float\)\)'\)"
    ):
        seqkit_onnx.load(path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_is_named(classifier_path, number, monkeypatch):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(loading, "open", refuse, raising=False)
    with pytest.raises(OSError, match=r"load: .*text\.onnx") as said:
        seqkit_onnx.load(classifier_path)
    assert said.value.errno == number
    assert isinstance(said.value, PermissionError) == (number == errno.EACCES)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match=r"load: there is no file .*pipe"):
        seqkit_onnx.load(tmp_path / "pipe")


def test_a_file_cut_anywhere_is_refused(classifier_path, tmp_path):
    content, path = Path(classifier_path).read_bytes(), tmp_path / "cut.onnx"
    for length in [*range(40), *range(40, len(content), len(content) // 100), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"load: (onnxruntime cannot open )?.*cut\.onnx"):
            seqkit_onnx.load(path)


@pytest.mark.parametrize("arguments", [{"opset": 999}, {"operator": "NoSuchOperator"}])
def test_a_model_that_this_onnxruntime_cannot_run_is_refused(tmp_path, arguments):
    with pytest.raises(ValueError, match="load: onnxruntime cannot open"):
        seqkit_onnx.load(write_identity(tmp_path / "new.onnx", **arguments))


@pytest.mark.parametrize("provider", ["NoSuchProvider", ("NoSuchProvider", {})])
def test_an_unknown_provider_is_named_beside_those_there(classifier_path, provider):
    with pytest.raises(ValueError, match=r"provider NoSuchProvider is not in this onnxruntime.*CPUExecutionProvider"):
        seqkit_onnx.load(classifier_path, ["CPUExecutionProvider", provider])


@pytest.mark.parametrize("providers", ["CPUExecutionProvider", [5], [None]])
def test_providers_that_are_no_list_of_names_are_refused(classifier_path, providers):
    with pytest.raises(TypeError, match="load: providers is a list of names"):
        seqkit_onnx.load(classifier_path, providers)


@pytest.mark.parametrize("providers", [None, ["CPUExecutionProvider"], [("CPUExecutionProvider", {})]])
def test_the_cpu_is_always_among_the_providers(classifier_path, providers):
    assert "CPUExecutionProvider" in seqkit_onnx.load(classifier_path, providers).providers


def test_session_options_are_used(classifier_path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = seqkit_onnx.load(classifier_path, session_options=options).session
    assert session.get_session_options().intra_op_num_threads == 1


class StartsOnTheCPUOnly(onnxruntime.InferenceSession):
    """As where a GPU's driver or libraries are missing: onnxruntime lists the provider, and cannot start it."""

    def __init__(self, model, options, providers, **arguments):
        if providers != ["CPUExecutionProvider"]:
            raise RuntimeError("no driver.")
        super().__init__(model, options, providers, **arguments)


def test_a_provider_that_cannot_start_is_warned_of_and_the_cpu_takes_its_place(classifier_path, monkeypatch, capfd):
    monkeypatch.setattr(onnxruntime, "InferenceSession", StartsOnTheCPUOnly)
    providers = ["AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    with pytest.warns(UserWarning, match=r"text\.onnx runs on the CPU alone, since Azure.* start: no driver\.$"):
        network = seqkit_onnx.load(classifier_path, providers)
    assert network.providers == ["CPUExecutionProvider"]
    assert capfd.readouterr() == ("", "")


def test_a_provider_that_cannot_start_is_an_error_where_the_cpu_was_not_asked_for(classifier_path, monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", StartsOnTheCPUOnly)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["AzureExecutionProvider"])
    with pytest.raises(ValueError, match=r"cannot open .*text\.onnx: no driver\. Export"):
        seqkit_onnx.load(classifier_path, ["AzureExecutionProvider"])

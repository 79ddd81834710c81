"""load opens what export wrote, and says clearly why it cannot open anything else."""

from pathlib import Path

import onnxruntime
import pytest
import seqkit_onnx
from onnx import TensorProto, helper
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


@pytest.mark.parametrize("content", [b"", b"not ONNX", b"\0" * 100, b"PK\x03\x04", b"\xff" * 50, b"\x08\x09"])
def test_what_is_no_onnx_is_refused(tmp_path, content):
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"load: onnxruntime cannot open .*odd\.onnx: .*Export it again\."):
        seqkit_onnx.load(path)


def test_a_file_cut_anywhere_is_refused(classifier_path, tmp_path):
    content, path = Path(classifier_path).read_bytes(), tmp_path / "cut.onnx"
    for length in [*range(40), *range(40, len(content), len(content) // 100), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"load: onnxruntime cannot open .*cut\.onnx"):
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

"""A file that was damaged after its export is not opened, wherever the damage is."""

import io
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper
from seqkit_onnx.metadata import open_checked, serialize
from seqkit_onnx.runtime.content_digest import ENTRY_SIZE, KEY
from seqkit_onnx.runtime.loading import FORMAT_VERSION, PRODUCER, open_model

DAMAGED = r"(?s)load: (onnxruntime cannot open )?.*damaged\.onnx.* again"
WEIGHTS = np.array([[1.5, -2.0], [0.25, 3.0]], np.float32)


def product_model(**metadata: str) -> ModelProto:
    """A matrix product that says it was exported here."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in ("x", "y")]
    weights = numpy_helper.from_array(WEIGHTS, "weights")
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    graph = helper.make_graph([node], "product", values[:1], values[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9, producer_name=PRODUCER)
    about = {"kind": "model", "keras_seqkit_version": "0", "format_version": FORMAT_VERSION}
    helper.set_model_props(model, {**about, **metadata})
    return model


CONTENT = serialize(product_model())


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files") / "damaged.onnx"


def assert_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=DAMAGED):
        seqkit_onnx.load(path)


def answers(path: Path) -> list:
    return seqkit_onnx.load(path).predict(np.eye(2, dtype=np.float32))["y"].tolist()


def test_a_whole_file_answers(damaged):
    damaged.write_bytes(CONTENT)
    assert answers(damaged) == WEIGHTS.tolist()


def test_each_flipped_bit_is_told(damaged):
    for place in range(len(CONTENT)):
        for bit in range(8):
            content = bytearray(CONTENT)
            content[place] ^= 1 << bit
            assert_refused(damaged, bytes(content))


def test_a_file_cut_anywhere_is_told(damaged):
    for length in range(len(CONTENT)):
        assert_refused(damaged, CONTENT[:length])


def test_onnxruntime_alone_answers_wrongly_over_a_flipped_weight():
    """Why there is a digest at all."""
    content = CONTENT.replace(WEIGHTS.tobytes(), (2 * WEIGHTS).tobytes())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [y] = session.run(None, {"x": np.eye(2, dtype=np.float32)})
    assert y.tolist() == (2 * WEIGHTS).tolist()


@settings(max_examples=300)
@given(data=st.data())
def test_any_damage_to_an_exported_file_is_told(classifier_path, damaged, data):
    content = Path(classifier_path).read_bytes()
    start = data.draw(st.integers(0, len(content) - 1), "start")
    length = data.draw(st.integers(0, 600), "length")
    instead = data.draw(st.one_of(st.binary(max_size=8), st.just(bytes(length))), "instead")
    changed = content[:start] + instead + content[start + length :]
    if changed != content:
        assert_refused(damaged, changed)


def test_the_digest_is_the_last_entry_of_the_metadata_and_covers_all_before_it(classifier_path):
    content = Path(classifier_path).read_bytes()
    entry = ModelProto.FromString(content[-ENTRY_SIZE:])
    whole = ModelProto.FromString(content)
    assert [each.key for each in entry.metadata_props] == [KEY]
    assert [each.key for each in whole.metadata_props][-2:] == ["format_version", KEY]
    assert serialize(whole) == content
    onnx.checker.check_model(whole, full_check=True)


class Named(io.BytesIO):
    name = "mine.onnx"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (bytes, "the bytes given"),
        (bytearray, "the bytes given"),
        (memoryview, "the bytes given"),
        (io.BytesIO, "the bytes given"),
        (Named, r"mine\.onnx"),
    ],
)
def test_bytes_are_checked_as_files_are(given, shown):
    assert seqkit_onnx.load(given(CONTENT)).predict([[1.0, 0.0]])["y"].tolist() == [[1.5, -2.0]]
    with pytest.raises(ValueError, match=f"^load: {shown} is damaged, or was changed after its export"):
        seqkit_onnx.load(given(CONTENT.replace(WEIGHTS.tobytes(), (2 * WEIGHTS).tobytes())))
    for length in (0, 10, len(CONTENT) // 2, len(CONTENT) - 1):
        with pytest.raises(ValueError, match=f"^load: (onnxruntime cannot open )?{shown}"):
            seqkit_onnx.load(given(CONTENT[:length]))


def test_an_open_file_is_called_by_its_name(damaged):
    damaged.write_bytes(CONTENT[:-1])
    with damaged.open("rb") as stream, pytest.raises(ValueError, match=DAMAGED):
        seqkit_onnx.load(stream)


def test_what_was_just_exported_is_checked_too():
    with pytest.raises(ValueError, match="load: the model is damaged"):
        open_model(CONTENT.replace(WEIGHTS.tobytes(), (2 * WEIGHTS).tobytes()))
    assert open_checked(product_model()).metadata[KEY] == CONTENT[-64:].decode()


@pytest.mark.parametrize("metadata", [{"format_version": "1"}, {}], ids=["of ours", "of others"])
def test_a_file_from_before_there_were_digests_is_opened(damaged, metadata):
    model = product_model(**metadata)
    if not metadata:
        model.producer_name = "another"
        del model.metadata_props[:]
    damaged.write_bytes(model.SerializeToString())
    assert answers(damaged) == WEIGHTS.tolist()


def test_a_file_that_was_written_again_unchanged_is_opened(classifier_path, damaged):
    onnx.save(onnx.load(classifier_path), damaged)
    assert seqkit_onnx.load(damaged).classes == seqkit_onnx.load(classifier_path).classes


@pytest.mark.parametrize("change", ["a weight", "another entry behind the digest"])
def test_a_file_that_another_tool_has_changed_is_told(damaged, change):
    model = ModelProto.FromString(CONTENT)
    if change == "a weight":
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(2 * WEIGHTS, "weights"))
    else:
        model.metadata_props.add(key="note", value="mine")
    assert_refused(damaged, model.SerializeToString())


def test_what_the_error_advises_for_a_change_on_purpose_works(damaged):
    model = ModelProto.FromString(CONTENT)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(2 * WEIGHTS, "weights"))
    damaged.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=r"remove content_digest .* and set format_version to '1'"):
        seqkit_onnx.load(damaged)
    metadata = {each.key: each.value for each in model.metadata_props if each.key != KEY}
    helper.set_model_props(model, {**metadata, "format_version": "1"})
    damaged.write_bytes(model.SerializeToString())
    assert answers(damaged) == (2 * WEIGHTS).tolist()


def test_a_digest_that_was_removed_alone_is_missed(damaged):
    model = ModelProto.FromString(CONTENT)
    del model.metadata_props[-1]
    damaged.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=r"damaged\.onnx is damaged"):
        seqkit_onnx.load(damaged)

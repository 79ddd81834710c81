"""Network: arrays in, arrays out, for any model."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from seqkit_onnx.runtime.network import Network

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def network_of(**inputs: tuple[str, list]) -> Network:
    """A network that gives each input back as `<name>_out`."""
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in inputs]

    def values(suffix: str) -> list:
        types = {name: helper.np_dtype_to_tensor_dtype(np.dtype(dtype)) for name, (dtype, _) in inputs.items()}
        return [helper.make_tensor_value_info(name + suffix, types[name], axes) for name, (_, axes) in inputs.items()]

    graph = helper.make_graph(nodes, "identities", values(""), values("_out"))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    helper.set_model_props(model, {"kind": "model", "model_name": "é"})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return Network(session)


TWO = network_of(a=("float32", ["batch"]), b=("int32", ["batch", "time"]))


def test_names_providers_and_metadata():
    assert TWO.input_names == ["a", "b"]
    assert TWO.output_names == ["a_out", "b_out"]
    assert TWO.providers == ["CPUExecutionProvider"]
    assert TWO.metadata == {"kind": "model", "model_name": "é"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"a": [1.0, 2.0], "b": [[1], [2]]},
        {"b": [[1], [2]], "a": [1.0, 2.0]},
        [[1.0, 2.0], [[1], [2]]],
        ([1.0, 2.0], np.array([[1], [2]])),
    ],
)
def test_inputs_are_matched_by_name_or_by_order(inputs):
    outputs = TWO.predict(inputs)
    assert list(outputs) == ["a_out", "b_out"]
    assert (outputs["a_out"].tolist(), outputs["b_out"].tolist()) == ([1.0, 2.0], [[1], [2]])


@pytest.mark.parametrize("inputs", [{"a": [1.0]}, {}, {"a": [1.0], "c": [[1]]}, {"a": [1.0], "b": [[1]], "c": [1]}])
def test_missing_and_unknown_names_are_refused(inputs):
    with pytest.raises(ValueError, match=r"predict: the inputs \['a', 'b'\] are expected; received \["):
        TWO.predict(inputs)


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_without_a_step_are_refused(rows: int):
    with pytest.raises(ValueError, match=rf"predict: input 'b' has shape \({rows}, 0\). Give each row a step"):
        TWO.predict({"a": np.ones(rows, np.float32), "b": np.ones((rows, 0), np.int32)})
    assert TWO.predict({"a": np.ones(0, np.float32), "b": np.ones((0, 2), np.int32)})["b_out"].shape == (0, 2)


@pytest.mark.parametrize("inputs", [[], [[1.0]], [[1.0], [[1]], [5]]])
def test_too_few_or_too_many_arrays_are_refused(inputs):
    with pytest.raises(ValueError, match=rf"inputs \['a', 'b'\] are expected; received {len(inputs)} arrays"):
        TWO.predict(inputs)


@pytest.mark.parametrize("inputs", [np.zeros(3), "text", None, 5])
def test_one_array_for_two_inputs_is_refused(inputs):
    with pytest.raises(TypeError, match=r"predict: a dict with the inputs \['a', 'b'\] is expected"):
        TWO.predict(inputs)


@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64", "bool"])
def test_every_number_type_goes_through(dtype):
    array = np.array([0, 1, 1]).astype(dtype)
    out = network_of(x=(dtype, ["batch"])).predict(array)["x_out"]
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, array)


NETWORKS = {dtype: network_of(x=(dtype, ["batch"])) for dtype in INTEGERS}


@given(st.sampled_from(INTEGERS), st.sampled_from(["int32", "int64", "uint64"]), st.data())
def test_integers_stay_the_same_or_are_refused(wanted, received, data):
    limits = np.iinfo(received)
    values = st.integers(-300, 300) | st.integers(limits.min, limits.max)
    numbers = data.draw(st.lists(values.filter(lambda n: limits.min <= n <= limits.max), min_size=1, max_size=3))
    array = np.array(numbers, received)
    fits = all(np.iinfo(wanted).min <= number <= np.iinfo(wanted).max for number in numbers)
    kinds_differ = wanted.startswith("uint") and not received.startswith("uint")
    if fits and not kinds_differ:
        assert NETWORKS[wanted].predict(array)["x_out"].tolist() == numbers
    else:
        with pytest.raises((TypeError, ValueError), match=f"predict: input 'x' is {wanted}.*; received"):
            NETWORKS[wanted].predict(array)


@pytest.mark.parametrize(
    ("dtype", "array"),
    [("int32", [1.5]), ("int32", ["a"]), ("float32", ["1.5"]), ("bool", [1]), ("float32", [None]), ("float32", [1j])],
)
def test_another_kind_is_refused(dtype, array):
    with pytest.raises(TypeError, match=f"predict: input 'x' is {dtype}; received"):
        network_of(x=(dtype, ["batch"])).predict(array)


def test_doubles_are_rounded_to_floats():
    assert TWO.predict([np.array([0.1]), [[1]]])["a_out"].tolist() == [float(np.float32(0.1))]


def test_numbers_without_axes_stay_without():
    out = network_of(x=("int64", [])).predict(5)["x_out"]
    assert out.shape == ()
    assert out == 5


def test_an_empty_list_goes_through():
    assert network_of(x=("int32", ["rows"])).predict([])["x_out"].shape == (0,)


def test_arrays_that_are_not_contiguous_go_through():
    array = np.arange(12, dtype=np.int32).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(network_of(x=("int32", ["rows", "columns"])).predict(array)["x_out"], array)


def test_strings_are_checked_as_those_of_a_classifier():
    network = network_of(text=("object", ["batch"]))
    assert network.predict(["a", "é\0"])["text_out"].tolist() == ["a", "é\0"]
    assert network.predict({"text": np.array(["a", "b"])})["text_out"].tolist() == ["a", "b"]
    assert network.predict("one text")["text_out"].tolist() == ["one text"]
    with pytest.raises(TypeError, match=r"predict: text\[1\] is a string; received int"):
        network.predict(["a", 5])
    with pytest.raises(ValueError, match="lone surrogate"):
        network.predict(["\ud800"])


def test_strings_of_other_axes_keep_them():
    column, table = (network_of(text=("object", ["batch", size])) for size in (1, 2))
    for texts in (["a", "b"], [["a"], ["b"]], np.array([["a"], ["b"]]), iter(["a", "b"])):
        assert column.predict(texts)["text_out"].tolist() == [["a"], ["b"]]
    assert column.predict("one text")["text_out"].tolist() == [["one text"]]
    assert table.predict([["a", "b"], ["c", "d"]])["text_out"].tolist() == [["a", "b"], ["c", "d"]]
    with pytest.raises(TypeError, match=r"predict: text\[3\] is a missing text"):
        table.predict([["a", "b"], ["c", None]])
    alone = network_of(text=("object", []))
    assert alone.predict("one text")["text_out"].tolist() == "one text"
    with pytest.raises(TypeError, match="an array of 0 axes is expected; received 2 texts"):
        alone.predict(["a", "b"])


def test_no_rows_are_answered_by_no_rows():
    network = network_of(a=("float32", ["batch", 2]), b=("int64", [3]), text=("object", ["batch"]))
    found = network.predict({"a": np.empty((0, 2)), "b": [1, 2, 3], "text": []})
    assert found["a_out"].shape == (0, 2)
    assert found["a_out"].dtype == np.float32
    assert found["b_out"].tolist() == [1, 2, 3]
    assert found["text_out"].shape == (0,)
    assert TWO.predict({"a": np.ones(0), "b": np.ones((0, 0), int)})["b_out"].shape[0] == 0


def test_a_string_type_is_known_to_onnx():
    assert helper.np_dtype_to_tensor_dtype(np.dtype(object)) == TensorProto.STRING

"""Files for older and stricter runtimes: lower operator sets, and axes of fixed sizes."""

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from seqkit_onnx.comparison.samples import in_batches_of
from seqkit_onnx.exporter import write_file
from seqkit_onnx.kinds import Options

from keras_seqkit import TextClassifier, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.cases import CASES, masked_ids
from tests.exported import assert_equal_to_keras, exported, values

LAYERS = keras.layers
BY_NAME = {case.name: case for case in CASES}


def time_series() -> keras.Model:
    """A recurrent model over numbers, with a convolution and a normalization in front."""
    steps = keras.Input((None, 3), name="steps")
    x = LAYERS.Conv1D(4, 3, padding="causal", activation="relu")(steps)
    x = LAYERS.LSTM(5, return_sequences=True)(LAYERS.LayerNormalization()(x))
    return keras.Model(steps, LAYERS.Dense(2, name="next")(LAYERS.GRU(4)(x)))


@pytest.mark.parametrize(("opset", "version"), [(18, 8), (19, 9), (20, 9)])
def test_a_file_has_the_operator_set_and_the_format_that_came_with_it(tmp_path, opset, version):
    model = time_series()
    network = exported(model, tmp_path / "model.onnx", opset=opset, verify=True)
    proto = onnx.load(tmp_path / "model.onnx")
    assert {each.version for each in proto.opset_import if not each.domain} == {opset}
    assert proto.ir_version == version
    assert_equal_to_keras(network, model, values(2, 9, 3))


@pytest.mark.parametrize("name", ["both lstm concat sequences", "simple_rnn states", "residual stack"])
def test_masked_recurrences_need_nothing_newer(tmp_path, name):
    model = BY_NAME[name].model()
    network = exported(model, tmp_path / "model.onnx", opset=18)
    assert_equal_to_keras(network, model, masked_ids("holes", 3, 7))


def test_labels_need_nothing_newer(tmp_path):
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, LAYERS.Dense(3, activation="softmax")(inputs))
    network = exported(model, tmp_path / "model.onnx", opset=18, labels=["a", "b", "c"], verify=True)
    x = values(5, 4)
    expected = model.predict(x, verbose=0).argmax(1)
    assert network.predict(x).labels == ["abc"[place] for place in expected]


@pytest.mark.parametrize("shapes", [{"batch": 1, "time": 6}, {"batch": 3}, {"time": 6}])
def test_axes_are_fixed_and_all_others_vary(tmp_path, shapes):
    model = time_series()
    network = exported(model, tmp_path / "model.onnx", shapes=shapes, verify=True)
    graph = onnx.load(tmp_path / "model.onnx").graph
    sizes = [dim.dim_value or dim.dim_param for dim in graph.input[0].type.tensor_type.shape.dim]
    assert sizes == [shapes.get("batch", "batch"), shapes.get("time", "time"), 3]
    out = [dim.dim_value or dim.dim_param for dim in graph.output[0].type.tensor_type.shape.dim]
    assert out == [shapes.get("batch", "batch"), 2]
    assert_equal_to_keras(network, model, values(shapes.get("batch", 4), shapes.get("time", 9), 3))


def test_another_size_is_refused_by_name(tmp_path):
    network = exported(time_series(), tmp_path / "model.onnx", shapes={"batch": 1, "time": 6})
    for shape in ((2, 6, 3), (1, 5, 3), (0, 6, 3), (6, 3)):
        with pytest.raises(ValueError, match=r"input 'steps' is of shape \(1, 6, 3\); received"):
            network.predict(values(*shape))


def test_a_masked_model_of_one_row_is_compared_on_many(tmp_path):
    model = BY_NAME["lstm last"].model()
    path = tmp_path / "model.onnx"
    found = write_file(model, path, Options(text=False, shapes={"batch": 1, "time": 7}))
    assert found.count >= 8
    for kind in ("right", "left", "holes", "all_masked"):
        assert_equal_to_keras(seqkit_onnx.load(path), model, masked_ids(kind, 1, 7))


@pytest.mark.parametrize("rows", [1, 3, 8, 11])
def test_samples_in_batches_are_all_samples(rows):
    samples = {"x": values(8, 5), "scale": np.array(2.0)}
    parts = list(in_batches_of(samples, rows))
    assert all(len(part["x"]) == rows and part["scale"] == 2 for part in parts)
    np.testing.assert_array_equal(np.concatenate([part["x"] for part in parts])[:8], samples["x"])


def test_several_inputs_have_axes_of_their_own(tmp_path):
    one, two = keras.Input((None, 2), name="one"), keras.Input((None,), dtype="int32", name="two")
    together = LAYERS.Concatenate()([LAYERS.GRU(3)(one), LAYERS.GRU(2)(LAYERS.Embedding(9, 2)(two))])
    model = keras.Model([one, two], LAYERS.Dense(1)(together))
    exported(model, tmp_path / "model.onnx", shapes={"batch": 2, "one_time": 5, "two_time": 3}, verify=True)
    shapes = [
        [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in onnx.load(tmp_path / "model.onnx").graph.input
    ]
    assert shapes == [[2, 5, 2], [2, 3]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": {"steps": 3}}, r"axes that vary, \['batch', 'time'\] of this model; received 'steps'"),
        ({"shapes": {"time": 0}}, "whole numbers of at least 1; received 'time': 0"),
        ({"shapes": {"time": True}}, "whole numbers of at least 1"),
        ({"opset": 17}, "opset is 18 or 19 or 20; received 17"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        seqkit_onnx.export(time_series(), tmp_path / "model.onnx", text=False, **options)


@pytest.mark.parametrize("options", [{"opset": 18}, {"shapes": {"batch": 1}}])
def test_a_file_of_text_is_refused_and_one_of_ids_is_not(tmp_path, options):
    model = TextClassifier(Vocabulary(["a", "b"]), ["x", "y"], embedding=3, encoder=MaskedMaxPooling())
    with pytest.raises(ValueError, match="a file that takes text needs opset 20 and takes texts of any number"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", **options)
    network = exported(model, tmp_path / "model.onnx", verify=True, **options)
    assert len(network.predict([[4, 5, 0]]).labels) == 1

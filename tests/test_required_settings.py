"""Files whose settings are plain inputs, for callers that cannot feed an input with a default."""

import json

import numpy as np
import onnx
import pytest
import seqkit_onnx

from keras_seqkit import TextClassifier, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.shared_files import shared, shared_file
from tests.translators import SENTENCES

PROMPTS = ["ab", "", "é😀"]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("settings")
    files = {}
    for name in ("generator", "translator"):
        files[f"{name}_required"] = folder / f"{name}.onnx"
        seqkit_onnx.export(shared(name), files[f"{name}_required"], settings="required")
        files[f"{name}_optional"] = shared_file(name)
    return files


@pytest.mark.parametrize("name", ["generator", "translator"])
def test_no_input_has_a_default_and_the_metadata_name_those_of_before(files, name):
    graphs = {kind: onnx.load(files[f"{name}_{kind}"]).graph for kind in ("optional", "required")}
    inputs = {kind: [value.name for value in graph.input] for kind, graph in graphs.items()}
    assert inputs["required"] == inputs["optional"]
    weights = {kind: {tensor.name: tensor for tensor in graph.initializer} for kind, graph in graphs.items()}
    assert not set(inputs["required"]) & set(weights["required"])
    own = {key: onnx.numpy_helper.to_array(weights["optional"][key]).item() for key in inputs["optional"][1:]}
    assert json.loads(seqkit_onnx.load(files[f"{name}_required"]).metadata["settings"]) == own


def test_a_generator_writes_the_same_text(files):
    optional, required = (seqkit_onnx.load(files[f"generator_{kind}"]) for kind in ("optional", "required"))
    assert required.input_names == optional.input_names == ["prompt"]
    assert sorted(required.optional_input_names) == sorted(optional.optional_input_names)
    assert required.generate(PROMPTS) == optional.generate(PROMPTS)
    settings = {"max_new_tokens": 7, "temperature": 0.7, "top_k": 3, "top_p": 0.8, "seed": 5}
    assert required.generate(PROMPTS, **settings) == optional.generate(PROMPTS, **settings)
    assert required.generate([]) == []


def test_a_translator_writes_the_same_translations(files):
    optional, required = (seqkit_onnx.load(files[f"translator_{kind}"]) for kind in ("optional", "required"))
    assert required.translate(SENTENCES) == optional.translate(SENTENCES)
    assert required.translate(SENTENCES, num_beams=3, max_length=4) == optional.translate(
        SENTENCES, num_beams=3, max_length=4
    )


def test_a_stock_session_is_given_all_settings(files):
    session = seqkit_onnx.load(files["translator_required"]).session
    assert not session.get_overridable_initializers()
    feeds = {
        "text": np.array(SENTENCES[:1], object),
        "num_beams": np.array(2),
        "length_penalty": np.array(1, np.float32),
    }
    [translation] = session.run(["translation"], {**feeds, "max_length": np.array(5)})
    own = seqkit_onnx.load(files["translator_optional"]).translate(SENTENCES[:1], num_beams=2, max_length=5)
    assert translation.tolist() == own


def test_a_threshold_is_a_setting_too(tmp_path):
    vocabulary = Vocabulary(["wheat", "corn"])
    model = TextClassifier(vocabulary, ["a", "b"], embedding=3, encoder=MaskedMaxPooling(), multi_label=True)
    model.predict(["wheat"], verbose=0)
    path = tmp_path / "labels.onnx"
    seqkit_onnx.export(model, path, settings="required")
    file = seqkit_onnx.load(path)
    assert file.metadata["settings"] == '{"threshold": 0.5}'
    assert file.predict(["wheat"], threshold=0.0).labels == [["a", "b"]]
    assert file.predict(["wheat"]).labels == model.predict_labels(["wheat"], verbose=0)


def test_a_step_fills_in_what_is_left_out(tmp_path):
    model = shared("generator")
    seqkit_onnx.export(model, tmp_path / "step.onnx", step=True, settings="required")
    file = seqkit_onnx.load(tmp_path / "step.onnx")
    assert file.generate(PROMPTS, seed=3) == model.generate(PROMPTS, seed=3)
    assert set(json.loads(file.metadata["settings"])) == set(file.optional_input_names)


def test_settings_are_optional_or_required(tmp_path):
    with pytest.raises(ValueError, match="settings is 'optional' or 'required'; received 'none'"):
        seqkit_onnx.export(shared("generator"), tmp_path / "x.onnx", settings="none")

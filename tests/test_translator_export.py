"""A translator as one file: it translates as Keras does, greedy and by beam search, text in and text out."""

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from seqkit_onnx.kinds import writer
from seqkit_onnx.metadata import declare_operator_sets
from seqkit_onnx.runtime.translator import Translator
from seqkit_onnx.text.translation_text import add_translation_text
from seqkit_onnx.verification import VerificationError

from keras_seqkit import GloveEmbedding, Seq2SeqTranslator
from tests.cases import randomize_weights
from tests.eager import eagerly
from tests.onnx_graphs import graphs_of
from tests.shared_files import shared, shared_file
from tests.translators import SENTENCES, VARIANTS, translator

SCORE_TOLERANCE = 1e-5  # sums of float32 logarithms in another order
SETTINGS = [  # each value at least twice
    {"num_beams": 1, "length_penalty": 0.0, "max_length": 1},
    {"num_beams": 1, "length_penalty": 0.7, "max_length": None},
    {"num_beams": 2, "length_penalty": 1.0, "max_length": 4},
    {"num_beams": 2, "length_penalty": -0.5, "max_length": 20},
    {"num_beams": 4, "length_penalty": 0.0, "max_length": None},
    {"num_beams": 4, "length_penalty": 0.7, "max_length": 20},
    {"num_beams": 30, "length_penalty": 1.0, "max_length": 1},
    {"num_beams": 30, "length_penalty": -0.5, "max_length": 4},
]
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}


@pytest.fixture(scope="module", params=VARIANTS)
def pair(request, tmp_path_factory) -> tuple[Seq2SeqTranslator, str]:
    model = translator(**VARIANTS[request.param])
    path = str(tmp_path_factory.mktemp("translator") / f"{request.param}.onnx")
    seqkit_onnx.export(model, path, verify=True)
    return model, path


@pytest.fixture(scope="module")
def model() -> Seq2SeqTranslator:
    return shared("translator")


@pytest.fixture(scope="module")
def path() -> str:
    return str(shared_file("translator"))


@pytest.fixture(scope="module")
def file(path) -> Translator:
    return seqkit_onnx.load(path)


def test_the_file_translates_as_keras_does(pair):
    model, path = pair
    file = seqkit_onnx.load(path)
    assert isinstance(file, Translator)
    for settings in SETTINGS:
        expected, scores = model.translate(SENTENCES, return_scores=True, **settings)
        received, own = file.translate(SENTENCES, return_scores=True, **settings)
        assert received == expected, settings
        np.testing.assert_allclose(own, scores, atol=SCORE_TOLERANCE, rtol=SCORE_TOLERANCE)
        assert own.dtype == np.float32


def test_a_translation_does_not_depend_on_its_batch(file):
    together, scores = file.translate(SENTENCES, num_beams=3, return_scores=True)
    alone = [file.translate(text, num_beams=3, return_scores=True) for text in SENTENCES]
    assert together == [texts[0] for texts, _ in alone]
    np.testing.assert_allclose(scores, [own[0] for _, own in alone], atol=SCORE_TOLERANCE)
    assert file.translate(SENTENCES, num_beams=3, batch_size=2) == together


def test_recurrence_is_native_and_loops_only_over_tokens(pair):
    model, path = pair
    graph = onnx.load(path).graph
    operators = [node.op_type for each in graphs_of(graph) for node in each.node]
    layers = len(model.units)
    decoders = 1 if model.decoder_kind == "repeat_vector" else 2  # one for greedy and one for beam search
    assert operators.count(OPERATORS[model.cell]) == layers * (1 + decoders)
    assert operators.count("Scan") == 0
    searches = [node for node in graph.node if node.name == "translation/search"]
    assert len(searches) == 1


def test_inputs_and_outputs_are_those_of_the_design(file, model):
    assert file.input_names == ["text"]
    assert file.optional_input_names == ["num_beams", "length_penalty", "max_length"]
    assert file.output_names == ["translation", "score"]
    outputs = file.session.run(None, {"text": np.array(["o gato"], object)})
    assert outputs[0].tolist() == model.translate("o gato")
    assert outputs[1].shape == (1,)
    assert file.metadata["kind"] == "translator"
    assert file.metadata["vocabulary_digest"] == model.source_vocabulary.digest
    assert json.loads(file.metadata["max_length"]) == model.max_length


def test_a_file_of_ids_gives_the_tokens(model, tmp_path):
    seqkit_onnx.export(model, tmp_path / "ids.onnx", text=False, verify=True)
    file = seqkit_onnx.load(tmp_path / "ids.onnx")
    ids = model.source_vocabulary.encode(SENTENCES)
    tokens, scores = file.translate_ids(ids, num_beams=2)
    assert tokens.dtype == np.int32
    assert tokens.shape == (len(SENTENCES), model.max_length)
    expected, expected_scores = model.translate(SENTENCES, num_beams=2, return_scores=True)
    assert [model.join([token for token in row if token not in (0, 3)]) for row in tokens.tolist()] == expected
    np.testing.assert_allclose(scores, expected_scores, atol=SCORE_TOLERANCE)
    with pytest.raises(ValueError, match="this file takes ids"):
        file.translate(SENTENCES)


def test_a_file_of_text_takes_no_ids(file):
    with pytest.raises(ValueError, match="this file takes text"):
        file.translate_ids([[4, 5]])


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_a_translator_of_half_precision_is_a_file_of_float32(model, file, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "sample_texts", lambda _: SENTENCES[:2])
    half = Seq2SeqTranslator.from_config({**model.get_config(), "dtype": dtype})
    half.set_weights(model.get_weights())
    with eagerly():
        seqkit_onnx.export(half, tmp_path / "half.onnx", verify=True)
    for num_beams in (1, 3):
        assert seqkit_onnx.load(tmp_path / "half.onnx").translate(SENTENCES, num_beams) == file.translate(
            SENTENCES, num_beams
        )


def test_pretrained_embeddings_are_exported(model, tmp_path):
    source, target = model.source_vocabulary, model.target_vocabulary
    vectors = {word: np.random.default_rng(len(word)).normal(size=5) for word in ("gato", "rato", "mar", "casa")}
    own = keras.Sequential([keras.layers.Embedding(len(target), 3), keras.layers.Dense(4)])  # wants a time axis
    pretrained = Seq2SeqTranslator(source, target, 6, "gru", (GloveEmbedding(source, vectors), own), max_length=6)
    randomize_weights(pretrained, 0)
    seqkit_onnx.export(pretrained, tmp_path / "pretrained.onnx", verify=False)
    file = seqkit_onnx.load(tmp_path / "pretrained.onnx")
    for num_beams in (1, 3):
        expected, scores = pretrained.translate(SENTENCES, num_beams, return_scores=True)
        received, own_scores = file.translate(SENTENCES, num_beams, return_scores=True)
        assert received == expected
        np.testing.assert_allclose(own_scores, scores, atol=SCORE_TOLERANCE, rtol=SCORE_TOLERANCE)


def test_no_sentences_and_one_string(file, model):
    assert file.translate([]) == []
    assert file.translate("") == [""]
    assert file.translate("o rato") == model.translate("o rato")
    assert file.translate(["", ""], return_scores=True)[1].tolist() == [0.0, 0.0]


def test_a_sentence_of_500_words(file, model):
    sentence = " ".join(["gato", "rato", "zz", "casa", "."] * 100)
    for num_beams in (1, 4):
        assert file.translate([sentence, "", "gato"], num_beams) == model.translate([sentence, "", "gato"], num_beams)


def test_arguments_out_of_range_are_errors(file, model, tmp_path):
    for arguments in ({"num_beams": 0}, {"max_length": 0}, {"batch_size": 0}, {"length_penalty": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            file.translate(["gato"], **arguments)
    with pytest.raises(TypeError, match="num_beams"):
        file.translate(["gato"], num_beams=2.5)
    with pytest.raises(TypeError, match=r"translate: texts\[1\] is a string"):
        file.translate(["gato", 3])
    with pytest.raises(ValueError, match="a Seq2SeqTranslator takes no sampler"):
        seqkit_onnx.export(model, tmp_path / "no.onnx", sampler="greedy")
    with pytest.raises(ValueError, match="a Seq2SeqTranslator takes no step"):
        seqkit_onnx.export(model, tmp_path / "no.onnx", step=True)
    assert not (tmp_path / "no.onnx").exists()


@pytest.mark.parametrize(("name", "limit"), [("num_beams", 1024), ("max_length", 2**20)])
def test_numbers_that_no_memory_would_hold_are_refused(file, name, limit):
    with pytest.raises(ValueError, match=rf"translate: {name} is {limit:,} at most; received 1,000,000,000\."):
        file.translate(["gato"], **{name: 10**9})


def test_weights_that_are_no_numbers_are_not_exported(tmp_path):
    broken = translator()
    for value, reason in ((np.nan, "are not finite"), (np.inf, "not finite")):
        broken.set_weights([np.full_like(weight, value) for weight in broken.get_weights()])
        with pytest.raises(ValueError, match=reason):
            seqkit_onnx.export(broken, tmp_path / "broken.onnx")


@eagerly()
def test_verification_finds_a_file_that_differs(tmp_path, monkeypatch):
    model = translator(decoder="repeat_vector", cell="simple_rnn")
    monkeypatch.setattr(writer, "sample_texts", lambda _: SENTENCES[:2])
    monkeypatch.setattr(Seq2SeqTranslator, "join", lambda *_: "another")
    with pytest.raises(VerificationError, match="Keras writes 'another', and the file"):
        seqkit_onnx.export(model, tmp_path / "wrong.onnx", verify=True)
    assert not (tmp_path / "wrong.onnx").exists()


@given(st.lists(st.lists(st.integers(1, 24), max_size=12), min_size=1, max_size=4))
def test_words_are_joined_as_the_detokenizer_joins_them(rows):
    model = _JOINING
    rows = [[token for token in row if token not in (2, 3) and token < len(model.target_vocabulary)] for row in rows]
    ids = np.zeros((len(rows), 14), np.int32)
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens) + 1] = [*tokens, 3]
    [texts] = _JOINING_FILE.run(None, {"ids": ids})
    assert texts.tolist() == [model.join(row) for row in rows]


def _joining_session(model: Seq2SeqTranslator) -> onnxruntime.InferenceSession:
    graph = helper.make_graph(
        [],
        "joining",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])],
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"])],
    )
    graph.node.extend(add_translation_text(graph, model.target_vocabulary, model.detokenizer, "ids", "text"))
    proto = helper.make_model(graph, ir_version=9)
    declare_operator_sets(proto)
    return onnxruntime.InferenceSession(proto.SerializeToString())


_JOINING = translator()
_JOINING_FILE = _joining_session(_JOINING)

"""Models with a subword vocabulary as one file: the labels and texts of Keras, from any text."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from seqkit_onnx.runtime.generator import Generator
from seqkit_onnx.verification import TOLERANCE

from keras_seqkit import BidirectionalStack, Seq2SeqTranslator, TextClassifier, TextGenerator, Vocabulary
from tests.cases import randomize_weights
from tests.generators import biased
from tests.text_strategies import UNUSUAL, any_text

TEXTS = [
    "the cat sat on the mat, and the other cats sat there.",
    "não é bom; não é mau.\nOutra linha 😀",
    "walking talking walked talked walks talks",
    "",
]
PROMPTS = ["", "the", "the ", "  walk", "wal", "zZ\n", "não é", "\n", "?"]


def vocabulary_of(lowercase: bool = False) -> Vocabulary:
    return Vocabulary.from_texts(TEXTS * 2, level="subword", max_tokens=90, lowercase=lowercase)


@cache
def classifier(lowercase: bool) -> TextClassifier:
    encoder = BidirectionalStack((5,), name="encoder")
    model = TextClassifier(vocabulary_of(lowercase), ("a", "b", "c"), 4, encoder=encoder)
    randomize_weights(model)
    return model


@cache
def generator(space_bias: float = 0.0) -> TextGenerator:
    model = TextGenerator(vocabulary_of(), units=(9,), embedding=5, name="writer")
    randomize_weights(model, 0)
    return biased(model, " ", space_bias)


@pytest.mark.parametrize("lowercase", [False, True])
def test_a_classifier_gives_the_labels_of_keras(lowercase, tmp_path):
    model = classifier(lowercase)
    seqkit_onnx.export(model, tmp_path / "model.onnx", verify=True)
    file = seqkit_onnx.load(tmp_path / "model.onnx")

    @settings(max_examples=40)
    @given(st.lists(any_text, min_size=1, max_size=4))
    def check(texts):
        found = seqkit_onnx.verify(model, tmp_path / "model.onnx", texts)
        assert found.largest_difference <= TOLERANCE
        assert found.label_agreement == 1.0

    check()
    texts = [*TEXTS, *UNUSUAL, *PROMPTS, " ".join(TEXTS).upper()]
    assert file.predict(texts).labels == model.predict_labels(texts, verbose=0)
    assert len(set(file.predict(texts).labels)) > 1


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("subwords") / "writer.onnx"
    seqkit_onnx.export(generator(), path, verify=True)
    return path


@pytest.fixture(scope="module")
def file(path) -> Generator:
    return seqkit_onnx.load(path)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("strip_prompt", [False, True])
@pytest.mark.parametrize("stop", [None, "a", [" ", "e"]])
def test_a_generator_writes_the_texts_of_keras(file, seed, strip_prompt, stop):
    arguments = {"max_new_tokens": 12, "seed": seed, "strip_prompt": strip_prompt, "stop": stop}
    expected = generator().generate(PROMPTS, **arguments)
    assert file.generate(PROMPTS, **arguments) == expected
    if not strip_prompt:
        assert all(text.startswith(prompt) for text, prompt in zip(expected, PROMPTS, strict=True))
        assert stop or all(len(text) > len(prompt) for text, prompt in zip(expected, PROMPTS, strict=True))


def test_a_text_without_a_prompt_loses_the_space_of_its_first_piece_only(tmp_path):
    model = generator(space_bias=20.0)
    seqkit_onnx.export(model, tmp_path / "writer.onnx", verify=True)
    file = seqkit_onnx.load(tmp_path / "writer.onnx")
    for prompts in (["", "a"], [""], ["a"]):
        expected = [prompt + " " * (6 if prompt else 5) for prompt in prompts]
        assert model.generate(prompts, max_new_tokens=6, temperature=0) == expected
        assert file.generate(prompts, max_new_tokens=6, temperature=0) == expected


@settings(max_examples=25)
@given(prompts=st.lists(any_text, min_size=1, max_size=3), seed=st.integers(0, 9))
def test_a_generator_writes_behind_any_prompt(file, prompts, seed):
    expected = generator().generate(prompts, max_new_tokens=5, seed=seed)
    assert file.generate(prompts, max_new_tokens=5, seed=seed) == expected


def test_a_file_of_one_step_writes_the_texts_of_keras(tmp_path):
    seqkit_onnx.export(generator(), tmp_path / "step.onnx", step=True, verify=True)
    file = seqkit_onnx.load(tmp_path / "step.onnx")
    for seed in range(5):
        expected = generator().generate(PROMPTS, max_new_tokens=8, seed=seed)
        assert file.generate(PROMPTS, max_new_tokens=8, seed=seed) == expected


@pytest.mark.parametrize("decoder", ["attention", "repeat_vector"])
def test_a_translator_gives_the_translations_of_keras(decoder, tmp_path):
    model = Seq2SeqTranslator(
        vocabulary_of(lowercase=True), vocabulary_of(), units=9, embedding=5, decoder=decoder, max_length=15
    )
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "translator.onnx", verify=True)
    file = seqkit_onnx.load(tmp_path / "translator.onnx")
    texts = [*TEXTS, *UNUSUAL, *PROMPTS]
    for beams in (1, 4):
        assert file.translate(texts, beams) == model.translate(texts, beams)
    assert len(set(file.translate(texts))) > (3 if decoder == "attention" else 1)


@pytest.mark.parametrize("prompt", ["", "the", "wal"])
def test_what_is_streamed_joins_to_the_text(prompt):
    [whole] = generator().generate([prompt], max_new_tokens=12, seed=2)
    assert "".join(generator().generate([prompt], max_new_tokens=12, seed=2, stream=True)) == whole


def test_a_generator_of_ids_is_verified_too(tmp_path):
    seqkit_onnx.export(generator(), tmp_path / "writer.onnx", text=False, verify=True)
    ids = generator().vocabulary.encode(PROMPTS)
    written = seqkit_onnx.load(tmp_path / "writer.onnx").generate_ids(ids, max_new_tokens=8, seed=1)
    rows = generator().vocabulary.decode(written, keep_first_space=True)
    expected = generator().generate(PROMPTS, max_new_tokens=8, seed=1, strip_prompt=True)
    assert [row if prompt else row.removeprefix(" ") for row, prompt in zip(rows, PROMPTS, strict=True)] == expected
    assert np.unique(written).size > 5

"""A generator of words learns from its texts how people join them, and writes so."""

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqkit import TextGenerator, Vocabulary, samplers
from keras_seqkit.text.detokenization import Detokenizer
from tests.detokenizers import joined_as_one, random_detokenizer
from tests.eager import eagerly
from tests.generators import biased, generator
from tests.numpy_generator import Call, text_of, write

TEXTS = ["The cat saw Ann's house, and she ran.", "Did Ann run (from the cat)? No!"]
PROMPTS = ["The cat", "", "zz (", "Ann ran.", "the house ", "No!\n", "\u2028"]


def words(**arguments: Any) -> TextGenerator:
    return TextGenerator(Vocabulary.from_texts(TEXTS), **{"units": 6, "embedding": 4, "name": "writer", **arguments})


def learned() -> Detokenizer:
    return Detokenizer.from_texts(Vocabulary.from_texts(TEXTS), TEXTS)


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    model = generator("gru", "word")
    model.detokenizer = random_detokenizer(model.vocabulary, 3)
    return model


@eagerly()
def test_fit_learns_it_from_texts():
    for x, validation in ((TEXTS, {}), (np.array(TEXTS, object), {"validation_split": 0.5})):
        model = words()
        assert model.detokenizer is None
        model.fit(x, batch_size=1, length=4, verbose=0, **validation)
        assert model.detokenizer == learned()
    model = words()
    model.fit(TEXTS[0], batch_size=1, length=4, verbose=0)
    assert model.detokenizer == Detokenizer.from_texts(model.vocabulary, TEXTS[:1])


@eagerly()
def test_one_that_was_given_or_learned_stays():
    given = random_detokenizer(words().vocabulary, 0)
    model = words(detokenizer=given)
    model.fit(TEXTS, batch_size=1, length=4, verbose=0)
    assert model.detokenizer == given
    model = words()
    for texts in (TEXTS, ["the cat . no ."]):
        model.fit(texts, batch_size=1, length=4, verbose=0)
    assert model.detokenizer == learned()


@eagerly()
@pytest.mark.parametrize("kind", ["tf.data", "generator", "PyDataset"])
def test_a_stream_teaches_none(kind):
    def batches():
        while True:  # whoever reads all of it never ends
            yield TEXTS

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return TEXTS

    streams = {"tf.data": lambda: tf.data.Dataset.from_tensor_slices(TEXTS).batch(2), "generator": batches}
    stream = Batches() if kind == "PyDataset" else streams[kind]()
    model = words()
    model.fit(stream, steps_per_epoch=1, verbose=0)
    assert model.detokenizer is None
    assert model.generate("the cat", 3, sampler=samplers.GreedySampler(min_new_tokens=3))[0].count(" ") == 4


@eagerly()
@pytest.mark.parametrize("level", ["char", "whitespace"])
def test_other_levels_need_none(level):
    model = TextGenerator(Vocabulary.from_texts(TEXTS, level=level), units=6, embedding=4)
    model.fit(TEXTS, batch_size=1, length=4, verbose=0)
    assert model.detokenizer is None


@pytest.mark.parametrize("sampler", ["random", "greedy", "top_k", "beam", "contrastive"])
def test_texts_are_those_of_numpy_joined_as_one(model, sampler):
    call = Call(12, seed=4)
    found = model.generate(PROMPTS, sampler=sampler, **call._asdict())
    stripped = model.generate(PROMPTS, sampler=sampler, strip_prompt=True, **call._asdict())
    for row, prompt in enumerate(PROMPTS):
        tokens = [choice.token for choice in write(model, samplers.get(sampler), prompt, row, call)]
        assert found[row] == text_of(model, prompt, tokens)
        real = [token for token in tokens if token != 3]
        assert found[row] == joined_as_one(model.vocabulary, model.detokenizer, prompt, real)
        assert prompt + stripped[row] == found[row]


def test_several_texts_of_a_prompt_and_streams_are_joined_alike(model):
    several = model.generate(PROMPTS, 9, num_return_sequences=2, seed=2)
    assert several == model.generate([prompt for prompt in PROMPTS for _ in range(2)], 9, seed=2)
    for strip_prompt in (False, True):
        arguments: dict[str, Any] = {"seed": 5, "strip_prompt": strip_prompt, "stop": ["AT", "on <"]}
        pieces: Any = list(model.generate(PROMPTS, 25, stream=True, **arguments))
        whole = model.generate(PROMPTS, 25, **arguments)
        assert ["".join(row) for row in zip(*pieces, strict=True)] == whole


def test_stop_strings_are_sought_in_what_is_joined(model):
    stripped = model.generate(PROMPTS, 25, seed=3, strip_prompt=True)
    for stop in ("<", " ", "AT", stripped[0][3:7]):
        expected = [text[: text.find(stop)] if stop in text else text for text in stripped]
        assert model.generate(PROMPTS, 25, seed=3, strip_prompt=True, stop=stop) == expected
        assert model.generate(PROMPTS, 25, seed=3, stop=stop) == [a + b for a, b in zip(PROMPTS, expected, strict=True)]


def test_no_new_tokens_leave_the_prompts(model):
    assert model.generate(PROMPTS, max_new_tokens=0) == PROMPTS
    ending = biased(generator("gru", "word"), "[END]", 50.0)
    ending.detokenizer = model.detokenizer
    assert ending.generate(PROMPTS) == PROMPTS


def test_scores_and_tokens_are_those_of_a_model_without(model):
    plain = generator("gru", "word")
    texts = ["The cat sat.", "", "zz on"]
    np.testing.assert_array_equal(model.log_prob(texts), plain.log_prob(texts))
    assert model.evaluate(texts) == plain.evaluate(texts)


@eagerly()
def test_it_is_saved_with_the_model(tmp_path):
    model = words()
    model.fit(TEXTS, batch_size=1, length=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.detokenizer == learned()
    assert loaded.generate(PROMPTS, 9, seed=1) == model.generate(PROMPTS, 9, seed=1)


def test_configs_of_before_have_none():
    config = json.loads(json.dumps(words(detokenizer=learned()).get_config()))
    assert TextGenerator.from_config(config).detokenizer == learned()
    assert words().get_config()["detokenizer"] is None
    del config["detokenizer"]
    assert TextGenerator.from_config(config).detokenizer is None


@eagerly()
def test_a_checkpoint_notices_another_one(tmp_path):
    settings: Any = {"batch_size": 1, "length": 4, "verbose": 0, "checkpoint": tmp_path}
    words().fit(TEXTS, epochs=1, **settings)
    other = random_detokenizer(words().vocabulary, 0)
    with pytest.raises(ValueError, match="holds another run: its model differ"):
        words(detokenizer=other).fit(TEXTS, epochs=2, **settings)
    again = words()
    assert len(again.fit(TEXTS, epochs=2, **settings).history["loss"]) == 2
    assert again.detokenizer == learned()


def test_one_of_another_vocabulary_is_refused():
    other = Detokenizer.from_texts(Vocabulary.from_texts(["a b"]), ["a b"])
    with pytest.raises(ValueError, match=r"TextGenerator: the detokenizer's forms are of 6 words, and the vocabulary"):
        words(detokenizer=other)
    with pytest.raises(ValueError, match="the detokenizer's ends_sentence are of 0 words"):
        words(detokenizer=learned()._replace(ends_sentence=[]))
    with pytest.raises(TypeError, match="TextGenerator: detokenizer is a Detokenizer; received dict"):
        words(detokenizer=learned().get_config())
    characters = Vocabulary.from_texts(TEXTS, level="char")
    with pytest.raises(ValueError, match="a detokenizer joins words; received a vocabulary of level 'char'"):
        TextGenerator(characters, 4, embedding=3, detokenizer=random_detokenizer(characters, 0))

"""`TextGenerator.generate`: its texts are those of NumPy, whatever is asked for and whatever is beside them."""

import random

import keras
import numpy as np
import pytest

from keras_seqkit import TextGenerator, samplers
from keras_seqkit.models.generation.writer import PROMPTS_AT_ONCE, TOKENS_AT_ONCE
from keras_seqkit.text.continuation import Continuation
from tests.eager import eagerly
from tests.generators import CELLS, biased, generator
from tests.numpy_generator import Call, write

PROMPTS = ["ab", "", "dcb é", "a" * 20, "zz Z\n", "ABC"]


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    return generator()


@pytest.fixture(scope="module")
def words() -> TextGenerator:
    return generator("gru", "word")


def by_numpy(model: TextGenerator, prompts: list[str], call: Call, sampler=None) -> list[str]:
    found = []
    for row, prompt in enumerate(prompts):
        continuation = Continuation(model.vocabulary, prompt)
        continuation.extend(choice.token for choice in write(model, samplers.get(sampler), prompt, row, call))
        found.append(continuation.text())
    return found


@pytest.mark.parametrize(("cell", "level"), list(zip(CELLS, ["char", "word", "char"], strict=True)))
def test_texts_are_those_of_numpy(cell, level):
    model = generator(cell, level, seed=3)
    for call in (Call(seed=1), Call(temperature=0.5, top_k=4, seed=2), Call(top_p=0.7, seed=-3)):
        assert model.generate(PROMPTS, **call._asdict()) == by_numpy(model, PROMPTS, call)


def test_a_long_text_is_written_in_blocks_that_do_not_show(model):
    sampler = samplers.RandomSampler(banned_tokens=["[END]"], repetition_penalty=1.2)
    call = Call(max_new_tokens=2 * TOKENS_AT_ONCE + 7, seed=4)
    found = model.generate(PROMPTS[:2], sampler=sampler, **call._asdict())
    assert found == by_numpy(model, PROMPTS[:2], call, sampler)
    assert [len(text) for text in found] == [2 + call.max_new_tokens, call.max_new_tokens]


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.RandomSampler(min_new_tokens=TOKENS_AT_ONCE + 6),
        samplers.BeamSampler(2, banned_tokens=["[END]"]),
        samplers.ContrastiveSampler(3, banned_tokens=["[END]"]),
    ],
    ids=["min_new_tokens", "beam", "contrastive"],
)
def test_samplers_that_count_steps_count_on_in_the_next_block(model, sampler):
    call = Call(max_new_tokens=TOKENS_AT_ONCE + 10, seed=4)
    assert model.generate("ab", sampler=sampler, **call._asdict()) == by_numpy(model, ["ab"], call, sampler)


def test_more_prompts_than_are_read_at_once(model):
    prompts = ["ab"] * (PROMPTS_AT_ONCE + 2)
    found = model.generate(prompts, max_new_tokens=8, seed=1)
    assert found == by_numpy(model, prompts, Call(max_new_tokens=8, seed=1))
    assert len(set(found)) > 10


def test_a_text_does_not_depend_on_those_beside_it(model):
    every = model.generate(PROMPTS, max_new_tokens=20, seed=2)
    for count in range(1, len(PROMPTS)):
        assert model.generate(PROMPTS[:count], max_new_tokens=20, seed=2) == every[:count]
    others = [PROMPTS[0], *reversed(PROMPTS)]
    assert model.generate(others, max_new_tokens=20, seed=2)[0] == every[0]


def test_a_seed_gives_one_text_and_another_seed_another(model):
    texts = [model.generate("ab", max_new_tokens=20, seed=seed)[0] for seed in range(12)]
    assert len(set(texts)) > 10
    assert texts == [model.generate("ab", max_new_tokens=20, seed=seed)[0] for seed in range(12)]
    equal_prompts = model.generate(["ab"] * 6, max_new_tokens=20)
    assert len(set(equal_prompts)) > 4  # each row draws its own numbers


@pytest.mark.parametrize(("drawn", "seed"), [(0, -(2**63)), (2**63, 0), (2**64 - 1, 2**63 - 1)])
def test_each_seed_that_may_be_drawn_is_one_that_is_taken(model, monkeypatch, drawn, seed):
    monkeypatch.setattr(random, "getrandbits", lambda bits: drawn)
    for arguments in ({}, {"sampler": "beam"}):
        found = model.generate("ab", 5, seed=None, **arguments)
        assert found == model.generate("ab", 5, seed=seed, **arguments)
    assert "".join(model.generate("ab", 5, seed=None, stream=True)) == model.generate("ab", 5, seed=seed)[0]


def test_drawn_seeds_follow_keras_and_differ(model):
    keras.utils.set_random_seed(7)
    first = [model.generate("ab", 30, seed=None)[0] for _ in range(8)]
    assert len(set(first)) > 1
    keras.utils.set_random_seed(7)
    assert [model.generate("ab", 30, seed=None)[0] for _ in range(8)] == first


def test_seeds_have_64_bits(model):
    texts = [model.generate("ab", max_new_tokens=20, seed=seed)[0] for seed in (1, 2**32 + 1, 2**63 - 1, -(2**63), -1)]
    assert len(set(texts)) == len(texts)
    assert model.generate("ab", max_new_tokens=20, seed=np.int64(1))[0] == texts[0]


@pytest.mark.parametrize("prompts", ["ab", ["ab"], ("ab",), np.array(["ab"], object), iter(["ab"])])
def test_a_prompt_may_come_in_many_ways(model, prompts):
    assert model.generate(prompts, max_new_tokens=5) == model.generate(["ab"], max_new_tokens=5)


def test_prompts_stay_as_they_are(model, words):
    odd = ["  Don't\u2028 É\0X  ", "ZZZ", "", "a\n", "\ufeff", "漢" * 300]
    for each in (model, words):
        found = each.generate(odd, max_new_tokens=4, seed=1)
        stripped = each.generate(odd, max_new_tokens=4, seed=1, strip_prompt=True)
        for prompt, text, written in zip(odd, found, stripped, strict=True):
            assert text.startswith(prompt)
            assert text.removeprefix(prompt).removeprefix(each.vocabulary.rules.joiner) == written


def test_a_space_stands_between_words_only(words):
    sampler = samplers.GreedySampler(min_new_tokens=3)
    found = words.generate(["the cat", "the cat ", "the\n", "the\t", ""], max_new_tokens=3, sampler=sampler)
    written = words.generate(
        ["the cat", "the cat ", "the\n", "the\t", ""], max_new_tokens=3, sampler=sampler, strip_prompt=True
    )
    assert all(len(text.split(" ")) == 3 for text in written)
    assert found == [
        prompt + text for prompt, text in zip(["the cat ", "the cat ", "the\n", "the\t", ""], written, strict=True)
    ]


def test_no_new_tokens_leave_the_prompts(model):
    assert model.generate(PROMPTS, max_new_tokens=0) == PROMPTS
    assert model.generate(PROMPTS, max_new_tokens=0, strip_prompt=True) == [""] * len(PROMPTS)
    assert list(model.generate(PROMPTS, max_new_tokens=0, stream=True)) == [PROMPTS]
    assert list(model.generate("", max_new_tokens=0, stream=True)) == []


@pytest.mark.parametrize("temperature", [0, 0.0, 1e-9, np.float32(0)])
def test_no_temperature_is_greedy(model, temperature):
    greedy = model.generate(PROMPTS, max_new_tokens=20, sampler="greedy")
    for seed in (0, 1):
        assert model.generate(PROMPTS, max_new_tokens=20, temperature=temperature, seed=seed) == greedy


def test_the_most_probable_token_alone_is_greedy(model):
    greedy = model.generate(PROMPTS, max_new_tokens=20, sampler="greedy")
    assert model.generate(PROMPTS, max_new_tokens=20, top_k=1) == greedy
    assert model.generate(PROMPTS, max_new_tokens=20, top_p=0.0) == greedy


@pytest.mark.parametrize("top_k", [12, 13, 10**6, 2**40])
def test_top_k_beyond_the_vocabulary_keeps_all(model, top_k):
    assert model.generate(PROMPTS, top_k=top_k, seed=1) == model.generate(PROMPTS, seed=1)


def test_a_text_ends_at_the_first_stop_string(model):
    sampler = samplers.RandomSampler(banned_tokens=["[END]"])
    whole = model.generate(PROMPTS, max_new_tokens=150, sampler=sampler, seed=3, strip_prompt=True)
    for stop in ("a", ["ab", "b"], [whole[0][70:74]], "zzz", ["😀é", " "]):
        stops = [stop] if isinstance(stop, str) else stop
        places = [[text.find(each) for each in stops if each in text] for text in whole]
        expected = [text[: min(place, default=None)] for text, place in zip(whole, places, strict=True)]
        arguments = {"max_new_tokens": 150, "sampler": sampler, "seed": 3, "stop": stop}
        assert model.generate(PROMPTS, strip_prompt=True, **arguments) == expected
        with_prompts = [prompt + text for prompt, text in zip(PROMPTS, expected, strict=True)]
        assert model.generate(PROMPTS, **arguments) == with_prompts


def test_a_stop_string_in_the_prompt_does_not_stop(model):
    assert model.generate("ab", max_new_tokens=9, stop="ab", temperature=0)[0].startswith("ab")


def test_no_text_ends_later_than_its_end(model):
    ending = biased(generator(), "[END]", 50.0)
    assert ending.generate(PROMPTS, max_new_tokens=10**6) == PROMPTS


@pytest.mark.parametrize("stop", [None, "a", ["ab", "b c"], "the", ["at the", "cat sat"]])
@pytest.mark.parametrize("strip_prompt", [False, True])
@pytest.mark.parametrize("prompts", ["ab", PROMPTS[:4]], ids=["one", "several"])
def test_streamed_pieces_joined_are_the_text(model, words, prompts, strip_prompt, stop):
    for each in (model, words):
        arguments = {"max_new_tokens": 25, "seed": 5, "stop": stop, "strip_prompt": strip_prompt}
        pieces = list(each.generate(prompts, stream=True, **arguments))
        expected = each.generate(prompts, **arguments)
        rows = [[piece] for piece in pieces] if isinstance(prompts, str) else pieces
        assert ["".join(row) for row in zip(*rows, strict=True)] == (expected if pieces else [])
        assert len(pieces) > 2 or stop
        assert pieces or not any(expected)


@pytest.mark.parametrize("sampler", ["greedy", "top_p", "contrastive", samplers.TopKSampler(no_repeat_ngram_size=2)])
def test_other_samplers_stream_too(model, sampler):
    pieces = model.generate("ab", max_new_tokens=12, sampler=sampler, seed=1, stream=True)
    assert ["".join(pieces)] == model.generate("ab", max_new_tokens=12, sampler=sampler, seed=1)


def test_a_stream_is_written_as_it_is_read(model):
    sampler = samplers.RandomSampler(banned_tokens=["[END]"])
    stream = model.generate("ab", max_new_tokens=10**7, sampler=sampler, stream=True)
    assert next(stream) == "ab"
    assert len(next(stream) + next(stream)) == 2


def test_changed_weights_write_another_text():
    model = generator(seed=7)
    before = model.generate("ab", max_new_tokens=20, temperature=0)
    model.set_weights(generator(seed=8).get_weights())
    assert model.generate("ab", max_new_tokens=20, temperature=0) != before
    assert model.generate("ab", max_new_tokens=20, temperature=0) == by_numpy(model, ["ab"], Call(20, 0.0))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"prompts": []}, ValueError, "at least one prompt"),
        ({"prompts": None}, TypeError, "list of strings"),
        ({"prompts": [b"\xff"]}, ValueError, "UTF-8"),
        ({"prompts": ["a", None]}, TypeError, r"\[1\] is a missing text"),
        ({"max_length": -1}, ValueError, "max_length is at least 0; received -1"),
        ({"max_length": 2.5}, TypeError, "max_length is an integer"),
        ({"max_length": 5, "max_new_tokens": 5}, ValueError, "received max_new_tokens and max_length"),
        ({"num_return_sequences": 0}, ValueError, "num_return_sequences is a whole number of at least 1"),
        ({"num_return_sequences": 2, "sampler": "greedy"}, ValueError, "GreedySampler writes the same text"),
        ({"num_return_sequences": 2, "sampler": "beam"}, ValueError, "BeamSampler writes the same text"),
        ({"prompts": ["a", 1]}, TypeError, "int"),
        ({"prompts": ["\ud800"]}, ValueError, "surrogate"),
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens is at least 0; received -1"),
        ({"temperature": -0.1}, ValueError, "temperature is 0"),
        ({"temperature": float("nan")}, ValueError, "temperature is 0"),
        ({"temperature": float("inf")}, ValueError, "temperature is 0, the most probable token, to 1e30"),
        ({"temperature": None}, TypeError, "TextGenerator.generate: temperature is a number; received NoneType None"),
        ({"temperature": "hot"}, TypeError, "temperature is a number; received str 'hot'"),
        ({"temperature": [1.0]}, TypeError, "temperature is a number; received list"),
        ({"temperature": np.ones(2)}, TypeError, "temperature is a number; received ndarray"),
        ({"top_p": None}, TypeError, "TextGenerator.generate: top_p is a number; received NoneType None"),
        ({"top_p": "a"}, TypeError, "top_p is a number; received str 'a'"),
        ({"top_k": -1}, ValueError, "top_k is at least 0"),
        ({"top_p": 1.1}, ValueError, "top_p is 0 to 1; received 1.1"),
        ({"top_p": float("nan")}, ValueError, "top_p is 0 to 1"),
        ({"seed": 0.5}, TypeError, "seed is an integer"),
        ({"seed": True}, TypeError, "seed is an integer"),
        ({"seed": 2**63}, ValueError, "seed is an integer of 64 bits"),
        ({"stop": 3}, TypeError, "stop is a string"),
        ({"stop": ""}, ValueError, "stop strings are not empty"),
        ({"max_new_tokens": 2.5}, TypeError, "max_new_tokens is an integer"),
        ({"top_k": 2.5}, TypeError, "top_k is an integer"),
        ({"sampler": "topp"}, ValueError, "received 'topp'"),
        ({"sampler": 5}, ValueError, "received 5"),
        ({"sampler": "beam", "stream": True}, ValueError, "BeamSampler knows its text only at the end"),
        ({"sampler": samplers.RandomSampler(banned_tokens=["xyz"])}, ValueError, "banned_tokens"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(model, arguments, error, message):
    with pytest.raises(error, match=message):
        model.generate(**{"prompts": "ab", **arguments})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_an_error(value):
    model = generator()
    kernel = model.head.kernel.numpy()
    kernel[2, 5] = value
    model.head.kernel.assign(kernel)
    for stream in (False, True):
        with pytest.raises(ValueError, match=r"weight .*head/kernel.* has values that are not finite"):
            model.generate("ab", stream=stream)


def test_a_trained_model_writes_with_its_new_weights():
    model = generator(units=8)
    model.generate("ab", max_new_tokens=3)
    model.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    with eagerly():
        model.fit("abcd", epochs=2, batch_size=1, length=3, verbose=0)
    assert model.generate(PROMPTS[:2], seed=2) == by_numpy(model, PROMPTS[:2], Call(100, seed=2))

"""samplers.get: names, samplers, and nothing else; and what all samplers have in common."""

import json

import keras
import numpy as np
import pytest

from keras_seqkit import samplers

OWN_ARGUMENTS = {
    "greedy": {},
    "random": {},
    "top_k": {"k": 3},
    "top_p": {"p": 0.25, "k": 4},
    "min_p": {"min_p": 0.5},
    "typical": {"typical_p": 0.75},
    "beam": {"num_beams": 3, "length_penalty": 0.5},
    "contrastive": {"k": 2, "alpha": 0.25},
}
SHARED_ARGUMENTS = {
    "temperature": 0.5,
    "repetition_penalty": 1.5,
    "no_repeat_ngram_size": 2,
    "min_new_tokens": 4,
    "banned_tokens": ["a", 5],
}
OUT_OF_RANGE = [
    *[(name, key, value) for name in OWN_ARGUMENTS for key, value in [("temperature", -0.1), ("banned_tokens", "a")]],
    ("random", "temperature", float("nan")),
    ("random", "repetition_penalty", 0),
    ("greedy", "repetition_penalty", -1.0),
    ("greedy", "no_repeat_ngram_size", -1),
    ("beam", "min_new_tokens", -1),
    ("top_k", "k", 0),
    ("top_p", "p", 0),
    ("top_p", "p", 1.01),
    ("top_p", "p", float("nan")),
    ("top_p", "k", 0),
    ("min_p", "min_p", 0),
    ("min_p", "min_p", 1.01),
    ("typical", "typical_p", 0),
    ("typical", "typical_p", 1.01),
    ("beam", "num_beams", 0),
    ("contrastive", "k", 0),
    ("contrastive", "alpha", -0.01),
    ("contrastive", "alpha", 1.01),
]


def test_every_sampler_is_walked():
    assert set(OWN_ARGUMENTS) == set(samplers.SAMPLERS)


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_a_name_gives_its_sampler_with_the_defaults(name):
    found = samplers.get(name)
    assert type(found) is samplers.SAMPLERS[name]
    assert found.get_config() == samplers.SAMPLERS[name]().get_config()


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_long_and_short_names_are_exported(name):
    short = {"top_k": "TopK", "top_p": "TopP", "min_p": "MinP"}.get(name, name.capitalize())
    assert getattr(samplers, short) is getattr(samplers, f"{short}Sampler") is samplers.SAMPLERS[name]
    assert {short, f"{short}Sampler"} <= set(samplers.__all__)


def test_a_sampler_is_given_back_and_none_is_random():
    sampler = samplers.TopKSampler(k=2)
    assert samplers.get(sampler) is sampler
    assert type(samplers.get(None)) is samplers.RandomSampler


@pytest.mark.parametrize("sampler", ["Greedy", "top-k", "", 3, {"name": "greedy"}, samplers.GreedySampler])
def test_anything_else_is_refused(sampler):
    with pytest.raises(ValueError, match=r"samplers\.get: a Sampler or one of \['beam', 'contrastive', 'greedy', "):
        samplers.get(sampler)


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_a_configuration_goes_through_json_and_back(name):
    arguments = {**SHARED_ARGUMENTS, **OWN_ARGUMENTS[name]}
    sampler = samplers.SAMPLERS[name](**arguments)
    config = json.loads(json.dumps(sampler.get_config()))
    assert config == arguments
    again = samplers.SAMPLERS[name].from_config(config)
    assert type(again) is type(sampler)
    assert again.get_config() == arguments


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_keras_saves_and_loads_samplers_by_their_registered_name(name):
    sampler = samplers.SAMPLERS[name](**SHARED_ARGUMENTS, **OWN_ARGUMENTS[name])
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(sampler)))
    assert saved["registered_name"] == f"keras_seqkit>{type(sampler).__name__}"
    assert keras.saving.deserialize_keras_object(saved).get_config() == sampler.get_config()


@pytest.mark.parametrize(("name", "argument", "value"), OUT_OF_RANGE)
def test_arguments_out_of_range_are_refused_by_name(name, argument, value):
    kind = samplers.SAMPLERS[name]
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: {argument} is .*; received {value!r}\.$"):
        kind(**{argument: value})


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_arguments_at_the_ends_of_their_ranges_are_taken(name):
    ends = {
        "top_k": [{"k": 1}],
        "top_p": [{"p": 1}, {"p": 1e-9, "k": 1}],
        "min_p": [{"min_p": 1}],
        "typical": [{"typical_p": 1}],
        "beam": [{"num_beams": 1}, {"length_penalty": -1.0}],
        "contrastive": [{"k": 1, "alpha": 0}, {"alpha": 1}],
    }
    for arguments in [{"temperature": 0}, {"banned_tokens": ()}, *ends.get(name, [])]:
        samplers.SAMPLERS[name](**arguments)


@pytest.mark.parametrize("name", OWN_ARGUMENTS)
def test_what_callers_ask_a_sampler(name):
    sampler = samplers.get(name)
    assert sampler.beams == (5 if name == "beam" else 1)
    assert sampler.writes_each_step == (name != "beam")
    assert sampler.reads_prompt_outputs == (name == "contrastive")
    assert sampler.needs_whole_text == (name in ("beam", "contrastive"))
    assert samplers.SAMPLERS[name](no_repeat_ngram_size=2).needs_whole_text
    if sampler.writes_each_step:
        with pytest.raises(NotImplementedError, match=rf"{type(sampler).__name__} writes a token at each step"):
            sampler.result({"written": np.zeros((1, 1))})

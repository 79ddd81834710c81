"""What a `TextVectorization` inside a model gives, the file gives, on any Unicode."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings

from tests.text_layers.files import WORDS, assert_as_layers, column, file_of, opened, texts

PAIRS = ["the film", "film was", "the film was", "a b", "é é"]
STANDARDIZE = (None, "lower", "strip_punctuation", "lower_and_strip_punctuation")


def layer(**options) -> keras.layers.TextVectorization:
    return keras.layers.TextVectorization(vocabulary=[*WORDS, *PAIRS, *"abcdt .,'"], **options)


def learned(**options) -> keras.layers.TextVectorization:
    made = keras.layers.TextVectorization(**options)
    made.adapt(["The film was good", "the film, was É bad", "a\0 b a", "漢字 " * 3])
    return made


@cache
def splitting() -> dict[str, keras.Layer]:
    """Layers that split, by the names of their outputs."""
    layers = {f"{split}_{how}": layer(split=split, standardize=how) for split in ("whitespace", "character")
              for how in STANDARDIZE}  # fmt: skip
    return {
        **layers,
        "two_at_once": layer(ngrams=2),
        "pairs_alone": layer(ngrams=(2,)),
        "threes_first": layer(ngrams=(3, 1), output_sequence_length=5),
        "characters_in_threes": layer(split="character", ngrams=3),
        "four_steps": layer(output_sequence_length=4),
        "multi_hot": layer(output_mode="multi_hot"),
        "count_of_pairs": layer(output_mode="count", ngrams=2, pad_to_max_tokens=True, max_tokens=60),
        "tf_idf": learned(output_mode="tf_idf", split="whitespace"),
        "tf_idf_padded": learned(output_mode="tf_idf", pad_to_max_tokens=True, max_tokens=30),
        "learned": learned(max_tokens=5),
    }


@pytest.fixture(scope="module")
def splitting_file():
    return file_of(splitting(), (1,), "string", "splitting")


@settings(max_examples=40)
@given(rows=texts)
@example(rows=[""])
@example(rows=["", " \n"])
@example(rows=["\0", "a\0b \0 É"])
@example(rows=["The film was good!"] * 2)
def test_ids_and_counts_are_those_of_the_layer(splitting_file, rows):
    assert_as_layers(splitting_file, splitting(), column(rows))


@cache
def whole_texts() -> dict[str, keras.Layer]:
    """Layers that do not split."""
    layers = {f"whole_{how}": layer(split=None, standardize=how) for how in STANDARDIZE}
    return {
        **layers,
        "pairs": layer(split=None, ngrams=2),
        "five_steps": layer(split=None, output_sequence_length=5),
        "two_steps": layer(split=None, output_sequence_length=2),
        "one_hot": layer(split=None, output_mode="one_hot"),
        "count": layer(split=None, output_mode="count"),
    }


@pytest.fixture(scope="module")
def whole_file():
    return file_of(whole_texts(), (3,), "string", "whole")


@settings(max_examples=25)
@given(rows=texts)
def test_texts_that_are_not_split_are_looked_up_whole(whole_file, rows):
    array = np.array([[row, "THE", "film"] for row in rows], object)
    assert_as_layers(whole_file, whole_texts(), array)


def test_texts_of_one_axis_and_of_three_are_taken():
    plain = layer()
    file = file_of({"ids": plain}, (), "string", "one_axis")
    assert_as_layers(file, {"ids": plain}, np.array(["the film", ""], object))
    assert file.predict("the film")["ids"].shape == (1, 2)
    file = file_of({"ids": plain}, (2, 1), "string", "three_axes")
    assert_as_layers(file, {"ids": plain}, np.array([[["the film"], ["A  b c"]], [[""], ["was"]]], object))


def test_a_layer_that_was_not_adapted_is_refused_by_name():
    x = keras.Input((1,), dtype="string")
    with pytest.raises(ValueError, match=r"layer 'words' has no vocabulary\. Call its adapt"):
        opened(keras.Model(x, keras.layers.TextVectorization(name="words")(x)), "refused")


REFUSED = {
    "function of Python for standardize": {"standardize": lambda x: x},
    "function of Python for split": {"split": lambda x: keras.ops.expand_dims(x, -1)},
    "ragged=True": {"ragged": True},
    "sparse=True": {"sparse": True, "output_mode": "count"},
    "output_mode='one_hot'": {"output_mode": "one_hot"},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_a_file_cannot_hold_is_refused_by_the_layers_name(reason):
    made = layer(name="words", **REFUSED[reason])
    x = keras.Input((1,), dtype="string")
    model = keras.Model(x, keras.layers.Lambda(lambda each: each, output_shape=(None,))(made(x)))
    with pytest.raises(ValueError, match=rf"layer 'words' .*{reason}.* Build it"):
        opened(model, "refused")

"""Vocabulary.from_keras against the layer that it takes over."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

from keras_seqkit.text import Vocabulary
from tests.text_strategies import UNUSUAL, few_texts

STANDARDIZE = [None, "lower", "strip_punctuation", "lower_and_strip_punctuation"]
RESERVED = ("[UNK]", "[PAD]", "[START]", "[END]")
# A layer that is adapted to NUL stores "" in its place, so there is none in here; the texts that are compared have it.
ADAPTED_TO = [text for text in UNUSUAL if text not in RESERVED and "\0" not in text]
ADAPTED_TO += ["It's GREAT, não é? é e\u0301 \u3000 don't-stop 😀 NÃO", "great É İ \x1c a\xa0b [x]"]


def adapted(standardize, split) -> keras.layers.TextVectorization:
    layer = keras.layers.TextVectorization(standardize=standardize, split=split)
    layer.adapt(ADAPTED_TO)
    return layer


LAYERS = {(how, split): adapted(how, split) for how in STANDARDIZE for split in ("whitespace", "character")}


@pytest.mark.parametrize(("standardize", "split"), list(LAYERS))
def test_ids_equal_those_of_the_layer_but_for_the_offset(standardize, split):
    layer = LAYERS[standardize, split]
    vocabulary = Vocabulary.from_keras(layer)
    assert len(vocabulary) > 30

    @settings(max_examples=60)
    @given(few_texts)
    def check(texts):
        theirs = np.asarray(layer(tf.constant(texts)))  # (batch, time)
        ours = vocabulary.encode(texts)
        ours = np.where(ours >= 2, ours - 2, ours)
        time = max(ours.shape[1], theirs.shape[1])
        pad = [np.pad(ids, ((0, 0), (0, time - ids.shape[1]))) for ids in (ours, theirs)]
        np.testing.assert_array_equal(*pad)

    check()


@pytest.mark.parametrize("standardize", STANDARDIZE)
def test_the_order_of_tokens_is_that_of_the_layer(standardize):
    layer = LAYERS[standardize, "whitespace"]
    assert Vocabulary.from_keras(layer).tokens[4:] == layer.get_vocabulary(include_special_tokens=False)


@pytest.mark.parametrize(
    "arguments",
    [
        {"split": None},
        {"split": tf.strings.bytes_split},
        {"standardize": tf.strings.lower},
        {"ngrams": 2},
        {"ngrams": (1, 2)},
    ],
)
def test_a_layer_with_rules_of_its_own_is_refused(arguments):
    layer = keras.layers.TextVectorization(vocabulary=["a"], **arguments)
    with pytest.raises(ValueError, match=r"Vocabulary\.from_keras: a layer with split='whitespace' or 'character'"):
        Vocabulary.from_keras(layer)


@pytest.mark.parametrize("layer", [None, "text", keras.layers.Dense(1), SimpleNamespace()])
def test_what_is_no_text_vectorization_is_refused(layer):
    with pytest.raises(TypeError, match=r"Vocabulary\.from_keras: a TextVectorization is expected; received"):
        Vocabulary.from_keras(layer)


def test_a_reserved_token_in_the_layer_is_refused():
    layer = keras.layers.TextVectorization(vocabulary=["[START]", "a"], standardize=None)
    with pytest.raises(ValueError, match="each token stands once"):
        Vocabulary.from_keras(layer)

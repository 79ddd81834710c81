"""What `StringLookup` and `IntegerLookup` inside a model give, the file gives."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text_layers.files import WORDS, assert_as_layers, file_of, opened, text

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
NUMBERS = [5, 7, -3, 2**40, 12]


def lookup(kind, vocabulary, output_mode, **options) -> keras.Layer:
    weights = {"idf_weights": np.linspace(0.5, 2, len(vocabulary))} if output_mode == "tf_idf" else {}
    return kind(vocabulary=vocabulary, output_mode=output_mode, **weights, **options)


@cache
def strings() -> dict[str, keras.Layer]:
    kind = keras.layers.StringLookup
    made = {f"{mode}_{mask}": lookup(kind, WORDS, mode, mask_token=mask) for mode in MODES for mask in (None, "I?")}
    learned = kind(output_mode="tf_idf", pad_to_max_tokens=True, max_tokens=9)
    learned.adapt([["the", "film", "the"], ["É", "a\0", "was"]])
    return {**made, "learned": learned}


@cache
def integers() -> dict[str, keras.Layer]:
    kind = keras.layers.IntegerLookup
    made = {
        f"{mode}_{mask}_{unknown}": lookup(kind, NUMBERS, mode, mask_token=mask, num_oov_indices=unknown)
        for mode in MODES
        for mask, unknown in ((None, 1), (0, 1), (0, 3), (None, 2))
    }
    names = keras.layers.StringLookup(vocabulary=WORDS, invert=True, mask_token="none", oov_token="?")
    numbers = kind(vocabulary=NUMBERS, invert=True, mask_token=0, num_oov_indices=2)
    return {**made, "names": names, "numbers": numbers, "names_from_0": keras.layers.StringLookup(
        vocabulary=WORDS, invert=True, num_oov_indices=0)}  # fmt: skip


@pytest.fixture(scope="module")
def strings_file():
    return file_of(strings(), (3,), "string", "strings")


@pytest.fixture(scope="module")
def integers_file():
    return file_of(integers(), (3,), "int64", "integers")


token = st.sampled_from([*WORDS, "", "I?", "THE", "a", "a\0", "unheard"]) | text
integer = st.sampled_from([*NUMBERS, 0, -1, 1, 20]) | st.integers(-(2**62), 2**62)


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(token, token, token), min_size=1, max_size=4))
def test_strings_are_looked_up_as_in_keras(strings_file, rows):
    assert_as_layers(strings_file, strings(), np.array(rows, object))


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(integer, integer, integer), min_size=1, max_size=4))
def test_integers_are_looked_up_as_in_keras(integers_file, rows):
    assert_as_layers(integers_file, integers(), np.array(rows, np.int64))


@pytest.mark.parametrize("shape", [(), (1,), (None,), (2, 2)], ids=str)
def test_lookups_take_any_axes(shape):
    layers = {
        "ids": keras.layers.StringLookup(vocabulary=WORDS, mask_token=""),
        "one_hot": keras.layers.StringLookup(vocabulary=WORDS, output_mode="one_hot"),
    }
    full = (3, *(size or 4 for size in shape))
    array = np.resize(np.array(["the", "unheard", "", "film", "É"], object), full)
    assert_as_layers(file_of(layers, shape, "string", "axes"), layers, array)


def test_what_is_not_in_the_vocabulary_is_an_error_where_keras_raises_one():
    words, numbers = keras.Input((2,), dtype="string", name="words"), keras.Input((1,), dtype="int64", name="numbers")
    layers = keras.layers
    found = layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0)(words)
    other = layers.IntegerLookup(vocabulary=[7, 9], num_oov_indices=0, output_mode="one_hot")(numbers)
    file = opened(keras.Model([words, numbers], [found, other]), "all_known", verify=True)
    ids, rows = file.predict({"words": [["b", "a"]], "numbers": [[9]]}).values()
    np.testing.assert_array_equal(ids, [[1, 0]])
    np.testing.assert_array_equal(rows, [[0, 1]])
    for wrong in ({"words": [["b", "c"]], "numbers": [[9]]}, {"words": [["b", "a"]], "numbers": [[8]]}):
        with pytest.raises(Exception, match="must_be_in_the_vocabulary"):
            file.predict(wrong)
    none = file.predict({"words": np.empty((0, 2), object), "numbers": np.empty((0, 1), int)})
    assert [len(each) for each in none.values()] == [0, 0]


HASHES = {
    "is a Hashing": lambda x: keras.layers.Hashing(4, name="it")(x),
    "is a HashedCrossing": lambda x: keras.layers.HashedCrossing(4, name="it")((x, x)),
    "spreads what it does not know over 2": lambda x: keras.layers.StringLookup(
        vocabulary=["a"], num_oov_indices=2, name="it"
    )(x),
    "is a Hashing, whose": lambda x: keras.layers.Hashing(4, salt=3, name="it")(x),
}


@pytest.mark.parametrize("reason", HASHES)
def test_hashes_are_refused_by_the_layers_name(reason):
    x = keras.Input((1,), dtype="string")
    with pytest.raises(ValueError, match=rf"layer 'it' {reason}.* ONNX's operators"):
        opened(keras.Model(x, HASHES[reason](x)), "refused")


def test_counts_over_the_whole_batch_are_refused():
    x = keras.Input((), dtype="string")
    counted = keras.layers.StringLookup(vocabulary=["a"], output_mode="count", name="it")(x)
    with pytest.raises(ValueError, match=r"layer 'it' has output_mode='count' and counts in each row of \(batch, n\)"):
        opened(keras.Model(x, counted), "refused")

"""GloveEmbedding: an Embedding whose table is the one a short loop fills, saved without the vector file."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_seqkit.layers.glove_embedding import GloveEmbedding
from tests.layers.glove_tables import EXPECTED, IDS, TOKENS, VECTORS, table_of

SAME_SUMS = 1e-6  # float32, the same sums in another order
HALF = 1e-3  # float16 keeps 11 bits


def test_each_row_is_the_vector_of_its_token(vector_file):
    layer = GloveEmbedding(TOKENS, vector_file)
    np.testing.assert_array_equal(table_of(layer), EXPECTED)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(IDS)), EXPECTED[IDS])
    assert (layer.input_dim, layer.output_dim) == (6, 2)


@settings(max_examples=30, deadline=None)
@given(
    words=st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=20),
    known=st.lists(st.text(min_size=1), min_size=1, max_size=20),
    dim=st.integers(1, 5),
)
def test_any_vocabulary_and_mapping_give_the_table_of_a_short_loop(words, known, dim):
    vectors = {token: np.random.default_rng(i).normal(size=dim) for i, token in enumerate(known)}
    layer = GloveEmbedding(["", *words], vectors)
    expected = np.zeros((1 + len(words), dim), dtype="float32")
    for row, word in enumerate(words, 1):
        if word in vectors:
            expected[row] = vectors[word]
    np.testing.assert_array_equal(table_of(layer), expected)
    assert layer.coverage.found == [word for word in words if word in vectors]
    assert layer.coverage.missing == [word for word in words if word not in vectors]


def test_a_vocabulary_object_gives_its_tokens():
    class Vocabulary:
        tokens = TOKENS

    np.testing.assert_array_equal(table_of(GloveEmbedding(Vocabulary(), VECTORS)), EXPECTED)


def test_the_vocabulary_of_this_package_gives_its_tokens():
    from keras_seqkit.text.vocabulary import Vocabulary

    vocabulary = Vocabulary.from_texts(["moon and sun", "sun"])
    layer = GloveEmbedding(vocabulary, VECTORS)
    rows = ops.convert_to_numpy(layer(vocabulary.encode(["sun moon"])))[0]
    np.testing.assert_array_equal(rows[:2], [[3, 4], [0, 2]])


# Tokens without a vector -----------------------------------------------------------------------------------


def test_oov_mean_is_the_mean_of_the_found_vectors():
    table = table_of(GloveEmbedding(TOKENS, VECTORS, oov="mean"))
    mean = EXPECTED[[2, 4, 5]].mean(axis=0)
    np.testing.assert_allclose(table[[1, 3]], [mean, mean], rtol=SAME_SUMS)
    np.testing.assert_array_equal(table[[0, 2, 4, 5]], EXPECTED[[0, 2, 4, 5]])


def test_oov_normal_has_the_mean_and_deviation_of_the_found_vectors():
    rng = np.random.default_rng(1)
    vectors = {f"w{i}": row for i, row in enumerate(rng.normal([5.0, -3.0], [0.5, 2.0], size=(500, 2)))}
    tokens = ["[PAD]", *vectors, *(f"missing{i}" for i in range(4000))]
    table = table_of(GloveEmbedding(tokens, vectors, oov="normal"))
    drawn, found = table[501:], np.array(list(vectors.values()))
    # Four standard errors of 4,000 draws.
    np.testing.assert_allclose(drawn.mean(axis=0), found.mean(axis=0), atol=4 * 2 / 4000**0.5)
    np.testing.assert_allclose(drawn.std(axis=0), found.std(axis=0), rtol=4 / 8000**0.5)
    assert len(np.unique(drawn, axis=0)) == 4000
    np.testing.assert_array_equal(table[0], [0, 0])


def test_oov_normal_is_the_same_on_every_run():
    keras.utils.set_random_seed(1)
    first = table_of(GloveEmbedding(TOKENS, VECTORS, oov="normal"))
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(table_of(GloveEmbedding(TOKENS, VECTORS, oov="normal")), first)


def test_oov_ngrams_makes_vectors_of_the_ngrams_of_a_fasttext_file(tmp_path):
    from gensim.models import FastText
    from gensim.models.fasttext import load_facebook_vectors, save_facebook_model

    save_facebook_model(
        FastText([["sun", "moon", "star"]] * 9, vector_size=4, bucket=50, min_count=1), str(tmp_path / "f")
    )
    theirs = load_facebook_vectors(str(tmp_path / "f"))
    tokens = ["[PAD]", "[UNK]", "sun", "sunny", "moon", "日"]
    layer = GloveEmbedding(tokens, tmp_path / "f", oov="ngrams")
    expected = np.zeros((6, 4))
    for word in ("sun", "sunny", "moon", "日"):
        expected[tokens.index(word)] = theirs[word]
    np.testing.assert_allclose(table_of(layer), expected, atol=SAME_SUMS)
    assert table_of(layer)[3].any()
    assert layer.coverage.found == ["sun", "moon"]
    assert GloveEmbedding.from_config(layer.get_config()).oov == "ngrams"
    lengths = np.linalg.norm(table_of(GloveEmbedding(tokens, tmp_path / "f", oov="ngrams", normalize=True)), axis=1)
    np.testing.assert_allclose(lengths[2:], 1, rtol=SAME_SUMS)


def test_oov_ngrams_needs_a_fasttext_file(vector_file):
    with pytest.raises(ValueError, match="only a fastText file"):
        GloveEmbedding(TOKENS, vector_file, oov="ngrams")


@pytest.mark.parametrize("oov", ["normal", "mean"])
def test_oov_needs_one_found_token(oov):
    with pytest.raises(ValueError, match=rf"no token of the vocabulary has a vector, so oov='{oov}'"):
        GloveEmbedding(["[PAD]", "mars"], VECTORS, oov=oov)


def test_an_unknown_oov_is_an_error():
    with pytest.raises(ValueError, match=r"oov is 'random', expected one of \('zeros', 'normal', 'mean', 'ngrams'\)"):
        GloveEmbedding(TOKENS, VECTORS, oov="random")


@pytest.mark.parametrize("oov", ["zeros", "normal", "mean"])
def test_the_padding_row_is_zeros_also_where_it_has_a_vector(oov):
    vectors = {**VECTORS, "<pad>": [7.0, 7.0]}
    layer = GloveEmbedding(["<pad>", *TOKENS[1:]], vectors, oov=oov)
    np.testing.assert_array_equal(table_of(layer)[0], [0, 0])
    without = table_of(GloveEmbedding(TOKENS, VECTORS, oov=oov))
    np.testing.assert_array_equal(table_of(layer), without)


def test_a_word_in_the_place_of_the_padding_keeps_its_vector_and_is_warned_of():
    with pytest.warns(UserWarning, match="'sun' has id 0, which mask_zero masks"):
        masked = GloveEmbedding(["sun", "moon"], VECTORS)
    unmasked = GloveEmbedding(["sun", "moon"], VECTORS, mask_zero=False)
    for layer in (masked, unmasked):
        np.testing.assert_array_equal(table_of(layer), [VECTORS["sun"], VECTORS["moon"]])
        assert layer.coverage.found == ["sun", "moon"]


@pytest.mark.parametrize("padding", ["", "[PAD]", "<pad>", "<PAD>", "__pad__"])
def test_the_padding_may_be_written_in_the_usual_ways(padding):
    layer = GloveEmbedding([padding, "sun"], {**VECTORS, padding: [5.0, 5.0]})
    np.testing.assert_array_equal(table_of(layer), [[0, 0], VECTORS["sun"]])
    assert layer.coverage.found == ["sun"]


def test_normalize_scales_found_rows_to_length_one():
    layer = GloveEmbedding([*TOKENS, "zero"], {**VECTORS, "zero": [0.0, 0.0]}, normalize=True, oov="mean")
    table = table_of(layer)
    lengths = np.linalg.norm(table, axis=1)
    np.testing.assert_allclose(lengths[[2, 4, 5]], 1, rtol=SAME_SUMS)
    np.testing.assert_allclose(table[2], [0.6, 0.8], rtol=SAME_SUMS)
    np.testing.assert_array_equal(table[[0, 6]], np.zeros((2, 2)))
    np.testing.assert_allclose(table[1], table[[2, 4, 5, 6]].mean(axis=0), rtol=SAME_SUMS)


# Coverage --------------------------------------------------------------------------------------------------


def test_coverage_tells_which_tokens_were_found():
    coverage = GloveEmbedding(TOKENS, VECTORS).coverage
    assert coverage.found == ["sun", "moon", "star"]
    assert coverage.missing == ["[UNK]", "mars"]
    assert coverage.fraction == 3 / 5
    assert str(coverage) == "3 of 5 tokens (60.0 %)"


def test_coverage_of_many_tokens_prints_with_separators():
    tokens = ["[PAD]", *(f"w{i}" for i in range(20_000))]
    layer = GloveEmbedding(tokens, {token: [1.0] for token in tokens[1:18_205]})
    assert str(layer.coverage) == "18,204 of 20,000 tokens (91.0 %)"


# Masks, training, precision --------------------------------------------------------------------------------


def test_mask_zero_masks_the_padding_and_nothing_else():
    np.testing.assert_array_equal(ops.convert_to_numpy(GloveEmbedding(TOKENS, VECTORS).compute_mask(IDS)), IDS != 0)
    assert GloveEmbedding(TOKENS, VECTORS, mask_zero=False).compute_mask(IDS) is None


@pytest.mark.parametrize("mask_zero", [True, False])
def test_the_mask_reaches_the_next_layer(mask_zero):
    recurrent = keras.layers.GRU(3)
    model = keras.Sequential([GloveEmbedding(TOKENS, VECTORS, mask_zero=mask_zero), recurrent])
    padded, short = model.predict(IDS[:1], verbose=0), model.predict(IDS[:1, :3], verbose=0)
    assert np.allclose(padded, short, atol=SAME_SUMS) == mask_zero


@pytest.mark.parametrize("trainable", [True, False])
def test_training_changes_the_table_only_if_it_is_trainable(trainable):
    layer = GloveEmbedding(TOKENS, VECTORS, trainable=trainable)
    model = keras.Sequential([layer, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(IDS, np.ones((3, 1)), epochs=1, verbose=0)
    assert np.array_equal(table_of(layer), EXPECTED) != trainable
    assert (layer.embeddings in layer.trainable_variables) == trainable


def test_mixed_precision_computes_in_half_and_keeps_the_table_whole():
    layer = GloveEmbedding(TOKENS, {"sun": [0.1, 1 / 3]}, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(layer(IDS).dtype) == "float16"
    np.testing.assert_array_equal(table_of(layer)[2], np.array([0.1, 1 / 3], dtype="float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(IDS))[0, 0], [0.1, 1 / 3], rtol=HALF)


def test_arguments_of_embedding_pass_through():
    layer = GloveEmbedding(
        TOKENS,
        VECTORS,
        name="words",
        embeddings_regularizer=keras.regularizers.L2(0.5),
        embeddings_constraint="max_norm",
        trainable=True,
    )
    layer(IDS)
    assert layer.name == "words"
    np.testing.assert_allclose(float(layer.losses[0]), 0.5 * (EXPECTED**2).sum(), rtol=SAME_SUMS)
    assert isinstance(layer.embeddings_constraint, keras.constraints.MaxNorm)


@pytest.mark.parametrize("name", ["weights", "embeddings_initializer", "input_dim"])
def test_arguments_that_the_vectors_settle_are_an_error(name):
    with pytest.raises(ValueError, match=f"{name} comes from the vocabulary and the vectors"):
        GloveEmbedding(TOKENS, VECTORS, **{name: 1})


def test_output_dim_other_than_the_vectors_is_an_error():
    with pytest.raises(ValueError, match=r"vectors have 2 dimensions, output_dim is 100\. Leave output_dim out"):
        GloveEmbedding(TOKENS, VECTORS, output_dim=100)


def test_neither_vectors_nor_output_dim_is_an_error():
    with pytest.raises(ValueError, match=r"vectors is None, and so is output_dim"):
        GloveEmbedding(TOKENS)


@pytest.mark.parametrize("vocabulary", ["sun", 3, None, ["[PAD]", 3], {"[PAD]": 0}])
def test_a_vocabulary_that_is_no_sequence_of_tokens_is_an_error(vocabulary):
    with pytest.raises(ValueError, match=r"expected vocabulary to be a Vocabulary or a sequence of str"):
        GloveEmbedding(vocabulary, VECTORS)


def test_an_empty_vocabulary_is_an_error():
    with pytest.raises(ValueError, match=r"the vocabulary is empty"):
        GloveEmbedding([], VECTORS)


def test_a_broken_file_is_an_error_with_its_line(vector_file):
    vector_file.write_text("sun 1 2\nmoon 1 x\nstar 1 2\n")
    with pytest.raises(ValueError, match=r"vectors.txt, line 2: number 2 is 'x'"):
        GloveEmbedding(TOKENS, vector_file)


# Saving ----------------------------------------------------------------------------------------------------

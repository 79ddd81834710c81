"""`model.wv` answers as gensim's `KeyedVectors` of the same vectors do, and under the same names."""

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec

from keras_seqkit import CBOW, GloveEmbedding, SkipGram, Vocabulary
from keras_seqkit.models.word_vectors.keyed_words import KeyedWords
from tests.models.word_vector_texts import PETS, TOOLS, grouped_texts

VOCABULARY = Vocabulary.from_texts(grouped_texts(60))
DIM = 6
# Cosines of float32 vectors of 6 numbers, computed in another order.
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=[SkipGram, CBOW])
def model(request) -> SkipGram | CBOW:
    made = request.param(VOCABULARY, DIM)
    made.word_vectors.set_weights([np.random.default_rng(0).normal(size=(len(VOCABULARY), DIM))])
    return made


@pytest.fixture(scope="module")
def theirs(model, tmp_path_factory) -> KeyedVectors:
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    model.save_text(path)
    return KeyedVectors.load_word2vec_format(path)


def assert_alike(found, expected) -> None:
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=TOLERANCE)


def test_words_have_the_places_and_vectors_that_gensim_gives_them(model, theirs):
    ours = model.wv
    assert isinstance(ours, KeyedWords)
    assert ours.index_to_key == theirs.index_to_key
    assert ours.key_to_index == theirs.key_to_index
    assert (len(ours), ours.vector_size) == (len(theirs), theirs.vector_size)
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours["cat"], theirs["cat"])
    np.testing.assert_array_equal(ours[["cat", "saw"]], theirs[["cat", "saw"]])
    np.testing.assert_array_equal(ours.get_vector("cat"), model.vector("cat"))
    np.testing.assert_allclose(ours.get_vector("cat", norm=True), theirs.get_vector("cat", norm=True), atol=TOLERANCE)
    for word in ("cat", "zebra", "[PAD]", "[UNK]", ""):
        assert (word in ours) == (word in theirs), word


@pytest.mark.parametrize(
    "arguments",
    [
        {"positive": "cat"},
        {"positive": ["saw", "dog"], "negative": ["cat"], "topn": 4},
        {"positive": ["saw", "dog"], "negative": "cat", "topn": 1},
        {"negative": ["cat"], "topn": 100},
        {"positive": [np.arange(DIM, dtype=np.float32)], "topn": 3},
        {"positive": ["saw", np.ones(DIM)], "negative": [np.arange(DIM)]},
    ],
)
def test_similar_words_are_those_of_gensim(model, theirs, arguments):
    assert_alike(model.wv.most_similar(**arguments), theirs.most_similar(**arguments))
    assert_alike(model.most_similar(**arguments), theirs.most_similar(**arguments))


def test_other_questions_have_the_answers_of_gensim(model, theirs):
    ours = model.wv
    assert ours.similarity("cat", "dog") == pytest.approx(theirs.similarity("cat", "dog"), abs=TOLERANCE)
    assert model.similarity("cat", "dog") == ours.similarity("cat", "dog")
    assert ours.distance("cat", "dog") == pytest.approx(theirs.distance("cat", "dog"), abs=TOLERANCE)
    assert_alike(ours.similar_by_word("cat", topn=3), theirs.similar_by_word("cat", topn=3))
    vector = np.linspace(-1, 1, DIM, dtype=np.float32)
    assert_alike(ours.similar_by_vector(vector, topn=3), theirs.similar_by_vector(vector, topn=3))
    for words in (PETS + TOOLS[:1], ["cat", "saw", "dog"]):
        assert ours.doesnt_match(words) == theirs.doesnt_match(words)
    np.testing.assert_allclose(
        ours.most_similar("cat", topn=None), theirs.most_similar("cat", topn=None), atol=TOLERANCE
    )
    assert_alike(ours.most_similar("cat", "dog", 2), theirs.most_similar("cat", "dog", 2))


def test_topn_and_top_n_are_one_thing(model):
    assert model.most_similar("cat", topn=3) == model.most_similar("cat", top_n=3) == model.most_similar("cat", (), 3)
    assert model.analogy("cat", "saw", "dog", topn=2) == model.analogy("cat", "saw", "dog", top_n=2)
    assert len(model.analogy("cat", "saw", "dog", topn=2)) == 2
    with pytest.raises(ValueError, match="topn and top_n are one thing; received 3 and 4"):
        model.most_similar("cat", top_n=4, topn=3)
    with pytest.raises(ValueError, match="topn is at least 1; received 0"):
        model.most_similar("cat", topn=0)


@pytest.mark.parametrize("word", ["zebra", "[PAD]"])
def test_a_missing_word_is_a_key_error_as_in_gensim_and_a_value_error(model, word):
    for error in (KeyError, ValueError):
        for ask in (
            lambda asked: model.wv[asked],
            model.wv.most_similar,
            model.most_similar,
            model.vector,
            lambda asked: model.wv.similarity("cat", asked),
        ):
            with pytest.raises(error, match=rf"^{type(model).__name__}: .*{word.strip('[]')}"):
                ask(word)


@pytest.mark.parametrize("wrong", [np.ones(DIM + 1), np.full(DIM, np.nan), 3, b"cat", ("cat", 2.0)])
def test_what_is_neither_a_word_nor_a_vector_is_refused(model, wrong):
    with pytest.raises((TypeError, ValueError), match=r"a word is a string|a vector has 6 finite numbers"):
        model.wv.most_similar([wrong])


def test_the_words_are_those_of_the_model_as_it_is_now():
    model = SkipGram(VOCABULARY, DIM)
    words = model.wv
    model.word_vectors.set_weights([np.ones((len(VOCABULARY), DIM))])
    np.testing.assert_array_equal(words["cat"], np.ones(DIM))
    assert words.similarity("cat", "dog") == pytest.approx(1)


@pytest.mark.parametrize("binary", [False, True])
def test_files_are_written_under_the_name_of_gensim(model, theirs, tmp_path, binary):
    path = tmp_path / "vectors"
    model.wv.save_word2vec_format(path, binary=binary)
    again = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert again.key_to_index == theirs.key_to_index
    np.testing.assert_array_equal(again.vectors, theirs.vectors)
    np.testing.assert_array_equal(GloveEmbedding(VOCABULARY, path).get_weights()[0], model.vectors)


def test_an_embedding_takes_word_vectors_in_memory(model):
    for vectors in (model, model.wv):
        np.testing.assert_array_equal(GloveEmbedding(VOCABULARY, vectors).get_weights()[0], model.vectors)
    trained = Word2Vec([PETS, TOOLS], vector_size=4, min_count=1, workers=1)
    layer = GloveEmbedding(VOCABULARY, trained)
    np.testing.assert_array_equal(layer.get_weights()[0][VOCABULARY.index("cat")], trained.wv["cat"])

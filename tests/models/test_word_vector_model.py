"""What holds for `SkipGram` and `CBOW` alike: texts in, similar words and files out, the same after saving."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from gensim.models import KeyedVectors
from keras import ops

from keras_seqkit import CBOW, GloveEmbedding, SkipGram, Vocabulary
from keras_seqkit.models.word_vectors.word_vector_model import WordVectorModel
from tests.eager import eagerly
from tests.models.word_vector_texts import PETS, TOOLS, grouped_texts

TEXTS = grouped_texts(60)
VOCABULARY = Vocabulary.from_texts(TEXTS)
# Cosines of float32 vectors of 6 numbers, computed in another order.
TOLERANCE = 1e-5


def small(kind: type[WordVectorModel], **arguments) -> WordVectorModel:
    return kind(VOCABULARY, **{"dim": 6, "window": 3, "negatives": 2, "subsample": 0.05, **arguments})


@pytest.fixture(scope="module", params=[SkipGram, CBOW])
def kind(request) -> type[WordVectorModel]:
    return request.param


@pytest.fixture(scope="module")
def fitted(kind: type[WordVectorModel]) -> WordVectorModel:
    model = small(kind)
    model.fit(TEXTS, epochs=3, batch_size=64, verbose=0)
    return model


def cosine(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))


def test_one_seed_gives_the_same_vectors_and_another_does_not(kind, fitted):
    vectors = []
    for seed in (0, 1):
        model = small(kind)
        model.fit(TEXTS, epochs=3, batch_size=64, seed=seed, verbose=0)
        vectors.append(model.vectors)
    np.testing.assert_array_equal(vectors[0], fitted.vectors)
    assert (vectors[1] != vectors[0]).any()


def test_vectors_have_a_row_for_each_token_and_zeros_for_reserved_ones(fitted):
    assert fitted.vectors.shape == (len(VOCABULARY), 6)
    assert fitted.vectors.dtype == np.float32
    assert not fitted.vectors[:4].any()
    assert fitted.vectors[4:].any(axis=1).all()
    np.testing.assert_array_equal(fitted.vector("cat"), fitted.vectors[VOCABULARY.index("cat")])


def test_reserved_tokens_and_words_outside_the_vocabulary_are_never_trained(kind):
    model = kind(Vocabulary(["cat", "dog", "unseen"]), 4, subsample=0)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.fit(["cat [PAD] bird dog [END] fish", "dog bird cat"], epochs=4, verbose=0)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        changed = (variable.numpy() != old).any(axis=1)
        assert changed.tolist() == [False] * 4 + [True, True, False]


def test_most_similar_words_equal_a_search_in_plain_python(fitted):
    others = [word for word in VOCABULARY.tokens[4:] if word != "cat"]
    expected = sorted(((cosine(fitted.vector("cat"), fitted.vector(word)), word) for word in others), reverse=True)
    found = fitted.most_similar("cat", top_n=100)
    assert [word for word, _ in found] == [word for _, word in expected]
    np.testing.assert_allclose([score for _, score in found], [score for score, _ in expected], atol=TOLERANCE)
    assert fitted.most_similar(["cat"], top_n=3) == found[:3]
    assert len(fitted.most_similar("cat")) == 10


def test_an_analogy_is_b_minus_a_plus_c_without_the_three(fitted):
    def unit(word: str) -> np.ndarray:
        return fitted.vector(word) / np.linalg.norm(fitted.vector(word))

    asked = unit("saw") - unit("cat") + unit("dog")
    others = [word for word in VOCABULARY.tokens[4:] if word not in ("cat", "saw", "dog")]
    expected = sorted(((cosine(asked, unit(word)), word) for word in others), reverse=True)
    found = fitted.analogy("cat", "saw", "dog", top_n=100)
    assert [word for word, _ in found] == [word for _, word in expected]
    np.testing.assert_allclose([score for _, score in found], [score for score, _ in expected], atol=TOLERANCE)
    assert fitted.most_similar(positive=["saw", "dog"], negative="cat", top_n=4) == found[:4]


def test_similar_words_are_those_of_gensim(fitted, tmp_path):
    fitted.save_text(tmp_path / "vectors.txt")
    theirs = KeyedVectors.load_word2vec_format(tmp_path / "vectors.txt")
    for positive, negative in ((["cat"], []), (["saw", "dog"], ["cat"])):
        expected = theirs.most_similar(positive, negative, topn=8)
        found = fitted.most_similar(positive, negative, top_n=8)
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=TOLERANCE)


@pytest.mark.parametrize("header", [True, False])
def test_a_saved_text_is_read_by_gensim_and_glove_embedding(fitted, tmp_path, header):
    path = tmp_path / "vectors.txt"
    path.write_text("an old file")
    fitted.save_text(path, header=header)
    words = VOCABULARY.tokens[4:]
    first = path.read_text().splitlines()[0]
    assert (first == f"{len(words)} 6") == header
    theirs = KeyedVectors.load_word2vec_format(path, no_header=not header)
    assert theirs.index_to_key == words
    np.testing.assert_array_equal(theirs.vectors, fitted.vectors[4:])
    layer = GloveEmbedding(VOCABULARY, path)
    assert layer.coverage.found == words
    np.testing.assert_array_equal(layer.get_weights()[0], fitted.vectors)


def test_a_text_that_cannot_be_saved_leaves_the_old_file(kind, tmp_path):
    model = kind(Vocabulary.from_texts(["a b"], level="char"), 4)
    (tmp_path / "vectors.txt").write_text("an old file")
    with pytest.raises(ValueError, match=rf"^{kind.__name__}.save_text: the token ' ' holds white space"):
        model.save_text(tmp_path / "vectors.txt")
    assert (tmp_path / "vectors.txt").read_text() == "an old file"
    layer = GloveEmbedding(model.vocabulary, dict(zip(model.vocabulary.tokens, model.vectors, strict=True)))
    np.testing.assert_array_equal(layer.get_weights()[0], model.vectors)  # what the message advises


def test_a_saved_model_is_the_same_and_trains_on(fitted, tmp_path):
    fitted.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(fitted)
    assert loaded.vocabulary == VOCABULARY
    np.testing.assert_array_equal(loaded.vectors, fitted.vectors)
    assert loaded.most_similar("cat") == fitted.most_similar("cat")
    assert loaded.optimizer.iterations == fitted.optimizer.iterations > 0
    loaded.fit(TEXTS, epochs=1, verbose=0)
    assert (loaded.vectors != fitted.vectors).any()


def test_the_configuration_survives_json(kind):
    model = small(kind, name="words", dtype="mixed_bfloat16")
    config = json.loads(json.dumps(model.get_config()))
    again = kind.from_config(config)
    assert again.get_config() == model.get_config()
    assert (again.dim, again.window, again.negatives, again.subsample) == (6, 3, 2, 0.05)


def test_a_chosen_optimizer_stays_and_learning_rates_are_set(kind):
    model = small(kind)
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(TEXTS, epochs=1, verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert float(model.optimizer.learning_rate) == 0.5
    model.fit(TEXTS, epochs=1, learning_rate=0.25, verbose=0)
    assert float(model.optimizer.learning_rate) == 0.25


def test_any_iterable_of_strings_will_do(kind):
    vectors = []
    for texts in (TEXTS, iter(TEXTS), np.array(TEXTS), tuple(TEXTS), [text.encode() for text in TEXTS]):
        model = small(kind)
        model.fit(texts, epochs=1, verbose=0)
        vectors.append(model.vectors)
    for others in vectors[1:]:
        np.testing.assert_array_equal(others, vectors[0])


@pytest.mark.parametrize("texts", [[3], None, 3, ["a cat", None], np.zeros((2, 3))])
def test_what_is_no_list_of_strings_is_refused(kind, texts):
    with pytest.raises(TypeError, match=rf"^{kind.__name__}.fit: x(\[\d\])? is"):
        small(kind).fit(texts, verbose=0)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "at least one text"),
        ([""], "no text has two words"),
        ("cat", "no text has two words.* 1 texts with 1 known words"),
        (["cat", "dog"], "no text has two words of the vocabulary.* 2 texts with 2 known words"),
        (["cat zzz", "zzz yyy"], "no text has two words of the vocabulary"),
        (["\ud800 cat"], "lone surrogate"),
    ],
)
def test_texts_without_a_pair_are_refused(kind, texts, message):
    with pytest.raises(ValueError, match=message):
        small(kind).fit(texts, verbose=0)


def test_texts_that_subsampling_takes_out_are_refused_with_advice(kind):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}.fit: subsample=1e-12 .* subsample=0, which keeps all"):
        small(kind, subsample=1e-12).fit(TEXTS, verbose=0)


@pytest.mark.parametrize(
    ("word", "message"),
    [("zebra", "'zebra' is not in the vocabulary"), ("Cat", "lower-cases: 'cat'"), ("[PAD]", "reserved")],
)
def test_a_word_without_a_vector_is_named(fitted, word, message):
    for ask in (fitted.vector, fitted.most_similar, lambda asked: fitted.analogy("cat", asked, "dog")):
        with pytest.raises(ValueError, match=message):
            ask(word)


def test_questions_that_have_no_answer_are_refused(fitted):
    with pytest.raises(ValueError, match="at least one word is expected"):
        fitted.most_similar()
    with pytest.raises(ValueError, match="topn is at least 1; received 0"):
        fitted.most_similar("cat", top_n=0)
    with pytest.raises(TypeError, match="a word is a string; received bytes"):
        fitted.vector(b"cat")


@pytest.mark.parametrize("arguments", [{"dim": 0}, {"window": 0}, {"negatives": 0}, {"subsample": -0.1}])
def test_numbers_that_are_too_small_are_refused(kind, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} is .*; received"):
        small(kind, **arguments)


def test_what_is_no_vocabulary_is_refused(kind):
    with pytest.raises(TypeError, match="vocabulary is a Vocabulary; received list"):
        kind(["cat", "dog"])


@pytest.mark.parametrize("arguments", [{"epochs": 0}, {"batch_size": 0}])
def test_training_for_nothing_is_refused(kind, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} is at least 1; received 0"):
        small(kind).fit(TEXTS, verbose=0, **arguments)


def test_words_with_the_same_contexts_are_similar(kind):
    texts = grouped_texts()
    model = kind(Vocabulary.from_texts(texts), 16, window=3, subsample=0)
    history = model.fit(texts, epochs=30, batch_size=512, verbose=0).history["loss"]
    assert history[-1] < history[0]
    for group in (PETS, TOOLS):
        own = [word for word, _ in model.most_similar(group[0], top_n=len(VOCABULARY)) if word in PETS + TOOLS]
        assert set(own[:4]) == set(group[1:])


def test_metrics_tell_seen_words_from_drawn_ones(kind):
    model = small(kind)
    model.compile(metrics=["accuracy", keras.metrics.AUC(name="auc"), keras.metrics.TruePositives(name="found")])
    untrained = model.fit(TEXTS, epochs=1, batch_size=64, learning_rate=0.0, verbose=0).history
    # Where all scores are 0 nothing is told apart: a third of the candidates is seen, and none is told to be so.
    assert untrained["accuracy"] == pytest.approx([2 / 3], abs=0.1)
    assert untrained["found"] == [0]
    assert untrained["auc"] == pytest.approx([0.5], abs=1e-6)
    trained = model.fit(TEXTS, epochs=12, batch_size=64, learning_rate=0.05, verbose=0).history
    assert 0.7 < trained["accuracy"][-1] < 1
    assert trained["auc"][-1] > 0.7


@eagerly()
def test_metrics_equal_a_count_in_numpy(kind):
    model = small(kind)
    random = np.random.default_rng(0)
    for table in (model.word_vectors, model.candidate_vectors):
        table.set_weights([random.normal(size=(len(VOCABULARY), 6)).astype(np.float32)])
    model.compile(metrics=["accuracy"], weighted_metrics=[keras.metrics.BinaryAccuracy(name="weighted")])
    words = random.integers(4, 20, (8, 6)) if kind is CBOW else random.integers(4, 20, 8)
    candidates = random.integers(4, 20, (8, 3))
    candidates[:3, 1] = candidates[:3, 0]
    signs = np.where(candidates == candidates[:, :1], 0.0, -1.0).astype(np.float32)
    signs[:, 0] = 1
    found = model.test_on_batch((words, candidates), signs, return_dict=True)
    scores = ops.convert_to_numpy(model((words, candidates)))
    right = (scores > 0) == (signs >= 0)  # a drawn word that is the one seen counts as seen
    assert found["accuracy"] == pytest.approx(right.mean(), abs=TOLERANCE)
    assert found["weighted"] == pytest.approx(right[signs != 0].mean(), abs=TOLERANCE)


def test_a_loss_of_ones_own_is_refused_with_the_reason(kind):
    for arguments in ({"loss": "mse"}, {"optimizer": "adam", "loss": keras.losses.BinaryCrossentropy()}):
        with pytest.raises(ValueError, match=rf"^{kind.__name__}.compile: .* negative sampling.*Leave loss out"):
            small(kind).compile(**arguments)
    with pytest.raises(ValueError, match="Leave loss out"):
        small(kind).compile("sgd", "mse")


def test_a_loss_in_a_file_of_an_older_release_has_no_effect_as_it_had_none(kind):
    model, loaded = small(kind), small(kind)
    model.compile("sgd", metrics=["accuracy"])
    loaded.compile_from_config({**model.get_compile_config(), "loss": "mse"})
    assert loaded.get_compile_config() == model.get_compile_config()
    assert loaded.optimizer.built


@eagerly()
def test_a_model_compiled_without_arguments_trains_and_is_saved_with_its_metrics(kind, tmp_path):
    model = small(kind)
    model.compile(metrics=["accuracy"])
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    model.fit(TEXTS, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.iterations == model.optimizer.iterations > 0
    assert set(loaded.fit(TEXTS, epochs=1, verbose=0).history) == {"loss", "accuracy"}


@eagerly()
def test_validation_data_are_texts_and_measured_alike_after_each_epoch(kind):
    model = small(kind)
    held_out = grouped_texts(30, seed=1)
    history = model.fit(TEXTS, epochs=4, learning_rate=0.05, validation_data=held_out, verbose=0).history
    assert len(history["val_loss"]) == 4
    assert history["val_loss"][-1] < history["val_loss"][0]
    with_rate_0 = small(kind)
    with_rate_0.word_vectors.set_weights(model.word_vectors.get_weights())
    with_rate_0.candidate_vectors.set_weights(model.candidate_vectors.get_weights())
    again = with_rate_0.fit(TEXTS, epochs=3, validation_data=iter(held_out), learning_rate=0.0, verbose=0)
    assert len(set(again.history["val_loss"])) == 1
    assert again.history["val_loss"][0] == pytest.approx(history["val_loss"][-1], rel=TOLERANCE)


@eagerly()
def test_validation_does_not_change_what_is_learned(kind):
    with_it, without = small(kind), small(kind)
    with_it.fit(TEXTS, epochs=3, validation_data=TEXTS[:10], verbose=0)
    without.fit(TEXTS, epochs=3, verbose=0)
    np.testing.assert_array_equal(with_it.vectors, without.vectors)


@eagerly()
def test_a_validation_split_holds_out_the_last_texts_unless_there_are_validation_data(kind):
    found = []
    for texts, arguments in (
        (TEXTS, {"validation_split": 0.25}),
        (TEXTS[:45], {"validation_data": TEXTS[45:]}),
        (TEXTS[:45], {"validation_data": TEXTS[45:], "validation_split": 0.5}),
    ):
        found.append(small(kind).fit(texts, epochs=2, verbose=0, **arguments).history)
    assert found[0] == found[1] == found[2]
    for share in (1.0, -0.1):
        with pytest.raises(ValueError, match="validation_split is a fraction from 0 to 1"):
            small(kind).fit(TEXTS, validation_split=share, verbose=0)


def test_validation_data_without_a_pair_are_refused_by_name(kind):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}.fit: validation_data: no text has two words"):
        small(kind).fit(TEXTS, validation_data=["cat"], verbose=0)
    with pytest.raises(TypeError, match="validation_data is a list of strings"):
        small(kind).fit(TEXTS, validation_data=3, verbose=0)


def test_weights_of_losses_are_refused(kind):
    model = kind(VOCABULARY, dim=4)
    with pytest.raises(ValueError, match=rf"{kind.__name__}.compile: there is one loss, .* received loss_weights"):
        model.compile("sgd", loss_weights=[2.0])
    model.compile("sgd", None, None, ["accuracy"])


@eagerly()
def test_weights_of_examples_count_as_in_keras(kind):
    words = np.array([[4, 5], [6, 7]]) if kind is CBOW else np.array([4, 5])
    batch = (words, np.array([[6, 7], [4, 8]])), np.array([[1.0, -1.0], [1.0, -1.0]], np.float32)

    def measured(*weights: Any, part: slice = slice(None)) -> float:
        model = kind(VOCABULARY, dim=4)
        model.candidate_vectors.set_weights([np.random.default_rng(0).normal(size=(len(VOCABULARY), 4))])
        (x, candidates), y = batch
        return model.test_on_batch((x[part], candidates[part]), y[part], *weights)

    first, second = measured(part=slice(0, 1)), measured(part=slice(1, 2))
    np.testing.assert_allclose(measured([1.0, 1.0]), measured(), rtol=0)
    np.testing.assert_allclose(measured([3.0, 0.5]), (3 * first + 0.5 * second) / 2, rtol=1e-6)

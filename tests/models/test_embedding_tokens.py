"""An embedding that knows its tokens is taken only where the model's ids mean the same tokens."""

import keras
import pytest

from keras_seqkit import BidirectionalStack, GloveEmbedding, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.models.embeddings import check_tokens

VOCABULARY = Vocabulary(["sun", "moon", "star"])
VECTORS = {"sun": [3.0, 4.0], "moon": [0.0, 2.0], "mars": [9.0, 9.0]}


def classifier(embedding) -> keras.Model:
    return TextClassifier(VOCABULARY, ["neg", "pos"], embedding, BidirectionalStack(2))


def generator(embedding) -> keras.Model:
    return TextGenerator(VOCABULARY, 2, embedding=embedding)


MODELS = pytest.mark.parametrize("model", [classifier, generator])


def chained(layer: keras.layers.Layer) -> keras.layers.Layer:
    return keras.Sequential([layer, keras.layers.SpatialDropout1D(0.1)])


def chained_with_input(layer: keras.layers.Layer) -> keras.layers.Layer:
    return keras.Sequential([keras.Input((None,), dtype="int32"), layer])


def beside_another(layer: keras.layers.Layer) -> keras.layers.Layer:
    ids = keras.Input((None,), dtype="int32")
    other = keras.layers.Embedding(layer.input_dim, 3)
    return keras.Model(ids, keras.layers.Concatenate()([other(ids), layer(ids)]))


def nested(layer: keras.layers.Layer) -> keras.layers.Layer:
    return keras.Sequential([chained(layer)])


@MODELS
@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["moon", "sun", "star"], r"row 4 .* 'moon', .* id 4 .* 'sun' \(so 2 of 3 tokens\)"),
        (["sun", "moon", "mars", "venus"], r"row 6 .* 'mars', .* id 6 .* 'star' \(so 1 of 3 tokens\)"),
    ],
)
def test_an_embedding_of_another_vocabulary_is_refused(model, tokens, message):
    kind = type(model(8)).__name__
    with pytest.raises(ValueError, match=rf"^{kind}: .*{message}.*GloveEmbedding\(vocabulary, vectors\)"):
        model(GloveEmbedding(Vocabulary(tokens), VECTORS))


@MODELS
def test_an_embedding_whose_ids_begin_elsewhere_is_refused(model):
    with pytest.raises(ValueError, match="'mars'"):
        model(GloveEmbedding(["", "[UNK]", "sun", "moon", "mars", "sun", "moon", "star"], VECTORS))


@MODELS
@pytest.mark.parametrize("reserved", [VOCABULARY.tokens[:4], ["", "<unk>", "<s>", "</s>"]])
@pytest.mark.parametrize("more", [[], ["mars", "venus"]])
def test_the_same_ids_are_taken_whatever_the_reserved_are_called_and_however_many_follow(model, reserved, more):
    layer = GloveEmbedding([*reserved, "sun", "moon", "star", *more], VECTORS)
    assert model(layer).embedding is layer


@pytest.mark.parametrize("around", [chained, chained_with_input, beside_another, nested])
def test_an_embedding_inside_of_another_layer_is_compared_too(around):
    classifier(around(GloveEmbedding(VOCABULARY, VECTORS)))
    with pytest.raises(ValueError, match="id 4 of the vocabulary is 'sun'"):
        classifier(around(GloveEmbedding(Vocabulary(["moon", "sun", "star"]), VECTORS)))
    with pytest.raises(ValueError, match="has 6 rows and the vocabulary 7 tokens"):
        classifier(around(GloveEmbedding(Vocabulary(["sun", "moon"]), VECTORS)))


def test_an_embedding_behind_a_layer_that_changes_ids_is_not_compared():
    ids = keras.Input((None,), dtype="int32")
    moved = keras.layers.Lambda(lambda x: x % 3)(ids)
    layer = keras.Model(ids, GloveEmbedding(["[PAD]", "mars", "venus"], VECTORS)(moved))
    check_tokens("TextClassifier", layer, VOCABULARY)


def test_an_embedding_that_was_saved_and_loaded_still_knows_its_tokens(tmp_path):
    own, other = GloveEmbedding(VOCABULARY, VECTORS), GloveEmbedding(Vocabulary(["moon", "sun", "star"]), VECTORS)
    for name, layer in (("own", own), ("other", other)):
        keras.Sequential([keras.Input((None,), dtype="int32"), layer]).save(tmp_path / f"{name}.keras")
    loaded = {name: keras.saving.load_model(tmp_path / f"{name}.keras").layers[0] for name in ("own", "other")}
    classifier(loaded["own"])
    with pytest.raises(ValueError, match="id 4 of the vocabulary is 'sun'"):
        classifier(loaded["other"])


@MODELS
def test_a_model_with_vectors_of_its_own_words_is_saved_and_loaded(model, tmp_path):
    model(GloveEmbedding(VOCABULARY, VECTORS)).save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").embedding.tokens == VOCABULARY.tokens


def test_a_layer_without_tokens_has_rows_enough_or_is_refused():
    check_tokens("TextClassifier", keras.layers.Embedding(7, 2), VOCABULARY)
    check_tokens("TextClassifier", keras.layers.Dense(2), VOCABULARY)
    with pytest.raises(ValueError, match="TextClassifier: the embedding has 6 rows and the vocabulary 7 tokens"):
        check_tokens("TextClassifier", keras.layers.Embedding(6, 2), VOCABULARY)

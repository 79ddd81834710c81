"""Models that were trained on what a `TextVectorization` gives: the file has the layer's ids, or none."""

import keras
import numpy as np
import pytest
import seqkit_onnx
import tensorflow as tf
from hypothesis import given, settings

from keras_seqkit import TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.text import KerasVocabulary
from tests.cases import randomize_weights
from tests.text_strategies import few_texts

TEXTS = ["A good film!", "bad", "very good é 😀", "so so bad a film", "não é bom", "word " * 30]
LAYERS = keras.layers


def layer(**options) -> keras.layers.TextVectorization:
    made = LAYERS.TextVectorization(**options)
    made.adapt(TEXTS)
    return made


def model_of(rows: int, mask_zero: bool = True) -> keras.Model:
    layers = [keras.Input((None,), dtype="int64", name="ids"), LAYERS.Embedding(rows, 4, mask_zero=mask_zero)]
    model = keras.Sequential([*layers, LAYERS.Bidirectional(LAYERS.GRU(4)), LAYERS.Dense(3, activation="softmax")])
    randomize_weights(model)
    return model


@pytest.mark.parametrize("rows_to_spare", [0, 7])
@pytest.mark.parametrize("length", [None, 6])
def test_a_file_with_keras_ids_answers_as_the_layer_and_the_model(rows_to_spare, length, tmp_path):
    text_layer = layer(output_sequence_length=length)
    model = model_of(text_layer.vocabulary_size() + rows_to_spare, mask_zero=length is None)
    vocabulary = Vocabulary.from_keras(text_layer, keras_ids=True)
    path = tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, vocabulary=vocabulary, labels=["a", "b", "c"])
    file = seqkit_onnx.load(path)
    texts = [*TEXTS, "unheard of", "a good, good, good, good, good, good film", ""]
    expected = model.predict(text_layer(texts), verbose=0)
    np.testing.assert_allclose(file.predict(texts).probabilities, expected, rtol=0, atol=1e-5)
    assert seqkit_onnx.verify(model, path, texts, vocabulary).label_agreement == 1.0


@pytest.mark.parametrize("rows_to_spare", [0, 7])
def test_a_vocabulary_of_other_ids_is_refused(rows_to_spare, tmp_path):
    text_layer = layer()
    model = model_of(text_layer.vocabulary_size() + rows_to_spare)
    with pytest.raises(ValueError, match=r"keras_ids=True"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", vocabulary=Vocabulary.from_keras(text_layer))
    assert not list(tmp_path.iterdir())


def test_a_model_trained_on_our_ids_says_so(tmp_path):
    vocabulary = Vocabulary.from_keras(layer(), keras_ids=False)
    model = model_of(len(vocabulary))
    seqkit_onnx.export(model, tmp_path / "model.onnx", vocabulary=vocabulary)
    answers = seqkit_onnx.load(tmp_path / "model.onnx").predict({"text": TEXTS})
    expected = model(vocabulary.encode(TEXTS))
    np.testing.assert_allclose(next(iter(answers.values())), expected, rtol=0, atol=1e-5)


def test_an_embedding_of_fewer_rows_than_the_vocabulary_is_refused(tmp_path):
    vocabulary = Vocabulary.from_texts(TEXTS)
    with pytest.raises(ValueError, match=rf"has {len(vocabulary)} ids.* 9 rows"):
        seqkit_onnx.export(model_of(9), tmp_path / "model.onnx", vocabulary=vocabulary)


TEXT_LAYERS = [layer(), layer(split="character", standardize=None), layer(output_sequence_length=4)]


@pytest.mark.parametrize("text_layer", TEXT_LAYERS, ids=["words", "characters", "four steps"])
def test_ids_are_those_of_the_layer(text_layer):
    vocabulary = Vocabulary.from_keras(text_layer, keras_ids=True)

    @settings(max_examples=60)
    @given(few_texts)
    def check(texts):
        theirs = np.asarray(text_layer(tf.constant(texts)))  # (batch, time)
        np.testing.assert_array_equal(vocabulary.encode(texts, theirs.shape[1]), theirs)
        if vocabulary.length:
            np.testing.assert_array_equal(vocabulary.encode(texts), theirs)

    check()


def test_a_vocabulary_with_keras_ids_is_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.from_keras(TEXT_LAYERS[2], keras_ids=True)
    vocabulary.save(tmp_path / "vocabulary.json")
    loaded = Vocabulary.load(tmp_path / "vocabulary.json")
    assert isinstance(loaded, KerasVocabulary)
    assert (loaded, loaded.digest, loaded.length) == (vocabulary, vocabulary.digest, 4)
    assert loaded.digest != Vocabulary.from_keras(TEXT_LAYERS[2], keras_ids=False).digest
    assert loaded.decode(loaded.encode(["a good film"])) == ["a good film"]
    assert loaded.decode([2, 1, 0]) == [" ".join(loaded.tokens[2:0:-1])]


def test_what_needs_start_and_end_refuses_keras_ids():
    vocabulary = KerasVocabulary(["a", "b"])
    with pytest.raises(ValueError, match="start and end"):
        vocabulary.encode(["a"], start=True)
    with pytest.raises(ValueError, match=r"TextGenerator: .*keras_ids=False"):
        TextGenerator(vocabulary, units=4, embedding=4)
    with pytest.raises(ValueError, match="Keras's ids"):
        vocabulary.merge(KerasVocabulary(["c"]))


@pytest.mark.parametrize("options", [{"output_mode": "multi_hot"}, {"ragged": True}], ids=str)
def test_a_layer_that_gives_no_padded_ids_is_refused(options):
    with pytest.raises(ValueError, match="output_mode='int' and ragged=False"):
        Vocabulary.from_keras(layer(**options), keras_ids=True)


def test_a_text_classifier_takes_either_vocabulary(tmp_path):
    for keras_ids in (None, True):
        model = TextClassifier(Vocabulary.from_keras(layer(), keras_ids), ["a", "b"], 4, LAYERS.LSTM(4))
        seqkit_onnx.export(model, tmp_path / "model.onnx")
        assert seqkit_onnx.load(tmp_path / "model.onnx").predict(TEXTS).labels == model.predict_labels(TEXTS, verbose=0)

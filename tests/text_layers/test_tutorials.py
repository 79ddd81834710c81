"""Whole models with their text inside, as tutorials build them: a file takes strings and answers as `predict` does."""

import keras
import numpy as np
import onnxruntime
import pytest
import seqkit_onnx
import tensorflow as tf

from tests.cases import randomize_weights
from tests.exported import operators
from tests.text_layers.files import column

LAYERS = keras.layers
TEXTS = ["The film was good!", "bad, BAD film", "", "an unheard-of film é 漢字", "good " * 40, "\0 \u2003", "Bad"]
MOVES = ("GatherElements", "TopK", "ScatterElements")  # of steps to the front of their rows
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def adapted(**options) -> keras.layers.TextVectorization:
    layer = LAYERS.TextVectorization(**options)
    layer.adapt(TEXTS)
    return layer


def plain_answers(path, inputs: dict) -> list[np.ndarray]:
    """Asks a session of onnxruntime that knows nothing of us."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)


@pytest.fixture(scope="module")
def rnn_tutorial(tmp_path_factory):
    """TensorFlow's "Text classification with an RNN": the encoder is the first layer, and there is no Input."""
    encoder = adapted(max_tokens=1000)
    model = keras.Sequential(
        [
            encoder,
            LAYERS.Embedding(len(encoder.get_vocabulary()), 8, mask_zero=True),
            LAYERS.Bidirectional(LAYERS.LSTM(6, return_sequences=True)),
            LAYERS.Bidirectional(LAYERS.LSTM(4)),
            LAYERS.Dense(5, activation="relu"),
            LAYERS.Dense(1),
        ]
    )
    model.compile(loss=LOGITS, optimizer="adam")
    model.predict(tf.constant(TEXTS), verbose=0)
    randomize_weights(model)
    path = tmp_path_factory.mktemp("rnn") / "sentiment.onnx"
    seqkit_onnx.export(model, path, labels=["negative", "positive"])
    return model, path


def test_the_rnn_tutorials_model_takes_strings_and_gives_labels(rnn_tutorial):
    model, path = rnn_tutorial
    expected = keras.ops.sigmoid(model.predict(tf.constant(TEXTS), verbose=0))
    file = seqkit_onnx.load(path)
    labels, probabilities = file.predict(TEXTS)
    np.testing.assert_allclose(probabilities[:, 1:], expected, atol=1e-5)
    assert labels == ["positive" if each > 0.5 else "negative" for each in np.ravel(expected)]
    assert file.predict(TEXTS[0]).labels == labels[:1]
    assert (file.metadata["kind"], file.metadata["scores"]) == ("classifier", "logits")
    assert repr(file).startswith("<Classifier: input -> label, probabilities; 2 labels: 'negative', 'positive'; ")
    label, plain = plain_answers(path, {"input": np.array(TEXTS, object)})
    assert list(label) == labels
    np.testing.assert_array_equal(plain, probabilities)


def test_its_recurrence_is_native_and_no_step_is_moved(rnn_tutorial):
    counts = operators(rnn_tutorial[1])
    assert counts["LSTM"] == 2
    assert not any(counts[move] for move in MOVES)


def test_no_texts_are_answered_by_no_rows(rnn_tutorial):
    labels, probabilities = plain_answers(rnn_tutorial[1], {"input": np.empty(0, object)})
    assert (labels.shape, probabilities.shape) == ((0,), (0, 2))
    assert seqkit_onnx.load(rnn_tutorial[1]).predict([]).labels == []


def test_many_texts_are_answered_in_their_order(rnn_tutorial):
    file = seqkit_onnx.load(rnn_tutorial[1])
    once = file.predict(TEXTS)
    many = file.predict(TEXTS * 50)
    assert many.labels == once.labels * 50


def test_verify_takes_strings(rnn_tutorial):
    model, path = rnn_tutorial
    for texts in (TEXTS, np.array(TEXTS, object)):
        found = seqkit_onnx.verify(model, path, texts)
        assert (found.count, found.label_agreement) == (len(TEXTS), 1.0)
        assert found.largest_difference < 1e-5


def test_verify_finds_a_file_of_other_words(rnn_tutorial):
    model, path = rnn_tutorial
    other = keras.models.clone_model(model)
    words = [word for word in model.layers[0].get_vocabulary() if word.isalpha()]
    other.layers[0].set_vocabulary(words[::-1])
    other(tf.constant(TEXTS))
    other.set_weights(model.get_weights())
    assert seqkit_onnx.verify(other, path, TEXTS).largest_difference > 1e-3


@pytest.fixture(scope="module")
def from_scratch(tmp_path_factory):
    """keras.io's "Text classification from scratch", end to end: strings (batch, 1), convolutions with strides."""
    vectorize = adapted(max_tokens=1000, output_mode="int", output_sequence_length=30)
    strings = keras.Input((1,), dtype="string")
    x = LAYERS.Embedding(1000, 8)(vectorize(strings))
    x = LAYERS.Dropout(0.5)(x)
    for _ in range(2):
        x = LAYERS.Conv1D(6, 7, padding="valid", activation="relu", strides=2)(x)
    x = LAYERS.GlobalMaxPooling1D()(x)
    x = LAYERS.Dropout(0.5)(LAYERS.Dense(6, activation="relu")(x))
    model = keras.Model(strings, LAYERS.Dense(1, activation="sigmoid", name="predictions")(x))
    randomize_weights(model)
    path = tmp_path_factory.mktemp("scratch") / "model.onnx"
    seqkit_onnx.export(model, path)
    return model, path


def test_the_model_from_scratch_takes_strings_of_its_own_shape(from_scratch):
    model, path = from_scratch
    expected = model.predict(tf.constant(TEXTS)[:, None], verbose=0)
    [answer] = plain_answers(path, {"input": column(TEXTS)})
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    file = seqkit_onnx.load(path)
    for texts in (TEXTS, column(TEXTS), tuple(TEXTS), {"input": TEXTS}):
        np.testing.assert_array_equal(file.predict(texts)["predictions"], answer)
    np.testing.assert_allclose(file.predict(TEXTS[0])["predictions"], answer[:1], atol=1e-6)
    assert repr(file).startswith("<Network: input -> predictions; ")
    assert plain_answers(path, {"input": np.empty((0, 1), object)})[0].shape == (0, 1)


def test_text_stands_beside_numbers_and_categories(tmp_path):
    title, body = keras.Input((), dtype="string", name="title"), keras.Input((1,), dtype="string", name="body")
    country, tags = keras.Input((1,), dtype="string", name="country"), keras.Input((None,), dtype="string", name="tags")
    kind, numbers = keras.Input((1,), dtype="int64", name="kind"), keras.Input((3,), name="numbers")
    normalize = LAYERS.Normalization()
    normalize.adapt(np.random.default_rng(0).normal(2, 3, size=(50, 3)))
    words, letters = adapted(), adapted(split="character", output_mode="tf_idf")
    embed = LAYERS.Embedding(words.vocabulary_size(), 4, mask_zero=True)
    lookup = LAYERS.StringLookup(vocabulary=["new", "sale", "used"], mask_token="")
    parts = [
        LAYERS.LSTM(3)(embed(words(body))),  # one layer, called twice
        LAYERS.GlobalAveragePooling1D()(embed(words(title))),
        letters(title),
        LAYERS.GRU(3)(LAYERS.Embedding(5, 2, mask_zero=True)(lookup(tags))),
        LAYERS.StringLookup(vocabulary=["fr", "us"], num_oov_indices=0, output_mode="one_hot")(country),
        LAYERS.IntegerLookup(vocabulary=[10, 20], num_oov_indices=2, output_mode="multi_hot")(kind),
        LAYERS.Discretization([0.0, 1.0], output_mode="one_hot")(numbers[:, :1]),
        normalize(numbers),
    ]
    joined = LAYERS.Concatenate()([keras.ops.cast(part, "float32") for part in parts])
    model = keras.Model([title, body, country, tags, kind, numbers], LAYERS.Dense(2, name="scores")(joined))
    randomize_weights(model)
    path = tmp_path / "many.onnx"
    seqkit_onnx.export(model, path)
    assert (operators(path)["LSTM"], operators(path)["GRU"]) == (1, 1)
    rows = {
        "title": ["Good film", ""],
        "body": TEXTS[:2],
        "country": ["us", "fr"],
        "tags": [["new", "", "sale"], ["", "rare", ""]],
        "kind": np.array([[20], [7]]),
        "numbers": np.array([[0.5, 2.0, -3.0], [4.0, 0.0, 1.0]], np.float32),
    }
    tensors = {name: tf.constant(each) for name, each in rows.items()}
    tensors["body"], tensors["country"] = tensors["body"][:, None], tensors["country"][:, None]
    expected = model([tensors[each.name] for each in model.inputs])
    file = seqkit_onnx.load(path)
    np.testing.assert_allclose(file.predict(rows)["scores"], expected, atol=1e-5)
    assert seqkit_onnx.verify(model, path, rows).largest_difference < 1e-5
    none = {name: np.asarray(each, object if name not in ("kind", "numbers") else None)[:0]
            for name, each in rows.items()}  # fmt: skip
    assert file.predict(none)["scores"].shape == (0, 2)
    assert repr(file).startswith("<Network: title, body, country, tags, kind and 1 more -> scores; ")


class Reviews(keras.Model):
    """A subclassed model of texts and numbers."""

    def __init__(self):
        super().__init__(name="reviews")
        self.vectorize = adapted()
        self.embed = LAYERS.Embedding(self.vectorize.vocabulary_size(), 4, mask_zero=True)
        self.read = LAYERS.Bidirectional(LAYERS.GRU(3))
        self.judge = LAYERS.Dense(2, activation="softmax")

    def call(self, inputs):
        read = self.read(self.embed(self.vectorize(inputs["text"])))
        return self.judge(keras.ops.concatenate([read, inputs["stars"]], axis=-1))


def test_a_subclassed_model_is_exported_as_it_was_called(tmp_path):
    model = Reviews()
    rows = {"text": tf.constant(TEXTS), "stars": tf.ones((len(TEXTS), 2))}
    model(rows)
    randomize_weights(model)
    path = tmp_path / "reviews.onnx"
    seqkit_onnx.export(model, path, labels=["no", "yes"])
    file = seqkit_onnx.load(path)
    found = file.predict({"text": TEXTS, "stars": np.ones((len(TEXTS), 2), np.float32)})
    np.testing.assert_allclose(found.probabilities, model(rows), atol=1e-5)
    counts = operators(path)
    assert counts["GRU"] == 1
    assert not any(counts[move] for move in MOVES)


def test_masks_with_holes_are_kept(tmp_path):
    words = keras.Input((None,), dtype="string", name="words")
    lookup = LAYERS.StringLookup(vocabulary=["a", "b", "c"], mask_token="")
    states = LAYERS.LSTM(4, return_sequences=True)(LAYERS.Embedding(6, 3, mask_zero=True)(lookup(words)))
    model = keras.Model(words, LAYERS.LSTM(4, name="last")(states))
    randomize_weights(model)
    path = tmp_path / "words.onnx"
    seqkit_onnx.export(model, path)
    rows = np.array([["a", "", "b", "x"], ["", "", "c", ""], ["", "", "", ""]], object)
    found = seqkit_onnx.load(path).predict(rows)["last"]
    np.testing.assert_allclose(found, model(tf.constant(rows.tolist())), atol=1e-5)
    assert operators(path)["LSTM"] == 2


def test_a_file_answers_with_strings_where_the_model_does(tmp_path):
    words = adapted()
    strings = keras.Input((1,), dtype="string", name="text")
    ids = keras.ops.maximum(words(strings), 1)
    names = LAYERS.StringLookup(vocabulary=words.get_vocabulary(include_special_tokens=False), invert=True, name="word")
    model = keras.Model(strings, names(ids - 1))
    seqkit_onnx.export(model, tmp_path / "echo.onnx")
    [answer] = seqkit_onnx.load(tmp_path / "echo.onnx").predict(["The Bad film, unheard"]).values()
    assert answer.tolist() == [["the", "bad", "film", "[UNK]"]]


def test_a_model_in_half_precision_keeps_what_its_layer_has_learned(tmp_path):
    words = adapted(output_mode="tf_idf")
    strings = keras.Input((1,), dtype="string", name="text")
    answer = LAYERS.Dense(2, dtype="mixed_float16", name="scores")(words(strings))
    model = keras.Model(strings, answer)
    seqkit_onnx.export(model, tmp_path / "half.onnx")
    found = seqkit_onnx.load(tmp_path / "half.onnx").predict(TEXTS)["scores"]
    np.testing.assert_allclose(found, model(tf.constant(TEXTS)[:, None]), atol=0.02)
    assert np.ptp(found) > 0.1


def test_a_model_that_takes_strings_takes_no_vocabulary(from_scratch, tmp_path):
    from keras_seqkit import Vocabulary

    with pytest.raises(ValueError, match=r"takes strings itself.* Leave vocabulary out"):
        seqkit_onnx.export(from_scratch[0], tmp_path / "model.onnx", vocabulary=Vocabulary(["a"]))


def test_ragged_tokens_of_the_users_own_are_refused_by_name(tmp_path):
    class Split(keras.Layer):
        def call(self, inputs):
            return tf.strings.split(inputs)

        def compute_output_shape(self, shape):
            return (shape[0], None)

    strings = keras.Input((), dtype="string")
    lookup = LAYERS.StringLookup(vocabulary=["a"], name="its_words")
    model = keras.Sequential([strings, Split(dtype="string"), lookup])
    with pytest.raises(ValueError, match=r"layer 'its_words' received a RaggedTensor.* Give it a dense tensor"):
        seqkit_onnx.export(model, tmp_path / "model.onnx")

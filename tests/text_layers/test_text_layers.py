"""Text and lookup layers inside a model: its file takes strings, and answers as Keras does on any text."""

from functools import cache

import keras
import numpy as np
import onnx
import pytest
import seqkit_onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import randomize_weights
from tests.shared_files import folder_of_files
from tests.text_strategies import UNUSUAL, any_text

L = keras.layers
TEXTS = [
    "The cat sat on the mat.",
    "a dog, a log! É è ẞ",
    "İstanbul ΟΔΟΣ 12,5% \u00a0 \u2003 x",
    "mat-cat 'dog' x\u0085y",
]
SPECIAL = [
    "",
    " ",
    "cat",
    "the CAT\tsat\x0b\x0con\r\nthe mat",
    "dog\u00a0log",
    "x\u2003y",
    "x\u0085y",
    "a.b,c!d",
    "cat " * 30,
]
# Python's own strings and Keras's tensors hold no NUL alike: TensorFlow's do, NumPy's arrays of strings cut it off.
SOME_TEXT = st.one_of(
    any_text, st.sampled_from(SPECIAL), st.lists(st.sampled_from(["cat", "the", "zz", "!"]), max_size=9).map(" ".join)
)

VECTORIZATIONS = {
    "as adapted": {},
    "lower": {"standardize": "lower"},
    "strip": {"standardize": "strip_punctuation"},
    "as it is": {"standardize": None},
    "characters": {"split": "character"},
    "cut": {"output_sequence_length": 4},
    "bigrams": {"ngrams": 2},
    "some n-grams, cut": {"ngrams": (3, 1), "output_sequence_length": 7},
    "whole texts": {"split": None},
    "sets": {"output_mode": "multi_hot"},
    "counts of bigrams": {"output_mode": "count", "ngrams": 2},
    "weights": {"output_mode": "tf_idf"},
    "sets of few, padded": {"output_mode": "multi_hot", "max_tokens": 60, "pad_to_max_tokens": True},
    "counts of characters": {"output_mode": "count", "split": "character", "standardize": "lower"},
}


def as_strings(texts: list[str], axes: int) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = texts
    return array if axes == 1 else array[:, None]


@cache
def vectorized(name: str, axes: int = 1) -> tuple:
    """A layer alone, as a model: what it gives can be compared to the last id."""
    layer = L.TextVectorization(**VECTORIZATIONS[name])
    layer.adapt(TEXTS)
    text = keras.Input(() if axes == 1 else (1,), dtype="string", name="text")
    model = keras.Model(text, L.Lambda(lambda x: x * 1, output_shape=lambda shape: shape)(layer(text)))
    path = folder_of_files() / f"vectorized_{len(name)}_{abs(hash(name))}_{axes}.onnx"
    seqkit_onnx.export(model, path, verify=False)
    return layer, seqkit_onnx.load(path)


@pytest.mark.parametrize("name", VECTORIZATIONS)
@pytest.mark.parametrize("axes", [1, 2])
def test_a_layer_gives_the_ids_that_keras_gives(name, axes):
    layer, file = vectorized(name, axes)

    @settings(max_examples=40 if axes == 1 else 5)
    @given(st.lists(SOME_TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=5))
    def check(texts):
        expected = np.asarray(layer(as_strings([*texts, "cat"], axes).astype(str)))
        [found] = file.predict(as_strings([*texts, "cat"], axes)).values()
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    check()


LOOKUPS = {
    "strings": (L.StringLookup, {"vocabulary": ["cat", "dog", "é 😀"]}),
    "strings with a mask": (L.StringLookup, {"vocabulary": ["cat", "dog"], "mask_token": ""}),
    "strings, one hot": (L.StringLookup, {"vocabulary": ["cat", "dog"], "output_mode": "one_hot"}),
    "strings, a set": (L.StringLookup, {"vocabulary": ["cat", "dog"], "output_mode": "multi_hot", "mask_token": ""}),
    "strings, counted": (L.StringLookup, {"vocabulary": ["cat", "dog"], "output_mode": "count"}),
    "strings, weighed": (
        L.StringLookup,
        {"vocabulary": ["cat", "dog"], "output_mode": "tf_idf", "idf_weights": [0.5, 2.0]},
    ),
    "strings of ids": (L.StringLookup, {"vocabulary": ["cat", "dog"], "invert": True}),
    "integers": (L.IntegerLookup, {"vocabulary": [12, -3, 99]}),
    "integers, several unknown ids": (L.IntegerLookup, {"vocabulary": [12, -3], "num_oov_indices": 3}),
    "integers with a mask": (L.IntegerLookup, {"vocabulary": [12, -3], "mask_token": 0}),
    "integers, one hot": (L.IntegerLookup, {"vocabulary": [12, -3], "output_mode": "one_hot"}),
    "integers, counted": (
        L.IntegerLookup,
        {"vocabulary": [12, -3], "output_mode": "count", "num_oov_indices": 2, "mask_token": 7},
    ),
    "integers of ids": (L.IntegerLookup, {"vocabulary": [12, -3], "invert": True}),
}
STRINGS = ["cat", "dog", "é 😀", "", "Cat", "[UNK]", "zz", "cat "]
INTEGERS = [12, -3, 99, 0, 7, -1, -8, 5, 2**40]


@pytest.mark.parametrize("name", LOOKUPS)
@pytest.mark.parametrize("columns", [1, 3])
def test_a_lookup_gives_what_keras_gives(name, columns, tmp_path):
    kind, options = LOOKUPS[name]
    layer = kind(**options)
    of_strings = kind is L.StringLookup and not options.get("invert")
    inputs = keras.Input((columns,), dtype="string" if of_strings else "int64", name="x")
    model = keras.Model(inputs, layer(inputs))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, verify=False)
    file = seqkit_onnx.load(tmp_path / "model.onnx")
    pool = np.array(STRINGS, object) if of_strings else np.array([0, 1, 2, 3, 9] if options.get("invert") else INTEGERS)
    rows = np.random.default_rng(0).choice(pool, (20, columns))
    expected = np.asarray(layer(rows.astype(str) if of_strings else rows))
    [found] = file.predict(rows).values()
    if expected.dtype.kind == "O":
        assert found.tolist() == [[token.decode() for token in row] for row in expected.tolist()]
    else:
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def adapted(**options) -> L.TextVectorization:
    layer = L.TextVectorization(**options)
    layer.adapt(TEXTS)
    return layer


def rnn_tutorial() -> keras.Model:
    """Of TensorFlow's tutorial on text classification with an RNN."""
    encoder = adapted(max_tokens=40)
    return keras.Sequential(
        [
            keras.Input((1,), dtype="string", name="review"),
            encoder,
            L.Embedding(40, 8, mask_zero=True),
            L.Bidirectional(L.LSTM(6)),
            L.Dense(8, activation="relu"),
            L.Dense(1),
        ]
    )


def from_scratch() -> keras.Model:
    """Of keras.io's text classification from scratch: convolutions over a fixed number of steps."""
    text = keras.Input((1,), dtype="string", name="text")
    x = L.Embedding(40, 8)(adapted(max_tokens=40, output_sequence_length=24)(text))
    x = L.Conv1D(8, 7, padding="valid", activation="relu", strides=3)(x)
    x = L.GlobalMaxPooling1D()(x)
    return keras.Model(text, L.Dense(1, activation="sigmoid", name="predictions")(x))


def structured() -> keras.Model:
    """Text beside a category, a number and integers."""
    text = keras.Input((), dtype="string", name="title")
    kind = keras.Input((1,), dtype="string", name="kind")
    stars = keras.Input((1,), dtype="int64", name="stars")
    price = keras.Input((2,), name="price")
    scale = L.Normalization(mean=[3.0, 1.0], variance=[2.0, 0.5])
    parts = [
        L.GRU(5)(L.Embedding(40, 4, mask_zero=True)(adapted(max_tokens=40)(text))),
        L.StringLookup(vocabulary=["cat", "dog"], output_mode="one_hot")(kind),
        L.Flatten()(L.Embedding(9, 3)(L.IntegerLookup(vocabulary=[1, 2, 3])(stars))),
        adapted(output_mode="tf_idf")(text),
        scale(price),
    ]
    parts = [L.Lambda(lambda x: keras.ops.cast(x, "float32"))(part) for part in parts]
    return keras.Model([text, kind, stars, price], L.Dense(3, activation="softmax")(L.Concatenate()(parts)))


class Subclassed(keras.Model):
    """Text in a dict of inputs of a subclassed model."""

    def __init__(self):
        super().__init__()
        self.vectorize = adapted(max_tokens=40, output_sequence_length=9)
        self.embed, self.rnn, self.head = L.Embedding(40, 4, mask_zero=True), L.SimpleRNN(5), L.Dense(2)

    def call(self, inputs):
        return self.head(self.rnn(self.embed(self.vectorize(inputs["text"]))))


def keras_strings(array: np.ndarray):
    return keras.ops.convert_to_tensor(array.tolist())


def of_texts(texts: list[str]) -> np.ndarray:
    return as_strings(texts, 2)


REVIEWS = [text for text in (*TEXTS, *SPECIAL, *UNUSUAL) if "\0" not in text]


@pytest.mark.parametrize("make", [rnn_tutorial, from_scratch])
def test_a_tutorials_model_takes_text(make, tmp_path):
    model = make()
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx")
    file = seqkit_onnx.load(tmp_path / "model.onnx")
    [found] = file.predict(REVIEWS).values()
    expected = model.predict(keras_strings(of_texts(REVIEWS)), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert len(next(iter(file.predict([]).values()))) == 0
    [one] = file.predict("the cat sat").values()
    np.testing.assert_allclose(
        one, model.predict(keras_strings(of_texts(["the cat sat"])), verbose=0), rtol=1e-5, atol=1e-5
    )


def test_the_recurrence_of_the_tutorial_is_native_and_nothing_is_moved(tmp_path):
    seqkit_onnx.export(rnn_tutorial(), tmp_path / "model.onnx", verify=False)
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert kinds.count("LSTM") == 1
    assert not {"Loop", "Scan", "TopK", "GatherND"} & set(kinds)


def test_labels_stand_on_top(tmp_path):
    model = rnn_tutorial()
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx", labels=["neg", "pos"])
    file = seqkit_onnx.load(tmp_path / "model.onnx")
    labels, probabilities = file.predict(REVIEWS)
    logits = model.predict(keras_strings(of_texts(REVIEWS)), verbose=0)[:, 0]
    assert labels == ["pos" if each > 0 else "neg" for each in logits]
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-logits)), atol=1e-5)
    assert file.predict([]).labels == []
    assert seqkit_onnx.verify(model, tmp_path / "model.onnx", of_texts(REVIEWS)).label_agreement == 1


def test_text_stands_beside_numbers(tmp_path):
    model = structured()
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    file = seqkit_onnx.load(tmp_path / "model.onnx")
    count = len(REVIEWS)
    random = np.random.default_rng(0)
    inputs = {
        "title": np.array(REVIEWS, object),
        "kind": random.choice(np.array(["cat", "dog", "cow"], object), (count, 1)),
        "stars": random.integers(-1, 6, (count, 1)),
        "price": random.normal(size=(count, 2)).astype(np.float32),
    }
    [found] = file.predict(inputs).values()
    given = [keras.ops.convert_to_tensor(each.tolist()) if each.dtype == object else each for each in inputs.values()]
    np.testing.assert_allclose(found, model.predict(given, verbose=0), rtol=1e-5, atol=1e-5)


def test_a_subclassed_model_takes_text(tmp_path):
    model = Subclassed()
    model({"text": np.array(["cat"])})
    signature = {"text": keras.InputSpec(shape=(None,), dtype="string")}
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, input_signature=signature)
    [found] = seqkit_onnx.load(tmp_path / "model.onnx").predict(REVIEWS).values()
    expected = np.asarray(model({"text": np.array(REVIEWS)}))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"output_mode": "multi_hot", "pad_to_max_tokens": True}])
def test_a_layer_outside_of_the_model_is_put_in_front(options, tmp_path):
    layer = adapted(max_tokens=40, **options)
    ids = keras.Input((40,) if options else (None,), name="ids", dtype="int64" if options else "int32")
    x = L.Dense(4)(ids) if options else L.LSTM(4)(L.Embedding(40, 4, mask_zero=True)(ids))
    model = keras.Model(ids, L.Dense(2)(x))
    randomize_weights(model)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text_layer=layer, labels=["a", "b"])
    file = seqkit_onnx.load(tmp_path / "model.onnx")
    assert file.input_names == ["text"]
    expected = model.predict(np.asarray(layer(keras_strings(np.array(REVIEWS)))), verbose=0)
    assert file.predict(REVIEWS).labels == ["ab"[place] for place in expected.argmax(1)]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: adapted(standardize=lambda x: x), "standardizes or splits by a function"),
        (lambda: adapted(ragged=True), "gives ragged tensors"),
        (lambda: L.StringLookup(vocabulary=["a"], num_oov_indices=2), "hashes unknown tokens into several ids"),
        (lambda: L.StringLookup(vocabulary=["a"], num_oov_indices=0), "raises an error over tokens"),
        (lambda: L.Hashing(3), "hashes, for which ONNX has no operator"),
    ],
)
def test_what_cannot_be_written_is_refused_by_the_layers_name(layer, message, tmp_path):
    layer = layer()
    text = keras.Input((1,), dtype="string", name="text")
    outputs = layer(text)
    model = keras.Model(text, outputs)
    with pytest.raises(ValueError, match=rf"^export: layer {layer.name!r} \({type(layer).__name__}\) {message}"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"text_layer": "layer"}, TypeError, "text_layer is a keras.layers.TextVectorization; received str"),
        ({"text_layer": L.TextVectorization(vocabulary=["a"]), "text": False}, ValueError, "Leave text=False out"),
    ],
)
def test_a_text_layer_is_checked(options, error, message, tmp_path):
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, L.GRU(2)(L.Embedding(9, 2)(ids)))
    with pytest.raises(error, match=message):
        seqkit_onnx.export(model, tmp_path / "model.onnx", **options)

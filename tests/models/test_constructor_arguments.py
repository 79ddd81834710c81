"""Arguments of constructors, and what layers are called with, are refused in one clear sentence."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqkit import GloveEmbedding, TextClassifier, TextRegressor, Vocabulary

WORDS = Vocabulary.from_texts(["a good film", "bad"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"conv": "a"}, TypeError, "conv is a number of filters, .* received 'a'"),
        ({"embedding": 0}, ValueError, "embedding is an integer of at least 1, or a layer .* received 0"),
        ({"embedding": "a"}, ValueError, "embedding is an integer of at least 1, or a layer .* received 'a'"),
        ({"embedding": True}, ValueError, "embedding is an integer of at least 1, or a layer .* received True"),
        ({"dropout": 5}, ValueError, "dropout is a finite number, from 0 to 1; received 5"),
        ({"dropout": "a"}, TypeError, "dropout is a number; received 'a'"),
        ({"max_length": "a"}, TypeError, "max_length is a whole number; received 'a'"),
        ({"encoder": keras.layers.LSTM(3, return_state=True)}, ValueError, "encoder .* has return_state=True"),
        ({"encoder": keras.layers.GRU(3, stateful=True)}, ValueError, "encoder .* has stateful=True"),
        ({"encoder": keras.layers.Flatten()}, ValueError, r"encoder .* gives \(batch, units\)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [TextClassifier, TextRegressor])
def test_arguments_of_a_constructor_are_checked(kind, arguments, error, message):
    first = [["neg", "pos"]] if kind is TextClassifier else []
    with pytest.raises(error, match=rf"^{kind.__name__}: {message}"):
        kind(WORDS, *first, **{"embedding": 4, **arguments})


def test_a_size_of_numpy_is_a_size():
    assert TextClassifier(WORDS, ["neg", "pos"], np.int64(3)).embedding.output_dim == 3


def test_labels_in_a_dict_get_advice_that_works():
    labels = {1: "pos", 0: "neg"}
    with pytest.raises(TypeError, match=r"Pass \[labels\[key\] for key in sorted\(labels\)\]"):
        TextClassifier(WORDS, labels)
    model = TextClassifier(WORDS, [labels[key] for key in sorted(labels)], 4)
    np.testing.assert_array_equal(model.targets(["pos", "neg"]), [[1], [0]])
    with pytest.raises(TypeError, match=r"Pass sorted\(labels\)"):
        TextClassifier(WORDS, {"neg", "pos"})


@pytest.mark.parametrize("texts", [["film"], "film", [["film"]], np.array(["film"]), tf.constant(["film"])], ids=repr)
def test_vectors_are_looked_up_by_ids(texts):
    layer = GloveEmbedding(["[PAD]", "film"], {"film": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"GloveEmbedding: it takes ids .* received texts"):
        layer(texts)

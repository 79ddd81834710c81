"""Word vectors are exported as an embedding, as the error of the model itself says."""

import keras
import numpy as np
import pytest
from seqkit_onnx import export, load

from keras_seqkit import CBOW, GloveEmbedding, SkipGram, Vocabulary

TEXTS = ["the cat drinks milk", "the dog drinks water"]


@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_word_vectors_are_refused_with_the_line_that_exports_them(kind, tmp_path):
    model = kind(Vocabulary.from_texts(TEXTS), 3)
    with pytest.raises(ValueError, match=rf"^export: a {kind.__name__} scores pairs of words.*GloveEmbedding\("):
        export(model, tmp_path / "vectors.onnx")
    assert not list(tmp_path.iterdir())


def test_the_line_that_the_error_names_exports_the_vectors(tmp_path):
    model = SkipGram(Vocabulary.from_texts(TEXTS), 3)
    layers = [keras.Input((None,), dtype="int32"), GloveEmbedding(model.vocabulary, model, name="vectors")]
    export(keras.Sequential(layers), tmp_path / "vectors.onnx", vocabulary=model.vocabulary, verify=False)
    found = load(tmp_path / "vectors.onnx").predict(["the dog drinks"])["vectors"]
    np.testing.assert_array_equal(found, [model.wv[["the", "dog", "drinks"]]])

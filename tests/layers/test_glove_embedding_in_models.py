"""A GloveEmbedding in every kind of model, and after it was saved."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_seqkit.layers.glove_embedding import GloveEmbedding
from tests.layers.glove_tables import EXPECTED, IDS, TOKENS, VECTORS, table_of

SAME_SUMS = 1e-6  # float32, the same sums in another order
HALF = 1e-3  # float16 keeps 11 bits


class Subclassed(keras.Model):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def call(self, ids):
        return self.embedding(ids)


def functional(layer):
    ids = keras.Input((None,), dtype="int32")
    return keras.Model(ids, layer(ids))


@pytest.mark.parametrize("make", [lambda layer: keras.Sequential([layer]), functional, Subclassed])
def test_it_works_in_every_kind_of_model(make):
    np.testing.assert_array_equal(make(GloveEmbedding(TOKENS, VECTORS)).predict(IDS, verbose=0), EXPECTED[IDS])


def test_a_config_survives_json_and_mirrors_the_arguments(vector_file):
    layer = GloveEmbedding(
        TOKENS, vector_file, trainable=True, mask_zero=False, oov="mean", normalize=True, name="words", dtype="bfloat16"
    )
    config = json.loads(json.dumps(layer.get_config()))
    assert config["vectors"] is None
    assert str(vector_file) not in json.dumps(config)
    again = GloveEmbedding.from_config(config)
    assert again.get_config() == layer.get_config()
    for name in ("tokens", "trainable", "mask_zero", "oov", "normalize", "name", "input_dim", "output_dim", "coverage"):
        assert getattr(again, name) == getattr(layer, name), name


def test_a_config_does_not_grow_with_the_vectors():
    rng = np.random.default_rng(0)
    small, large = (
        json.dumps(GloveEmbedding(TOKENS, {token: rng.normal(size=dim) for token in VECTORS}, name="x").get_config())
        for dim in (2, 300)
    )
    assert len(large) - len(small) == len("300") - len("2")


def test_a_layer_from_a_config_alone_has_the_shape_and_no_numbers():
    layer = GloveEmbedding.from_config(GloveEmbedding(TOKENS, VECTORS).get_config())
    layer.build()
    assert table_of(layer).shape == EXPECTED.shape
    assert np.isnan(table_of(layer)).all()
    layer.set_weights([EXPECTED])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(IDS)), EXPECTED[IDS])


@pytest.mark.parametrize("make", [lambda layer: keras.Sequential([layer]), functional])
def test_a_clone_takes_the_weights_of_its_model(make):
    model = make(GloveEmbedding(TOKENS, VECTORS))
    model.build((None, 4))
    clone = keras.models.clone_model(model)
    clone.build((None, 4))
    assert np.isnan(clone.predict(IDS, verbose=0)).all()
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(IDS, verbose=0), EXPECTED[IDS])


@pytest.mark.parametrize("make", [lambda layer: keras.Sequential([layer]), functional])
def test_a_saved_model_loads_in_safe_mode_without_the_vector_file(make, vector_file, tmp_path):
    layer = GloveEmbedding(TOKENS, vector_file, oov="normal")
    model = make(layer)
    expected = model.predict(IDS, verbose=0)
    model.save(tmp_path / "model.keras")
    vector_file.unlink()
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0), expected)
    assert loaded.layers[-1].coverage == layer.coverage


def test_a_trained_table_is_what_a_saved_model_holds(tmp_path):
    layer = GloveEmbedding(TOKENS, VECTORS, trainable=True)
    model = keras.Sequential([layer, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(IDS, np.ones((3, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(table_of(loaded.layers[0]), table_of(layer))
    assert not np.array_equal(table_of(layer), EXPECTED)


def test_saved_weights_load_into_a_model_from_its_json(tmp_path):
    model = functional(GloveEmbedding(TOKENS, VECTORS))
    model.save_weights(tmp_path / "model.weights.h5")
    again = keras.models.model_from_json(model.to_json())
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(again.predict(IDS, verbose=0), EXPECTED[IDS])

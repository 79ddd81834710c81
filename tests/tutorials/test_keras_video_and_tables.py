"""keras.io: the next frame of a video by ConvLSTM2D, and structured data of numbers alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, train

layers = keras.layers


def test_next_frame_of_a_video_of_any_length(tmp_path):
    inputs = keras.Input((None, 6, 6, 1))
    x = layers.ConvLSTM2D(2, (5, 5), padding="same", return_sequences=True, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ConvLSTM2D(2, (3, 3), padding="same", return_sequences=True, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ConvLSTM2D(2, (1, 1), padding="same", return_sequences=True, activation="relu")(x)
    model = keras.Model(inputs, layers.Conv3D(1, (3, 3, 3), activation="sigmoid", padding="same")(x))
    frames = np.random.default_rng(0).random((4, 3, 6, 6, 1), np.float32)
    train(model, frames[:, :-1], frames[:, 1:], loss="binary_crossentropy")
    with pytest.warns(UserWarning, match="exported as a loop"):
        counts = export_and_compare(model, tmp_path / "model.onnx", frames[:1, :1], np.resize(frames, (30, 5, 6, 6, 1)))
    assert counts == {"Loop": 3}


NAMES = ("age", "trestbps", "oldpeak", "slope")


def table(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {name: 10 * values(rows, 1, seed=seed + index) + index for index, name in enumerate(NAMES)}


def test_structured_data_by_a_layer_for_each_column(tmp_path):
    columns = table(32)
    inputs = {name: keras.Input((1,), name=name) for name in NAMES}
    encoded = []
    for name, column in columns.items():
        normalization = layers.Normalization()
        normalization.adapt(column)
        encoded.append(normalization(inputs[name]))
    x = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(layers.concatenate(encoded)))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    train(model, columns, ids(32, 1, below=2), loss="binary_crossentropy")
    assert export_and_compare(model, tmp_path / "model.onnx", table(1, seed=9), table(1000, seed=9)) == {}


def test_structured_data_by_a_feature_space(tmp_path):
    space = keras.utils.FeatureSpace(
        features={
            "age": keras.utils.FeatureSpace.float_discretized(num_bins=4),
            "trestbps": "float_normalized",
            "oldpeak": "float_normalized",
            "slope": keras.utils.FeatureSpace.float_rescaled(scale=0.1),
        },
        output_mode="concat",
    )
    columns = table(32)
    space.adapt(tf.data.Dataset.from_tensor_slices({name: column[:, 0] for name, column in columns.items()}))
    features = space.get_encoded_features()
    x = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(features))
    predictions = layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(space.get_inputs(), predictions)
    assert export_and_compare(model, tmp_path / "model.onnx", table(1, seed=9), table(1000, seed=9)) == {}


class Recommender(keras.Model):
    """keras.io's collaborative filtering: a column of users and a column of movies, each with a table and a bias."""

    def __init__(self, users, movies, dim, **kwargs):
        super().__init__(**kwargs)
        self.users = layers.Embedding(users, dim, embeddings_initializer="he_normal")
        self.user_bias = layers.Embedding(users, 1)
        self.movies = layers.Embedding(movies, dim, embeddings_initializer="he_normal")
        self.movie_bias = layers.Embedding(movies, 1)

    def call(self, inputs):
        user, movie = inputs[:, 0], inputs[:, 1]
        product = keras.ops.tensordot(self.users(user), self.movies(movie), 2)
        return keras.ops.nn.sigmoid(product + self.user_bias(user) + self.movie_bias(movie))


def test_collaborative_filtering(tmp_path):
    model = Recommender(users=9, movies=7, dim=4)
    rows = np.stack([ids(1000, below=9), ids(1000, below=7, seed=1)], axis=1)
    train(model, rows[:16], ids(16, below=2), loss="binary_crossentropy")
    assert export_and_compare(model, tmp_path / "model.onnx", rows[:1], rows) == {}

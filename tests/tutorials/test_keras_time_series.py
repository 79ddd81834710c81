"""keras.io's time series: weather, anomalies, classification, and the traffic of a graph of roads."""

import keras
import numpy as np

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, train

layers = keras.layers


def test_weather_forecast_with_adapted_normalization(tmp_path):
    temperatures = values(32, 6, 7) * [1, 10, 100, 1, 1000, 0.1, 5] + [0, 280, -3, 5, 1000, 0, 20]
    normalization = layers.Normalization()
    normalization.adapt(temperatures)
    inputs = keras.Input((6, 7))
    model = keras.Model(inputs, layers.Dense(1)(layers.LSTM(8)(normalization(inputs))))
    train(model, temperatures.astype(np.float32), values(32, 1), loss="mse")
    others = np.resize(temperatures, (1000, 6, 7)).astype(np.float32)
    assert export_and_compare(model, tmp_path / "model.onnx", others[:1], others) == {"LSTM": 1}


def test_anomaly_detection_by_a_convolutional_autoencoder(tmp_path):
    model = keras.Sequential([keras.Input((32, 1))])
    model.add(layers.Conv1D(8, 7, padding="same", strides=2, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(layers.Conv1D(4, 7, padding="same", strides=2, activation="relu"))
    model.add(layers.Conv1DTranspose(4, 7, padding="same", strides=2, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(layers.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"))
    model.add(layers.Conv1DTranspose(1, 7, padding="same"))
    series = values(16, 32, 1)
    train(model, series, series, loss="mse")
    others = values(1000, 32, 1, seed=1)
    assert export_and_compare(model, tmp_path / "model.onnx", others[:1], others) == {}


def test_classification_by_convolutions(tmp_path):
    inputs = keras.Input((20, 1))
    x = inputs
    for _ in range(3):
        x = layers.Conv1D(filters=8, kernel_size=3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    train(model, values(16, 20, 1) + 1, ids(16, below=2), loss="sparse_categorical_crossentropy")
    others = values(1000, 20, 1, seed=1)
    assert export_and_compare(model, tmp_path / "model.onnx", others[:1], others) == {}


def encoder_block(x, head_size, heads, filters, dropout):
    attended = layers.MultiHeadAttention(key_dim=head_size, num_heads=heads, dropout=dropout)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Dropout(dropout)(attended)) + x
    forward = layers.Conv1D(filters=filters, kernel_size=1, activation="relu")(x)
    forward = layers.Conv1D(filters=x.shape[-1], kernel_size=1)(layers.Dropout(dropout)(forward))
    return layers.LayerNormalization(epsilon=1e-6)(forward) + x


def test_classification_of_several_series_by_a_transformer(tmp_path):
    inputs = keras.Input((20, 3))
    x = inputs
    for _ in range(2):
        x = encoder_block(x, head_size=8, heads=2, filters=4, dropout=0.25)
    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x)
    x = layers.Dropout(0.4)(layers.Dense(8, activation="relu")(x))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    train(model, values(16, 20, 3), ids(16, below=2), loss="sparse_categorical_crossentropy")
    others = values(300, 20, 3, seed=1)
    assert export_and_compare(model, tmp_path / "model.onnx", others[:1], others) == {}


class GraphConvolution(layers.Layer):
    """Each node's vector beside the mean of its neighbours', (nodes, batch, time, features) to the same with others."""

    def __init__(self, edges, nodes, features, **kwargs):
        super().__init__(**kwargs)
        self.sources, self.targets = map(np.array, edges)
        self.nodes = nodes
        self.features = features

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.features), initializer="glorot_uniform")

    def call(self, x):
        gathered = keras.ops.take(x, self.sources, axis=0)
        means = keras.ops.segment_sum(gathered, self.targets, num_segments=self.nodes) / len(self.sources)
        both = keras.ops.concatenate([keras.ops.matmul(x, self.kernel), keras.ops.matmul(means, self.kernel)], axis=-1)
        return keras.ops.relu(both)


class GraphAndSteps(layers.Layer):
    """A graph convolution of each step, and an LSTM over the steps of each node: (batch, time, nodes, features)."""

    def __init__(self, edges, nodes, features, units, forecast, **kwargs):
        super().__init__(**kwargs)
        self.convolution = GraphConvolution(edges, nodes, features)
        self.lstm = layers.LSTM(units, activation="relu")
        self.dense = layers.Dense(forecast)
        self.nodes = nodes

    def call(self, inputs):
        x = self.convolution(keras.ops.transpose(inputs, [2, 0, 1, 3]))
        batch, time = keras.ops.shape(x)[1], keras.ops.shape(x)[2]
        x = self.lstm(keras.ops.reshape(x, (batch * self.nodes, time, x.shape[3])))
        x = keras.ops.reshape(self.dense(x), (self.nodes, batch, -1))
        return keras.ops.transpose(x, [1, 2, 0])


def test_traffic_forecast_by_graph_convolution_and_recurrence(tmp_path):
    edges = [0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 0, 3]
    inputs = keras.Input((6, 4, 1))
    model = keras.Model(inputs, GraphAndSteps(edges, nodes=4, features=3, units=8, forecast=2)(inputs))
    train(model, values(16, 6, 4, 1), values(16, 2, 4), loss="mse")
    others = values(300, 6, 4, 1, seed=1)
    assert export_and_compare(model, tmp_path / "model.onnx", others[:1], others) == {"LSTM": 1}

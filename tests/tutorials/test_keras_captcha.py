"""keras.io, "OCR model for reading captchas": a convolutional front, two recurrences, and a CTC loss in a layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, train

layers, ops = keras.layers, keras.ops
WIDTH, HEIGHT, CHARACTERS, LABEL_LENGTH = 64, 8, 6, 3


def loss_of_keras_losses(labels, predicted):
    return keras.losses.CTC()(labels, predicted)


def loss_of_tensorflow(labels, predicted):
    """With sparse labels, as the tutorial's own function has them."""
    steps = tf.fill([tf.shape(predicted)[0]], tf.shape(predicted)[1])
    sparse = tf.sparse.from_dense(tf.cast(labels, tf.int32))
    logarithms = tf.math.log(tf.transpose(predicted, [1, 0, 2]) + 1e-7)
    return tf.compat.v1.nn.ctc_loss(sparse, logarithms, steps)[:, None]


@keras.saving.register_keras_serializable(package="tutorials")
class CtcLayer(layers.Layer):
    """Adds the loss while the model is trained, and gives on what was predicted."""

    def __init__(self, loss, **kwargs):
        super().__init__(**kwargs)
        self.loss = loss

    def call(self, labels, predicted):
        self.add_loss(self.loss(labels, predicted))
        return predicted

    def compute_output_shape(self, labels_shape, predicted_shape):
        return predicted_shape


def training_model(loss) -> keras.Model:
    image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    labels = keras.Input((None,), name="label", dtype="int32")
    x = image
    for filters in (4, 8):
        x = layers.Conv2D(filters, 3, activation="relu", kernel_initializer="he_normal", padding="same")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Reshape((WIDTH // 4, HEIGHT // 4 * 8))(x)
    x = layers.Dropout(0.2)(layers.Dense(8, activation="relu", name="dense1")(x))
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True, dropout=0.25))(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.25))(x)
    x = layers.Dense(CHARACTERS + 1, activation="softmax", name="dense2")(x)
    return keras.Model([image, labels], CtcLayer(loss, name="ctc_loss")(labels, x))


@pytest.mark.parametrize("loss", [loss_of_keras_losses, loss_of_tensorflow])
def test_the_training_model_is_exported_without_its_loss(loss, tmp_path):
    model = training_model(loss)
    train(model, [values(4, WIDTH, HEIGHT, 1), ids(4, LABEL_LENGTH, start=1, below=CHARACTERS)], None, loss=None)
    batches = [[values(rows, WIDTH, HEIGHT, 1, seed=1), ids(rows, 4, start=1, below=CHARACTERS)] for rows in (1, 300)]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}


class Decode(layers.Layer):
    """The most probable characters, without blanks and repetitions, and -1 after them."""

    def call(self, predicted):
        steps = ops.full((ops.shape(predicted)[0],), predicted.shape[1], dtype="int32")
        decoded, scores = ops.ctc_decode(predicted, steps, strategy="greedy", mask_index=CHARACTERS)
        return decoded[0], scores


def test_the_prediction_model_takes_images_alone_and_reads_them(tmp_path):
    model = training_model(loss_of_keras_losses)
    predicted = model.get_layer(name="dense2").output
    predicts = keras.Model(model.inputs[0], [predicted, *Decode()(predicted)])
    images = 3 * values(300, WIDTH, HEIGHT, 1, seed=1)
    assert export_and_compare(predicts, tmp_path / "model.onnx", images[:1], images) == {"LSTM": 2}
    assert len(np.unique(predicts(images)[1])) > 2

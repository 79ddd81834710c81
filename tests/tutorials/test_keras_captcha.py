"""keras.io, "OCR model for reading captchas": a convolutional front, two recurrences, and a CTC loss in a layer."""

import keras
import pytest
import tensorflow as tf

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids

layers, ops = keras.layers, keras.ops
WIDTH, HEIGHT, CHARACTERS, LABEL_LENGTH = 24, 8, 6, 3


def loss_of_keras_ops(labels, predicted):
    rows = ops.ones((ops.shape(labels)[0],), "int32")
    lengths = rows * ops.shape(labels)[1], rows * ops.shape(predicted)[1]
    return ops.ctc_loss(labels, predicted, *lengths, mask_index=CHARACTERS)


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
    model = keras.Model([image, labels], CtcLayer(loss, name="ctc_loss")(labels, x))
    model.compile(optimizer=keras.optimizers.Adam(), run_eagerly=True)
    model.fit([values(8, WIDTH, HEIGHT, 1), ids(8, LABEL_LENGTH, start=1, below=CHARACTERS)], batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize("loss", [loss_of_keras_ops, loss_of_keras_losses, loss_of_tensorflow])
def test_the_training_model_is_exported_without_its_loss(loss, tmp_path):
    model = training_model(loss)
    batches = [
        [values(rows, WIDTH, HEIGHT, 1, seed=rows), ids(rows, 4, start=1, below=CHARACTERS)] for rows in (1, 300)
    ]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}


def test_the_prediction_model_takes_images_alone(tmp_path):
    model = training_model(loss_of_keras_ops)
    predicts = keras.Model(model.inputs[0], model.get_layer(name="dense2").output)
    images = values(300, WIDTH, HEIGHT, 1, seed=1)
    assert export_and_compare(predicts, tmp_path / "model.onnx", images[:1], images) == {"LSTM": 2}

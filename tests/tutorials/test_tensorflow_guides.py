"""TensorFlow's and Keras's guides on recurrences and on masking: cells and layers of one's own."""

import keras
import numpy as np
import pytest
import seqkit_onnx

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, padded, train

layers, ops = keras.layers, keras.ops
VOCAB, UNITS = 20, 6


def test_a_first_recurrence_and_one_with_all_its_outputs(tmp_path):
    model = keras.Sequential([layers.Embedding(input_dim=VOCAB, output_dim=8)])
    model.add(layers.GRU(UNITS, return_sequences=True))
    model.add(layers.SimpleRNN(UNITS))
    model.add(layers.Dense(10))
    train(model, ids(8, 5, below=VOCAB), ids(8, below=10), loss=keras.losses.SparseCategoricalCrossentropy(True))
    batches = [ids(1, 1, below=VOCAB), ids(500, 20, below=VOCAB)]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"GRU": 1, "RNN": 1}


def test_a_decoder_begins_with_the_states_of_an_encoder(tmp_path):
    encoder_input = keras.Input((None,), name="source")
    _, *state = layers.LSTM(UNITS, return_state=True, name="encoder")(layers.Embedding(VOCAB, 4)(encoder_input))
    decoder_input = keras.Input((None,), name="target")
    x = layers.LSTM(UNITS, name="decoder")(layers.Embedding(VOCAB, 4)(decoder_input), initial_state=state)
    model = keras.Model([encoder_input, decoder_input], layers.Dense(10)(x))
    batches = [
        [ids(rows, time, below=VOCAB).astype("float32"), ids(rows, 2 * time, below=VOCAB, seed=1).astype("float32")]
        for rows, time in ((1, 1), (300, 9))
    ]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}


def test_a_stack_in_both_directions(tmp_path):
    model = keras.Sequential([keras.Input((5, 10)), layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))])
    model.add(layers.Bidirectional(layers.LSTM(4)))
    model.add(layers.Dense(10))
    assert export_and_compare(model, tmp_path / "model.onnx", values(1, 5, 10), values(500, 5, 10)) == {"LSTM": 2}


def test_paragraphs_are_processed_one_after_the_other_with_states_that_are_carried(tmp_path):
    rows = 20
    model = keras.Sequential([keras.Input(batch_shape=(rows, 10, 5))])
    model.add(layers.LSTM(UNITS, stateful=True, return_sequences=True, name="first"))
    model.add(layers.LSTM(UNITS, stateful=True, name="second"))
    path = tmp_path / "model.onnx"
    model(values(rows, 10, 5, seed=9))
    assert export_and_compare(model, path) == {"LSTM": 2}
    for layer in model.layers:
        layer.reset_states()
    network = seqkit_onnx.load(path, ["CPUExecutionProvider"])
    states = network.initial_state(rows)
    for seed in range(3):
        paragraph = values(rows, 10, 5, seed=seed)
        answers = network.predict({"input": paragraph, **states})
        np.testing.assert_allclose(answers["second"], model(paragraph), rtol=0, atol=1e-5)
        states = {name: answers[name.replace("initial", "final")] for name in states}


def test_a_layer_begins_with_states_that_another_call_has_left(tmp_path):
    first, second = keras.Input((None, 5), name="first"), keras.Input((None, 5), name="second")
    layer = layers.LSTM(UNITS, return_sequences=True, return_state=True)
    _, *states = layer(first)
    model = keras.Model([first, second], layer(second, initial_state=states)[0])
    batches = [[values(rows, time, 5), values(rows, time + 2, 5)] for rows, time in ((1, 1), (300, 10))]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}


@keras.saving.register_keras_serializable(package="tutorials")
class MinimalCell(layers.Layer):
    """h' = x W + h U, the smallest cell that there is."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), initializer="uniform", name="recurrent")

    def call(self, inputs, states):
        output = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_cells_of_ones_own_alone_and_stacked(tmp_path):
    x = keras.Input((None, 5))
    alone = layers.RNN(MinimalCell(UNITS), return_sequences=True, name="alone")(x)
    stacked = layers.RNN([MinimalCell(UNITS), MinimalCell(4)], name="stacked")(alone)
    model = keras.Model(x, stacked)
    with pytest.warns(UserWarning, match="'(alone|stacked)' is exported as a loop"):
        counts = export_and_compare(model, tmp_path / "model.onnx", values(1, 1, 5), values(300, 20, 5))
    assert counts == {"Loop": 2}


@keras.saving.register_keras_serializable(package="tutorials")
class MatrixStateCell(layers.Layer):
    """Two states, a vector and a matrix, of a step that is a matrix."""

    def __init__(self, units, rows, columns, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rows, self.columns = units, rows, columns
        self.state_size = [units, (rows, columns)]
        self.output_size = units

    def build(self, input_shape):
        self.to_vector = self.add_weight(shape=(*input_shape[1:], self.units), initializer="uniform")
        self.to_matrix = self.add_weight(shape=(*input_shape[1:], self.rows, self.columns), initializer="uniform")

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units)), ops.zeros((batch_size, self.rows, self.columns))]

    def call(self, inputs, states):
        vector, matrix = states
        vector = ops.tanh(vector + ops.einsum("bij,iju->bu", inputs, self.to_vector))
        matrix = ops.tanh(matrix + ops.einsum("bij,ijrc->brc", inputs, self.to_matrix))
        return vector * ops.mean(matrix, axis=(1, 2))[:, None], [vector, matrix]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "rows": self.rows, "columns": self.columns}


class MatrixStates(keras.Model):
    """Keras infers no shapes of matrix states, so the layer is called in a subclassed model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layer = layers.RNN(MatrixStateCell(UNITS, 2, 3), return_sequences=True, return_state=True, name="matrices")
        self.dense = layers.Dense(2)

    def call(self, x):
        sequence, vector, matrix = self.layer(x)
        return {"scores": self.dense(sequence), "vector": vector, "matrix": matrix}


def test_a_cell_of_matrices_with_a_matrix_for_its_state(tmp_path):
    model = MatrixStates()
    model(values(2, 5, 4, 3))
    signature = keras.InputSpec(shape=(None, None, 4, 3), dtype="float32")
    with pytest.warns(UserWarning, match="'matrices' is exported as a loop"):
        export_and_compare(model, tmp_path / "model.onnx", values(1, 1, 4, 3), input_signature=signature)
    network = seqkit_onnx.load(tmp_path / "model.onnx", ["CPUExecutionProvider"])
    x = values(300, 9, 4, 3)
    for name, answer in model(x).items():
        np.testing.assert_allclose(network.predict(x)[name], answer, rtol=0, atol=1e-5)


class TemporalSplit(layers.Layer):
    """Halves a sequence, and its mask."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class CustomEmbedding(layers.Layer):
    def __init__(self, input_dim, output_dim, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero

    def build(self, input_shape):
        shape = (self.input_dim, self.output_dim)
        self.embeddings = self.add_weight(shape=shape, initializer="random_normal", dtype="float32")

    def call(self, inputs):
        return ops.take(self.embeddings, ops.cast(inputs, "int32"), axis=0)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class MyActivation(layers.Layer):
    """Gives its mask on."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.relu(inputs)


class TemporalSoftmax(layers.Layer):
    """Uses a mask: a softmax over the steps that are there."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            raise ValueError("a mask is expected")
        real = ops.expand_dims(ops.cast(mask, "float32"), -1)
        powers = ops.exp(inputs) * real
        return powers / (ops.sum(powers, axis=1, keepdims=True) + 1e-9)


def masked_ids(rows: int, time: int) -> np.ndarray:
    return padded(ids(rows, time, below=VOCAB, start=1))


class PassesMaskByHand(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(VOCAB, 4, mask_zero=True)
        self.lstm = layers.LSTM(UNITS)

    def call(self, inputs):
        return self.lstm(self.embedding(inputs), mask=self.embedding.compute_mask(inputs))


def test_a_mask_is_passed_by_hand_inside_a_layer(tmp_path):
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, PassesMaskByHand()(inputs))
    assert export_and_compare(model, tmp_path / "model.onnx", masked_ids(1, 1), masked_ids(500, 20)) == {"LSTM": 1}


def test_a_layer_splits_a_mask_for_two_recurrences(tmp_path):
    inputs = keras.Input((10,), dtype="int32")
    first, second = TemporalSplit()(layers.Embedding(VOCAB, 4, mask_zero=True)(inputs))
    model = keras.Model(inputs, [layers.LSTM(UNITS)(first), layers.GRU(UNITS)(second)])
    counts = export_and_compare(model, tmp_path / "model.onnx", masked_ids(1, 10), masked_ids(500, 10))
    assert counts == {"LSTM": 1, "GRU": 1}


def test_an_embedding_of_ones_own_makes_a_mask_that_goes_through_an_activation(tmp_path):
    inputs = keras.Input((None,), dtype="int32")
    x = MyActivation()(CustomEmbedding(VOCAB, 8, mask_zero=True)(inputs))
    model = keras.Model(inputs, layers.LSTM(UNITS, return_sequences=True)(x))
    assert export_and_compare(model, tmp_path / "model.onnx", masked_ids(1, 1), masked_ids(500, 20)) == {"LSTM": 1}


def test_a_softmax_over_the_steps_that_are_there(tmp_path):
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Dense(1)(CustomEmbedding(VOCAB, 8, mask_zero=True)(inputs))
    model = keras.Model(inputs, TemporalSoftmax()(x))
    assert export_and_compare(model, tmp_path / "model.onnx", masked_ids(1, 1), masked_ids(500, 20)) == {}


def test_a_masking_layer_on_vectors(tmp_path):
    inputs = keras.Input((None, 5))
    x = layers.Masking(mask_value=0.0)(inputs)
    x = layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))(x)
    model = keras.Model(inputs, layers.LSTM(4)(layers.Dropout(0.5)(x)))
    vectors = values(500, 20, 5) * (masked_ids(500, 20) > 0)[:, :, None]
    counts = export_and_compare(model, tmp_path / "model.onnx", values(1, 1, 5), vectors.astype(np.float32))
    assert counts == {"GRU": 1, "LSTM": 1}

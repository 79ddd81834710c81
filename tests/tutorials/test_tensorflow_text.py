"""TensorFlow's tutorials on text, from ids on: generation with an RNN, translation with attention, word2vec."""

import keras
import numpy as np
import pytest
import seqkit_onnx
import tensorflow as tf

from tests.eager import eagerly
from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, padded, train

layers = keras.layers
VOCAB, UNITS = 30, 8
# The tutorial's layers end masks on purpose, and a sentence of one word is attended to as it is.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*was passed an input with a mask attached"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis"),
]


class CharacterModel(keras.Model):
    """One call for both: training on whole texts, and writing with a state that comes in and goes out."""

    def __init__(self, vocab, dim, units):
        super().__init__()
        self.embedding = layers.Embedding(vocab, dim)
        self.gru = layers.GRU(units, return_sequences=True, return_state=True)
        self.dense = layers.Dense(vocab)

    def call(self, inputs, states=None, return_state=False, training=False):
        x = self.embedding(inputs, training=training)
        if states is None:
            states = self.gru.get_initial_state(tf.shape(x)[0])
        x, states = self.gru(x, initial_state=states, training=training)
        x = self.dense(x, training=training)
        return (x, states) if return_state else x


class TrainedByHand(CharacterModel):
    """The tutorial's customized training: a train_step of one's own."""

    @tf.function
    def train_step(self, data):
        inputs, labels = data
        with tf.GradientTape() as tape:
            loss = self.compiled_loss(labels, self(inputs, training=True))
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return {"loss": loss}

    def compile(self, optimizer, loss, **options):
        super().compile(optimizer=optimizer, loss=loss, **options)
        self.compiled_loss = loss


class OneStep(keras.Model):
    """The tutorial's generator but for its text and its chance: logits of the next id, without the forbidden ones."""

    def __init__(self, model, forbidden, temperature=1.0):
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.prediction_mask = tf.constant([-np.inf if index in forbidden else 0 for index in range(VOCAB)], tf.float32)

    def call(self, inputs, states=None):
        logits, states = self.model(inputs=inputs, states=states, return_state=True)
        return logits[:, -1, :] / self.temperature + self.prediction_mask, states


LOGITS_LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_text_generation_model_as_it_is_trained(tmp_path):
    model = TrainedByHand(VOCAB, 4, UNITS)
    train(model, ids(8, 4, below=VOCAB), ids(8, 4, below=VOCAB, seed=1), loss=LOGITS_LOSS)
    batches = [ids(1, 1, below=VOCAB), ids(300, 15, below=VOCAB)]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"GRU": 1}


def test_text_generation_step_by_step_from_a_file(tmp_path):
    model = CharacterModel(VOCAB, 4, UNITS)
    train(model, ids(8, 4, below=VOCAB), ids(8, 4, below=VOCAB, seed=1), loss=LOGITS_LOSS)
    one_step = OneStep(model, forbidden=(0, 7), temperature=0.7)
    text, states = ids(200, 6, below=VOCAB), values(200, UNITS)
    one_step(text, states=states)
    path = tmp_path / "model.onnx"
    specs = [keras.InputSpec(shape=(None, None), dtype="int32"), keras.InputSpec(shape=(None, UNITS), dtype="float32")]
    seqkit_onnx.export(one_step, path, input_signature=specs)
    network = seqkit_onnx.load(path, ["CPUExecutionProvider"])
    assert network.input_names == ["inputs", "states"]
    ours, theirs = (text, np.zeros_like(states)), (text, None)
    written = []
    for _ in range(5):
        logits, state = network.predict(list(ours)).values()
        expected, expected_state = map(np.asarray, one_step(theirs[0], states=theirs[1]))
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
        np.testing.assert_allclose(state, expected_state, rtol=0, atol=1e-5)
        next_ids = np.argmax(logits, axis=-1).astype(np.int32)[:, None]
        written.append(next_ids)
        ours, theirs = (next_ids, state), (next_ids, expected_state)
    assert not np.isin(written, (0, 7)).any()


class Encoder(layers.Layer):
    def __init__(self, vocab, units):
        super().__init__()
        self.embedding = layers.Embedding(vocab, units, mask_zero=True)
        gru = layers.GRU(units, return_sequences=True, recurrent_initializer="glorot_uniform")
        self.rnn = layers.Bidirectional(merge_mode="sum", layer=gru)

    def call(self, x):
        return self.rnn(self.embedding(x))


class CrossAttention(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__()
        self.attention = layers.MultiHeadAttention(key_dim=units, num_heads=1, **kwargs)
        self.normalization = layers.LayerNormalization()
        self.add = layers.Add()

    def call(self, x, context):
        attended, scores = self.attention(query=x, value=context, return_attention_scores=True)
        self.last_attention_weights = tf.reduce_mean(scores, axis=1)
        return self.normalization(self.add([x, attended]))


class Decoder(layers.Layer):
    def __init__(self, vocab, units):
        super().__init__()
        self.embedding = layers.Embedding(vocab, units, mask_zero=True)
        self.rnn = layers.GRU(units, return_sequences=True, return_state=True, recurrent_initializer="glorot_uniform")
        self.attention = CrossAttention(units)
        self.output_layer = layers.Dense(vocab)

    def call(self, context, x, state=None, return_state=False):
        x, state = self.rnn(self.embedding(x), initial_state=state)
        logits = self.output_layer(self.attention(x, context))
        return (logits, state) if return_state else logits

    def next_ids(self, context, previous, done, state):
        """The most probable ids, and 0 once a sentence has ended."""
        logits, state = self(context, previous, state=state, return_state=True)
        chosen = tf.where(done, 0, tf.argmax(logits, axis=-1, output_type=tf.int32))
        return chosen, done | (chosen == END), state


START, END, LONGEST = 2, 3, 3


class Translator(keras.Model):
    def __init__(self, units, vocab):
        super().__init__()
        self.encoder = Encoder(vocab, units)
        self.decoder = Decoder(vocab, units)

    def call(self, inputs):
        context, x = inputs
        logits = self.decoder(self.encoder(context), x)
        if hasattr(logits, "_keras_mask"):  # so that Keras does not scale losses and metrics by it
            del logits._keras_mask
        return logits

    def translate(self, sources, longest=LONGEST):
        """Writes word by word, as the tutorial does for its export. (batch, time)"""
        context = self.encoder(sources)
        rows = tf.shape(sources)[0]
        previous, done, state = tf.fill([rows, 1], START), tf.zeros([rows, 1], tf.bool), tf.zeros([rows, UNITS])
        written = []
        for _ in range(longest):
            previous, done, state = self.decoder.next_ids(context, previous, done, state)
            written.append(previous)
        return tf.concat(written, axis=-1)


class Translates(keras.Model):
    """What the tutorial exports: sentences in, sentences out."""

    def __init__(self, translator):
        super().__init__()
        self.translator = translator

    def call(self, inputs):
        return self.translator.translate(inputs)


def masked_loss(labels, logits):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")(labels, logits)
    mask = tf.cast(labels != 0, loss.dtype)
    return tf.reduce_sum(loss * mask) / tf.reduce_sum(mask)


@pytest.fixture(scope="module")
def translator() -> Translator:
    keras.utils.set_random_seed(0)
    model = Translator(UNITS, VOCAB)
    pairs = [padded(ids(8, 4, below=VOCAB, start=1, seed=seed)) for seed in (0, 1)]
    train(model, pairs, padded(ids(8, 4, below=VOCAB, start=1, seed=2)), loss=masked_loss)
    return model


def test_translation_with_attention_as_it_is_trained(translator, tmp_path):
    batches = [
        [padded(ids(rows, source, below=VOCAB, start=1)), padded(ids(rows, target, below=VOCAB, start=1, seed=1))]
        for rows, source, target in ((1, 1, 1), (300, 12, 9))
    ]
    assert export_and_compare(translator, tmp_path / "model.onnx", *batches) == {"GRU": 2}


def test_the_encoder_of_translation_with_attention(translator, tmp_path):
    sources = keras.Input((None,), dtype="int32", name="sources")
    encoder = keras.Model(sources, translator.encoder(sources))
    texts = padded(ids(300, 12, below=VOCAB, start=1))
    assert export_and_compare(encoder, tmp_path / "encoder.onnx", texts[:1], texts) == {"GRU": 1}


def test_translation_with_attention_writes_the_same_sentences_from_one_file(translator, tmp_path):
    model = Translates(translator)
    texts = padded(ids(200, 12, below=VOCAB, start=1))
    model(texts[:2])
    assert export_and_compare(model, tmp_path / "model.onnx", texts[:1], texts) == {"GRU": 1 + LONGEST}


class Word2Vec(keras.Model):
    def __init__(self, vocab, dim):
        super().__init__()
        self.target_embedding = layers.Embedding(vocab, dim, name="w2v_embedding")
        self.context_embedding = layers.Embedding(vocab, dim)

    def call(self, pair):
        target, context = pair
        if len(target.shape) == 2:
            target = tf.squeeze(target, axis=1)
        return tf.einsum("be,bce->bc", self.target_embedding(target), self.context_embedding(context))


def test_word2vec_called_with_a_tuple(tmp_path):
    model = Word2Vec(VOCAB, 4)
    model.compile(keras.optimizers.Adam(), keras.losses.CategoricalCrossentropy(from_logits=True))
    pairs = (ids(16, 1, below=VOCAB), ids(16, 5, below=VOCAB))
    with eagerly():
        dataset = tf.data.Dataset.from_tensor_slices((pairs, np.eye(5, dtype=np.float32)[ids(16, below=5)]))
        model.fit(dataset.batch(8), shuffle=False, verbose=0)
    batches = [(ids(rows, 1, below=VOCAB, seed=1), ids(rows, 5, below=VOCAB, seed=2)) for rows in (1, 1000)]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {}


def test_text_classification_in_both_directions_with_masked_ids(tmp_path):
    model = keras.Sequential(
        [
            layers.Embedding(input_dim=VOCAB, output_dim=8, mask_zero=True),
            layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(4)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    train(model, padded(ids(8, 4, below=VOCAB, start=1)), ids(8, 1, below=2), loss=loss)
    batches = [ids(1, 1, below=VOCAB), padded(ids(500, 20, below=VOCAB, start=1))]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}

"""keras.io's transformers on ids: named entities, and a miniature GPT."""

import keras
import numpy as np
import seqkit_onnx

from tests.tutorials.exporting import export_and_compare, ids, padded, train

layers, ops = keras.layers, keras.ops
VOCAB, LONGEST, TAGS, DIM = 40, 16, 5, 8


class TransformerBlock(layers.Layer):
    def __init__(self, dim, heads, forward_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(num_heads=heads, key_dim=dim)
        self.forward = keras.Sequential([layers.Dense(forward_dim, activation="relu"), layers.Dense(dim)])
        self.normalizations = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.dropouts = [layers.Dropout(rate) for _ in range(2)]

    def call(self, inputs, training=False):
        attended = self.dropouts[0](self.attention(inputs, inputs), training=training)
        x = self.normalizations[0](inputs + attended)
        return self.normalizations[1](x + self.dropouts[1](self.forward(x), training=training))


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, longest, vocab, dim, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(input_dim=vocab, output_dim=dim)
        self.positions = layers.Embedding(input_dim=longest, output_dim=dim)

    def call(self, inputs):
        return self.tokens(inputs) + self.positions(ops.arange(start=0, stop=ops.shape(inputs)[-1], step=1))


class NamedEntities(keras.Model):
    def __init__(self, tags, vocab, longest=LONGEST, dim=DIM, heads=2, forward_dim=8):
        super().__init__()
        self.embedding = TokenAndPositionEmbedding(longest, vocab, dim)
        self.transformer = TransformerBlock(dim, heads, forward_dim)
        self.first_dropout = layers.Dropout(0.1)
        self.hidden = layers.Dense(forward_dim, activation="relu")
        self.second_dropout = layers.Dropout(0.1)
        self.tags = layers.Dense(tags, activation="softmax")

    def call(self, inputs, training=False):
        x = self.transformer(self.embedding(inputs))
        x = self.hidden(self.first_dropout(x, training=training))
        return self.tags(self.second_dropout(x, training=training))


class LossWithoutPadding(keras.losses.Loss):
    def __init__(self):
        super().__init__(reduction=None)

    def call(self, tags, predicted):
        loss = keras.losses.sparse_categorical_crossentropy(tags, predicted)
        real = ops.cast(tags > 0, "float32")
        return ops.sum(loss * real) / ops.sum(real)


def test_named_entities_as_probabilities_and_as_ids_of_tags(tmp_path):
    model = NamedEntities(TAGS, VOCAB)
    train(model, ids(8, 10, below=VOCAB), padded(ids(8, 10, start=1, below=TAGS)), loss=LossWithoutPadding())
    batches = [ids(1, 1, below=VOCAB), ids(300, LONGEST, below=VOCAB)]
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {}
    inputs = keras.Input((None,), dtype="int32", name="tokens")
    tags = keras.Model(inputs, ops.argmax(model(inputs), axis=-1))
    assert export_and_compare(tags, tmp_path / "tags.onnx", *batches) == {}


class CausalTransformerBlock(TransformerBlock):
    """keras.io's text generation with a miniature GPT: a step looks at those before it."""

    def call(self, inputs, training=False):
        batch, time = ops.shape(inputs)[0], ops.shape(inputs)[1]
        before = ops.arange(time)[:, None] >= ops.arange(time)
        mask = ops.tile(before[None], (batch, 1, 1))  # (batch, time, time)
        attended = self.dropouts[0](self.attention(inputs, inputs, attention_mask=mask), training=training)
        x = self.normalizations[0](inputs + attended)
        return self.normalizations[1](x + self.dropouts[1](self.forward(x), training=training))


def test_miniature_gpt_and_its_hidden_states(tmp_path):
    inputs = keras.Input((LONGEST,), dtype="int32")
    x = CausalTransformerBlock(DIM, 2, 8)(TokenAndPositionEmbedding(LONGEST, VOCAB, DIM)(inputs))
    model = keras.Model(inputs, [layers.Dense(VOCAB)(x), x])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    train(model, ids(8, LONGEST, below=VOCAB), ids(8, LONGEST, below=VOCAB), loss=[loss, None])
    path = tmp_path / "model.onnx"
    batch = ids(300, LONGEST, below=VOCAB)
    assert export_and_compare(model, path, batch[:1], batch) == {}
    changed = batch.copy()
    changed[:, 9:] = 1
    first, second = (seqkit_onnx.load(path).predict(each) for each in (batch, changed))
    for name in first:
        np.testing.assert_allclose(first[name][:, :9], second[name][:, :9], rtol=0, atol=1e-6)

"""TimeDistributed: any inner layer, any number of steps, masked or not."""

import keras
import numpy as np
import pytest
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import randomize_weights
from tests.lowering.test_native_recurrence import LOOPS, TOLERANCE, run

LAYERS = keras.layers
INNER = {
    "dense": lambda: LAYERS.Dense(2),
    "lstm": lambda: LAYERS.LSTM(4),
    "gru sequences": lambda: LAYERS.GRU(4, return_sequences=True),
    "both": lambda: LAYERS.Bidirectional(LAYERS.SimpleRNN(4), merge_mode="mul"),
    "convolution": lambda: LAYERS.Conv1D(2, 3, padding="causal"),
    "normalization": lambda: LAYERS.BatchNormalization(),
    "flatten": lambda: LAYERS.Flatten(),
    "sequential": lambda: keras.Sequential([LAYERS.LSTM(4, return_sequences=True), LAYERS.GlobalMaxPooling1D()]),
    "time distributed": lambda: LAYERS.TimeDistributed(LAYERS.Dense(2)),
}


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("traced_steps", [None, 3])
def test_the_file_answers_any_number_of_steps(inner: str, traced_steps: int | None):
    keras.utils.clear_session()
    x = keras.Input((traced_steps, 4, 3), name="x")
    model = keras.Model(x, LAYERS.TimeDistributed(INNER[inner]())(x))
    randomize_weights(model)
    model.set_weights([np.abs(weight) for weight in model.get_weights()])  # variances are not negative
    proto = convert(model, model_signature(model))
    assert not LOOPS.intersection(node.op_type for node in proto.graph.node)
    for batch, steps in ((1, 1), (3, 3), (2, 9)) if traced_steps is None else ((1, 3), (2, 3)):
        values = np.random.default_rng(steps).normal(size=(batch, steps, 4, 3)).astype(np.float32)
        ours = run(proto, x=values)[0]
        np.testing.assert_allclose(ours, model(values), rtol=0, atol=TOLERANCE)


def test_words_of_characters_keep_their_masks():
    keras.utils.clear_session()
    characters = keras.Input((None, None), dtype="int32", name="characters")  # (batch, time, letters)
    letters = LAYERS.Embedding(9, 3, mask_zero=True)(characters)
    words = LAYERS.TimeDistributed(LAYERS.Bidirectional(LAYERS.GRU(4)))(letters)
    real = keras.ops.any(keras.ops.not_equal(characters, 0), axis=-1)  # (batch, time)
    model = keras.Model(characters, LAYERS.LSTM(5, return_sequences=True)(words, mask=real))
    randomize_weights(model)
    proto = convert(model, model_signature(model))
    random = np.random.default_rng(0)
    for shape in ((1, 1, 1), (2, 5, 3), (3, 2, 6)):
        ids = random.integers(0, 4, shape).astype(np.int32)  # holes everywhere, and whole words of padding
        ids[:, -1:] = 0
        np.testing.assert_allclose(run(proto, characters=ids)[0], model(ids), rtol=0, atol=TOLERANCE)


def test_repeated_states_have_the_repeated_number_of_steps():
    keras.utils.clear_session()
    x = keras.Input((None, 3), name="x")
    repeated = LAYERS.RepeatVector(6)(LAYERS.LSTM(4)(x))
    model = keras.Model(x, LAYERS.TimeDistributed(LAYERS.Dense(2))(LAYERS.GRU(3, return_sequences=True)(repeated)))
    randomize_weights(model)
    values = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    ours = run(convert(model, model_signature(model)), x=values)[0]
    assert ours.shape == (2, 6, 2)
    np.testing.assert_allclose(ours, model(values), rtol=0, atol=TOLERANCE)

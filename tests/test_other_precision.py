"""Models in half precision are exported in float32, and compared with themselves in float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.tracing.interception import UnsupportedLayerError
from seqkit_onnx.tracing.other_precision import in_float32

from keras_seqkit import BidirectionalStack, Seq2SeqTranslator, TextClassifier, TextGenerator, Vocabulary
from tests.exported import values

LAYERS = keras.layers
TEXTS = ["a good film", "bad", "so so"]
HALF = 2e-2  # of values about 1 in float16, which has 11 bits
# bfloat16 has 8 bits. How far rounding takes a recurrence depends on the CPU, which may add up in float32 or not.
TOLERANCES = {"float16": HALF, "bfloat16": 8 * 2**-7}


@contextmanager
def default_policy(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def sequence_model(policy: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 3), name="x")
    # TensorFlow has no orthogonal matrices in bfloat16, with which Keras begins.
    cell = LAYERS.LSTM(4, dtype=policy, recurrent_initializer="glorot_uniform")
    states = LAYERS.Bidirectional(cell, dtype=policy)
    dense = LAYERS.Dense(2, dtype=policy, name="scores")
    return keras.Model(x, dense(LAYERS.LayerNormalization(dtype=policy)(states(x))))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_a_model_in_half_precision_is_exported_in_float32(policy, tmp_path):
    model, path = sequence_model(policy), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text=False)
    network = seqkit_onnx.load(path)
    assert (network.input_names, network.output_names) == (["x"], ["scores"])
    x = values(3, 5, 3)
    (ours,) = network.predict(x).values()
    assert ours.dtype == np.float32
    tolerance = TOLERANCES[policy.removeprefix("mixed_")]
    np.testing.assert_allclose(ours, np.asarray(model(x), np.float32), rtol=0, atol=tolerance)
    assert seqkit_onnx.verify(model, path, x).largest_difference < 1e-5


def test_casts_of_the_user_stay(tmp_path):
    x = keras.Input((64,), name="x")
    rounded = keras.ops.cast(keras.ops.cast(x, "float16"), "float32")
    model = keras.Model(x, LAYERS.Dense(2, dtype="mixed_float16")(x) * 0 + rounded[:, :2])
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    numbers = values(5, 64)
    (ours,) = seqkit_onnx.load(tmp_path / "model.onnx").predict(numbers).values()
    np.testing.assert_array_equal(ours, numbers[:, :2].astype(np.float16).astype(np.float32))


def test_a_model_in_float32_is_itself():
    model = keras.Sequential([keras.Input((3,)), LAYERS.Dense(2)])
    assert in_float32(model) is model


def test_float8_is_refused_by_name(tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, LAYERS.Dense(2, name="head")(x))
    model.quantize("float8", filters=lambda layer: layer.name == "head")
    with pytest.raises(UnsupportedLayerError, match=r"'head' computes in float8.*before model\.quantize"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


class OnlyHere(keras.Model):
    """It has no configuration that it could be built from."""

    def __init__(self, size):
        super().__init__()
        self.dense = LAYERS.Dense(size, dtype="mixed_float16", name="inner")

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        raise NotImplementedError("there is none.")


def test_a_model_that_cannot_be_built_again_is_refused_by_name(tmp_path):
    model = OnlyHere(2)
    model(values(2, 3))
    with pytest.raises(UnsupportedLayerError, match=r"'inner' computes in float16.*there is none.*dtype='float32'"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_our_models_are_exported_in_float32_too(policy, tmp_path):
    vocabulary, path = Vocabulary.from_texts(TEXTS), tmp_path / "model.onnx"
    with default_policy(policy):
        models = [
            TextClassifier(vocabulary, ["a", "b"], 4, BidirectionalStack(4, cell="gru")),
            TextGenerator(vocabulary, units=4, embedding=4, cell="gru"),
            Seq2SeqTranslator(vocabulary, vocabulary, units=4, embedding=4, cell="gru", max_length=5),
        ]
    for model in models:
        seqkit_onnx.export(model, path)
        assert seqkit_onnx.load(path).metadata["kind"] in ("classifier", "generator", "translator")


def test_what_the_user_computes_in_half_precision_is_judged_by_it(tmp_path):
    x, half = keras.Input((6,), name="x"), keras.Input((6,), dtype="float16", name="half")
    powers = keras.ops.exp(keras.ops.cast(x, "float16")) * half
    model = keras.Model([x, half], [keras.ops.cast(powers, "float32"), half + 2])
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    numbers = [values(5, 6), values(5, 6, seed=1).astype(np.float16)]
    ours = seqkit_onnx.load(tmp_path / "model.onnx").predict(numbers).values()
    for mine, theirs in zip(ours, model(numbers), strict=True):
        assert mine.dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(mine, theirs, rtol=5e-3, atol=5e-3)


@keras.saving.register_keras_serializable(package="tests")
class Temperature(LAYERS.Layer):
    """Its temperature does not stand in its configuration."""

    temperature = 1.0

    def call(self, x):
        return x / self.temperature


def test_what_does_not_stand_in_the_configuration_is_not_lost(tmp_path):
    x, layer = keras.Input((4,)), Temperature(dtype="float32")
    model = keras.Model(x, LAYERS.Softmax(dtype="float32")(layer(LAYERS.Dense(3, dtype="mixed_float16")(x))))
    layer.temperature = 0.02
    with pytest.raises(ValueError, match=r"answers otherwise.*get_config\(\).*dtype='float32'"):
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)


SCALE = 3.0


def scaled(x):
    return x * SCALE


def scales_by(factor):
    return lambda x: keras.ops.tanh(x) * factor


def half_model(*middle: LAYERS.Layer) -> keras.Model:
    x = keras.Input((4,))
    y = LAYERS.Dense(5, dtype="mixed_float16")(x)
    for layer in middle:
        y = layer(y)
    return keras.Model(x, LAYERS.Dense(2, dtype="mixed_float16", activation=scaled)(y))


FUNCTIONS = {
    "names of its module": lambda: LAYERS.Lambda(lambda x: keras.ops.tanh(x) * SCALE, dtype="mixed_float16"),
    "what it captures": lambda: LAYERS.Lambda(scales_by(2.0), dtype="mixed_float16"),
    "a function that is not registered": lambda: LAYERS.Lambda(scaled, dtype="mixed_float16"),
    "an activation": lambda: LAYERS.Dense(3, activation=lambda x: x * SCALE, dtype="mixed_float16"),
    "several": lambda: LAYERS.Lambda(lambda x: x, lambda s: (s[0], SCALE and s[1]), mask=lambda x, m: SCALE and m),
}


@pytest.mark.parametrize("layer", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_of_the_user_are_exported_in_float32_as_they_are(layer, tmp_path):
    model, path = half_model(layer()), tmp_path / "model.onnx"
    seqkit_onnx.export(model, path, text=False)
    x = values(3, 4)
    (ours,) = seqkit_onnx.load(path).predict(x).values()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, np.asarray(model(x), np.float32), rtol=HALF, atol=HALF)


def lambda_over_a_layer(layer):
    return lambda x: layer(x) * SCALE


@pytest.mark.parametrize(
    "middle",
    [
        lambda: [LAYERS.Lambda(scales_by(factor), dtype="mixed_float16") for factor in (2.0, 3.0)],
        lambda: [LAYERS.Lambda(lambda_over_a_layer(LAYERS.Dense(5, dtype="float16")), (5,), dtype="mixed_float16")],
    ],
    ids=["two lambdas of one line", "a layer in a lambda"],
)
def test_functions_that_are_not_known_apart_are_refused_with_what_to_do(middle, tmp_path):
    with pytest.raises(UnsupportedLayerError, match=r"computes in .*dtype='float32'") as error:
        seqkit_onnx.export(half_model(*middle()), tmp_path / "model.onnx", text=False)
    assert "\n" not in str(error.value)


def test_a_generator_in_float32_is_exported_under_any_default_policy(tmp_path):
    model = TextGenerator(Vocabulary.from_texts(TEXTS), units=4, embedding=4, cell="gru")
    with default_policy("mixed_float16"):
        seqkit_onnx.export(model, tmp_path / "model.onnx")
    assert seqkit_onnx.load(tmp_path / "model.onnx").generate("a", seed=1) == model.generate("a", seed=1)


def test_an_export_draws_no_seed(tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, LAYERS.Dense(3, dtype="mixed_float16")(x))
    keras.utils.set_random_seed(5)
    expected = LAYERS.Dense(2).kernel_initializer.seed, keras.random.normal((2,)).numpy().tolist()
    keras.utils.set_random_seed(5)
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert (LAYERS.Dense(2).kernel_initializer.seed, keras.random.normal((2,)).numpy().tolist()) == expected

"""keras.io: addition by a recurrence, characters translated by an encoder and a decoder, IMDB in both directions."""

import keras
import numpy as np
import seqkit_onnx

from tests.exported import values
from tests.tutorials.exporting import export_and_compare, ids, padded, train

layers = keras.layers
CHARACTERS = "0123456789+ "
DIGITS = 2


def one_hot(texts: list[str]) -> np.ndarray:
    """(batch, time, characters), bool, as the tutorial's table of characters gives it."""
    return np.array([[[each == known for known in CHARACTERS] for each in text] for text in texts])


def sums(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.random.default_rng(seed).integers(0, 10**DIGITS, (rows, 2))
    questions = [f"{a}+{b}".ljust(2 * DIGITS + 1)[::-1] for a, b in pairs]  # reversed, as the tutorial does
    return one_hot(questions), one_hot([f"{a + b}".ljust(DIGITS + 1) for a, b in pairs])


def test_addition_of_numbers_written_as_characters(tmp_path):
    model = keras.Sequential([keras.Input((2 * DIGITS + 1, len(CHARACTERS))), layers.LSTM(16)])
    model.add(layers.RepeatVector(DIGITS + 1))
    model.add(layers.LSTM(16, return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(len(CHARACTERS), activation="softmax")))
    train(model, *sums(16, seed=0), loss="categorical_crossentropy", metrics=["accuracy"])
    questions = sums(1000, seed=1)[0].astype(np.float32)
    assert export_and_compare(model, tmp_path / "model.onnx", questions[:1], questions) == {"LSTM": 2}


ENCODER_TOKENS, DECODER_TOKENS, LATENT = 7, 9, 8
START, END, LONGEST = 0, 1, 6


def characters(rows: int, steps: int, tokens: int, seed: int = 0) -> np.ndarray:
    """One-hot (batch, time, tokens)."""
    return np.eye(tokens, dtype=np.float32)[ids(rows, steps, below=tokens, seed=seed)]


def character_translator() -> keras.Model:
    encoder_inputs = keras.Input((None, ENCODER_TOKENS), name="encoder_inputs")
    _, *states = layers.LSTM(LATENT, return_state=True, name="encoder")(encoder_inputs)
    decoder_inputs = keras.Input((None, DECODER_TOKENS), name="decoder_inputs")
    decoder = layers.LSTM(LATENT, return_sequences=True, return_state=True, name="decoder")
    outputs, _, _ = decoder(decoder_inputs, initial_state=states)
    outputs = layers.Dense(DECODER_TOKENS, activation="softmax", name="scores")(outputs)
    model = keras.Model([encoder_inputs, decoder_inputs], outputs)
    sources, targets = characters(8, 5, ENCODER_TOKENS), characters(8, 4, DECODER_TOKENS)
    train(model, [sources, targets], np.roll(targets, -1, axis=1), loss="categorical_crossentropy")
    return model


def inference_models(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The two models that translate, made of the trained layers: states go in and come out."""
    encoder = keras.Model(model.input[0], model.get_layer("encoder").output[1:])
    state_inputs = [keras.Input((LATENT,), name="h"), keras.Input((LATENT,), name="c")]
    outputs, *states = model.get_layer("decoder")(model.input[1], initial_state=state_inputs)
    decoder = keras.Model([model.input[1], *state_inputs], [model.get_layer("scores")(outputs), *states])
    return encoder, decoder


def translated(encoder, decoder, sources: np.ndarray) -> np.ndarray:
    """Greedy: the most probable character is what the decoder reads next. (batch, time)"""
    states = encoder(sources)
    tokens, written = np.full(len(sources), START), []
    while len(written) < LONGEST:
        scores, *states = decoder([np.eye(DECODER_TOKENS, dtype=np.float32)[tokens][:, None], *states])
        tokens = np.argmax(scores[:, -1], axis=-1)
        written.append(tokens)
    return np.stack(written, axis=1)


def test_the_training_model_of_encoder_and_decoder(tmp_path):
    batches = [
        [characters(rows, time, ENCODER_TOKENS), characters(rows, 2 * time, DECODER_TOKENS)]
        for rows, time in ((1, 1), (300, 9))
    ]
    assert export_and_compare(character_translator(), tmp_path / "model.onnx", *batches) == {"LSTM": 2}


def test_encoder_and_decoder_in_two_files_translate_as_keras_does(tmp_path):
    encoder, decoder = inference_models(character_translator())
    sources = characters(300, 9, ENCODER_TOKENS)
    assert export_and_compare(encoder, tmp_path / "encoder.onnx", sources[:1, :1], sources) == {"LSTM": 1}
    states = [values(300, LATENT, seed=seed) for seed in (0, 1)]
    step = [characters(300, 1, DECODER_TOKENS), *states]
    counts = export_and_compare(decoder, tmp_path / "decoder.onnx", step, [characters(300, 5, DECODER_TOKENS), *states])
    assert counts == {"LSTM": 1}

    def opened(name: str):
        network = seqkit_onnx.load(tmp_path / name, ["CPUExecutionProvider"])
        return lambda inputs: list(network.predict(inputs).values())

    def of_keras(model: keras.Model):
        return lambda inputs: [np.asarray(output) for output in model(inputs)]

    ours = translated(opened("encoder.onnx"), opened("decoder.onnx"), sources)
    theirs = translated(of_keras(encoder), of_keras(decoder), sources)
    np.testing.assert_array_equal(ours, theirs)
    assert len(np.unique(ours)) > 1


def test_imdb_in_both_directions(tmp_path):
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(50, 8)(inputs)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(8))(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    train(model, padded(ids(8, 4, below=50)), ids(8, 1, below=2), loss="binary_crossentropy", metrics=["accuracy"])
    batches = [ids(1, 1, below=50), padded(ids(300, 20, below=50))[:, ::-1]]  # Keras pads in front
    assert export_and_compare(model, tmp_path / "model.onnx", *batches) == {"LSTM": 2}

"""What exports and our own models leave out of the user's terminal, and what they leave in."""

import logging
import subprocess
import sys
import threading
import warnings

import keras
import numpy as np
import seqkit_onnx
from seqkit_onnx.ignored_warnings import ignored_here

from keras_seqkit import Seq2SeqTranslator, TextClassifier, TextGenerator, Vocabulary
from tests.cases import randomize_weights
from tests.eager import eagerly
from tests.exported import values

LAYERS = keras.layers
VOCABULARY = Vocabulary.from_texts(["a b c d e"])
USERS_OWN = "what follows is the user's own"


def export_often(path: str) -> None:
    for units in range(2, 8):
        model = keras.Sequential([keras.Input((None, 3)), LAYERS.GRU(units), LAYERS.Dense(2)])
        seqkit_onnx.export(model, path, text=False)
        seqkit_onnx.verify(model, path, values(33, 4, 3))


def use_often() -> None:
    """Many lengths, numbers of texts and settings, and models that are made anew."""
    for words in range(1, 6):
        texts = [" ".join("abcde"[:words])] * words
        classifier = TextClassifier(VOCABULARY, ["x", "y"], 2, LAYERS.SimpleRNN(2))
        classifier.fit(texts * 6, ["x"] * 6 * words, batch_size=4, epochs=2, verbose=0)
        for count in (1, 3):
            classifier.predict(texts * count + [" ".join("abcde" * 3)] * count, batch_size=2, verbose=0)
    generator = TextGenerator(VOCABULARY, units=2, embedding=2, cell="gru")
    translator = Seq2SeqTranslator(VOCABULARY, VOCABULARY, units=2, embedding=2, cell="gru", max_length=4)
    for words in (1, 20, 40, 60, 80, 100):
        texts = [" ".join(["a"] * words)] * words
        generator.generate(texts[:3], max_new_tokens=words)
        generator.log_prob(texts)
        translator.translate(texts[:3], num_beams=1 + words // 50)


def predict_with_new_models() -> None:
    for units in range(1, 8):
        keras.Sequential([keras.Input((3,)), LAYERS.Dense(units)]).predict(np.ones((2, 3)), verbose=0)


def test_tensorflow_warns_of_the_users_retracing_and_of_no_other(tmp_path):
    """In a process of its own: TensorFlow counts for a whole process, and warns twice."""
    lines = [
        "import sys",
        "from tests import test_quiet",
        f"test_quiet.export_often({str(tmp_path / 'model.onnx')!r})",
        "test_quiet.use_often()",
        f"print({USERS_OWN!r}, file=sys.stderr, flush=True)",
        "test_quiet.predict_with_new_models()",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    ours, _, users = done.stderr.partition(USERS_OWN)
    assert done.returncode == 0, done.stderr
    assert "retracing" not in ours
    assert "retracing" in users


class Attention(LAYERS.Layer):
    """Its softmax runs over the steps, of which one sample has a single one."""

    def call(self, x):
        weights = keras.ops.softmax(keras.ops.mean(x, axis=-1), axis=-1)  # (batch, time)
        return keras.ops.sum(x * weights[:, :, None], axis=1)


def attends() -> keras.Model:
    x = keras.Input((None, 3))
    return keras.Model(x, Attention()(x))


def test_samples_of_one_step_make_keras_doubt_no_softmax(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seqkit_onnx.export(attends(), tmp_path / "model.onnx", text=False)


def in_another_thread(function, *arguments) -> None:
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()


def test_a_warning_that_is_ignored_here_is_given_to_other_threads_and_afterwards():
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        with ignored_here("not .* here"):
            warnings.warn("not wanted here", stacklevel=1)
            warnings.warn("something else", stacklevel=1)
            in_another_thread(warnings.warn, "not my thread here")
        warnings.warn("not ignored here any more", stacklevel=1)
    assert [str(each.message) for each in given] == [
        "something else",
        "not my thread here",
        "not ignored here any more",
    ]


def test_filters_that_another_thread_sets_and_resets_meanwhile_leave_nothing_ignored():
    """A thread's `catch_warnings` that begins within the block and ends after it puts back what it found."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        theirs = warnings.catch_warnings()
        with ignored_here("not here"):
            in_another_thread(theirs.__enter__)
        in_another_thread(theirs.__exit__, None, None, None)
        warnings.warn("not here", stacklevel=1)
    assert [str(each.message) for each in given] == ["not here"]


def test_a_model_in_float64_logs_nothing(tmp_path, caplog):
    x = keras.Input((4,), dtype="float64", name="x")
    model = keras.Model(x, LAYERS.Dense(3, dtype="float64", name="y")(LAYERS.Dense(5, dtype="float64")(x)))
    randomize_weights(model)
    with caplog.at_level(logging.DEBUG), eagerly():
        seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert [record.getMessage() for record in caplog.records if record.name in ("root", "tf2onnx")] == []
    numbers = values(2, 4).astype(np.float64)
    ours = seqkit_onnx.load(tmp_path / "model.onnx").predict(numbers)["y"]
    np.testing.assert_allclose(ours, np.asarray(model(numbers)), rtol=1e-12)

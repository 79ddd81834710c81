"""What the tests of the command line share."""

import os
import subprocess
import sys

import keras

from tests.cases import randomize_weights

TEXTS = ["A good film!", "bad", "very good é 😀", ""]


def plain_model(layer: keras.layers.Layer | None = None) -> keras.Model:
    """A model from ids to the probabilities of three topics."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    states = (layer or keras.layers.GRU(4))(keras.layers.Embedding(30, 3, mask_zero=True)(ids))
    model = keras.Model(ids, keras.layers.Dense(3, activation="softmax", name="topic")(states), name="plain")
    randomize_weights(model)
    return model


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs the command in a process of its own, in which nothing keeps TensorFlow quiet."""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-m", "seqkit_onnx", *arguments],
        env={**inherited, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
    )


def assert_one_line_of_error(said: str, *reasons: str) -> None:
    assert said.startswith("seqkit_onnx: error: ")
    assert said.count("\n") == 1
    assert [reason for reason in reasons if reason not in said] == []

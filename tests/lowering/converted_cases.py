"""Models converted once for all suites that change a finished ONNX model."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import MASKS, Case, masked_ids

SHAPES = ((1, 1), (1, 5), (3, 7))
VOCAB, DIM, UNITS, CLASSES = 3000, 64, 64, 4


@cache
def keras_model(case: Case, mask_zero: bool = True) -> keras.Model:
    """Returns a model of the table, to be read only."""
    return case.model(mask_zero=mask_zero)


@cache
def _keras_call(case: Case, mask_zero: bool) -> Callable[[np.ndarray], Any]:
    """Compiled where Keras answers rightly then, as that takes a third of the time."""
    model = keras_model(case, mask_zero)
    if not case.any_time:
        return model
    return tf.function(lambda ids: model(ids), input_signature=[tf.TensorSpec((None, None), tf.int32)])


@cache
def keras_answers(case: Case, mask_zero: bool, kind: str, batch: int, time: int) -> list[np.ndarray]:
    """Returns what Keras answers to `masked_ids` of this kind and shape."""
    ids = masked_ids(kind, batch, time, seed=batch + time)
    return [np.asarray(output) for output in keras.tree.flatten(_keras_call(case, mask_zero)(ids))]


@cache
def converted(case: Case) -> onnx.ModelProto:
    """Returns a model of the table in float32; `test_native_recurrence` holds it to Keras."""
    model = keras_model(case)
    return convert(model, model_signature(model))


@cache
def classifier(cell: str) -> tuple[keras.Model, onnx.ModelProto]:
    """Returns a classifier of a realistic size and its conversion."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}[cell]
    ids = keras.Input((None,), dtype="int32", name="ids")
    wide: Any = keras.initializers.RandomNormal(
        stddev=0.4
    )  # as wide as word vectors are: answers differ from row to row
    x = keras.layers.Embedding(VOCAB, DIM, mask_zero=True, embeddings_initializer=wide, name="embedding")(ids)
    x = keras.layers.Bidirectional(layer(UNITS, return_sequences=True, name="first"), name="first")(x)
    x = keras.layers.Bidirectional(layer(UNITS, name="second"), name="second")(x)
    head = keras.layers.Dense(CLASSES, activation="softmax", kernel_initializer=wide, name="head")
    model = keras.Model(ids, head(x), name="model")
    return model, convert(model, model_signature(model))


def padded_ids(batch: int, time: int) -> np.ndarray:
    """Returns int32 (batch, time) for `classifier`: rows of several lengths, one of them empty."""
    random = np.random.default_rng(0)
    ids = random.integers(1, VOCAB, (batch, time)).astype(np.int32)
    ids[np.arange(time) >= random.integers(1, time + 1, (batch, 1))] = 0
    ids[-1] = 0
    return ids


def session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Opens a model on the CPU, quietly."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(proto: onnx.ModelProto, **feeds: np.ndarray) -> Any:
    """Runs a model once."""
    return session(proto).run(None, feeds)


def largest_difference(ours: onnx.ModelProto, theirs: onnx.ModelProto) -> float:
    """Returns how far two models of the table are apart, over all masks and shapes."""
    return max(_differences(session(ours).run, session(theirs).run))


def _differences(ours: Callable, theirs: Callable) -> Iterator[float]:
    for kind in MASKS:
        for batch, time in SHAPES:
            feeds = {"ids": masked_ids(kind, batch, time, seed=batch + time)}
            for mine, other in zip(ours(None, feeds), theirs(None, feeds), strict=True):
                assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
                yield float(np.max(np.abs(mine - other), initial=0.0))

"""Files of text layers, each of many layers at once, and texts that try them."""

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import seqkit_onnx
from hypothesis import strategies as st

from tests.text_strategies import UNUSUAL, any_text

WORDS = [
    "the",
    "film",
    "was",
    "good",
    "don't",
    "dont",
    "é",
    "É",
    "ς",
    "i",
    "I",
    "İ",
    "漢字",
    "👍🏽",
    "a\0b",
    "12,5%",
    "125",
]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\x1c", "\x85", "\xa0", "\u2003", "\u3000", "\0", ", ", "!"]

_pieces = st.sampled_from([*WORDS, "THE", "Film", "unheard"]) | st.sampled_from(SPACES) | st.sampled_from(UNUSUAL)
text = st.lists(_pieces, max_size=12).map("".join) | any_text
texts = st.lists(text, min_size=1, max_size=4)


@cache
def folder() -> Path:
    """One folder for the files of this process."""
    return Path(tempfile.mkdtemp())


def opened(model: keras.Model, name: str, **options: Any) -> Any:
    """Exports a model without comparing, for the test compares, and opens the file."""
    path = folder() / f"{name}.onnx"
    seqkit_onnx.export(model, path, **{"verify": False, **options})
    return seqkit_onnx.load(path, ["CPUExecutionProvider"])


def file_of(layers: Mapping[str, keras.Layer], shape: tuple, dtype: str, name: str) -> Any:
    """Returns the file of a model whose outputs are those of several layers that read one input."""
    x = keras.Input(shape, dtype=dtype, name="x")
    return opened(keras.Model(x, {key: layer(x) for key, layer in layers.items()}), name)


def assert_as_layers(file: Any, layers: Mapping[str, keras.Layer], x: np.ndarray) -> None:
    """Compares what a file gives with what each layer gives to a call of its own."""
    answers = file.predict(x)
    for name, layer in layers.items():
        expected = np.asarray(layer(keras.ops.convert_to_tensor(x)))
        if expected.dtype == object:
            expected = np.vectorize(bytes.decode, otypes=[object])(expected)
        assert (answers[name].shape, answers[name].dtype) == (expected.shape, expected.dtype), name
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(answers[name], expected, rtol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(answers[name], expected, err_msg=name)


def column(rows: list[str]) -> np.ndarray:
    """Returns texts as a model with `keras.Input((1,), dtype="string")` takes them."""
    return np.array(rows, object)[:, None]

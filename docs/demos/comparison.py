"""Sets an exported file beside the Keras model that it came from."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import seqkit_onnx

TIMED_TEXTS = 100


class Comparison(NamedTuple):
    """How two ways to run one model differ.

    Args:
        largest_difference: between two probabilities, over all texts.
        label_agreement: the fraction of texts that get the same label.
        count: how many texts.
        predict_ms: the median time of ``model.predict`` for one text, in milliseconds.
        on_batch_ms: the same for ``model.predict_on_batch``, Keras's quickest way, with the text made ids before it.
        onnx_ms: the same for ``seqkit_onnx.load(...).predict``.
    """

    largest_difference: float
    label_agreement: float
    count: int
    predict_ms: float
    on_batch_ms: float
    onnx_ms: float

    def __str__(self) -> str:
        return (
            f"largest difference of a probability  {self.largest_difference:.1e}\n"
            f"same label                           {self.label_agreement:.2%} of {self.count:,} texts\n"
            f"one text, Keras predict              {_time(self.predict_ms, self.onnx_ms)}\n"
            f"one text, Keras predict_on_batch     {_time(self.on_batch_ms, self.onnx_ms)}\n"
            f"one text, the file in onnxruntime    {_time(self.onnx_ms, self.onnx_ms)}"
        )


def _time(milliseconds: float, unit: float) -> str:
    return f"{milliseconds:7.2f} ms (median), {milliseconds / unit:.1f} times the file's"


def compare(model: Any, path: Path, texts: Sequence[str]) -> Comparison:
    """Compares answers on all texts, and times on some of them: text by text, the three ways in turns."""
    found = seqkit_onnx.verify(model, path, list(texts))
    classifier = seqkit_onnx.load(path, ["CPUExecutionProvider"])
    ways: tuple[Callable[[list[str]], Any], ...] = (
        lambda one: model.predict(one, verbose=0),
        lambda one: model.predict_on_batch(_ids(model, one)),
        classifier.predict,
    )
    times: list[list[float]] = []
    for is_counted in (False, True):  # the first round warms up: Keras compiles for each length that it meets
        for text in texts[:TIMED_TEXTS]:
            taken = [_milliseconds(way, text) for way in ways]
            if is_counted:
                times.append(taken)
    predict_ms, on_batch_ms, onnx_ms = (median(column) for column in zip(*times, strict=True))
    return Comparison(*found, predict_ms, on_batch_ms, onnx_ms)


def _ids(model: Any, texts: list[str]) -> Any:
    """Returns ids (batch, time) as the model reads them: cut to its longest, and at least one step."""
    ids = model.vocabulary.encode(texts)[:, : model.max_length]
    return ids if ids.shape[1] else model.vocabulary.encode(texts, 1)


def _milliseconds(predict: Callable[[list[str]], Any], text: str) -> float:
    begin = time.perf_counter()
    predict([text])
    return 1e3 * (time.perf_counter() - begin)

"""Streams of texts that are read into memory, for models that have to count all words before they train."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras

from keras_seqkit.models.text_data import is_tf_dataset, unpacked
from keras_seqkit.text.columns import text_column


def stream_texts(stream: Any, steps: int | None, owner: str) -> list[str]:
    """Returns all texts of a stream, or those of its first batches.

    Args:
        stream: what `is_stream` is true of; its batches are texts in any column, or single texts.
        steps: how many batches are read; `None`: all.
        owner: how an error names the argument: ``"SkipGram.fit: x"``.

    Raises:
        TypeError: what a batch holds is no text.
        ValueError: the stream has no end, or its batches hold labels or weights.
    """
    if steps is None and _has_no_end(stream):
        raise ValueError(
            f"{owner} is read whole before training, to count its words; received a {type(stream).__name__} that has "
            "no end. Say with steps_per_epoch (of validation data: validation_steps; in evaluate: steps) how many of "
            "its batches are read."
        )
    texts: list[str] = []
    for index, batch in enumerate(islice(_batches(stream), steps)):
        x, *others = unpacked(batch)
        for name, value in zip(("labels", "weights"), others, strict=True):
            if value is not None:
                raise ValueError(
                    f"{owner} is a stream of texts, which predict their own words; batch {index} holds {name} too. "
                    "Leave them out of it: dataset.map(lambda x, y: x)."
                )
        texts += text_column(x, f"{owner}, batch {index}")
    return texts


def _has_no_end(stream: Any) -> bool:
    if is_tf_dataset(stream):
        return int(stream.cardinality()) == -1  # tf.data.INFINITE_CARDINALITY
    return isinstance(stream, keras.utils.PyDataset) and stream.num_batches is None


def _batches(stream: Any) -> Iterator[Any]:
    if is_tf_dataset(stream):
        yield from stream.as_numpy_iterator()
    elif isinstance(stream, keras.utils.PyDataset):
        stream.on_epoch_begin()
        index = 0
        while stream.num_batches is None or index < stream.num_batches:
            yield stream[index]
            index += 1
    else:
        yield from stream

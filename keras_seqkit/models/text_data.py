"""What a model was given: texts in memory, a stream of batches, or arrays that Keras takes as they are."""

from collections.abc import Callable, Iterator, Mapping, Set
from itertools import chain
from types import GeneratorType
from typing import Any

import keras
import numpy as np

Encode = Callable[..., tuple]  # (x, y, sample_weight, first) -> a batch for Keras


def as_column(values: Any) -> Any:
    """Returns the values of a column as a list, or as a NumPy array where they are one; a data frame as a matrix."""
    if isinstance(values, (list, np.ndarray)):
        return values
    if isinstance(values, (tuple, range, GeneratorType)):
        return list(values)
    names = getattr(values, "column_names", None)
    if names is not None and len(names) == 1:  # a table of pyarrow or Hugging Face
        values = values[names[0]]
    if callable(getattr(values, "to_pylist", None)):  # pyarrow
        return values.to_pylist()
    for name in ("to_numpy", "numpy"):  # pandas and polars; TensorFlow and PyTorch
        if callable(getattr(values, name, None)):
            array = np.asarray(getattr(values, name)())
            only_column = array.ndim == 2 and array.shape[1] == 1 and hasattr(values, "columns")
            return array[:, 0] if only_column else array
    for name in ("to_list", "tolist"):
        if callable(getattr(values, name, None)):
            return getattr(values, name)()
    if hasattr(values, "__array__"):
        return np.asarray(values)
    return list(values)


def ordered_column(values: Any, owner: str) -> Any:
    """Returns the values of a column as `as_column` does, if they have an order.

    Args:
        values: what is to have a value for each text.
        owner: how an error names the argument: ``"TextClassifier: y"``.

    Raises:
        TypeError: they are a dict or a set.
    """
    if isinstance(values, (Set, Mapping)) and not hasattr(values, "mapping"):  # a dict's views have an order
        raise TypeError(
            f"{owner} is a column with a value for each text, in the order of the texts; received a "
            f"{type(values).__name__}. Pass a list."
        )
    return as_column(values)


def columns_of(table: Any) -> list[tuple[Any, np.ndarray]] | None:
    """Returns the columns of a table with more than one, each with its name; `None` where there is no such table."""
    names = getattr(table, "column_names", getattr(table, "columns", None))
    if names is None or not hasattr(table, "__getitem__") or not hasattr(table, "shape") or len(names) < 2:
        return None
    if hasattr(table, "iloc"):  # pandas, where names may stand twice
        return [(name, np.asarray(table.iloc[:, place])) for place, name in enumerate(names)]
    return [(name, np.asarray(as_column(table[name]))) for name in names]


def is_text(x: Any) -> bool:
    """Whether `x` is meant as texts in memory: a string, or a column of anything but numbers; `None` too."""
    if x is None or isinstance(x, (str, bytes)):
        return True
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "OUSTV"
    if is_stream(x) or isinstance(x, dict):
        return False
    if isinstance(x, (list, tuple)):
        return not len(x) or _is_item_of_text(x[0])
    if not hasattr(x, "iloc") and hasattr(x, "dtype") and hasattr(x, "shape"):  # a tensor, maybe symbolic; polars
        name = getattr(x.dtype, "name", str(x.dtype)).lower()
        return "str" in name or name in ("object", "utf8")
    names = getattr(x, "column_names", None)
    if names is not None and hasattr(x, "schema"):  # a table of pyarrow, which has no iterator
        return len(names) != 1 or is_text(as_column(x))
    if isinstance(x, Iterator) or not hasattr(x, "__iter__"):
        return False
    return is_text(as_column(x))


def _is_item_of_text(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return len(item) == 1 and isinstance(item[0], (str, bytes))  # (batch, 1)
    if isinstance(item, np.ndarray):
        return item.shape in ((), (1,)) and item.dtype.kind in "OUST"
    if not isinstance(item, np.generic) and hasattr(item, "dtype") and hasattr(item, "shape"):  # a tensor
        return is_text(item)
    return not isinstance(item, (int, float, np.number)) or (isinstance(item, float) and item != item)


def is_stream(x: Any) -> bool:
    """Whether `x` gives batches one after the other: `tf.data`, a `PyDataset`, a generator, a data loader."""
    return isinstance(x, (keras.utils.PyDataset, GeneratorType)) or is_tf_dataset(x) or _is_loader(x)


def is_tf_dataset(x: Any) -> bool:
    """Whether `x` is a `tf.data.Dataset`; asks without importing TensorFlow."""
    return hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator")


def _is_loader(x: Any) -> bool:
    return type(x).__name__ == "DataLoader" and hasattr(x, "__iter__")


def unpacked(batch: Any) -> tuple[Any, Any, Any]:
    """Returns `x`, `y` and weights of what a stream gives: a tuple or a list of up to three, or `x` alone."""
    if isinstance(batch, list) and len(batch) in (2, 3) and not is_text(batch):
        batch = tuple(batch)
    return keras.utils.unpack_x_y_sample_weight(batch if isinstance(batch, tuple) else (batch,))


def encoded_stream(stream: Any, encode: Encode, batch_size: int, owner: str) -> Any:
    """Returns a stream whose batches are encoded, of the same kind, so that Keras treats it as it would the user's.

    Args:
        stream: what `is_stream` is true of. Elements of a `tf.data.Dataset` that are single texts are batched.
        encode: makes of a batch's `x`, `y`, weights and `first` (whether it is the first) what Keras takes. Keras takes
            what the first two batches have in common for fixed, so the first one's time is to be one of its own.
        batch_size: where texts are batched.
        owner: the model, for errors.

    Raises:
        ValueError: a generator is empty.
    """
    if is_tf_dataset(stream):
        return _encoded_dataset(stream, encode, batch_size)
    if isinstance(stream, keras.utils.PyDataset):
        return _EncodedBatches(stream, encode)
    if isinstance(stream, GeneratorType):
        return _encoded_generator(stream, encode, owner)
    return _EncodedLoader(stream, encode)


def _encode(encode: Encode, batch: Any, first: bool) -> tuple:
    return encode(*unpacked(batch), first=first)


def _encoded_generator(generator: Any, encode: Encode, owner: str) -> Iterator[tuple]:
    start = next(generator, None)
    if start is None:
        raise ValueError(f"{owner}: the generator gives no batch. Make a new one: a generator can be read once.")
    return _generate(start, generator, encode)


def _generate(start: Any, rest: Any, encode: Encode) -> Iterator[tuple]:
    for place, batch in enumerate(chain([start], rest)):
        yield _encode(encode, batch, place == 0)


class _EncodedBatches(keras.utils.PyDataset):
    """The batches of a `PyDataset`, encoded."""

    def __init__(self, source: Any, encode: Encode):
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.source, self.encode = source, encode

    @property
    def num_batches(self) -> int | None:
        return self.source.num_batches

    def __getitem__(self, index: int) -> tuple:
        return _encode(self.encode, self.source[index], index == 0)

    def on_epoch_begin(self) -> None:
        self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.source.on_epoch_end()


class _EncodedLoader(keras.utils.PyDataset):
    """The batches of something that can be gone through again and again in its own order, encoded."""

    def __init__(self, source: Any, encode: Encode):
        super().__init__()
        self.source, self.encode = source, encode
        self._iterator: Any = None
        self._next = 0

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple:
        if self._iterator is None or index != self._next:
            self._iterator, self._next = iter(self.source), 0
            for _ in range(index):
                next(self._iterator)
        self._next = index + 1
        return _encode(self.encode, next(self._iterator), index == 0)

    def on_epoch_end(self) -> None:
        self._iterator = None


def _encoded_dataset(dataset: Any, encode: Encode, batch_size: int) -> Any:
    import tensorflow as tf

    specs = tf.nest.flatten(unpacked(dataset.element_spec)[0])
    if all(spec.shape.rank == 0 for spec in specs):
        dataset = dataset.batch(batch_size)
    first = next(iter(dataset), None)
    if first is None:
        return dataset
    sample = _encode(encode, _as_numpy(first), first=True)
    # Lists would be tensors to tf.nest, so the structure is of tuples and dicts only.
    types = [tf.as_dtype(np.asarray(part).dtype) for part in tf.nest.flatten(sample)]
    shapes = [[None] * np.ndim(part) for part in tf.nest.flatten(sample)]

    def encode_flat(*parts: Any) -> list[np.ndarray]:
        batch = tf.nest.pack_sequence_as(dataset.element_spec, list(parts))
        return [np.asarray(part) for part in tf.nest.flatten(_encode(encode, _as_numpy(batch), first=False))]

    def encode_batch(*batch: Any) -> Any:
        encoded = tf.numpy_function(encode_flat, tf.nest.flatten(batch), types)
        for part, shape in zip(encoded, shapes, strict=True):
            part.set_shape(shape)
        return tf.nest.pack_sequence_as(sample, encoded)

    return dataset.map(encode_batch)


def _as_numpy(batch: Any) -> Any:
    if isinstance(batch, (tuple, list)):
        return tuple(_as_numpy(part) for part in batch)
    if isinstance(batch, dict):
        return {name: _as_numpy(part) for name, part in batch.items()}
    return batch.numpy() if hasattr(batch, "numpy") else batch

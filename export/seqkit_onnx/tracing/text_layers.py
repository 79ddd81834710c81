"""What text and lookup layers do while a model is traced: they leave a placeholder where their table would be."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from seqkit_onnx.cells.token_table import TokenTable
from seqkit_onnx.tracing.hooks import plainly
from seqkit_onnx.tracing.keras_internals import document_frequencies
from seqkit_onnx.tracing.placeholder import TOKEN_ATTRIBUTE, never_called
from seqkit_onnx.tracing.refusals import UnsupportedLayerError

UNKNOWN, LEFT_OUT = -2, -1  # ids that stand for what has several ids, and for what has none
_STANDARDIZERS = (None, "lower", "strip_punctuation", "lower_and_strip_punctuation")

Call = Callable[..., Any]


def call_vectorization(layer: Any, own: Call, inputs: Any, tables: dict[bytes, TokenTable], name: str) -> Any:
    """Calls a `TextVectorization`: its table becomes a placeholder.

    Args:
        layer: the layer.
        own: its own call, for one example.
        inputs: strings (batch,) or (batch, 1); (batch, n) where nothing is split.
        tables: where the table is kept, by its placeholder.
        name: of the table.

    Raises:
        UnsupportedLayerError: ONNX's operators cannot do what the layer does.
    """
    config = layer.get_config()
    standardize, split, ngrams = config["standardize"], config["split"], config["ngrams"]
    mode, length = config["output_mode"], config["output_sequence_length"]
    if standardize not in _STANDARDIZERS or split not in (None, "whitespace", "character"):
        raise _refused(layer, "standardizes or splits by a function", "Use the names that Keras has for that.")
    if config["ragged"]:
        raise _refused(layer, "gives ragged tensors", "Pass ragged=False.")
    if split is None and (ngrams is not None or length is not None):
        raise _refused(layer, "joins or cuts what it does not split", "Pass split='whitespace' or 'character'.")
    tokens = _vocabulary(layer)
    widths = () if ngrams is None else tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else tuple(ngrams)
    first = 2 if mode == "int" else 1  # of the tokens; before them 0, the padding, and the unknown one
    known = {token: place for place, token in enumerate(tokens) if place >= first}
    if mode == "int":
        known.setdefault("", 0)
    table = TokenTable(
        name,
        tuple(known),
        tuple(known.values()),
        first - 1,
        split=split,
        lowercase=bool(standardize) and standardize.startswith("lower"),
        strip_punctuation=bool(standardize) and standardize.endswith("strip_punctuation"),
        ngrams=widths,
        padding=0 if mode == "int" else LEFT_OUT,
        compact=mode == "int",
        length=length if mode == "int" else None,
    )
    if split is not None and inputs.shape.rank is not None and inputs.shape.rank > 1:
        inputs = tf.reshape(inputs, [-1])  # (batch,)
    shape = inputs.shape if split is None else [inputs.shape[0], table.length]
    ids = _placeholder(table, tables, inputs, "int64", shape)
    if mode == "int":
        return ids
    if split is None and ids.shape.rank == 1:
        ids = ids[:, None]  # a text is one token of a row
    example = _example(own, "a", inputs.dtype)
    return _encoded(layer, ids, mode, example)


def call_lookup(layer: Any, own: Call, inputs: Any, tables: dict[bytes, TokenTable], name: str) -> Any:
    """Calls a `StringLookup` or `IntegerLookup`: its table becomes a placeholder.

    Args:
        layer: the layer.
        own: its own call, for one example.
        inputs: strings or integers of any shape.
        tables: where the table is kept, by its placeholder.
        name: of the table.

    Raises:
        UnsupportedLayerError: ONNX's operators cannot do what the layer does.
    """
    config = layer.get_config()
    mode, buckets, of_integers = config["output_mode"], config["num_oov_indices"], layer.dtype != "string"
    tokens = [int(token) if of_integers else str(token) for token in _vocabulary(layer)]
    if config["invert"]:
        table = TokenTable(name, tuple(range(len(tokens))), tuple(tokens), config["oov_token"])
        return _placeholder(table, tables, tf.cast(inputs, "int64"), "int64" if of_integers else "string", inputs.shape)
    if config["sparse"]:
        raise _refused(layer, "gives sparse tensors", "Pass sparse=False.")
    if buckets == 0:
        raise _refused(
            layer, "raises an error over tokens that it does not know, and a file cannot", "Pass num_oov_indices=1."
        )
    hashes = not of_integers or config.get("oov_method", "floormod") != "floormod"
    if buckets > 1 and hashes:
        raise _refused(layer, "hashes unknown tokens into several ids", "Pass num_oov_indices=1.")
    has_mask = config["mask_token"] is not None
    start = 1 if has_mask and mode == "int" else 0
    known: dict[Any, int] = {token: place for place, token in enumerate(tokens) if place >= start + buckets}
    if has_mask:
        known[config["mask_token"]] = 0 if mode == "int" else LEFT_OUT
    default = start if buckets == 1 else UNKNOWN
    table = TokenTable(name, tuple(known), tuple(known.values()), default)
    inputs = tf.cast(inputs, "int64") if of_integers else inputs
    ids = _placeholder(table, tables, inputs, "int64", inputs.shape)
    if buckets > 1:
        ids = tf.where(ids == UNKNOWN, tf.math.floormod(inputs, buckets) + start, ids)
    if mode == "int":
        return ids
    example = _example(own, tokens[-1], inputs.dtype)
    return _encoded(layer, ids, mode, example)


def refuse_hashing(layer: Any) -> None:
    """Refuses a layer that hashes.

    Raises:
        UnsupportedLayerError: in any case.
    """
    raise _refused(
        layer,
        "hashes, for which ONNX has no operator",
        "Use a StringLookup or IntegerLookup with a vocabulary, or hash before the model.",
    )


def _vocabulary(layer: Any) -> list:
    with tf.init_scope():  # it is read outside the graph that is being traced
        return layer.get_vocabulary()


def _refused(layer: Any, what: str, instead: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(
        f"export: layer {layer.name!r} ({type(layer).__name__}) {what}, which cannot be written with ONNX's operators. "
        f"{instead}"
    )


def _placeholder(table: TokenTable, tables: dict[bytes, TokenTable], inputs: Any, dtype: str, shape: Any) -> Any:
    result = tf.numpy_function(never_called, [inputs], tf.as_dtype(dtype), name="token_table")
    tables[result.op.get_attr(TOKEN_ATTRIBUTE)] = table
    return tf.ensure_shape(result, shape)


def _example(own: Call, token: Any, dtype: Any) -> Any:
    """Returns what the layer gives for one token, for its dtype and its number of columns."""
    with tf.init_scope(), plainly():  # outside the graph that is being traced
        return own(tf.constant([[token]], dtype))


def _encoded(layer: Any, ids: Any, mode: str, example: Any) -> Any:
    """Counts ids, as the layer's `output_mode` says: int64 (..., n) to (..., depth)."""
    depth, dtype = example.shape[-1], example.dtype
    if mode == "one_hot":
        if ids.shape.rank > 1 and ids.shape[-1] == 1:
            ids = tf.squeeze(ids, -1)
        return tf.cast(ids[..., None] == tf.range(depth, dtype="int64"), dtype)  # (..., depth)
    if ids.shape.rank != 2:
        raise _refused(layer, f"counts tokens of an input of {ids.shape.rank} axes", "Give it (batch, n).")
    counts = _counted(ids, depth)
    if mode == "multi_hot":
        return tf.cast(tf.minimum(counts, 1.0), dtype)
    if mode == "tf_idf":
        with tf.init_scope():
            weights = document_frequencies(layer)  # (depth,)
        counts *= tf.constant(weights, "float32")
    return tf.cast(counts, dtype)


def _counted(ids: Any, depth: int) -> Any:
    """How often each id stands in each row: float32 (batch, depth)."""
    batch = tf.shape(ids, "int64")[0]
    places = tf.where((ids >= 0) & (ids < depth), ids, tf.constant(depth, "int64"))  # one more, which is cut off
    rows = tf.broadcast_to(tf.range(batch)[:, None], tf.shape(ids))
    ones = tf.ones(tf.shape(ids), "float32")
    indices = tf.stack([rows, places], axis=-1)  # (batch, n, 2)
    return tf.scatter_nd(indices, ones, tf.stack([batch, depth + 1]))[:, :depth]

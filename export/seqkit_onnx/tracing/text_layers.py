"""What text and lookup layers do while a model is traced: their tables are kept, and written after the conversion."""

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_seqkit.text.vocabulary.rules import TextRules
from seqkit_onnx.tracing.keras_internals import lookup_of
from seqkit_onnx.tracing.placeholder import add_lookup_placeholder
from seqkit_onnx.tracing.text_lookup import DROPPED, LookupTable, TextLookup

_LEVELS: dict[str | None, Literal["whitespace", "char"]] = {"whitespace": "whitespace", "character": "char"}
_LEAVE_IT_OUT = "Or leave the layer out of the model, and export the rest, which takes what the layer gives."


def call_text_vectorization(calls: Any, layer: Any, inputs: Any) -> Any:
    """Answers as a `TextVectorization` does.

    Args:
        calls: the `TracedCalls` of the export.
        layer: the layer.
        inputs: string (batch,), (batch, 1) or, where the layer does not split, (batch, tokens).
    """
    with tf.init_scope():  # the vocabulary is read outside the graph that is being traced
        config = layer.get_config()
    texts = _strings(calls, layer, inputs)
    standardize, split, mode = config["standardize"], config["split"], config["output_mode"]
    _check_no_functions(calls, layer, standardize, split)
    _check_dense(calls, layer, config)
    ngrams = config["ngrams"] or ()
    asked = TextLookup(
        calls.namer.name(layer, levels=0),
        _table(calls, layer),
        TextRules(
            _LEVELS.get(split, "whitespace"),
            lowercase="ascii" if (standardize or "").startswith("lower") else False,
            strip_punctuation=(standardize or "").endswith("strip_punctuation"),
        ),
        splits=split is not None,
        ngrams=tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else tuple(ngrams),
        pads=split is not None and mode == "int",
        length=config["output_sequence_length"] if mode == "int" else None,
    )
    if split is None:
        return _encoded(calls, layer, _looked_up_whole(calls, layer, asked, texts))
    rank = texts.shape.rank
    if rank == 0 or (rank > 1 and texts.shape[-1] != 1) or (mode != "int" and rank > 2):
        calls.refuse(
            f"layer {layer.name!r} splits texts, which must be of shape (batch,) or (batch, 1); received "
            f"{tuple(texts.shape)}."
        )
    if mode == "one_hot":
        calls.refuse(
            f"layer {layer.name!r} has output_mode='one_hot' and gives as many rows for each text as it has tokens, "
            "which is a ragged tensor. Build it with output_mode='int' and encode its ids by "
            f"keras.layers.CategoryEncoding. {_LEAVE_IT_OUT}"
        )
    return _encoded(calls, layer, _looked_up_by_token(calls, asked, texts))


def call_lookup(calls: Any, layer: Any, inputs: Any) -> Any:
    """Answers as a `StringLookup` or an `IntegerLookup` does.

    Args:
        calls: the `TracedCalls` of the export.
        layer: the layer.
        inputs: strings or integers, of any shape.
    """
    _check_dense(calls, layer, {"sparse": layer.sparse})
    strings = layer.vocabulary_dtype == "string" and not layer.invert
    x = _strings(calls, layer, inputs) if strings else tf.cast(_tensor(calls, layer, inputs), tf.int64)
    asked = TextLookup(calls.namer.name(layer, levels=0), _table(calls, layer))
    found = add_lookup_placeholder(asked, calls.lookups, x, x.shape)
    if not layer.invert and layer.num_oov_indices > 1:
        first = 1 if layer.mask_token is not None and layer.output_mode == "int" else 0
        others = tf.math.floormod(x, layer.num_oov_indices) + first
        found = tf.where(tf.equal(found, -1), others, found)
    return _encoded(calls, layer, found)


def refuse_hashing(calls: Any, layer: Any) -> None:
    """Refuses a layer that hashes."""
    calls.refuse(
        f"layer {layer.name!r} is a {type(layer).__name__}, whose hash (FarmHash64 or SipHash64) ONNX's operators "
        f"cannot compute. Use StringLookup or IntegerLookup with a vocabulary in its place. {_LEAVE_IT_OUT}"
    )


def _looked_up_by_token(calls: Any, asked: TextLookup, texts: Any) -> Any:
    """Returns an id for each token of texts (batch,) or (..., 1): (batch, tokens) or (..., tokens)."""
    rank = texts.shape.rank
    flat = texts if rank == 1 else tf.squeeze(texts, -1) if rank == 2 else tf.reshape(texts, [-1])  # (texts,)
    ids = add_lookup_placeholder(asked, calls.lookups, flat, [flat.shape[0], asked.length])
    if rank < 3:
        return ids
    ids = tf.reshape(ids, tf.concat([tf.shape(texts)[:-1], tf.shape(ids)[-1:]], axis=0))
    return tf.ensure_shape(ids, [*texts.shape[:-1], asked.length])


def _looked_up_whole(calls: Any, layer: Any, asked: TextLookup, texts: Any) -> Any:
    """Returns an id for each text, or n-gram of texts that stand in a row."""
    length = asked.length
    if texts.shape.rank != 2 and (asked.ngrams or length is not None):
        calls.refuse(
            f"layer {layer.name!r} does not split, and its ngrams and output_sequence_length need texts (batch, n); "
            f"received {tuple(texts.shape)}."
        )
    shape = [texts.shape[0], None] if asked.ngrams else texts.shape
    ids = add_lookup_placeholder(asked, calls.lookups, texts, shape)
    if length is None:
        return ids
    ids = ids[:, :length]
    missing = length - tf.shape(ids)[1]
    ids = tf.pad(ids, tf.stack([tf.zeros(2, tf.int32), tf.stack([0, missing])]))
    return tf.ensure_shape(ids, [texts.shape[0], length])


def _encoded(calls: Any, layer: Any, ids: Any) -> Any:
    """Makes of ids what the layer's `output_mode` says; what is to be dropped has an id that no row has."""
    lookup = lookup_of(layer)
    mode = lookup.output_mode
    if mode == "int":
        return ids
    with tf.init_scope():
        depth = int(lookup.max_tokens if lookup.pad_to_max_tokens else lookup.vocabulary_size())
    rank = ids.shape.rank
    if mode == "one_hot":
        if rank > 1 and ids.shape[-1] == 1:
            ids = tf.squeeze(ids, -1)
        return tf.one_hot(ids, depth, dtype=tf.int64)
    if rank != 2:
        calls.refuse(
            f"layer {layer.name!r} has output_mode={mode!r} and counts in each row of (batch, n); received axes "
            f"{tuple(ids.shape)}."
        )
    counts = tf.math.bincount(
        ids, minlength=depth, maxlength=depth, dtype=tf.int64, axis=-1, binary_output=mode == "multi_hot"
    )
    counts = tf.ensure_shape(counts, [ids.shape[0], depth])  # (batch, depth)
    if mode != "tf_idf":
        return counts
    store: dict[str, Any] = {}
    with tf.init_scope():
        lookup.save_own_variables(store)
    weights = np.asarray(store["idf_weights"])  # (depth,)
    return tf.cast(counts, weights.dtype) * tf.constant(weights)


def _table(calls: Any, layer: Any) -> LookupTable:
    """Returns what a layer looks up in, its mask and unknown tokens included."""
    lookup = lookup_of(layer)
    several = lookup.num_oov_indices > 1 and not lookup.invert
    by_hash = lookup.vocabulary_dtype == "string" or getattr(lookup, "oov_method", "floormod") == "farmhash"
    if several and by_hash:
        instead = "" if lookup.vocabulary_dtype == "string" else ", or with oov_method='floormod'"
        calls.refuse(
            f"layer {layer.name!r} spreads what it does not know over {lookup.num_oov_indices} indices by a hash "
            "(FarmHash64 or SipHash64) that ONNX's operators cannot compute. Build it with num_oov_indices=1"
            f"{instead}. {_LEAVE_IT_OUT}"
        )
    with tf.init_scope():
        if not int(lookup.lookup_table.size()):
            calls.refuse(f"layer {layer.name!r} has no vocabulary. Call its adapt(data), or give it one, first.")
        keys, values = (each.numpy().tolist() for each in lookup.lookup_table.export())
    entries = dict(zip(keys, values, strict=True))
    masks = lookup.mask_token is not None
    if lookup.invert:
        if masks:
            entries[0] = lookup.mask_token
        found = tuple(_given(calls, layer, each) for each in entries.values())
        return LookupTable(tuple(entries), found, _given(calls, layer, lookup.oov_token))
    if masks:
        key = lookup.mask_token
        entries[key.encode() if isinstance(key, str) else int(key)] = 0 if lookup.output_mode == "int" else DROPPED
    first = 1 if masks and lookup.output_mode == "int" else 0
    default = first if lookup.num_oov_indices == 1 else -1
    if lookup.vocabulary_dtype == "string":  # a key that is no UTF-8 is no text that a file can be given
        readable = {key: value for key, value in entries.items() if _is_utf8(key)}
        entries = {key.decode(): value for key, value in readable.items()}
    return LookupTable(tuple(entries), tuple(entries.values()), default, lookup.num_oov_indices == 0)


def _given(calls: Any, layer: Any, value: Any) -> Any:
    """Returns what a table gives: a string as such, an integer as it is."""
    if isinstance(value, bytes):
        if not _is_utf8(value):
            calls.refuse(f"layer {layer.name!r} gives {value!r}, which is no UTF-8, as all strings of a file must be.")
        return value.decode()
    return value if isinstance(value, str) else int(value)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _tensor(calls: Any, layer: Any, inputs: Any) -> Any:
    if isinstance(inputs, (tf.RaggedTensor, tf.SparseTensor)):
        calls.refuse(
            f"layer {layer.name!r} received a {type(inputs).__name__}, and the strings and integers of a file are "
            "dense. Give it a dense tensor: a column of texts, or tokens filled up with the mask_token."
        )
    tensor: Any = inputs
    return tf.convert_to_tensor(tensor)


def _strings(calls: Any, layer: Any, inputs: Any) -> Any:
    texts = _tensor(calls, layer, inputs)
    if texts.dtype != tf.string:  # TensorFlow's own error comes when a trace is run
        raise TypeError(f"{type(layer).__name__} takes strings; received {texts.dtype.name}.")
    return texts


def _check_no_functions(calls: Any, layer: Any, standardize: Any, split: Any) -> None:
    for argument, value, choices in (
        ("standardize", standardize, "'lower', 'strip_punctuation', 'lower_and_strip_punctuation'"),
        ("split", split, "'whitespace', 'character'"),
    ):
        if value is not None and not isinstance(value, str):
            calls.refuse(
                f"layer {layer.name!r} has a function of Python for {argument}, which a file cannot hold. Build it "
                f"with {argument} one of {choices} or None, do the rest before the text is given to the model, and "
                f"adapt and train it so. {_LEAVE_IT_OUT}"
            )


def _check_dense(calls: Any, layer: Any, config: Any) -> None:
    for argument in ("ragged", "sparse"):
        if config.get(argument):
            calls.refuse(
                f"layer {layer.name!r} has {argument}=True, and the arrays of a file are dense. Build it with "
                f"{argument}=False."
            )

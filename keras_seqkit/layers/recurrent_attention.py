"""Attention of a decoder to the steps of an encoder."""

from typing import Any

import keras

from keras_seqkit.layers._recurrent_arguments import checked_units

ops: Any = keras.ops  # Keras's annotations know no tensors

SCORES = ("dot", "general", "additive")
FAR_BELOW = -1e9  # added to the score of a step that is masked; half precision takes the smallest number it has


@keras.saving.register_keras_serializable(package="keras_seqkit")
class RecurrentAttention(keras.layers.Layer):
    """Weights the steps of a memory by how well they answer a query, and sums them.

    What depends on the memory alone can be made once, by `keys`, and used at each step of a decoder, by `attend`.

    Args:
        score: how a query and a step of the memory are compared. ``"dot"``: their product, for equal widths.
            ``"general"``: the product with the memory projected to the query's width (Luong). ``"additive"``:
            ``v . tanh(W query + U memory)`` (Bahdanau).
        units: the width in which ``"additive"`` compares; `None`: the query's.
        **kwargs: as in `keras.layers.Layer`.

    Call:
        query: float (batch, steps, query units), for example the states of a decoder.
        memory: float (batch, time, memory units), for example the outputs of an encoder.
        mask: bool (batch, time), the real steps of the memory; `None`: all.

    Returns:
        Two tensors: the contexts, float (batch, steps, memory units), and the weights, float (batch, steps, time),
        which sum to 1, or to 0 in rows whose memory has no real step: there the context is 0.

    Masking:
        Masked steps of the memory get weight 0. Where `mask` is left out, the mask that Keras attached to the memory
        is taken. The query's mask is not used.

    Raises:
        ValueError: the score is not known, or ``"dot"`` meets two widths.

    Example:
    >>> import numpy as np
    >>> query, memory = np.ones((2, 3, 4), "float32"), np.ones((2, 5, 6), "float32")
    >>> contexts, weights = RecurrentAttention("additive")(query, memory)
    >>> tuple(contexts.shape), tuple(weights.shape)
    ((2, 3, 6), (2, 3, 5))

    Source:
        Luong et al. (2015), Effective approaches to attention-based neural machine translation, arXiv:1508.04025;
        Bahdanau et al. (2014), arXiv:1409.0473.
    """

    def __init__(self, score: str = "general", units: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if score not in SCORES:
            raise ValueError(f"RecurrentAttention: score is one of {list(SCORES)}; received {score!r}.")
        if units is not None:
            [units] = checked_units(units, "RecurrentAttention")
        self.score = score
        self.units = units
        self.supports_masking = True

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        """Makes the weights."""
        query, memory = query_shape[-1], memory_shape[-1]
        if self.score == "dot" and query != memory:
            raise ValueError(
                f"RecurrentAttention: score='dot' needs equal widths; the query has {query} and the memory {memory}. "
                "Pass score='general'."
            )
        if self.score == "general":
            self.memory_kernel = self.add_weight(shape=(memory, query), name="memory_kernel")
        if self.score == "additive":
            units = self.units or query
            self.memory_kernel = self.add_weight(shape=(memory, units), name="memory_kernel")
            self.query_kernel = self.add_weight(shape=(query, units), name="query_kernel")
            self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
            self.vector = self.add_weight(shape=(units, 1), name="vector")

    def call(self, query: Any, memory: Any, mask: Any = None, memory_mask: Any = None) -> tuple[Any, Any]:
        """See the class."""
        mask = memory_mask if mask is None else mask  # Keras hands masks of several inputs over by their names
        return self.attend(query, self.keys(memory), memory, self.mask_bias(mask))

    def keys(self, memory: Any) -> Any:
        """Makes what queries are compared with: (batch, time, memory units) to (batch, units, time).

        With ``"additive"``, (batch, time, units).
        """
        if self.score == "dot":
            return ops.transpose(memory, (0, 2, 1))
        keys = ops.matmul(memory, ops.cast(self.memory_kernel, memory.dtype))  # (batch, time, units)
        return keys + ops.cast(self.bias, keys.dtype) if self.score == "additive" else ops.transpose(keys, (0, 2, 1))

    def mask_bias(self, mask: Any) -> Any:
        """Makes what is added to the scores: bool (batch, time) to float (batch, 1, time), or `None` for `None`."""
        if mask is None:
            return None
        below = -6e4 if self.compute_dtype == "float16" else FAR_BELOW
        real = ops.expand_dims(ops.cast(mask, self.compute_dtype), 1)  # (batch, 1, time)
        return (1.0 - real) * below

    def attend(self, query: Any, keys: Any, memory: Any, mask_bias: Any = None) -> tuple[Any, Any]:
        """Does what calling the layer does, with what `keys` and `mask_bias` made before."""
        query = ops.cast(query, memory.dtype)
        if self.score == "additive":
            kernel, vector = (ops.cast(weight, query.dtype) for weight in (self.query_kernel, self.vector))
            projected = ops.expand_dims(ops.matmul(query, kernel), 2)  # (batch, steps, 1, units)
            compared = ops.tanh(projected + ops.expand_dims(keys, 1))  # (batch, steps, time, units)
            scores = ops.squeeze(ops.matmul(compared, vector), 3)  # (batch, steps, time)
        else:
            scores = ops.matmul(query, keys)  # (batch, steps, time)
        weights = ops.softmax(scores if mask_bias is None else scores + mask_bias)
        if mask_bias is not None:
            weights = ops.where(mask_bias < 0, 0.0, weights)
        return ops.matmul(weights, memory), weights  # (batch, steps, memory units)

    def compute_mask(self, *args: Any, **kwargs: Any) -> tuple:
        """Returns no masks: the contexts have the query's steps."""
        return None, None

    def compute_output_shape(self, query_shape: Any, memory_shape: Any) -> tuple:
        """Returns the shapes of contexts and weights."""
        return (*query_shape[:2], memory_shape[-1]), (*query_shape[:2], memory_shape[1])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "score": self.score, "units": self.units}

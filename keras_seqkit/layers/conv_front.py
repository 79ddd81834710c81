"""A convolution in front of a recurrence."""

from typing import Any

import keras
from keras import ops

from keras_seqkit.text.limits import MAX_WIDTH, MAX_WINDOW, check_limit, check_numbers


@keras.saving.register_keras_serializable(package="keras_seqkit")
class ConvFront(keras.layers.Layer):
    """Conv1D and MaxPooling1D that know masks: padding on the right never changes what a text gives.

    Keras's own `Conv1D` and `MaxPooling1D` drop the mask, and padded steps leak into their neighbours.

    Args:
        filters: the width of the output.
        kernel_size: the steps that are seen together.
        pool_size: how many steps become one; 1: none are joined.
        activation: of the convolution, as in `keras.layers.Conv1D`.
        **kwargs: as in `keras.layers.Layer`.

    Call:
        x: float (batch, time, dim).
        mask: bool (batch, time), or `None`.

    Returns:
        float (batch, ceil(time / pool_size), filters).

    Masking:
        Masked steps count as zeros for the convolution and are left out of the maximum. An output step is masked
        where all of its steps are.

    Example:
    >>> import numpy as np
    >>> ConvFront(filters=4, kernel_size=3, pool_size=2)(np.ones((1, 5, 3), "float32")).shape[1:]
    TensorShape([3, 4])

    Source:
        Zhou, Sun, Liu, Lau (2015), A C-LSTM Neural Network for Text Classification.
    """

    def __init__(self, filters: int, kernel_size: int = 5, pool_size: int = 2, activation: Any = "relu", **kwargs: Any):
        super().__init__(**kwargs)
        if min(filters, kernel_size, pool_size) < 1:
            raise ValueError(
                "ConvFront: filters, kernel_size and pool_size are at least 1; received "
                f"{filters}, {kernel_size} and {pool_size}."
            )
        for name, value, limit in (
            ("filters", filters, MAX_WIDTH),
            ("kernel_size", kernel_size, MAX_WINDOW),
            ("pool_size", pool_size, MAX_WINDOW),
        ):
            check_limit("ConvFront", name, value, limit)
        self.filters, self.kernel_size, self.pool_size = filters, kernel_size, pool_size
        self.activation = keras.activations.get(activation)
        self.supports_masking = True
        self.convolution = keras.layers.Conv1D(
            filters,
            kernel_size,
            padding="same",
            activation=self.activation,
            dtype=self.dtype_policy,
            name="convolution",
        )

    def build(self, input_shape: Any) -> None:
        """Builds the convolution."""
        check_numbers("ConvFront", "the kernel", self.kernel_size, input_shape[-1], self.filters)
        self.convolution.build(input_shape)
        super().build(input_shape)

    def call(self, x: Any, mask: Any = None) -> Any:
        """See the class."""
        if mask is None:
            return self._pool(self.convolution(x))
        real = ops.expand_dims(ops.cast(mask, x.dtype), -1)  # (batch, time, 1)
        x = self.convolution(x * real)  # (batch, time, filters)
        lowest = ops.cast(-6e4, x.dtype)  # within float16, and below all that pooling should prefer
        pooled = self._pool(ops.where(ops.greater(real, 0), x, lowest))  # (batch, time / pool_size, filters)
        some_real = ops.expand_dims(ops.cast(self.compute_mask(x, mask), x.dtype), -1)
        return pooled * some_real

    def _pool(self, x: Any) -> Any:
        if self.pool_size == 1:
            return x
        # "valid" after a constant number of steps on the right: where windows begin does not depend on the time.
        x = ops.pad(x, [[0, 0], [0, self.pool_size - 1], [0, 0]], constant_values=-6e4)
        return ops.max_pool(x, self.pool_size, self.pool_size, padding="valid")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """A pooled step is real where one of its steps is."""
        if previous_mask is None or self.pool_size == 1:
            return previous_mask
        real = ops.expand_dims(ops.cast(previous_mask, "float32"), -1)  # (batch, time, 1)
        real = ops.pad(real, [[0, 0], [0, self.pool_size - 1], [0, 0]])
        pooled = ops.max_pool(real, self.pool_size, self.pool_size, padding="valid")  # (batch, time / pool_size, 1)
        return ops.greater(ops.squeeze(pooled, -1), 0)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Returns (batch, ceil(time / pool_size), filters)."""
        batch, time, _ = input_shape
        return batch, None if time is None else -(-time // self.pool_size), self.filters

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "pool_size": self.pool_size,
            "activation": keras.activations.serialize(self.activation),
        }


def make_conv_front(conv: Any, dim: int, owner: str = "TextClassifier") -> keras.layers.Layer | None:
    """Returns the layer that stands before an encoder.

    Args:
        conv: a number of filters or the arguments of a `ConvFront`, or a layer that knows masks or keeps the time, or
            `None`.
        dim: the size of the vectors that it gets.
        owner: the model, for errors.

    Raises:
        TypeError: it is none of these.
        ValueError: the layer changes the time and drops the mask.
    """
    if isinstance(conv, int):
        return ConvFront(conv, name="conv")
    if isinstance(conv, dict):
        return ConvFront(**{"name": "conv", **conv})
    if conv is not None and not isinstance(conv, keras.layers.Layer):
        raise TypeError(
            f"{owner}: conv is a number of filters, the arguments of a ConvFront as a dict, a layer, or None; received "
            f"{conv!r:.60}."
        )
    if conv is not None and not conv.supports_masking and conv.compute_output_shape((1, 64, dim))[1] != 64:
        raise ValueError(
            f"{owner}: conv layer {conv.name!r} changes the time and drops the mask, so padding would change "
            "the answers. Use ConvFront, or padding='same' and strides=1."
        )
    return conv

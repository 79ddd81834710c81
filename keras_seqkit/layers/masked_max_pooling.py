"""The largest value of each feature over the real steps."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seqkit")
class MaskedMaxPooling(keras.layers.Layer):
    """The maximum of each feature over time, masked steps left out.

    Keras's own `GlobalMaxPooling1D` takes masked steps for real ones.

    Call:
        x: float (batch, time, dim).
        mask: bool (batch, time), or `None`.

    Returns:
        float (batch, dim); zeros for a row without a real step.

    Masking:
        The mask ends here.

    Example:
    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]]], "float32")
    >>> np.asarray(MaskedMaxPooling()(x, mask=np.array([[True, True, False]]))).tolist()
    [[3.0]]

    Source:
        Conneau et al. (2017), Supervised Learning of Universal Sentence Representations from Natural Language
        Inference Data: the maximum over a bidirectional LSTM's steps.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        """See the class."""
        if mask is None:
            return ops.max(x, axis=1)  # (batch, dim)
        real = ops.expand_dims(ops.cast(mask, "bool"), -1)  # (batch, time, 1)
        largest = ops.max(ops.where(real, x, ops.cast(-6e4, x.dtype)), axis=1)  # -6e4 is within float16
        return ops.where(ops.any(real, axis=1), largest, ops.zeros_like(largest))  # (batch, dim)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns `None`: there is no time axis any more."""

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Returns (batch, dim)."""
        return input_shape[0], input_shape[2]

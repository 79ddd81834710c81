"""What a model predicts, as `model.predict` does it."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.models.traced_ahead import trace_ahead

BATCH_SIZE = 32  # Keras's own


def predictions(model: keras.Model, inputs: Any) -> Any:
    """Returns what `model.predict` answers, whose traces TensorFlow does not count.

    TensorFlow warns of "tf.function retracing" where `predict` has traced five models of a process: five exports would
    make it warn, or four exports and the next model of the user.

    Args:
        model: any model.
        inputs: arrays, all with as many rows, or what else `predict` takes.
    """
    arrays = keras.tree.flatten(inputs)
    if not all(isinstance(each, np.ndarray) and each.ndim and len(each) == len(arrays[0]) for each in arrays):
        return model.predict(inputs, verbose="0")
    before = {name: getattr(model, name, None) for name in ("predict_function", "stop_predicting")}
    # A function that was traced for texts (batch,) and then for (batch, 1) takes them for texts of no known axes.
    model.make_predict_function(force=any(each.dtype == object for each in arrays))
    found = []
    try:
        for first in range(0, max(1, len(arrays[0])), BATCH_SIZE):
            batch = keras.tree.map_structure(lambda array, first=first: _part(array, first), inputs)
            trace_ahead(model.predict_function, [(batch,)])
            found.append(model.predict_on_batch(batch))
    finally:
        for name, value in before.items():
            setattr(model, name, value)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *found)


def _part(array: np.ndarray, first: int) -> Any:
    part = array[first : first + BATCH_SIZE]
    return keras.ops.convert_to_tensor(part) if part.dtype == object else part  # strings are no dtype of NumPy's

"""Models whose predictions are traced before they are called, so that TensorFlow has no call to warn of."""

from collections.abc import Callable
from typing import Any

import keras


class TracedAhead(keras.Model):
    """A model whose `predict` and `predict_on_batch` trace each new shape before they call.

    TensorFlow counts the calls that trace, of all models of a process together, and warns of "tf.function
    retracing" from the fifth on. A model that is made anew, or that rounds lengths to a few shapes, has no reason to be
    warned of. What the user's own models do is counted as ever.
    """

    def make_predict_function(self, force: bool = False) -> Any:
        """Makes what `predict` calls; see `keras.Model`."""
        before = self.predict_function
        made = super().make_predict_function(force)
        if self.predict_function is not before and hasattr(self.predict_function, "get_concrete_function"):
            self.predict_function = _traced_ahead(self.predict_function)
        return made


def trace_ahead(function: Any, data: Any) -> None:
    """Traces a function of TensorFlow for some data, if no trace of it fits; any other function is left alone.

    Args:
        function: a model's `predict_function`.
        data: what it will be called with.
    """
    if not hasattr(function, "get_concrete_function"):  # of another backend, or of a model that runs eagerly
        return
    import tensorflow as tf

    if not tf.config.functions_run_eagerly():
        function.get_concrete_function(data)


def _traced_ahead(function: Callable) -> Callable:
    seen: set[tuple] = set()

    def call(data: Any) -> Any:
        shapes = tuple((tuple(part.shape), str(part.dtype)) for part in keras.tree.flatten(data))
        if shapes not in seen:
            trace_ahead(function, data)
            seen.add(shapes)
        return function(data)

    return call

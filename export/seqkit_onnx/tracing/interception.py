"""A block in which the layers of a model do what an export wants, when this thread calls them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from seqkit_onnx.tracing.hooks import conversion_lock, hooked, tracing
from seqkit_onnx.tracing.refusals import UnsupportedLayerError, said
from seqkit_onnx.tracing.streamed_calls import StreamedCalls
from seqkit_onnx.tracing.traced_calls import TracedCalls


@contextmanager
def intercepted_recurrence(model: keras.Model, stream: bool = False) -> Iterator[TracedCalls]:
    """Lets the layers of a model leave placeholders when this thread calls them, until the block ends.

    Nothing but the model's own layers is touched, and they only ask which thread calls them: for every other thread
    they do what they always do.

    Args:
        model: the model that is traced.
        stream: whether its layers go on where an earlier call ended; see `StreamedCalls`.

    Yields:
        What was found while the model was traced: `recurrences`, by the token of their placeholder, and `loop_states`.
    """
    calls = StreamedCalls(model.name) if stream else TracedCalls(model.name)
    with conversion_lock, hooked(model, all_calls=stream):
        token = tracing.set(calls)
        try:
            yield calls
        except Exception:
            calls.raise_refusal()
            raise
        finally:
            tracing.reset(token)


@contextmanager
def errors_named_by_layer(model: keras.Model) -> Iterator[None]:
    """Says of an error that a layer's own code raises while it is traced whose it is.

    Raises:
        UnsupportedLayerError: in the place of any other error.
    """
    try:
        yield
    except UnsupportedLayerError:
        raise
    except Exception as error:
        calls = tracing.get()
        if calls is not None:
            calls.raise_refusal()
        layer = _layer_of(error)
        what = f"layer {layer.name!r}" if layer is not None and layer is not model else f"model {model.name!r}"
        raise UnsupportedLayerError(
            f"export: {what} cannot be traced by TensorFlow: {said(error)} Its call must work on tensors whose values "
            "are not known yet, as it must for model.predict."
        ) from error


def _layer_of(error: Exception) -> Any:
    """Returns the layer in whose code an error was raised."""
    layer, step = None, error.__traceback__
    while step is not None:
        owner = step.tb_frame.f_locals.get("self")
        layer = owner if isinstance(owner, keras.Layer) else layer
        step = step.tb_next
    return layer

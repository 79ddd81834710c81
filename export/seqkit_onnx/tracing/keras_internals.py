"""What is read of Keras beside its public names, each with the reason: nothing else in the package does.

Where another version of Keras names it otherwise, `OPEN_NAME_SCOPE` raises AttributeError, and a model that data built
keeps the number of steps that it was built with.
"""

from typing import Any

import keras
import numpy as np

# The method of a layer that opens the scope in which TensorFlow names its nodes. A layer may have a name that
# TensorFlow refuses (spaces, accents), and its public name is seen by all threads: it cannot be another one meanwhile.
OPEN_NAME_SCOPE = "_open_name_scope"


def was_built_from_data(model: keras.Sequential) -> bool:
    """Whether Keras has made the `Input` of a model, of the first batch, and the user none.

    Both look alike in all that is public: `model.inputs`, `get_config()` and `get_build_config()`. Only how the
    `InputLayer`, which `model.layers` leaves out, was called tells them apart.
    """
    first: Any = super(keras.Sequential, model).layers[0]  # the InputLayer is among them, as for Keras's get_config
    arguments = getattr(getattr(first, "_auto_config", None), "config", {})
    return "shape" in arguments and arguments["shape"] is None and arguments.get("name") is None


def predicted_dtypes(model: keras.Model) -> tuple[str, ...]:
    """Returns the dtypes of what a model's `predict` was given, input by input; nothing where that is not known.

    Keras notes the shapes of a first call and not its dtypes. TensorFlow keeps what each function was traced for, and
    tells it in public as text only.
    """
    traces = getattr(model.predict_function, "_list_all_concrete_functions", list)()
    found = {
        tuple(
            spec.dtype.name for spec in keras.tree.flatten(trace.structured_input_signature) if hasattr(spec, "dtype")
        )
        for trace in traces
    }
    return found.pop() if len(found) == 1 else ()


def document_frequencies(layer: Any) -> np.ndarray:
    """Returns the inverse document frequency of each id of a text or lookup layer: float (depth,).

    An adapted layer has them in no configuration, and shows them in its answers alone.
    """
    lookup = layer._lookup_layer if isinstance(layer, keras.layers.TextVectorization) else layer
    return np.asarray(lookup.idf_weights_const)

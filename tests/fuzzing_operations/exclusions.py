"""What of `keras.ops` and `keras.layers` is not drawn, and why."""

import keras

_NO_TENSOR = "it answers with something that is no tensor"
_KERAS = "Keras 3.15 cannot call it with symbolic tensors"
_TRAINING = "it is for training alone"
_CALLABLE = "it makes a function of a function, which a table cannot draw"
_TEXT = "it takes text: tests/text_layers tries it"
_OTHER = "it runs what is no Keras"
_BASE = "it is what other layers are made of"

EXCLUDED: dict[str, str] = {
    **dict.fromkeys(
        ["ops.convert_to_numpy", "ops.dtype", "ops.is_tensor", "ops.ndim", "ops.image", "ops.linalg"], _NO_TENSOR
    ),
    **dict.fromkeys(["ops.nn", "ops.numpy"], _NO_TENSOR),
    **dict.fromkeys(["ops.corrcoef", "ops.isin", "ops.kron"], _KERAS),
    **dict.fromkeys(["ops.nanmedian", "ops.nanpercentile", "ops.nanquantile"], _KERAS),
    "ops.argpartition": "Keras 3.15 answers wrongly for more than one row, or raises",
    "ops.histogram": "Keras 3.15 has none with TensorFlow",
    **dict.fromkeys(["ops.ctc_loss", "ops.custom_gradient", "ops.jvp"], _TRAINING),
    "ops.vectorize": _CALLABLE,
    "ops.image.elastic_transform": "it is random",
    **dict.fromkeys(["layers.StringLookup", "layers.TextVectorization"], _TEXT),
    **dict.fromkeys(["layers.FlaxLayer", "layers.JaxLayer", "layers.TFSMLayer", "layers.TorchModuleWrapper"], _OTHER),
    **dict.fromkeys(["layers.Input", "layers.InputLayer", "layers.InputSpec", "layers.Layer"], _BASE),
    **dict.fromkeys(["layers.deserialize", "layers.serialize"], _NO_TENSOR),
    "layers.MaxNumBoundingBoxes": "it takes a dictionary of boxes, and no tensor",
}


def public_names() -> list[str]:
    """Returns all public functions and layers, as `ops.add`, `ops.image.resize` or `layers.Dense`."""
    spaces = {"ops": keras.ops, "ops.image": keras.ops.image, "layers": keras.layers}
    return [f"{prefix}.{name}" for prefix, space in spaces.items() for name in dir(space) if not name.startswith("_")]


def drawn_under_another_name(name: str, table: list[str]) -> bool:
    """Says whether a layer is another name of one that is drawn: `AvgPool1D` is `AveragePooling1D`."""
    own = getattr(keras.layers, name.removeprefix("layers."), None)
    return any(getattr(keras.layers, other.removeprefix("layers."), None) is own for other in table) if own else False

"""Keras activations as ONNX's recurrent operators name them."""

from collections.abc import Callable
from typing import NamedTuple

import keras


class NoNativeOperator(Exception):  # noqa: N818  # it steers the conversion and is never shown
    """A cell cannot be expressed by a native operator; the message says why."""


class OnnxActivation(NamedTuple):
    """The name of an activation in ONNX, with its parameters where it has any."""

    name: str
    alpha: float | None = None
    beta: float | None = None


# Softplus is not among them: onnxruntime's recurrent operators (1.32) overflow above 88, where Keras gives the number.
_ONNX_ACTIVATIONS: dict[Callable, OnnxActivation] = {
    keras.activations.tanh: OnnxActivation("Tanh"),
    keras.activations.sigmoid: OnnxActivation("Sigmoid"),
    keras.activations.relu: OnnxActivation("Relu"),
    keras.activations.softsign: OnnxActivation("Softsign"),
    keras.activations.elu: OnnxActivation("Elu", alpha=1.0),
    keras.activations.leaky_relu: OnnxActivation("LeakyRelu", alpha=0.2),
    keras.activations.hard_sigmoid: OnnxActivation("HardSigmoid", alpha=1 / 6, beta=0.5),
    keras.activations.linear: OnnxActivation("Affine", alpha=1.0, beta=0.0),
}


def also_named(name: str, *others: Callable) -> None:
    """Says that functions compute what an activation of Keras does.

    Args:
        name: the activation's, in `keras.activations`.
        others: names that people also give it: those of `keras.ops`, or a backend's.
    """
    _ONNX_ACTIVATIONS.update(dict.fromkeys(others, _ONNX_ACTIVATIONS[getattr(keras.activations, name)]))


def onnx_activation(activation: Callable) -> OnnxActivation:
    """Returns the ONNX name of a Keras activation.

    Raises:
        NoNativeOperator: ONNX's recurrent operators do not name it.
    """
    if activation not in _ONNX_ACTIVATIONS:
        name = getattr(activation, "__name__", repr(activation))
        raise NoNativeOperator(f"ONNX's recurrent operators have no activation {name!r}")
    return _ONNX_ACTIVATIONS[activation]

"""Keras activations as ONNX's recurrent operators name them."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf


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
# What computes the same, under the names that people also give: TensorFlow's and those of keras.ops.
_SAME = {
    "tanh": (tf.tanh, tf.nn.tanh, keras.ops.tanh),
    "sigmoid": (tf.sigmoid, tf.nn.sigmoid, keras.ops.sigmoid),
    "relu": (tf.nn.relu, keras.ops.relu),
    "softsign": (tf.nn.softsign, keras.ops.softsign),
    "elu": (tf.nn.elu, keras.ops.elu),
    "leaky_relu": (tf.nn.leaky_relu, keras.ops.leaky_relu),
    "hard_sigmoid": (keras.ops.hard_sigmoid,),
    "linear": (tf.identity,),
}
_ONNX_ACTIVATIONS.update(
    (same, _ONNX_ACTIVATIONS[getattr(keras.activations, name)]) for name, others in _SAME.items() for same in others
)


def onnx_activation(activation: Callable) -> OnnxActivation:
    """Returns the ONNX name of a Keras activation.

    Raises:
        NoNativeOperator: ONNX's recurrent operators do not name it.
    """
    if activation not in _ONNX_ACTIVATIONS:
        name = getattr(activation, "__name__", repr(activation))
        raise NoNativeOperator(f"ONNX's recurrent operators have no activation {name!r}")
    return _ONNX_ACTIVATIONS[activation]

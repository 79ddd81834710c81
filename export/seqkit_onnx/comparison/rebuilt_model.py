"""Whether a model that was built anew in another precision is the same function."""

from typing import Any

import keras
import numpy as np

from seqkit_onnx.comparison.numbers import largest_difference
from seqkit_onnx.comparison.samples import NO_KEYS, Keys, sample_inputs
from seqkit_onnx.comparison.verification import VerificationError
from seqkit_onnx.layer_walk import unchanged
from seqkit_onnx.tracing.other_precision import BUILD_IT_YOURSELF
from seqkit_onnx.tracing.refusals import CANNOT_REBUILD, UnsupportedLayerError, said
from seqkit_onnx.tracing.signature import ModelSignature

HALF_TOLERANCE = 0.1  # bfloat16 has 8 bits, and recurrences add up what is rounded


def check_rebuilt(model: keras.Model, whole: keras.Model, signature: ModelSignature, keys: Keys = NO_KEYS) -> None:
    """Sees to it that a model which was built anew in float32 is the same function.

    Args:
        model: the model in half precision.
        whole: the other one.
        signature: the inputs of `model`.
        keys: what inputs are looked up among.

    Raises:
        VerificationError: it answers otherwise than half precision explains.
        UnsupportedLayerError: it cannot be called.
    """
    inputs = sample_inputs(model, signature, keys=keys)
    of_half, of_whole = (
        [keras.ops.convert_to_tensor(array) for array in keras.tree.flatten(_in_dtypes(inputs, each))]
        for each in (signature, signature.in_float32())
    )
    built = (
        f"export: model {model.name!r} computes in half precision, and what was built from its configuration to be "
        "exported in float32"
    )
    lost = f"Something that a layer uses does not stand in its get_config(). {BUILD_IT_YOURSELF}"
    with unchanged(model):
        half = [np.asarray(each, np.float64) for each in signature.call(model, of_half)]
    try:
        answers = signature.call(whole, of_whole)
    except CANNOT_REBUILD as error:
        raise UnsupportedLayerError(f"{built} cannot be called: {said(error)} {lost}") from error
    found = largest_difference([np.asarray(each) for each in answers], half)
    if not found <= HALF_TOLERANCE:
        raise VerificationError(f"{built} answers otherwise: by {found:.2g}. {lost}")


def _in_dtypes(inputs: Any, signature: ModelSignature) -> Any:
    flat = zip(keras.tree.flatten(inputs), signature.specs, strict=True)
    return signature.pack_inputs(tuple(array.astype(spec.dtype.as_numpy_dtype) for array, spec in flat))

"""Images of another size, and colours as hue, saturation and value."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from onnx import TensorProto

from seqkit_onnx.lowering.operator_handlers.node_writer import NodeWriter, written_by


def _resized(write: NodeWriter) -> str:
    """Two products with what TensorFlow makes of an image of ones and zeros: sizes are known, and it is linear."""
    images, size = write.inputs[0], write.needs(1, "size")
    shape = write.shape_of(images)
    if shape is None or shape[1] < 0 or shape[2] < 0:
        raise write.refusal("the height or width of its images varies")
    how = {name: bool(write.attribute(name, 0)) for name in ("align_corners", "half_pixel_centers")}
    resize = getattr(tf.raw_ops, write.node.type)
    height, width = (
        _matrix(count, lambda image, place=place: resize(images=image, size=_sizes(place, int(size[place]), image), **how))
        for place, count in enumerate(shape[1:3])
    )
    return _product(write, write.cast(images, TensorProto.FLOAT), height, width)


def _sizes(place: int, wished: int, image: np.ndarray) -> list[int]:
    return [wished, image.shape[2]] if place == 0 else [wished, 1]


def _scaled(write: NodeWriter) -> str:
    """ScaleAndTranslate is linear too."""
    images, size, scale, translation = write.inputs[0], *(
        write.needs(index, name) for index, name in enumerate(("size", "scale", "translation"), start=1)
    )  # fmt: skip
    shape = write.shape_of(images)
    if shape is None or shape[1] < 0 or shape[2] < 0:
        raise write.refusal("the height or width of its images varies")
    how = {"kernel_type": write.attribute("kernel_type", "lanczos3"), "antialias": bool(write.attribute("antialias", 1))}
    matrices = []
    for place, count in enumerate(shape[1:3]):
        matrices.append(_matrix(count, lambda image, place=place: tf.raw_ops.ScaleAndTranslate(
            images=image, size=[int(size[place]), image.shape[2]], scale=[float(scale[place]), 1.0],
            translation=[float(translation[place]), 0.0], **how)))  # fmt: skip
    return _product(write, write.cast(images, TensorProto.FLOAT), *matrices)


def _matrix(count: int, resize: Callable[[np.ndarray], tf.Tensor]) -> np.ndarray:
    """Returns what a resizing makes of each of `count` places, (wished, count)."""
    places = np.eye(count, dtype=np.float32)[None, :, None, :]  # an image of one column, a channel for each place
    return resize(places).numpy()[0, :, 0, :]


def _product(write: NodeWriter, images: str, height: np.ndarray, width: np.ndarray) -> str:
    """(batch, h, w, channels) to (batch, H, W, channels)."""
    images = write("Transpose", images, perm=[0, 3, 1, 2])
    images = write("MatMul", write.constant(height), images)
    images = write("MatMul", images, write.constant(np.ascontiguousarray(width.T)))
    return write("Transpose", images, perm=[0, 2, 3, 1])


HANDLERS = {
    "ResizeBicubic": written_by(_resized),
    "ScaleAndTranslate": written_by(_scaled),
}

"""Images of another size, and colours as hue, saturation and value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, written_by


def _by_matrices(resize: Callable[..., Any], *options: str) -> Callable[[NodeWriter], str]:
    """A resizing that is linear: two products with what TensorFlow makes of an image of ones and zeros."""

    def write_resized(write: NodeWriter) -> str:
        size, images = write.needs(1, "size"), write.cast(write.inputs[0], TensorProto.FLOAT)
        how = {name: bool(write.attribute(name, 0)) for name in options}
        matrices = (
            _matrix(count, lambda image, wished=wished: resize(images=image, size=[wished, 1], **how))
            for count, wished in zip(_height_and_width(write), size, strict=True)
        )
        return _product(write, images, *matrices)

    return write_resized


def _scaled(write: NodeWriter) -> str:
    """ScaleAndTranslate, which is linear too."""
    size, translation = write.needs(1, "size"), write.needs(3, "translation")
    scale = write.known(2)
    if scale is None and _is_ratio_of_sizes(write.node.inputs[2]):
        scale = size.astype(np.float32) / np.array(_height_and_width(write), np.float32)
    if scale is None:
        raise write.refusal("its scale is computed, and must be a constant")
    ratio = [float(each) for each in scale]
    kernel, antialias = write.attribute("kernel_type", "lanczos3"), bool(write.attribute("antialias", 1))
    matrices = (
        _matrix(count, lambda image, place=place: tf.raw_ops.ScaleAndTranslate(
            images=image, size=[int(size[place]), 1], scale=[ratio[place], 1.0],
            translation=[float(translation[place]), 0.0], kernel_type=kernel, antialias=antialias))
        for place, count in enumerate(_height_and_width(write))
    )  # fmt: skip
    return _product(write, write.cast(write.inputs[0], TensorProto.FLOAT), *matrices)


def _is_ratio_of_sizes(node: Any) -> bool:
    """Whether a scale is what `tf.image.resize` makes of the wished size and of that of the images."""
    if node.type not in ("RealDiv", "Div"):
        return False
    waiting, leaves = list(node.inputs), set()
    while waiting:
        source = waiting.pop()
        leaf = source.type in ("Shape", "Const")
        leaves |= {source.type} if leaf else set()
        waiting += [] if leaf else source.inputs
        if not leaf and not source.inputs:
            return False
    return "Shape" in leaves


def _bilinear(write: NodeWriter) -> str:
    """Resize of sizes; tf2onnx gives scales, by which 3 rows may become 6 where 7 are wished."""
    how = _how(write)
    places = "align_corners" if how["align_corners"] else "half_pixel" if how["half_pixel_centers"] else "asymmetric"
    images = write("Transpose", write.cast(write.inputs[0], TensorProto.FLOAT), perm=[0, 3, 1, 2])
    size = write.joined(write.part(write("Shape", images), 0, 2), write.cast(write.inputs[1], TensorProto.INT64))
    images = write("Resize", images, "", "", size, mode="linear", coordinate_transformation_mode=places)
    return write("Transpose", images, perm=[0, 2, 3, 1])


def _nearest(write: NodeWriter) -> str:
    """Chooses the rows and columns that TensorFlow chooses."""
    size, how, images = write.needs(1, "size"), _how(write), write.inputs[0]
    for axis, (count, wished) in enumerate(zip(_height_and_width(write), size, strict=True), start=1):
        places = np.arange(count, dtype=np.float32)[None, :, None, None]
        chosen = _by_tensorflow(
            lambda image, wished=wished: tf.raw_ops.ResizeNearestNeighbor(images=image, size=[wished, 1], **how), places
        )
        images = write("Gather", images, write.constant(chosen.ravel().astype(np.int64)), axis=axis)
    return images


def _how(write: NodeWriter) -> dict[str, bool]:
    return {name: bool(write.attribute(name, 0)) for name in ("align_corners", "half_pixel_centers")}


def _height_and_width(write: NodeWriter) -> list[int]:
    shape = write.shape_of(write.inputs[0])
    if shape is None or min(shape[1:3]) < 0:
        raise write.refusal("the height or width of its images varies")
    return list(shape[1:3])


def _matrix(count: int, resize: Callable[[Any], Any]) -> np.ndarray:
    """Returns what a resizing makes of each of `count` places, (wished, count)."""
    places = np.eye(count, dtype=np.float32)[None, :, None, :]  # an image of one column, a channel for each place
    return _by_tensorflow(resize, places)[0, :, 0, :]


def _by_tensorflow(function: Callable[[Any], Any], image: np.ndarray) -> np.ndarray:
    """Runs a function on its own, while another graph is converted."""
    with tf.Graph().as_default() as graph:
        answer = function(tf.constant(image))
    with tf.compat.v1.Session(graph=graph) as session:
        return session.run(answer)


def _product(write: NodeWriter, images: str, height: np.ndarray, width: np.ndarray) -> str:
    """(batch, h, w, channels) to (batch, H, W, channels)."""
    images = write("Transpose", images, perm=[0, 3, 1, 2])
    images = write("MatMul", write.constant(height), images)
    images = write("MatMul", images, write.constant(np.ascontiguousarray(width.T)))
    return write("Transpose", images, perm=[0, 2, 3, 1])


def _to_hsv(write: NodeWriter) -> str:
    """Red, green and blue to hue, saturation and value."""
    colours = write.inputs[0]
    red, green, blue = (write.part(colours, place, place + 1, -1) for place in range(3))
    value = write("Max", red, green, blue)
    spread = write("Sub", value, write("Min", red, green, blue))
    zero, one = write.like(colours, 0), write.like(colours, 1)
    has_value, has_spread = write("Greater", value, zero), write("Greater", spread, zero)
    saturation = write("Where", has_value, write("Div", spread, write("Where", has_value, value, one)), zero)
    unit = write("Div", write.like(colours, 1 / 6), write("Where", has_spread, spread, one))
    hues = [
        write("Add", write("Mul", unit, write("Sub", first, other)), write.like(colours, begin))
        for first, other, begin in ((green, blue, 0), (blue, red, 2 / 6), (red, green, 4 / 6))
    ]
    hue = write("Where", write("Equal", green, value), hues[1], hues[2])
    hue = write("Where", write("Equal", red, value), hues[0], hue)
    hue = write("Where", has_spread, hue, zero)
    hue = write("Where", write("Less", hue, zero), write("Add", hue, one), hue)
    return write.joined(hue, saturation, value, axis=-1)


def _from_hsv(write: NodeWriter) -> str:
    """Hue, saturation and value to red, green and blue."""
    colours = write.inputs[0]
    hue, saturation, value = (write.part(colours, place, place + 1, -1) for place in range(3))
    zero, one = write.like(colours, 0), write.like(colours, 1)
    six = write("Mul", hue, write.like(colours, 6))
    third = [
        write("Sub", write("Abs", write("Sub", six, write.like(colours, 3))), one),
        write("Sub", write.like(colours, 2), write("Abs", write("Sub", six, write.like(colours, 2)))),
        write("Sub", write.like(colours, 2), write("Abs", write("Sub", six, write.like(colours, 4)))),
    ]
    parts = write("Min", write("Max", write.joined(*third, axis=-1), zero), one)
    kept = write("Mul", write("Sub", one, saturation), value)
    return write("Add", write("Mul", write("Mul", parts, saturation), value), kept)


HANDLERS = {
    "ResizeBilinear": written_by(_bilinear),
    "ResizeArea": written_by(_by_matrices(tf.raw_ops.ResizeArea, "align_corners")),
    "ResizeBicubic": written_by(_by_matrices(tf.raw_ops.ResizeBicubic, "align_corners", "half_pixel_centers")),
    "ResizeNearestNeighbor": written_by(_nearest),
    "ScaleAndTranslate": written_by(_scaled),
    "RGBToHSV": written_by(_to_hsv),
    "HSVToRGB": written_by(_from_hsv),
}

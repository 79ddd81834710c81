"""Transposed convolutions: the gradient of a convolution with respect to its input."""

from typing import Any

import numpy as np
from onnx import TensorProto
from tf2onnx.onnx_opset import nn

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, written_by
from seqkit_onnx.tracing.tf2onnx_driver import Handler, NotConverted


def _transposed_convolution(write: NodeWriter) -> str:
    """The whole product of strides and kernel, then the part of it that TensorFlow asks for.

    What its padding cuts off in front is cut; where the wished size is larger than the product, zeros follow, as they
    do where a stride is larger than the kernel.
    """
    _, kernel, x, *bias = write.inputs  # tf2onnx has put the BiasAdd behind it into it
    shape = write.shape_of(kernel)
    if shape is None or -1 in shape:
        raise write.refusal("the shape of its kernel is not known")
    spatial, last = len(shape) - 2, str(write.attribute("data_format", "NHWC")).endswith("C")
    axes = range(1, 1 + spatial) if last else range(2, 2 + spatial)
    strides, dilations = (
        [list(write.attribute(name, [1] * (spatial + 2)))[axis] for axis in axes] for name in ("strides", "dilations")
    )
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(shape[:spatial], dilations, strict=True)]
    if last:
        x = write("Transpose", x, perm=[0, spatial + 1, *range(1, spatial + 1)])
    kernel = _kernel_of_onnx(write, kernel, spatial)
    full = write("ConvTranspose", x, kernel, strides=strides, dilations=dilations, kernel_shape=shape[:spatial])
    sizes = _wished_sizes(write, axes)  # (spatial,)
    before = _cut_in_front(write, sizes, strides, reach)
    end = write("Add", before, sizes)
    have = write("Slice", write("Shape", full), write.integers(2), write.integers(2 + spatial))
    missing = write("Max", write("Sub", end, have), write.constant(np.zeros(spatial, np.int64)))
    pads = write.joined(write.constant(np.zeros(4 + spatial, np.int64)), missing)
    padded = write("Pad", full, pads)
    cut = write("Slice", padded, before, end, write.integers(*range(2, 2 + spatial)))
    if bias:
        cut = write("Add", cut, write.unsqueeze(bias[0], *range(1, spatial + 1)))
    return write("Transpose", cut, perm=[0, *range(2, spatial + 2), 1]) if last else cut


def _kernel_of_onnx(write: NodeWriter, kernel: str, spatial: int) -> str:
    """(..., out, in) to (in, out, ...)."""
    order = [spatial + 1, spatial, *range(spatial)]
    value = write.known(1)
    if value is not None:
        return write.constant(np.ascontiguousarray(np.transpose(value, order)))
    return write("Transpose", kernel, perm=order)


def _wished_sizes(write: NodeWriter, axes: range) -> str:
    known = write.known(0)
    if known is not None and np.all(known[list(axes)] >= 0):
        return write.constant(known[list(axes)].astype(np.int64))
    return write.part(write.cast(write.inputs[0], TensorProto.INT64), axes[0], axes[-1] + 1)


def _cut_in_front(write: NodeWriter, sizes: str, strides: list[int], reach: list[int]) -> str:
    """How many numbers the padding of the convolution, whose gradient this is, takes away in front."""
    padding = write.attribute("padding", "VALID")
    if padding == "VALID":
        return write.constant(np.zeros(len(strides), np.int64))
    if padding != "SAME":
        raise write.refusal(f"padding {padding!r}")
    stride, one = write.constant(np.array(strides, np.int64)), write.integers(1)
    steps = write("Div", write("Sub", write("Add", sizes, stride), one), stride)
    needed = write("Add", write("Mul", write("Sub", steps, one), stride), write.constant(np.array(reach, np.int64)))
    padded = write("Max", write("Sub", needed, sizes), write.integers(0))
    return write("Div", padded, write.integers(2))


def _convolution_3d(ctx: Any, node: Any, _name: str, _args: list) -> None:
    """tf2onnx's own, with the groups that it forgets."""
    last = NodeWriter(ctx, node).attribute("data_format", "NDHWC").endswith("C")
    channels, of_kernel = ctx.get_shape(node.input[0])[-1 if last else 1], ctx.get_shape(node.input[1])[-2]
    if min(channels, of_kernel) < 1:
        raise NotConverted(node.name, node.type, "the number of its channels is not known")
    nn.ConvOp.version_13(ctx, node)
    node.set_attr("group", channels // of_kernel)


HANDLERS: dict[str, Handler] = {
    "Conv3D": _convolution_3d,
    "Conv2DBackpropInput": written_by(_transposed_convolution),
    "Conv3DBackpropInputV2": written_by(_transposed_convolution),
}

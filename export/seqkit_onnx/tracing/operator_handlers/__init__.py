"""What tf2onnx lacks, or gets wrong: a table of TensorFlow's operators, and how each is written in ONNX.

A handler is called as ``handler(ctx, node, name, args)``: `ctx` is tf2onnx's graph, in which it puts nodes in the place
of `node`. Where it does not cover how an operator is used, it raises `NotConverted`, and the export is refused.
"""

from seqkit_onnx.tracing.operator_handlers import (
    convolution,
    decoding,
    elementwise,
    functions,
    images,
    integers,
    loops,
    products,
    scattering,
    searching,
    spectra,
)

HANDLERS = {
    **elementwise.HANDLERS,
    **integers.HANDLERS,
    **searching.HANDLERS,
    **scattering.HANDLERS,
    **products.HANDLERS,
    **convolution.HANDLERS,
    **decoding.HANDLERS,
    **spectra.HANDLERS,
    **images.HANDLERS,
    **functions.HANDLERS,
    **loops.HANDLERS,
}

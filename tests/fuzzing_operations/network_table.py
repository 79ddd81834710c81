"""How to draw a case of each function of `keras.ops` for networks, products, images, signals and loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import layers, ops

from tests.fuzzing_operations.draws import POSITIVE, UNIT, Draw

PADDINGS = ("valid", "same")
FORMATS = ("channels_last", "channels_last", "channels_last", "channels_first")


def spatial(draw: Draw, rank: int, low: int, high: int) -> tuple[int, ...]:
    """Returns a size for each spatial axis."""
    return tuple(draw.integer(low, high) for _ in range(rank))


def steps(draw: Draw, rank: int) -> dict[str, Any]:
    """Returns strides or dilations: Keras takes one of them."""
    if draw.chance(0.3):
        return {"dilation_rate": draw.integer(2, 3)}
    return {"strides": draw.choose(1, 2, 3) if draw.chance() else spatial(draw, rank, 1, 3)}


def _inside(function: Callable[[Any], Any]) -> Any:
    """Puts into a layer what Keras cannot do with symbolic tensors."""
    return layers.Lambda(function)


def _convolution(draw: Draw) -> Any:
    rank, groups = draw.integer(1, 2), draw.choose(1, 1, 2)
    channels = groups * draw.integer(1, 2)
    kernel = (*spatial(draw, rank, 1, 3), channels // groups, groups * draw.integer(1, 2))
    x = draw.floats((*spatial(draw, rank, 7, 9), channels))
    kernel, padding, how = draw.constant(kernel), draw.choose(*PADDINGS), steps(draw, rank)
    # Keras's own symbolic one knows no groups.
    return _inside(lambda x: ops.conv(x, kernel, padding=padding, data_format="channels_last", **how))(x)


def _transposed(draw: Draw) -> Any:
    rank = draw.integer(1, 2)
    kernel = (*spatial(draw, rank, 1, 3), draw.integer(1, 2), 2)
    x = draw.floats((*spatial(draw, rank, 1, 5), 2))
    kernel, strides, padding = draw.constant(kernel), draw.integer(1, 4), draw.choose(*PADDINGS)
    # Keras's own symbolic one takes padding and output_padding for each other.
    return _inside(lambda x: ops.conv_transpose(x, kernel, strides, padding, None, "channels_last"))(x)


def _depthwise(draw: Draw) -> Any:
    rank = draw.integer(1, 2)
    kernel = (*spatial(draw, rank, 1, 3), 2, draw.integer(1, 2))
    x = draw.floats((*spatial(draw, rank, 7, 8), 2))
    return ops.depthwise_conv(x, draw.constant(kernel), draw.integer(1, 2), draw.choose(*PADDINGS), "channels_last")


def _separable(draw: Draw) -> Any:
    x = draw.floats((7, 7, 2))
    depthwise, pointwise = draw.constant((2, 3, 2, 2)), draw.constant((1, 1, 4, 3))
    return ops.separable_conv(x, depthwise, pointwise, draw.integer(1, 2), draw.choose(*PADDINGS), "channels_last")


def _pool(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        rank = draw.integer(1, 3)
        x = draw.floats((*spatial(draw, rank, 3, 5), 2))
        return getattr(ops, name)(
            x, draw.integer(1, 3), draw.choose(None, 1, 2), draw.choose(*PADDINGS), "channels_last"
        )

    return case


def _adaptive(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        rank = draw.integer(1, 2)
        return getattr(ops, name)(draw.floats((*(6,) * rank, 2)), (draw.choose(2, 3, 6),) * rank, "channels_last")

    return case


def _along(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        shape = draw.shape(1, 3)
        return getattr(ops, name)(draw.floats(shape), axis=draw.axis(len(shape) + 1, 1))

    return case


def _matmul(draw: Draw) -> Any:
    first, inner, last = draw.size(), draw.size(), draw.size()
    if draw.chance(0.2):
        return ops.matmul(draw.integers((first, inner), dtype="int32"), draw.integers((inner, last), dtype="int32"))
    return ops.matmul(
        draw.floats((first, inner)), draw.choose(draw.floats((inner, last)), draw.constant((inner, last)))
    )


def _einsum(draw: Draw) -> Any:
    equation, *shapes = draw.choose(
        ("bij,bjk->bik", (2, 3), (3, 2)), ("bi,bi->b", (3,), (3,)), ("bi,bj->bij", (3,), (2,)), ("bij->bji", (2, 3)),
        ("bij,bkj->bik", (2, 3), (4, 3)), ("bhid,bhjd->bhij", (2, 3, 4), (2, 2, 4)), ("bij->b", (2, 3)),
        ("...ij,...jk->...ik", (2, 3), (3, 4)), ("abc,acd->abd", (2, 3), (3, 4)), ("bijk,bkl->bijl", (2, 2, 3), (3, 2)),
    )  # fmt: skip
    return ops.einsum(equation, *(draw.floats(shape) for shape in shapes))


def _attention(draw: Draw) -> Any:
    query, key = (3, 2, 4), (5, 2, 4)
    mask = draw.bools((2, 3, 5)) if draw.chance(0.3) else None
    causal = mask is None and draw.chance(0.3)
    shapes = (query, query, query) if causal else (query, key, key)
    return ops.dot_product_attention(*(draw.floats(shape) for shape in shapes), mask=mask, is_causal=causal)


def _norm(draw: Draw) -> Any:
    x, keepdims = draw.floats((3, 4)), draw.chance()
    if draw.chance(0.3):
        return ops.norm(x, draw.choose(None, "fro", 1, np.inf), axis=(1, 2), keepdims=keepdims)
    return ops.norm(x, draw.choose(None, 1, 2, 3, np.inf), axis=draw.choose(1, 2, -1), keepdims=keepdims)


def _square(draw: Draw, positive: bool = False) -> Any:
    x = draw.floats((3, 3), UNIT)
    return ops.matmul(x, ops.transpose(x, (0, 2, 1))) + 2 * ops.eye(3) if positive else x + 3 * ops.eye(3)


def _ctc(draw: Draw) -> Any:
    time, classes = draw.integer(1, 6), draw.integer(2, 4)
    scores = draw.floats((time, classes), kind="distinct")
    scores = ops.where(scores > 1, 1.0, scores) if draw.chance(0.2) else scores
    # How often a class wins decides whether rows are all blank, or repeat.
    scores += ops.one_hot(draw.integers((time,), 0, classes, "int32"), classes) * 9
    lengths = draw.integers((), 0, time + 1, "int32")
    return ops.ctc_decode(scores, lengths, merge_repeated=draw.chance(), mask_index=draw.integer(0, classes - 1))


def _losses(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        logits = draw.chance()
        scores = draw.floats((3,)) if logits else ops.softmax(draw.floats((3,)))
        if name == "sparse_categorical_crossentropy":
            return ops.sparse_categorical_crossentropy(draw.integers((), 0, 3), scores, from_logits=logits)
        return getattr(ops, name)(ops.softmax(draw.floats((3,))), scores, from_logits=logits)

    return case


def _batch_normalization(draw: Draw) -> Any:
    return ops.batch_normalization(
        draw.floats((3, 2)), draw.constant((2,)), draw.constant((2,), POSITIVE), axis=-1,
        offset=draw.constant((2,)), scale=draw.constant((2,)),
    )  # fmt: skip


def _image(draw: Draw, between: tuple[float, float] = (0.0, 1.0), size: int = 0) -> Any:
    return draw.floats((size or draw.integer(3, 6), size or draw.integer(3, 6), 3), between)


def _resized(draw: Draw) -> Any:
    interpolation = draw.choose("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
    return ops.image.resize(
        _image(draw), (draw.integer(2, 9), draw.integer(2, 9)), interpolation, antialias=draw.chance(0.2)
    )


def _patches(draw: Draw) -> Any:
    return ops.image.extract_patches(
        _image(draw), (2, draw.integer(1, 3)), draw.choose(None, 1, 2), padding=draw.choose(*PADDINGS)
    )


def _signal(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        length = draw.choose(4, 5, 8, 3)
        if name == "rfft":
            return ops.rfft(draw.floats((length,)), draw.choose(None, 4, 8))
        x = (draw.floats((length,)), draw.floats((length,)))
        if name == "fft":
            return ops.fft(x)
        if name == "irfft":
            return ops.irfft(x, draw.choose(None, 4))
        return getattr(ops, name)((draw.floats((length, 3)), draw.floats((length, 3))))

    return case


def _stft(draw: Draw) -> Any:
    return ops.stft(
        draw.floats((20,)), draw.choose(5, 8), draw.choose(2, 4), 8, draw.choose("hann", None), draw.chance()
    )


def _scan(draw: Draw) -> Any:
    x = ops.transpose(draw.floats((3, 2)), (1, 0, 2))

    def step(carry: Any, value: Any) -> Any:
        return ops.tanh(carry + value), carry * 2

    return ops.scan(step, ops.zeros_like(x[0]), x, reverse=draw.chance())


TABLE: dict[str, Callable[[Draw], Any]] = {
    "conv": _convolution,
    "conv_transpose": _transposed,
    "depthwise_conv": _depthwise,
    "separable_conv": _separable,
    **{name: _pool(name) for name in ("max_pool", "average_pool")},
    **{name: _adaptive(name) for name in ("adaptive_max_pool", "adaptive_average_pool")},
    **{name: _along(name) for name in ("softmax", "log_softmax", "sparsemax", "normalize")},
    **{
        f"{kind}_crossentropy": _losses(f"{kind}_crossentropy")
        for kind in ("binary", "categorical", "sparse_categorical")
    },
    "glu": lambda draw: ops.glu(draw.floats((4, 2)), draw.choose(1, 2, -1)),
    "matmul": _matmul,
    "einsum": _einsum,
    "dot": lambda draw: ops.dot(draw.floats((2, 3)), draw.constant((3, 2))),
    "inner": lambda draw: ops.inner(draw.floats((3,)), draw.constant((2, 3))),
    "outer": lambda draw: ops.outer(draw.floats((2,)), draw.floats((2,))[0]),
    "vdot": lambda draw: ops.vdot(draw.floats((3,))[0], draw.floats((3,))[0]),
    "tensordot": lambda draw: ops.tensordot(draw.floats((2, 3)), draw.constant((3, 2)), axes=1),
    "cdist": lambda draw: ops.cdist(draw.floats((3, 2)), draw.floats((4, 2))),
    "dot_product_attention": _attention,
    "batch_normalization": _batch_normalization,
    "layer_normalization": lambda draw: ops.layer_normalization(draw.floats((3, 4)), axis=draw.choose(-1, 1)),
    "rms_normalization": lambda draw: ops.rms_normalization(draw.floats((3, 4)), axis=draw.choose(-1, 1)),
    "ctc_decode": _ctc,
    "fold": lambda draw: ops.fold(draw.floats((4, 9)), (4, 4), 2, padding=0, stride=1),
    "unfold": lambda draw: _inside(
        lambda x: ops.unfold(x, 2, padding=1, stride=2))(
        ops.reshape(draw.floats((2, 4, 4))[0], (1, 2, 4, 4))),
    "norm": _norm,
    "det": lambda draw: ops.det(_square(draw)),
    "inv": lambda draw: ops.inv(_square(draw)),
    "pinv": lambda draw: ops.pinv(_square(draw)),
    "logdet": lambda draw: ops.logdet(_square(draw, positive=True)),
    "slogdet": lambda draw: ops.slogdet(_square(draw)),
    "cholesky": lambda draw: ops.cholesky(_square(draw, positive=True)),
    "cholesky_inverse": lambda draw: ops.cholesky_inverse(ops.tril(_square(draw))),
    "solve": lambda draw: ops.solve(_square(draw), draw.floats((3, 2))),
    "solve_triangular": lambda draw: ops.solve_triangular(ops.tril(_square(draw)), draw.floats((3, 2)), lower=True),
    "lstsq": lambda draw: ops.lstsq(_square(draw)[0], draw.floats((3, 2))[0]),
    "lu_factor": lambda draw: ops.lu_factor(_square(draw)[0])[0],
    "qr": lambda draw: ops.abs(ops.qr(_square(draw))[1]),
    "svd": lambda draw: ops.svd(_square(draw), compute_uv=False),
    "eigh": lambda draw: ops.eigh(_square(draw, positive=True))[0],
    "eig": lambda draw: ops.real(ops.eig(_square(draw, positive=True))[0]),
    "matrix_rank": lambda draw: ops.matrix_rank(_square(draw)),
    **{name: _signal(name) for name in ("rfft", "irfft", "fft", "fft2", "ifft2")},
    "stft": _stft,
    "istft": lambda draw: ops.istft(ops.stft(draw.floats((24,)), 8, 4, 8), 8, 4, 8),
    "scan": _scan,
    "associative_scan": lambda draw: ops.associative_scan(
        ops.add, draw.floats((draw.integer(1, 9), 3)), draw.chance(), axis=draw.choose(1, 2, -1)),
    "map": lambda draw: ops.map(lambda row: ops.tanh(row) + 1, draw.floats((3,))),
    "vectorized_map": lambda draw: ops.vectorized_map(lambda row: ops.sum(row) * row, draw.floats((3,))),
    "cond": lambda draw: _inside(lambda x: ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1))(draw.floats((3,))),
    "while_loop": lambda draw: _inside(lambda x: ops.while_loop(
        lambda x: ops.max(ops.abs(x)) < 50, lambda x: (x * 2 + 1,), (x,))[0])(draw.floats((3,), POSITIVE)),
    "fori_loop": lambda draw: _inside(lambda x: ops.fori_loop(0, 3, lambda index, x: ops.tanh(x) * 2, x))(
        draw.floats((3,))),
    "switch": lambda draw: ops.switch(draw.integer(0, 1), [ops.tanh, ops.sin], draw.floats((3,))),
    "image.resize": _resized,
    "image.extract_patches": _patches,
    "image.extract_patches_3d": lambda draw: ops.image.extract_patches_3d(draw.floats((4, 4, 4, 2)), 2),
    "image.crop_images": lambda draw: ops.image.crop_images(
        _image(draw, size=5), 1, 1, target_height=2, target_width=3),
    "image.pad_images": lambda draw: ops.image.pad_images(_image(draw, size=3), 1, 1, target_height=6, target_width=5),
    "image.rgb_to_grayscale": lambda draw: ops.image.rgb_to_grayscale(_image(draw)),
    "image.rgb_to_hsv": lambda draw: ops.image.rgb_to_hsv(_image(draw)),
    "image.hsv_to_rgb": lambda draw: ops.image.hsv_to_rgb(_image(draw)),
    "image.gaussian_blur": lambda draw: ops.image.gaussian_blur(_image(draw), (3, 3), (1.0, 0.7)),
    "image.sobel_edges": lambda draw: ops.image.sobel_edges(_image(draw)),
    "image.ssim": lambda draw: ops.image.ssim(_image(draw, size=5), _image(draw, size=5), filter_size=3),
    "image.map_coordinates": lambda draw: ops.image.map_coordinates(
        draw.floats((3, 3))[0], draw.constant((2, 4), (0, 2)), draw.choose(0, 1), draw.choose("constant", "nearest")),
    "image.affine_transform": lambda draw: ops.image.affine_transform(
        _image(draw), draw.constant((8,), (0.1, 0.9))[None], draw.choose("bilinear", "nearest")),
    "image.perspective_transform": lambda draw: ops.image.perspective_transform(
        _image(draw, size=4), np.array([[[0.0, 0.0], [0.0, 3.0], [3.0, 0.0], [3.0, 3.0]]], np.float32),
        np.array([[[0.1, 0.0], [0.0, 3.0], [3.0, 0.3], [2.5, 3.0]]], np.float32)),
    "image.scale_and_translate": lambda draw: ops.image.scale_and_translate(
        _image(draw, size=4), (1, 5, 5, 3), draw.constant((2,), POSITIVE), draw.constant((2,)), (1, 2), "linear"),
}  # fmt: skip

"""How to draw a case of each layer of `keras.layers`."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from tests.fuzzing_operations.draws import Draw
from tests.fuzzing_operations.network_table import PADDINGS, spatial, steps

ACTIVATIONS = [
    "relu", "tanh", "sigmoid", "softmax", "gelu", "elu", "selu", "silu", "softplus", "softsign", "leaky_relu",
    "relu6", "hard_sigmoid", "linear", "mish", "log_softmax", "hard_silu", "exponential", "sparse_plus",
    "squareplus", "celu", "glu", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "log_sigmoid",
    "threshold", "sparsemax",
]  # fmt: skip
MERGES = ["Add", "Average", "Maximum", "Minimum", "Multiply", "Concatenate"]
AT_TRAINING = {  # what these layers do to images, they do while a model is trained
    "AugMix": (), "CutMix": (), "MixUp": (), "RandAugment": (), "RandomBrightness": (0.1,), "RandomContrast": (0.1,),
    "RandomColorDegeneration": (0.1,), "RandomColorJitter": (), "RandomElasticTransform": (), "RandomErasing": (),
    "RandomFlip": (), "RandomGaussianBlur": (), "RandomGrayscale": (), "RandomHue": (0.1,), "RandomInvert": (),
    "RandomPerspective": (), "RandomPosterization": (4,), "RandomRotation": (0.1,), "RandomSaturation": (0.1,),
    "RandomSharpness": (0.1,), "RandomShear": (0.1, 0.1), "RandomTranslation": (0.1, 0.1), "RandomZoom": (0.1,),
    "RandomCrop": (3, 4), "AutoContrast": (), "Equalization": (),
    "ContrastLimitedAdaptiveHistogramEqualization": (),
}  # fmt: skip
DROPS = ["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"]


def masked(draw: Draw, x: Any) -> Any:
    """Puts a mask on some sequences."""
    return layers.Masking()(x * keras.ops.cast(x[..., :1] > -1, "float32")) if draw.chance(0.3) else x


def _convolution(name: str, rank: int) -> Callable[[Draw], Any]:
    layer = getattr(layers, name)

    def case(draw: Draw) -> Any:
        groups = draw.choose(1, 1, 2)
        x = draw.floats((*spatial(draw, rank, 7 if rank < 3 else 5, 9 if rank < 3 else 6), groups * draw.integer(1, 2)))
        padding = draw.choose(*PADDINGS, *(("causal",) if rank == 1 else ()))
        kernel = draw.integer(1, 3) if rank < 3 else draw.integer(1, 2)
        return layer(
            groups * draw.integer(1, 2), kernel, padding=padding, groups=groups, activation=draw.choose(None, "relu"),
            use_bias=draw.chance(), **(steps(draw, rank) if rank < 3 else {"strides": draw.integer(1, 2)}),
        )(x)  # fmt: skip

    return case


def _transposed(name: str, rank: int) -> Callable[[Draw], Any]:
    layer = getattr(layers, name)

    def case(draw: Draw) -> Any:
        strides = draw.integer(1, 4)
        output_padding = draw.integer(0, strides - 1) if strides > 1 and draw.chance(0.4) else None
        dilation = draw.choose(1, 2) if strides == 1 and output_padding is None else 1
        size = (None,) * rank if draw.chance(0.2) else spatial(draw, rank, 1, 5 if rank < 3 else 3)
        return layer(
            draw.integer(1, 2), draw.integer(1, 4), strides=strides, padding=draw.choose(*PADDINGS),
            output_padding=output_padding, use_bias=draw.chance(), dilation_rate=dilation,
        )(draw.floats((*size, 2)))  # fmt: skip

    return case


def _depthwise(name: str, rank: int) -> Callable[[Draw], Any]:
    layer = getattr(layers, name)

    def case(draw: Draw) -> Any:
        x = draw.floats((*spatial(draw, rank, 7, 8), draw.integer(1, 2)))
        first = (draw.integer(1, 3),) if "Separable" in name else ()
        strides = {"dilation_rate": 2} if draw.chance(0.2) else {"strides": draw.integer(1, 2)}
        return layer(*first, draw.integer(1, 3), padding=draw.choose(*PADDINGS), depth_multiplier=draw.integer(1, 2),
                     **strides)(x)  # fmt: skip

    return case


def _pooling(name: str, rank: int) -> Callable[[Draw], Any]:
    layer = getattr(layers, name)

    def case(draw: Draw) -> Any:
        x = draw.floats((*spatial(draw, rank, 3, 6), 2))
        if name.startswith("Global"):
            return layer(keepdims=draw.chance())(masked(draw, x) if rank == 1 else x)
        if name.startswith("Adaptive"):
            return layer(draw.choose(2, 3, 6))(draw.floats((*(6,) * rank, 2)))
        return layer(draw.integer(1, 3), draw.choose(None, 1, 2), draw.choose(*PADDINGS))(x)

    return case


def _border(name: str, rank: int) -> Callable[[Draw], Any]:
    layer = getattr(layers, name)
    return lambda draw: layer(draw.integer(1, 2))(draw.floats((*spatial(draw, rank, 5, 6), 2)))


def _merged(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        return getattr(layers, name)()([draw.floats((3, 2)) for _ in range(draw.integer(2, 3))])

    return case


def _function(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        return getattr(layers, name)([draw.floats((3, 2)), draw.floats((3, 2))])

    return case


def _attention(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        query, value = masked(draw, draw.floats((3, 4))), masked(draw, draw.floats((5, 4)))
        arguments = {} if name == "AdditiveAttention" else {"score_mode": draw.choose("dot", "concat")}
        return getattr(layers, name)(use_scale=draw.chance(), **arguments)(
            [query, value], return_attention_scores=draw.chance(), use_causal_mask=draw.chance(0.3)
        )

    return case


def _heads(draw: Draw) -> Any:
    query = masked(draw, draw.floats((3, 4)))
    value = query if draw.chance() else masked(draw, draw.floats((5, 4)))
    layer = layers.MultiHeadAttention(draw.integer(1, 2), draw.integer(1, 3), use_bias=draw.chance())
    return layer(query, value, use_causal_mask=draw.chance(0.3), return_attention_scores=draw.chance(0.3))


def _grouped_heads(draw: Draw) -> Any:
    query, value = draw.floats((3, 4)), draw.floats((5, 4))
    return layers.GroupQueryAttention(draw.integer(2, 3), 4, draw.choose(1, 2))(query, value)


def _recurrence(name: str) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        x = masked(draw, draw.floats((3, 2)))
        return getattr(layers, name)(3, return_sequences=draw.chance(), go_backwards=draw.chance())(x)

    return case


def _convolved_recurrence(name: str, rank: int) -> Callable[[Draw], Any]:
    def case(draw: Draw) -> Any:
        x = draw.floats((2, *(3,) * rank, 1))
        return getattr(layers, name)(1, 2, padding="same", return_sequences=draw.chance())(x)

    return case


def _in_rnn(cell: Callable[[], Any]) -> Callable[[Draw], Any]:
    return lambda draw: layers.RNN(cell(), return_sequences=draw.chance())(masked(draw, draw.floats((3, 2))))


def _embedding(draw: Draw) -> Any:
    return layers.Embedding(5, 3)(draw.integers(draw.shape(1, 2), 0, 5))


def _batch_normalization(draw: Draw) -> Any:
    shape = draw.shape(1, 3, varying=False)
    axis = draw.choose(-1, 1)
    return layers.BatchNormalization(axis, center=draw.chance(), scale=draw.chance())(draw.floats(shape))


def _discretization(draw: Draw) -> Any:
    mode = draw.choose("int", "one_hot", "multi_hot", "count")
    shape = (3,) if mode != "int" else draw.shape()
    return layers.Discretization(bin_boundaries=[-1.0, 0.5, 2.0], output_mode=mode)(draw.floats(shape))


def _activation(draw: Draw) -> Any:
    name = draw.choose(*ACTIVATIONS)
    return layers.Activation(name)(draw.floats((3, 4)))


def _spectrogram(draw: Draw) -> Any:
    return layers.STFTSpectrogram(
        mode=draw.choose("log", "magnitude", "psd", "real", "imag", "stft"), frame_length=8, frame_step=4,
        padding=draw.choose(*PADDINGS), window=draw.choose("hann", "hamming"),
    )(draw.floats((20, 1)))  # fmt: skip


RANKED: dict[Callable[[str, int], Any], tuple[str, ...]] = {
    _convolution: ("Conv{}D",),
    _transposed: ("Conv{}DTranspose",),
    _pooling: (
        "MaxPooling{}D", "AveragePooling{}D", "GlobalMaxPooling{}D", "GlobalAveragePooling{}D",
        "AdaptiveMaxPooling{}D", "AdaptiveAveragePooling{}D",
    ),
    _border: ("ZeroPadding{}D", "Cropping{}D", "UpSampling{}D"),
    _convolved_recurrence: ("ConvLSTM{}D",),
}  # fmt: skip

TABLE: dict[str, Callable[[Draw], Any]] = {
    **{
        name.format(rank): make(name.format(rank), rank)
        for make, names in RANKED.items() for name in names for rank in (1, 2, 3)
    },
    **{name: _depthwise(name, int(name[-2])) for name in (
        "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D")},
    **{name: _merged(name) for name in (*MERGES,)},
    **{name.lower(): _function(name.lower()) for name in (*MERGES, "Subtract")},
    **{name: (lambda draw, name=name: getattr(layers, name)(0.3)(draw.floats())) for name in DROPS},
    **{name: _attention(name) for name in ("Attention", "AdditiveAttention")},
    **{name: _recurrence(name) for name in ("LSTM", "GRU", "SimpleRNN")},
    **{f"SpatialDropout{rank}D": (lambda draw, rank=rank: getattr(layers, f"SpatialDropout{rank}D")(0.3)(
        draw.floats((*(2,) * rank, 3)))) for rank in (1, 2, 3)},
    **{
        name: (lambda draw, name=name, given=given: getattr(layers, name)(*given)(draw.floats((4, 5, 3), (0, 255))))
        for name, given in AT_TRAINING.items()
    },
    "Pipeline": lambda draw: layers.Pipeline([layers.Rescaling(0.5), layers.CenterCrop(3, 3)])(draw.floats((4, 5, 3))),
    "Hashing": lambda draw: layers.Hashing(4)(draw.integers((3,))),
    "HashedCrossing": lambda draw: layers.HashedCrossing(4)([draw.integers((1,)), draw.integers((1,))]),
    "IntegerLookup": lambda draw: layers.IntegerLookup(
        vocabulary=[3, 1, 4],
        num_oov_indices=draw.choose(1, 2),
        mask_token=draw.choose(None, 0),
        output_mode=draw.choose("int", "one_hot", "multi_hot", "count"),
    )(draw.integers((3,), 0, 6)),
    "Wrapper": lambda draw: layers.SpectralNormalization(layers.Conv1D(2, 2))(draw.floats((4, 2))),
    "LSTMCell": _in_rnn(lambda: layers.LSTMCell(3)),
    "GRUCell": _in_rnn(lambda: layers.GRUCell(3)),
    "SimpleRNNCell": _in_rnn(lambda: layers.SimpleRNNCell(3)),
    "StackedRNNCells": _in_rnn(lambda: layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])),
    "RNN": _in_rnn(lambda: layers.GRUCell(2, reset_after=False)),
    "Bidirectional": lambda draw: layers.Bidirectional(layers.GRU(2))(masked(draw, draw.floats((3, 2)))),
    "TimeDistributed": lambda draw: layers.TimeDistributed(layers.Dense(2))(masked(draw, draw.floats((3, 2)))),
    "MultiHeadAttention": _heads,
    "GroupQueryAttention": _grouped_heads,
    "Dense": lambda draw: layers.Dense(draw.size(), draw.choose(*ACTIVATIONS[:8]), draw.chance())(
        draw.floats(draw.shape(1, 2, varying=False))),
    "EinsumDense": lambda draw: layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes=draw.choose(None, "d"))(
        draw.floats((3, 2))),
    "Embedding": _embedding,
    "ReversibleEmbedding": lambda draw: layers.ReversibleEmbedding(5, 3)(draw.integers((2,), 0, 5)),
    "Activation": _activation,
    "ActivityRegularization": lambda draw: layers.ActivityRegularization(0.1)(draw.floats()),
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": lambda draw: layers.LayerNormalization(draw.choose(-1, 1, (1, 2)))(draw.floats((3, 4))),
    "RMSNormalization": lambda draw: layers.RMSNormalization(draw.choose(-1, 2))(draw.floats((3, 4))),
    "GroupNormalization": lambda draw: layers.GroupNormalization(draw.choose(1, 2, -1))(draw.floats((3, 4))),
    "UnitNormalization": lambda draw: layers.UnitNormalization(draw.choose(-1, 1))(draw.floats((3, 4))),
    "SpectralNormalization": lambda draw: layers.SpectralNormalization(layers.Dense(2))(draw.floats((3,))),
    "Normalization": lambda draw: layers.Normalization(
        mean=0.5, variance=2.0, axis=None, invert=draw.chance())(draw.floats((3, 4))),
    "Rescaling": lambda draw: layers.Rescaling(0.5, draw.choose(0.0, 1.0))(draw.numbers()),
    "Resizing": lambda draw: layers.Resizing(
        draw.integer(2, 7), draw.integer(2, 7), draw.choose("bilinear", "nearest", "bicubic", "area"))(
        draw.floats((4, 5, 2))),
    "CenterCrop": lambda draw: layers.CenterCrop(3, draw.choose(3, 7))(draw.floats((5, 6, 2))),
    "Discretization": _discretization,
    "CategoryEncoding": lambda draw: layers.CategoryEncoding(5, draw.choose("one_hot", "multi_hot", "count"))(
        draw.integers((3,), 0, 5, "int32")),
    "Dot": lambda draw: layers.Dot(draw.choose(1, 2, -1), normalize=draw.chance())(
        [draw.floats((3, 3)), draw.floats((3, 3))]),
    "dot": lambda draw: layers.dot([draw.floats((3,)), draw.floats((3,))], axes=1),
    "Subtract": lambda draw: layers.Subtract()([draw.floats((3, 2)), draw.floats((3, 2))]),
    "ELU": lambda draw: layers.ELU(draw.choose(1.0, 0.3))(draw.floats()),
    "LeakyReLU": lambda draw: layers.LeakyReLU(negative_slope=draw.choose(0.0, 0.3))(draw.floats()),
    "PReLU": lambda draw: layers.PReLU(shared_axes=draw.choose(None, [1]))(draw.floats((3, 2))),
    "ReLU": lambda draw: layers.ReLU(draw.choose(None, 1.0), draw.choose(0.0, 0.2), draw.choose(0.0, 0.5))(
        draw.floats()),
    "Softmax": lambda draw: layers.Softmax(draw.choose(-1, 1))(draw.floats((3, 2))),
    "Flatten": lambda draw: layers.Flatten()(draw.anything()),
    "Permute": lambda draw: layers.Permute(draw.choose((2, 1), (1, 2)))(draw.anything((3, 2))),
    "RepeatVector": lambda draw: layers.RepeatVector(3)(draw.floats((2,))),
    "Reshape": lambda draw: layers.Reshape(draw.choose((-1,), (3, 2), (1, -1, 3)))(draw.anything((2, 3))),
    "Identity": lambda draw: layers.Identity()(draw.anything()),
    "Lambda": lambda draw: layers.Lambda(lambda x: x * 2)(draw.numbers()),
    "Masking": lambda draw: layers.Masking(draw.choose(0.0, 1.0))(draw.floats((3, 2))),
    "Solarization": lambda draw: layers.Solarization(0.1, 0.4)(draw.floats((3, 3, 3), (0, 255))),
    "STFTSpectrogram": _spectrogram,
    "MelSpectrogram": lambda draw: layers.MelSpectrogram(
        16, 4, num_mel_bins=4, sampling_rate=400, min_freq=20, power_to_db=draw.chance())(draw.floats((24,))),
}  # fmt: skip

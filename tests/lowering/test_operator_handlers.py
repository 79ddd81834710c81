"""What tf2onnx lacks or gets wrong is answered as Keras answers it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
import seqkit_onnx
import tensorflow as tf
from keras import layers, ops
from seqkit_onnx.tracing.interception import UnsupportedLayerError

from tests.cases import randomize_weights

TOLERANCE = 2e-6  # float32 has 24 bits, and a sum of a few numbers loses one or two


def assert_equal_to_keras(
    network: Callable[..., Any],
    *arrays: np.ndarray,
    tolerance: float = 0.0,
    varying: bool = False,
    compiled: bool = False,
) -> None:
    """Exports a network of the arrays, whose first axis is the batch, and compares answers and dtypes."""
    keras.utils.clear_session()
    shapes = [(None, *array.shape[2:]) if varying else array.shape[1:] for array in arrays]
    inputs = [
        keras.Input(shape, dtype=str(array.dtype), name=f"x{index}")
        for index, (shape, array) in enumerate(zip(shapes, arrays, strict=True))
    ]
    model = keras.Model(inputs, keras.tree.flatten(network(*inputs)))
    model.jit_compile = compiled  # XLA would take seconds
    randomize_weights(model)
    expected = keras.tree.flatten(model.predict_on_batch(list(arrays)))
    answers = answers_of_file(model, {f"x{index}": array for index, array in enumerate(arrays)})
    for index, (theirs, ours) in enumerate(zip(expected, answers, strict=True)):
        theirs = np.asarray(theirs)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), index
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=f"output {index}")


def answers_of_file(model: keras.Model, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        seqkit_onnx.export(model, path, text=False, verify=False)
        return onnxruntime.InferenceSession(path).run(None, inputs)


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, shape).astype(np.float32)


def test_greedy_ctc_decoding_knows_the_blank_class_and_the_lengths():
    scores = np.eye(3, dtype=np.float32)[[[0, 0, 1, 1, 0, 1], [2, 2, 2, 2, 2, 2], [1, 0, 2, 2, 0, 0], [0] * 6]]
    scores += floats(4, 6, 3) * 0.1

    def network(scores: Any, lengths: Any) -> Any:
        return [
            ops.ctc_decode(scores, lengths, mask_index=blank, merge_repeated=merged)
            for blank in (0, 1, 2)
            for merged in (False, True)
        ]

    assert_equal_to_keras(network, scores, np.array([6, 4, 0, 5], np.int32), tolerance=TOLERANCE)


def test_remainders_and_quotients_of_negative_numbers_are_rounded_down():
    x = np.arange(-7, 8)[None]
    y = np.array([[-3, 3, 2, -2, 1, 4, -7, 7, 5, -5, 1, -1, 2, 3, -4]])

    def network(*tensors: Any) -> Any:
        pairs = [tensors[:2], tensors[2:4], tensors[4:], (tensors[0], -3), (tensors[4], 0.7)]
        return [function(*pair) for pair in pairs for function in (ops.mod, ops.floor_divide)]

    assert_equal_to_keras(
        network, x.astype(np.int32), y.astype(np.int32), x, y, x.astype(np.float32) * 1.3, y.astype(np.float32)
    )


def test_dividing_integers_by_zero_answers_as_compiled_keras_does():
    x, y = np.array([[-5, 0, 7]], np.int32), np.zeros((1, 3), np.int32)
    assert_equal_to_keras(lambda x, y: [ops.mod(x, y), ops.floor_divide(x, y)], x, y, compiled=True)


def test_casts_that_round_stay():
    chains = (
        ["float16"], ["bfloat16"], ["float16", "bfloat16"], ["bfloat16", "float16"], ["int32", "bool"],
        ["float16", "int32"], ["int32"], ["bool"],
    )  # fmt: skip

    def network(x: Any) -> Any:
        answers = []
        for chain in chains:
            y = x
            for dtype in chain:
                y = ops.cast(y, dtype)
            answers.append(ops.cast(y, "float32"))
        return answers

    assert_equal_to_keras(network, floats(2, 50))


def test_computing_in_bfloat16_is_refused():
    inputs = keras.Input((2,))
    model = keras.Model(
        inputs, layers.Lambda(lambda x: ops.cast(ops.cast(x, "bfloat16") + 1, "float32"), name="own")(inputs)
    )
    with pytest.raises(UnsupportedLayerError, match=r"'own'.*cast to float32 first"):
        seqkit_onnx.export(model, "never_written.onnx", text=False)


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_convolutions_of_all_sizes(rank: int, varying: bool):
    layer = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}[rank]
    arguments = [
        {"kernel_size": kernel, "strides": strides, "padding": padding, "output_padding": more}
        for kernel in (1, 2, 3)
        for strides in (1, 2, 4)
        for padding in ("valid", "same")
        for more in ([None, strides - 1] if strides > 1 else [None])
    ]
    arguments = arguments if rank == 1 else arguments[::3]
    shape = (2, *(3,) * rank, 2)
    if varying:
        assert_equal_to_keras(
            lambda x: [layer(2, **each)(x) for each in arguments],
            floats(*shape),
            tolerance=TOLERANCE * 10,
            varying=True,
        )
        return
    if _keras_dilates(layer, floats(*shape)):
        arguments += [{"kernel_size": 2, "dilation_rate": 2, "padding": padding} for padding in ("valid", "same")]
    assert_equal_to_keras(
        lambda x: [layer(2, **each)(x) for each in arguments], floats(*shape), tolerance=TOLERANCE * 10
    )


def _keras_dilates(layer, x) -> bool:
    """Whether TensorFlow has dilated transposed convolutions for this CPU: those of oneDNN, which needs AVX-512."""
    try:
        layer(2, kernel_size=2, dilation_rate=2)(x)
    except tf.errors.InvalidArgumentError as error:
        if "not yet support dilation rates larger than 1" not in str(error):
            raise
        return False
    return True


def test_convolutions_in_groups():
    def network(x: Any, y: Any, z: Any) -> Any:
        return [
            layers.Conv1D(4, 2, groups=2, activation="relu")(x),
            layers.Conv2D(2, (2, 1), strides=2, groups=2, padding="same")(y),
            layers.Conv3D(4, 2, groups=4)(z),
        ]

    assert_equal_to_keras(network, floats(2, 5, 4), floats(2, 5, 5, 4), floats(2, 3, 3, 3, 4), tolerance=TOLERANCE * 10)


def test_the_first_of_equal_numbers_is_the_largest_and_minus_zero_is_less_than_zero():
    x = np.array([[[-0.0, 0.0, -0.0], [2, 2, 1]], [[0.0, -0.0, 0.0], [np.inf, -np.inf, np.inf]]], np.float32)

    def network(x: Any) -> Any:
        found = [function(x, axis=axis) for function in (ops.argmax, ops.argmin) for axis in (1, 2, -1)]
        return [*found, ops.one_hot(found[1], 3), ops.signbit(x), ops.argmax(x, axis=2, keepdims=True)]

    assert_equal_to_keras(network, x)


def test_no_number_is_neither_the_largest_nor_the_smallest():
    nan, inf = np.nan, np.inf
    rows = [[nan, 1, 2, -1], [1, nan, inf, nan], [nan, -inf, nan, inf], [nan] * 4, [-inf, nan, -inf, 0.0]]
    x = np.array([rows, rows[::-1]], np.float32)
    assert_equal_to_keras(lambda x: [find(x, axis=axis) for find in (ops.argmax, ops.argmin) for axis in (1, 2)], x)


def test_the_inverse_error_function_is_right_up_to_the_last_number_before_one():
    x = 1 - np.arange(40, dtype=np.float32)[None] * np.float32(2**-24)
    # Keras that is not compiled is not: it adds 1, which takes the last bit away.
    assert_equal_to_keras(lambda x: [ops.erfinv(x), ops.erfinv(-x)], x, tolerance=TOLERANCE, compiled=True)


def test_a_class_that_does_not_exist_is_no_class():
    ids = np.array([[-1, 0, 2, 3, -3]])

    def network(x: Any) -> Any:
        kinds = [
            ops.one_hot(x, 3, axis=axis, dtype=dtype) for axis in (-1, 1) for dtype in ("float32", "int32", "bool")
        ]
        return [*kinds, layers.CategoryEncoding(4, "one_hot")(ops.abs(x))]

    assert_equal_to_keras(network, ids)


def test_logarithms_and_exponentials_near_zero_keep_their_digits():
    x = np.array([[1e-7, -1e-7, 3e-8, 0.0, 0.5, -0.9, 1e-3, 20.0, 1e30, np.inf]], np.float32)
    assert_equal_to_keras(lambda x: [ops.log1p(x), ops.expm1(x), ops.erfinv(x / 1e31)], x, tolerance=1e-6)
    y = np.linspace(-1, 1, 41, dtype=np.float32)[None]
    assert_equal_to_keras(lambda y: [ops.erfinv(y), ops.logaddexp(y, 2 * y), ops.expm1(y)], y, tolerance=1e-5)


def test_numbers_are_put_into_bins():
    x = np.array([[-2.0, -1.0, 0.0, 0.5, 9.0, np.nan]], np.float32)
    bins = np.array([-1.0, 0.0, 0.5], np.float32)

    def network(x: Any) -> Any:
        sorted_ = [ops.searchsorted(bins, x[0], side) for side in ("left", "right")]
        return [ops.digitize(x, bins), *sorted_, layers.Discretization([-1.0, 0.0, 0.5])(x)]

    assert_equal_to_keras(network, x[:, :5])
    assert_equal_to_keras(lambda x: ops.digitize(x, bins), x)


def test_the_best_classes_hold_the_target_where_all_scores_are_finite():
    scores = np.array([[1, 2, 3], [3, 2, 1], [1, 1, 1], [1, np.inf, 0], [np.nan, 1, 2]], np.float32)
    targets = np.array([0, 0, 2, 2, 1], np.int32)
    assert_equal_to_keras(lambda x, y: [ops.in_top_k(y, x, k) for k in (1, 2, 3)], scores, targets)


def test_spectra_of_real_and_complex_signals():
    def network(x: Any, y: Any, z: Any) -> Any:
        return [
            ops.rfft(x), ops.rfft(x, 4), ops.rfft(x, 16), ops.fft((x, y)),
            ops.irfft(ops.rfft(x)), ops.irfft(ops.rfft(y), 5),
            ops.fft2((ops.reshape(x, (-1, 3, 4)), ops.reshape(y, (-1, 3, 4)))), ops.stft(z, 8, 4, 8),
            ops.stft(z, 5, 3, 8, window=None, center=False), ops.istft(ops.stft(z, 8, 4, 8), 8, 4, 8),
        ]  # fmt: skip

    assert_equal_to_keras(network, floats(2, 12), floats(2, 12, seed=1), floats(2, 32), tolerance=2e-5)
    mel = layers.MelSpectrogram(64, 16, num_mel_bins=8, sampling_rate=1000)
    spectrogram = layers.STFTSpectrogram(frame_length=16, frame_step=8)
    assert_equal_to_keras(lambda x: [mel(x), spectrogram(x[..., None])], floats(2, 200), tolerance=1e-4)


def test_activations_may_be_functions_of_tensorflow():
    functions = (tf.nn.relu, tf.nn.swish, tf.nn.leaky_relu, tf.nn.relu6, tf.nn.selu, tf.nn.softmax, tf.nn.gelu, tf.tanh)
    assert_equal_to_keras(
        lambda x: [layers.Dense(3, activation=function)(x) for function in functions], floats(2, 4), tolerance=TOLERANCE
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_scans_run_from_either_end(reverse: bool):
    def network(x: Any) -> Any:
        def step(carry: Any, value: Any) -> Any:
            return ops.tanh(carry + value), carry * 2

        steps = ops.transpose(x, (1, 0, 2))  # (time, batch, dim)
        return ops.scan(step, ops.zeros_like(x[:, 0]), steps, reverse=reverse)

    assert_equal_to_keras(network, floats(3, 4, 2), tolerance=TOLERANCE)


def test_what_falls_on_one_place_is_added_and_segments_may_have_no_rows():
    x, ids = floats(4, 3), np.array([0, 2, 2, -1], np.int32)

    def network(x: Any, ids: Any) -> Any:
        segments = [
            function(x, ids, num_segments=4)
            for function in (ops.segment_sum, ops.segment_max, ops.segment_min, ops.segment_prod)
        ]
        return [*segments, ops.scatter(ops.reshape(ops.relu(ids), (-1, 1)), x, (4, 3))]

    assert_equal_to_keras(network, x, ids, tolerance=TOLERANCE)


def test_images_are_resized_to_the_size_that_was_asked_for():
    def network(x: Any) -> Any:
        sizes = ((7, 2), (3, 9), (2, 5))
        kinds = ("nearest", "bilinear", "bicubic", "lanczos3")
        plain = [ops.image.resize(x, size, kind) for kind in kinds for size in sizes]
        areas = [layers.Resizing(*size, "area")(x) for size in (*sizes, (1, 2))]
        return [*plain, *areas, ops.image.resize(x, (2, 2), "bilinear", antialias=True), ops.image.rgb_to_hsv(x)]

    assert_equal_to_keras(network, np.abs(floats(2, 3, 4, 3)) / 3, tolerance=1e-5)


def test_parts_are_updated_products_run_and_axes_are_reversed():
    x, part = floats(2, 3, 4), floats(1, 2, 2, seed=1)

    def network(x: Any) -> Any:
        updated = [ops.slice_update(x, start, part) for start in ((0, 0, 0), (0, 1, 2))]
        products = [function(x, axis=axis) for function in (ops.cumprod, ops.nancumprod) for axis in (1, -1)]
        return [
            *updated,
            *products,
            ops.flip(x, (1, 2)),
            ops.linspace(x[:, 0], x[:, 1], 3),
            ops.cross(x[..., :3], x[..., 1:]),
        ]

    assert_equal_to_keras(network, x, tolerance=TOLERANCE)


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_running_products_and_sums_go_both_ways_and_leave_their_own_number_out(varying, whole):
    def network(x):
        return [
            function(x, axis, exclusive=exclusive, reverse=reverse)
            for function in (tf.math.cumprod, tf.math.cumsum)
            for axis in (1, -1)
            for exclusive, reverse in ((True, False), (False, True), (True, True))
        ]

    numbers = floats(2, 5, 3)
    tolerance = 0.0 if whole else 1e-5
    assert_equal_to_keras(
        lambda x: layers.Lambda(network, output_shape=lambda shape: [shape] * 12)(x),
        (numbers * 9).astype(np.int32) if whole else numbers,
        tolerance=tolerance,
        varying=varying,
    )


@pytest.mark.parametrize("function", [tf.numpy_function, tf.py_function])
def test_functions_of_python_are_refused_by_name(tmp_path, function):
    inputs = keras.Input((3,))
    own = layers.Lambda(lambda x: tf.ensure_shape(function(lambda array: 2 * array, [x], x.dtype), x.shape), name="own")
    with pytest.raises(UnsupportedLayerError, match=r"'own' uses TensorFlow's (Eager)?PyFunc"):
        seqkit_onnx.export(keras.Model(inputs, own(inputs)), tmp_path / "model.onnx", text=False)


def test_what_cannot_be_written_names_the_layer():
    inputs = keras.Input((3, 3))
    answers = layers.Lambda(lambda x: ops.cholesky(ops.matmul(x, ops.transpose(x, (0, 2, 1)))), name="factor")(inputs)
    with pytest.raises(UnsupportedLayerError, match="'factor' uses TensorFlow's Cholesky"):
        seqkit_onnx.export(keras.Model(inputs, answers), "never_written.onnx", text=False)

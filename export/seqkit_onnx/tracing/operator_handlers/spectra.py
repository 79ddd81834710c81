"""Fourier transforms. A complex number is two real ones on a last axis, as in ONNX's DFT."""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, written_by

KNOW_COMPLEX = ("Real", "Imag", "ComplexAbs", "Conj", "Angle", "FFT", "IFFT", "FFT2D", "IFFT2D", "RFFT", "IRFFT")
LARGEST = np.iinfo(np.int64).max


def _complex(write: NodeWriter, value: str) -> str:
    """Returns a complex value, whose readers must know how it is written."""
    for reader in write.ctx.find_output_consumers(write.outputs[0]):
        if reader.type not in KNOW_COMPLEX:
            raise write.refusal(f"its complex numbers go to {reader.type}")
    if write.outputs[0] in write.ctx.outputs:
        raise write.refusal("complex numbers are no output of ONNX")
    real: dict[int, int] = {TensorProto.COMPLEX64: TensorProto.FLOAT, TensorProto.COMPLEX128: TensorProto.DOUBLE}
    write.dtypes = [real.get(write.dtypes[0], write.dtypes[0])]
    write.shapes = [[*write.shapes[0], 2] if write.shapes[0] is not None else None]
    return value


def _from_parts(write: NodeWriter) -> str:
    real, imaginary = (write.unsqueeze(value, -1) for value in write.inputs)
    return _complex(write, write.joined(real, imaginary, axis=-1))


def _part(index: int) -> Callable[[NodeWriter], str]:
    return lambda write: write("Gather", write.inputs[0], write.constant(np.int64(index)), axis=-1)


def _absolute(write: NodeWriter) -> str:
    return write("ReduceL2", write.inputs[0], write.integers(-1), keepdims=0)


def _conjugate(write: NodeWriter) -> str:
    return _complex(write, write("Mul", write.inputs[0], write.constant([1, -1], write.dtype)))


def _transform(axes: int, inverse: bool) -> Callable[[NodeWriter], str]:
    """FFT of the last axis, or of the last two."""

    def write_transform(write: NodeWriter) -> str:
        x = write.inputs[0]
        rank = write.rank_of(x) - 1
        for axis in range(rank - axes, rank):
            x = _dft(write, x, axis, rank, inverse=inverse)
        return _complex(write, x)

    return write_transform


def _dft(write: NodeWriter, x: str, axis: int, rank: int, **how: bool) -> str:
    """Writes a DFT of (..., 1 or 2), whose first axis is never the signal's."""
    how_many = {name: int(value) for name, value in how.items()}
    if axis > 0:
        return write("DFT", x, axis=axis, **how_many)
    return write("Squeeze", write("DFT", write.unsqueeze(x, 0), axis=1, **how_many), write.integers(0))


def _of_real(write: NodeWriter) -> str:
    """RFFT: the first half of the spectrum, of as many numbers as its length says."""
    x, length = write.inputs[0], int(np.ravel(write.needs(1, "length"))[0])
    x = write.unsqueeze(write.part(x, 0, length, -1), -1)
    rank = write.rank_of(write.inputs[0])
    return _complex(write, _dft(write, x, rank - 1, rank, onesided=True))


def _to_real(write: NodeWriter) -> str:
    """IRFFT: the other half of the spectrum mirrors the first."""
    x, length = write.inputs[0], int(np.ravel(write.needs(1, "length"))[0])
    rank = write.rank_of(x) - 1
    half = write("Slice", x, write.integers(0), write.integers(length // 2 + 1), write.integers(rank - 1))
    mirrored = write(
        "Slice",
        half,
        write.integers((length - 1) // 2),
        write.integers(0),
        write.integers(rank - 1),
        write.integers(-1),
    )
    mirrored = write("Mul", mirrored, write.constant([1, -1], write.dtype))
    # What is imaginary of the first number, and of the middle one, counts for nothing.
    full = write.joined(half, mirrored, axis=rank - 1)
    return write("Gather", _dft(write, full, rank - 1, rank, inverse=True), write.constant(np.int64(0)), axis=-1)


HANDLERS = {
    "Complex": written_by(_from_parts),
    "Real": written_by(_part(0)),
    "Imag": written_by(_part(1)),
    "ComplexAbs": written_by(_absolute),
    "Conj": written_by(_conjugate),
    "FFT": written_by(_transform(1, inverse=False)),
    "IFFT": written_by(_transform(1, inverse=True)),
    "FFT2D": written_by(_transform(2, inverse=False)),
    "IFFT2D": written_by(_transform(2, inverse=True)),
    "RFFT": written_by(_of_real),
    "IRFFT": written_by(_to_real),
}

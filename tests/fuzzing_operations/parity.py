"""Exports a model of several cases, and compares what each of them answers in Keras and in the file."""

import itertools
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import seqkit_onnx
from seqkit_onnx.tracing.interception import UnsupportedLayerError

from tests.fuzzing_operations import array_table, elementwise_table, layer_table, network_table
from tests.fuzzing_operations.draws import Draw
from tests.fuzzing_operations.rare_values import rare_values

OPERATIONS = {**elementwise_table.TABLE, **array_table.TABLE, **network_table.TABLE}
TABLE: dict[str, Callable[[Draw], Any]] = {
    **{f"ops.{name}": case for name, case in OPERATIONS.items()},
    **{f"layers.{name}": case for name, case in layer_table.TABLE.items()},
}
REFUSED = {  # ONNX has no operator for what these need, so that each of them is an export of its own
    "ops.cholesky", "ops.cholesky_inverse", "ops.eig", "ops.eigh", "ops.i0",
    "ops.image.affine_transform", "ops.image.perspective_transform", "ops.inv", "ops.logdet", "ops.lstsq",
    "ops.lu_factor", "ops.matrix_rank", "ops.nextafter", "ops.pinv", "ops.qr", "ops.slogdet", "ops.solve",
    "ops.solve_triangular", "ops.svd", "ops.switch", "ops.view", "ops.view_as_complex", "ops.view_as_real",
    "layers.HashedCrossing", "layers.Hashing",
}  # fmt: skip
RUNS = ((1, 4), (3, 6), (2, 3))  # rows, and the length of axes that vary
RELATIVE_TOLERANCE = 1e-4  # float32 has 24 bits: sums in another order and chained functions lose some
ABSOLUTE_TOLERANCE = 2e-5


@dataclass(frozen=True)
class Case:
    """What is drawn, by name and seed."""

    name: str
    seed: int


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Args:
        case: the case.
        kind: "equal", "refused", "different", "crashed", or "invalid" where Keras itself takes it for a mistake.
        message: why.
    """

    case: Case
    kind: str
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether that is a fault."""
        return self.kind in ("different", "crashed")


def check(cases: Sequence[Case]) -> list[Verdict]:
    """Checks cases in one model, or in smaller ones where that cannot be."""
    keras.utils.clear_session()
    draws, outputs, verdicts = {}, {}, []
    for index, case in enumerate(cases):
        draw = Draw([case.seed, *case.name.encode()], f"x{index}", rare_values(case.name))
        try:
            outputs[case] = [elementwise_table.after(draw, each) for each in _tensors(TABLE[case.name](draw))]
            draws[case] = draw
        except (ValueError, TypeError, NotImplementedError, AttributeError, RuntimeError, ImportError) as error:
            verdicts.append(Verdict(case, "invalid", f"{type(error).__name__}: {error}"))
    return verdicts + (_checked(draws, outputs) if outputs else [])


def _tensors(result: Any) -> list[Any]:
    return [tensor for tensor in keras.tree.flatten(result) if isinstance(tensor, keras.KerasTensor)]


def _checked(draws: dict[Case, Draw], outputs: dict[Case, list[Any]]) -> list[Verdict]:
    given = {name: each for draw in draws.values() for name, each in draw.given.items()}
    tensors = {name: tensor for draw in draws.values() for name, tensor in draw.tensors.items()}
    flat = [
        keras.layers.Identity(name=f"y{place}")(each) for place, each in enumerate(itertools.chain(*outputs.values()))
    ]
    model = keras.Model(list(tensors.values()), flat, name="model")
    model.jit_compile = False  # XLA would compile anew for each batch
    randomize(model)
    cases = list(outputs)
    try:
        questions = [_values(given, cases[0].seed, *run) for run in RUNS]
        expected = [model.predict_on_batch(list(question.values())) for question in questions]
    except Exception as error:  # noqa: BLE001  # TensorFlow raises what it likes where a draw was no sensible one
        return _apart(cases, "invalid", error)
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "model.onnx"
            seqkit_onnx.export(model, path, text=False, verify=False)
            session = onnxruntime.InferenceSession(path)
    except UnsupportedLayerError as error:
        return _apart(cases, "refused", error)
    except Exception as error:  # noqa: BLE001  # any other end of an export is what is looked for
        return _apart(cases, "crashed", error)
    names = [tensor.name for tensor in model.inputs]  # Keras gives some inputs another name
    answers = []
    for question in questions:
        try:
            answers.append(session.run(None, dict(zip(names, question.values(), strict=True))))
        except Exception as error:  # noqa: BLE001  # onnxruntime's own kinds of errors have no common class
            return _apart(cases, "crashed", error)
    return _compared(outputs, expected, answers)


def _apart(cases: list[Case], kind: str, error: Exception) -> list[Verdict]:
    """Checks cases in halves, until the one whose fault it is stands alone."""
    if len(cases) == 1:
        text = str(error) if kind != "crashed" else "".join(traceback.format_exception(error))[-1500:]
        return [Verdict(cases[0], kind, text)]
    middle = len(cases) // 2
    return [*check(cases[:middle]), *check(cases[middle:])]


def _values(given: dict[str, Any], seed: int, batch: int, length: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng([seed, batch])
    return {name: each.values(random, batch, length) for name, each in given.items()}


def randomize(model: keras.Model) -> None:
    """Gives weights random values: fresh ones hide mistakes."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            value = random.normal(0, 0.6, weight.shape)
            weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)


def _compared(outputs: dict[Case, list[Any]], expected: list[Any], answers: list[Any]) -> list[Verdict]:
    verdicts, place = [], 0
    for case, tensors in outputs.items():
        messages = []
        for index in range(place, place + len(tensors)):
            for theirs, ours in zip(expected, answers, strict=True):
                messages += difference(np.asarray(keras.tree.flatten(theirs)[index]), ours[index])
        place += len(tensors)
        verdicts.append(Verdict(case, "different" if messages else "equal", "\n".join(messages[:2])))
    return verdicts


def difference(expected: np.ndarray, answer: np.ndarray) -> list[str]:
    """Says in what two arrays differ; nothing where they are equal."""
    if (expected.dtype, expected.shape) != (answer.dtype, answer.shape):
        return [f"Keras {expected.dtype} {expected.shape}, file {answer.dtype} {answer.shape}"]
    exact = expected.dtype.kind != "f"
    near = np.array_equal(expected, answer) if exact else np.allclose(
        answer, expected, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE, equal_nan=True)  # fmt: skip
    return [] if near else [f"Keras {_short(expected)}, file {_short(answer)}"]


def _short(array: np.ndarray) -> str:
    return " ".join(np.array2string(array, precision=5, threshold=24).split())

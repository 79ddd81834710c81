"""Runs exported files and compares their answers with Keras's: a program that needs NumPy and onnxruntime only.

    python check_answers.py FOLDER [--load]

FOLDER is what `question_files` filled. With --load each file is also run by `seqkit_onnx.load`, which needs no more.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

# float32 sums taken in another order: about 1e-7 a step, which a plain RNN with large weights amplifies.
TOLERANCE = 1e-5
TIMES = 3  # each question: what is read from a wrong place may be right once
OPENING_ERRORS = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NotImplemented,
)
RUNNING_ERRORS = (errors.Fail, errors.InvalidArgument, errors.RuntimeException, errors.NotImplemented)

Answer = Callable[[np.ndarray], list[np.ndarray]]


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each file that is wrong and one for all; returns 1 where one is wrong, else 0."""
    parser = argparse.ArgumentParser(description="Compares exported files with what Keras answered.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--load", action="store_true", help="through seqkit_onnx.load too")
    arguments = parser.parse_args(argv)
    onnxruntime.set_default_logger_severity(4)
    paths = sorted(arguments.folder.glob("*.onnx"))
    largest, wrong = 0.0, 0
    for path in paths:
        found = check(path, arguments.load)
        if isinstance(found, str):
            print(f"  {path.stem}: {found}")
            wrong += 1
        else:
            largest = max(largest, found)
    versions = f"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}"
    print(f"{versions}: {len(paths) - wrong} files answer as Keras does, within {largest:.1e}; {wrong} do not")
    return 1 if wrong or not paths else 0


def check(path: Path, load: bool = False) -> float | str:
    """Asks a file all its questions.

    Args:
        path: the file; its questions are beside it.
        load: whether it is run by `seqkit_onnx.load` too.

    Returns:
        The largest difference, or what is wrong.
    """
    try:
        ways = list(_ways_to_run(path, load))
    except OPENING_ERRORS as error:
        return f"cannot be opened: {error}"
    with np.load(path.with_suffix(".npz")) as archive:
        arrays = dict(archive)
    questions = [name.removesuffix("/in") for name in arrays if name.endswith("/in")]
    differences: dict[str, float] = {}
    for question in questions:
        expected = [array for name, array in arrays.items() if name.startswith(f"{question}/out")]
        try:
            answers = [way(arrays[f"{question}/in"]) for way in ways for _ in range(TIMES)]
        except RUNNING_ERRORS as error:
            return f"cannot be run on {question!r}: {error}"
        differences[question] = max(difference(answer, expected) for answer in answers)
    bad = {question: value for question, value in differences.items() if value > TOLERANCE}
    if bad:
        first = next(iter(bad))
        return f"{len(bad)} of {len(questions)} questions, by up to {max(bad.values()):.2g}; the first is {first!r}"
    return max(differences.values())


def _ways_to_run(path: Path, load: bool) -> Iterator[Answer]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    yield lambda array: session.run(None, {name: _feed(array)})
    if load:
        import seqkit_onnx

        network = seqkit_onnx.load(path, ["CPUExecutionProvider"])

        def predict(array: np.ndarray) -> list[np.ndarray]:
            answer = network.predict(_feed(array))
            return list(answer.values() if isinstance(answer, dict) else map(np.asarray, answer))

        yield predict


def _feed(array: np.ndarray) -> np.ndarray:
    return array.astype(object) if array.dtype.kind == "U" else array


def difference(answer: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Returns the largest difference of two numbers; infinity where a string, a shape or a NaN differs."""
    if [array.shape for array in answer] != [array.shape for array in expected]:
        return float("inf")
    largest = 0.0
    for ours, theirs in zip(answer, expected, strict=True):
        if theirs.dtype.kind == "U":
            largest = max(largest, 0.0 if ours.tolist() == theirs.tolist() else float("inf"))
        elif ours.size:
            found = float(np.max(np.abs(ours - theirs)))
            largest = max(largest, float("inf") if np.isnan(found) else found)
    return largest


if __name__ == "__main__":
    sys.exit(main())

"""Runs files of fixed shapes in OpenVINO and compares their answers with Keras's: needs NumPy and openvino only.

    python check_openvino.py FOLDER

FOLDER is what `question_files.write_fixed_shapes` filled.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import openvino

TOLERANCE = 1e-5  # as in check_answers: float32 sums taken in another order
# What OpenVINO (2026.4) says of recurrences with activations other than its own.
ACTIVATIONS = "[ConvertLSTMSequenceToTensorIterator]"


def main(argv: list[str] | None = None) -> int:
    """Prints how many files are equal, and why others are not; returns 1 where one differs or cannot be explained."""
    parser = argparse.ArgumentParser(description="Compares files of fixed shapes with what Keras answered.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(argv).folder
    core = openvino.Core()
    found: Counter[str] = Counter()
    for path in sorted(folder.glob("*.onnx")):
        result = check(core, path)
        found[result] += 1
        if result != "equal":
            print(f"  {path.stem}: {result}")
    print(f"OpenVINO {openvino.__version__.split('-')[0]}: {dict(found)}")
    return 0 if found["equal"] and not set(found) - {"equal", "activations that OpenVINO does not have"} else 1


def check(core: openvino.Core, path: Path) -> str:
    """Asks a file all its questions; returns ``"equal"``, or what is wrong."""
    try:
        model = core.compile_model(core.read_model(str(path)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as error:
        return "activations that OpenVINO does not have" if ACTIVATIONS in str(error) else f"is not opened: {error}"
    with np.load(path.with_suffix(".npz")) as archive:
        arrays = dict(archive)
    for question in [name.removesuffix("/in") for name in arrays if name.endswith("/in")]:
        answers = model([arrays[f"{question}/in"]])
        expected = [array for name, array in arrays.items() if name.startswith(f"{question}/out")]
        for index, theirs in enumerate(expected):
            ours = answers[index]
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=TOLERANCE):
                return f"differs on {question!r}"
    return "equal"


if __name__ == "__main__":
    sys.exit(main())

"""Runs one set of exported files under several versions of onnxruntime, each in an environment of its own.

    python -m tests.compatibility [VERSION ...]

Without versions: the oldest with wheels for Python 3.11, which runs the files of opset 18 alone; the first that knows
opset 20, with the NumPy of its time (there are wheels up to Python 3.12); the oldest that pyproject.toml allows, with
the oldest NumPy; the newest of both. With the newest, files of fixed shapes also run in OpenVINO.
"""

import logging
import os
import subprocess
import sys
import tempfile
import venv
import warnings
from pathlib import Path

from seqkit_onnx.cli.quiet_import import quiet_import

OPSET_18 = "opset_18"  # the folder of files for older runtimes
ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "check_answers.py"
OLDEST_WITH_WHEELS, FIRST_WITH_OPSET_20, OLDEST_ALLOWED, NEWEST = "1.15.0", "1.17.0", "1.19.0", "newest"
NUMPY = {
    OLDEST_WITH_WHEELS: "numpy==1.26.4",
    FIRST_WITH_OPSET_20: "numpy==1.26.4",
    OLDEST_ALLOWED: "numpy==2.0.0",
    NEWEST: "numpy",
}


def environment(version: str) -> Path:
    """Makes an environment with a version of onnxruntime, or brings it up to date; returns its interpreter."""
    package = "onnxruntime" if version == NEWEST else f"onnxruntime=={version}"
    return _environment(f"onnxruntime-{version}", [package, NUMPY.get(version, "numpy")])


def _environment(name: str, packages: list[str]) -> Path:
    folder = ROOT / f".venv-{name}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", "--upgrade", "--only-binary", ":all:", *packages]
    subprocess.run(command, check=True)
    return python


def export_all(folder: Path) -> None:
    """Fills a folder with files and questions; Keras answers on the CPU."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with quiet_import():
        from tests.compatibility.question_files import write_all
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Layer .* was passed an input with a mask attached to it")
    write_all(folder, OPSET_18)


def main(versions: list[str]) -> int:
    """Exports once, runs everywhere; returns 1 where a version answers otherwise than Keras, or crashes."""
    pythons = [environment(version) for version in versions]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        export_all(Path(folder))
        for version, python in zip(versions, pythons, strict=True):
            for part in (OPSET_18, ".")[: 1 if version == OLDEST_WITH_WHEELS else 2]:
                command = [python, PROGRAM, Path(folder, part), "--load"]
                path = os.pathsep.join(map(str, (ROOT, ROOT / "export")))
                status = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
                failed += status != 0
                if status < 0:
                    print(f"onnxruntime {version} crashed with signal {-status}", flush=True)
        if NEWEST in versions:
            failed += not _openvino_agrees(Path(folder, "fixed"))
    return 1 if failed else 0


def _openvino_agrees(folder: Path) -> bool:
    """Runs files of fixed shapes in OpenVINO's newest runtime."""
    from tests.compatibility.question_files import write_fixed_shapes

    folder.mkdir()
    write_fixed_shapes(folder)
    python = _environment("openvino", ["openvino", "numpy"])
    program = Path(__file__).parent / "check_openvino.py"
    return subprocess.run([python, program, folder], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(NUMPY)))

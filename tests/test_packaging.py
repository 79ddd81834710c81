"""The wheel holds both packages and nothing else, and what it promises is what was written down."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import keras_seqkit

ROOT = Path(__file__).parent.parent
SOURCES = {"keras_seqkit": ROOT / "keras_seqkit", "seqkit_onnx": ROOT / "export" / "seqkit_onnx"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_module_and_nothing_else(wheel: zipfile.ZipFile):
    expected = {
        f"{package}/{path.relative_to(folder)}"
        for package, folder in SOURCES.items()
        for path in folder.rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == expected


def test_the_wheel_needs_numpy_alone(wheel: zipfile.ZipFile):
    name = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    lines = wheel.read(name).decode().splitlines()
    needed = [line for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert [line.split()[1].split(">")[0].split("<")[0] for line in needed] == ["numpy"]
    extras = {line.split()[1] for line in lines if line.startswith("Provides-Extra:")}
    assert {"train", "export", "runtime", "runtime-gpu", "evaluation", "dev"} <= extras


def test_the_version_is_written_once_and_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert keras_seqkit.__version__ == project["version"]


def test_the_wheel_runs_without_the_checkout(wheel: zipfile.ZipFile, tmp_path):
    wheel.extractall(tmp_path)
    program = "import keras_seqkit, seqkit_onnx; print(keras_seqkit.__file__); print(seqkit_onnx.load.__module__)"
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
    )
    assert done.stdout.split() == [str(tmp_path / "keras_seqkit" / "__init__.py"), "seqkit_onnx.runtime.loading"]

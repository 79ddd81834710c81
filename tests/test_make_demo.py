"""What `make demo` installs, and what it says of a Python that it cannot use."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
DEMOS = ("demo", "demo-generate", "demo-translate")
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "PYTHON")

pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make on PATH")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert MAKE is not None
    # The suite may itself be run by make, which would then be asked with its parent's options.
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return subprocess.run([MAKE, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path) -> Path:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def old_python(tmp_path_factory) -> Path:
    """A Python that says that it is 3.10.13, and can do nothing but that."""
    path = tmp_path_factory.mktemp("old") / "python3.10"
    program = "import sys; sys.version_info = (3, 10, 13, 'final', 0); exec(sys.argv[2])"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("target", [*DEMOS, "setup"])
def test_an_old_python_is_refused_in_one_sentence_before_anything_is_made(checkout, old_python, target):
    done = make(checkout, target, f"PYTHON={old_python}")
    assert done.returncode == 2
    said, of_make = done.stderr.splitlines()
    assert said.startswith(f"keras-seqkit needs Python 3.11 or later, and {old_python} is 3.10.13: name another")
    assert of_make.startswith("make: ***")
    assert done.stdout == ""
    assert not list(checkout.glob(".venv*"))


def test_a_python_that_is_not_there_is_named(checkout):
    done = make(checkout, "demo", "PYTHON=python9.9")
    assert done.stderr.startswith("There is no python9.9: name a Python 3.11 or later")
    assert not list(checkout.glob(".venv*"))


def test_the_oldest_python_is_that_of_the_package(checkout):
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    [oldest] = re.findall(r"^OLDEST_PYTHON := (.*)$", (checkout / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert project["requires-python"] == f">={oldest}"


@pytest.mark.parametrize("target", DEMOS)
def test_a_demo_makes_a_small_environment_of_its_own_and_says_so_first(checkout, target):
    lines = make(checkout, "-n", target).stdout.splitlines()
    [install] = [line for line in lines if "--editable" in line]
    assert install.startswith(".venv-demo/bin/python")
    assert "'.[demo]'" in install
    assert "Making .venv-demo" in "\n".join(lines[: lines.index(install)])


def test_a_demo_runs_in_the_environment_of_the_suite_where_that_is_made(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".ready").touch()
    printed = make(checkout, "-n", "demo", 'ARGS=--data "my file.csv" --text a --label b').stdout
    assert "--editable" not in printed
    assert printed.endswith('.venv/bin/python docs/demos/classify.py --data "my file.csv" --text a --label b\n')


def test_the_demos_get_the_versions_that_the_exporter_gets():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    bounds = {each for extra in ("train", "export") for each in extras[extra] if not each.startswith("keras-seqkit")}
    demo = [each.partition(";")[0] for each in extras["demo"] if not each.startswith("keras-seqkit")]
    assert {each.replace("tensorflow-cpu", "tensorflow") for each in demo} == bounds
    markers = [each.partition(";")[2].strip() for each in extras["demo"] if each.startswith("tensorflow")]
    assert markers == [
        "sys_platform == 'linux' and platform_machine == 'x86_64'",
        "sys_platform != 'linux' or platform_machine != 'x86_64'",
    ]

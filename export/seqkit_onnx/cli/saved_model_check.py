"""Looks at a .keras file before Keras loads it.

A .keras file is a zip of two JSON files and the weights, and Keras makes the layers by the numbers in the JSON before
it reads a weight. So a file of a kilobyte can ask for any memory. The rule needs only the zip's directory, JSON of a
bounded size and the shapes of the arrays:

1. No member unpacks to more than `MAX_EXPANSION` times its stored bytes, nor all to more than that many times the
   file's size, nor are the arrays of a weights file larger than that beside its bytes. `SMALL` bytes are never too
   many. Keras itself compresses nothing.
2. The JSON files have at most `SMALL` bytes each, or as many as the whole file: the words of a vocabulary, which make a
   config large, have rows among the weights, which are larger still.
3. A number in the config by which a layer makes weights (`SIZES`), the product of those of one weight, and the states
   of stateful layers are at most `NUMBERS_IN_A_BYTE` times the bytes of the weights in the file. `SMALL_NUMBERS` are
   never too many. Whoever makes weights saves them, so an honest file passes.

What a layer does with other numbers, in a file that is run, is not looked at.
"""

import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_EXPANSION = 100
SMALL = 16 << 20  # bytes
NUMBERS_IN_A_BYTE = 2  # Keras's int4
SMALL_NUMBERS = 16 << 20  # 64 MiB in float32
MORE_THAN_EVER = 10**18
NAME_SHOWN = 60  # characters
ADVICE = "It is damaged, or was made to take memory. Save the model again."
MADE_OF_JSON = ("config.json", "metadata.json")
SIZES = {
    "depth_multiplier",
    "dim",
    "embedding",
    "filters",
    "input_dim",
    "key_dim",
    "kernel_size",
    "num_heads",
    "output_dim",
    "rank",
    "units",
    "value_dim",
}


def check_saved_model(path: Path) -> None:
    """Checks that a .keras file does not ask for more memory than its size explains.

    Args:
        path: the file, a zip with a config.json.

    Raises:
        ValueError: it does, or it is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            contents = {name: _read_json(path, archive, name) for name in MADE_OF_JSON if name in archive.namelist()}
            for member in members:
                if member.filename.endswith(".h5"):
                    _check_arrays(path, archive, member)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:  # RuntimeError: a member is encrypted
        raise ValueError(f"{path} is a damaged zip: {error}. Copy it or save the model again.") from error
    weights = sum(member.file_size for member in members if member.filename not in MADE_OF_JSON)
    room = max(SMALL_NUMBERS, NUMBERS_IN_A_BYTE * weights)
    for what, numbers in _sizes(contents.get("config.json")):
        if numbers > room:
            raise ValueError(
                f"{path} asks for {numbers:,} numbers ({what}), and its weights have {weights:,} bytes. {ADVICE}"
            )


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    size = path.stat().st_size
    limits = [(member.filename, member.file_size, member.compress_size) for member in members]
    limits.append(("all its members", sum(member.file_size for member in members), size))
    for name, unpacked, stored in limits:
        if unpacked > max(SMALL, MAX_EXPANSION * stored):
            raise ValueError(f"{path}: {name} would unpack from {stored:,} to {unpacked:,} bytes. {ADVICE}")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                f"{path}: {member.filename} is packed in a way that Keras does not use. Save the model again."
            )
        if member.filename in MADE_OF_JSON and member.file_size > max(SMALL, size):
            raise ValueError(
                f"{path}: {member.filename} has {member.file_size:,} bytes, and the whole file {size:,}. {ADVICE}"
            )


def _check_arrays(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Checks that the arrays of an HDF5 file are no larger than it explains: one may have a shape and no content."""
    import h5py  # Keras depends on it

    declared = 0

    def add(_name: str, each: Any) -> None:
        nonlocal declared
        if isinstance(each, h5py.Dataset):
            declared += math.prod(each.shape or ()) * each.dtype.itemsize

    try:
        with archive.open(member) as stream, h5py.File(stream, "r") as file:
            file.visititems(add)
    except OSError:  # it is no HDF5, and Keras will say so
        return
    if declared > max(SMALL, MAX_EXPANSION * member.file_size):
        raise ValueError(
            f"{path}: the arrays of {member.filename} would have {declared:,} bytes, and it has {member.file_size:,}. "
            f"{ADVICE}"
        )


def _read_json(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {name} is no JSON that can be read: {error}. Save the model again.") from error


def _sizes(config: Any) -> Iterator[tuple[str, int]]:
    """Yields what a config asks for, and how many numbers that are."""
    batches, states = [1], [0]
    for part in _dicts(config):
        name = str(part.get("name", ""))[:NAME_SHOWN]
        found = {key: _largest(value) for key, value in part.items() if key in SIZES}
        for key, value in found.items():
            yield f"{key} of {name!r}", value
        yield f"input_dim x output_dim of {name!r}", found.get("input_dim", 0) * found.get("output_dim", 0)
        kernel = _product(part.get("kernel_size"))
        yield f"kernel_size x filters of {name!r}", kernel * max(found.get("filters", 0), 1)
        if "recurrent_initializer" in part:
            yield f"units x units of {name!r}", found.get("units", 0) ** 2
        batches += [_largest(shape[:1]) for shape in _shapes(part)]
        if part.get("stateful"):
            states += [found.get(key, 0) for key in ("units", "filters")]
    yield "the states of a batch", max(batches) * max(states)


def _dicts(root: Any) -> Iterator[dict[str, Any]]:
    """Yields all dicts in JSON, without recursion."""
    left = [root]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield each
            left.extend(value for value in each.values() if isinstance(value, (dict, list)))
        elif isinstance(each, list):
            left.extend(value for value in each if isinstance(value, (dict, list)))


def _shapes(part: dict[str, Any]) -> list[list]:
    found = [part.get(key) for key in ("batch_shape", "batch_input_shape", "input_shape")]
    return [shape for shape in found if isinstance(shape, list)]


def _integers(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [int(min(each, MORE_THAN_EVER)) for each in values if isinstance(each, (int, float)) and each > 0]


def _largest(value: Any) -> int:
    """Returns the largest number, of one or of a list; 0 where there is none."""
    return max(_integers(value), default=0)


def _product(value: Any) -> int:
    product = 1
    for each in _integers(value):
        product = min(product * each, MORE_THAN_EVER)
    return product

"""A digest at the end of a file, by which a damaged one is told."""

import hashlib
import os
from typing import BinaryIO

KEY = "content_digest"
DIGITS = 64
_BYTES_AT_ONCE = 1 << 20
_METADATA, _KEY, _VALUE = 14 << 3 | 2, 1 << 3 | 2, 2 << 3 | 2  # fields of ONNX's protobuf messages that hold bytes
_ENTRY = bytes([_KEY, len(KEY)]) + KEY.encode() + bytes([_VALUE, DIGITS])
_HEAD = bytes([_METADATA, len(_ENTRY) + DIGITS]) + _ENTRY  # what stands before the digits
ENTRY_SIZE = len(_HEAD) + DIGITS


def digest_entry(content: bytes) -> bytes:
    """Returns what goes behind a serialized `onnx.ModelProto`: one more entry of its metadata.

    The entry is the last of the file and has always `ENTRY_SIZE` bytes, so that all other bytes stand before it.

    Args:
        content: the model, without such an entry.
    """
    return _HEAD + hashlib.sha256(content).hexdigest().encode()


def digest_matches(stream: BinaryIO) -> bool | None:
    """Compares a file with the digest at its end.

    Args:
        stream: the file, open for reading bytes.

    Returns:
        Whether it is the digest of all that stands before it; `None` where no digest is at the end.
    """
    size = stream.seek(0, os.SEEK_END)
    if size < ENTRY_SIZE:
        return None
    left = stream.seek(size - ENTRY_SIZE)
    entry = stream.read(ENTRY_SIZE)
    if not entry.startswith(_HEAD):
        return None
    stream.seek(0)
    digest = hashlib.sha256()
    while left and (part := stream.read(min(left, _BYTES_AT_ONCE))):
        digest.update(part)
        left -= len(part)
    return entry == _HEAD + digest.hexdigest().encode()

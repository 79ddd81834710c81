"""Files are whole or not there, whatever goes wrong."""

import errno
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keras_seqkit import held_files
from keras_seqkit.held_files import create_held
from keras_seqkit.text import files
from keras_seqkit.text.files import write_atomically

# Writes in children that are killed while they do, 50 times; says how many left a part behind, and what is there after
# one more write. The contents grow, so that the kills meet every step.
WRITE_AND_KILL = """
import os, random, signal, sys, time
from keras_seqkit.text.files import write_atomically

random.seed(0)
folder = sys.argv[1]
left = 0
for turn in range(50):
    child = os.fork()
    if not child:
        while True:
            write_atomically(os.path.join(folder, "file"), b"x" * 1_000_000)
    time.sleep(random.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left += len([name for name in os.listdir(folder) if name != "file"]) > 0
write_atomically(os.path.join(folder, "file"), b"whole")
print(left, os.listdir(folder))
"""
HOLD_ONE = """
import os, sys
from pathlib import Path
from keras_seqkit.text import files

def stay(descriptor):
    print(os.listdir(sys.argv[1]), flush=True)
    sys.stdin.read()

os.fsync = stay
files.write_atomically(Path(sys.argv[1], "theirs"), b"theirs")
"""


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


def test_what_killed_writers_have_left_is_removed_by_the_next_write(tmp_path):
    command = [sys.executable, "-c", WRITE_AND_KILL, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    left, there = re.fullmatch(r"(\d+) (.*)\n", said).groups()
    assert int(left) > 0, "no kill met a write: the test proves nothing"
    assert there == "['file']"
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_what_another_process_is_writing_stays(tmp_path):
    command = [sys.executable, "-c", HOLD_ONE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        [temporary] = re.findall(r"'(.*)'", process.stdout.readline())
        write_atomically(tmp_path / "ours", b"ours")
        assert sorted(os.listdir(tmp_path)) == [temporary, "ours"]
        process.communicate("")
    assert process.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["ours", "theirs"]


def test_what_another_thread_is_writing_stays(tmp_path, monkeypatch):
    seen = []
    fsync = os.fsync

    def write_beside(descriptor):
        monkeypatch.setattr(files.os, "fsync", fsync)
        thread = threading.Thread(target=write_atomically, args=(tmp_path / "ours", b"ours"))
        thread.start()
        thread.join()
        seen.extend(os.listdir(tmp_path))
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", write_beside)
    write_atomically(tmp_path / "theirs", b"theirs")
    assert len(seen) == 2
    assert sorted(os.listdir(tmp_path)) == ["ours", "theirs"]


def test_threads_that_write_into_one_folder_all_succeed(tmp_path):
    def write(number):
        for turn in range(40):
            write_atomically(tmp_path / f"file {number}", b"%d" % turn)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {f"file {each}": b"39" for each in range(4)}


def test_a_file_that_was_taken_for_left_behind_is_written_again(tmp_path, monkeypatch):
    """As by another process between the creation of the file and its lock, or on Windows before it is replaced."""
    replace, removed = os.replace, []

    def remove_first(temporary, path):
        if len(removed) < 3:
            removed.append(temporary)
            os.unlink(temporary)
        replace(temporary, path)

    monkeypatch.setattr(files.os, "replace", remove_first)
    write_atomically(tmp_path / "file", b"content")
    assert len(set(removed)) == 3
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"content"]


@pytest.mark.parametrize("name", ["file.part", ".keras-seqkit-notes.part", ".keras-seqkit-0123456789abcdef", "é"])
def test_files_of_the_user_stay_whatever_they_are_called(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    write_atomically(tmp_path / "new", b"content")
    assert (tmp_path / name).read_bytes() == b"mine"


def test_what_looks_like_a_part_and_is_no_file_is_left_alone(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / ".keras-seqkit-0000000000000000.part").mkdir()
    (tmp_path / ".keras-seqkit-0000000000000001.part").symlink_to(tmp_path / "mine")
    write_atomically(tmp_path / "new", b"content")
    assert len(os.listdir(tmp_path)) == 4
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_where_there_are_no_locks_files_are_written_and_nothing_is_taken_for_left_behind(tmp_path, monkeypatch):
    def no_locks(*_arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    left = tmp_path / ".keras-seqkit-0123456789abcdef.part"
    left.touch()
    with monkeypatch.context() as patch:
        patch.setattr(held_files, "_lock", no_locks)
        write_atomically(tmp_path / "new", b"content")
        assert left.exists()
    write_atomically(tmp_path / "new", b"content")
    assert not left.exists()


def test_what_cannot_be_removed_is_no_error(tmp_path, monkeypatch):
    """As another user's, in a folder in which only owners may remove."""
    left = tmp_path / ".keras-seqkit-0123456789abcdef.part"
    left.touch()

    def refuse(path, *, missing_ok=False):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)

    monkeypatch.setattr(Path, "unlink", refuse)
    write_atomically(tmp_path / "new", b"content")
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_folder_that_cannot_be_listed_can_be_written(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "listdir", refuse)
        write_atomically(tmp_path / "new", b"content")
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    write_atomically(tmp_path / ("n" * 255), b"content")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"content"


def test_a_held_file_is_created_once(tmp_path):
    descriptor, is_held = create_held(tmp_path / "held")
    os.close(descriptor)
    assert is_held
    with pytest.raises(FileExistsError):
        create_held(tmp_path / "held")

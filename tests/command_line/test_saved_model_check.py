"""A .keras file that asks for more memory than its size explains is refused before Keras opens it."""

import io
import json
import random
import re
import zipfile
from pathlib import Path

import h5py
import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqkit_onnx.cli import command_line, saved_model_check
from seqkit_onnx.cli.command_line import FAILED, main
from seqkit_onnx.cli.saved_model_check import SMALL, check_saved_model

from keras_seqkit import TextGenerator, Vocabulary
from keras_seqkit.layers import GloveEmbedding
from tests.command_line.commands import assert_one_line_of_error
from tests.translators import translator


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, packed: int = zipfile.ZIP_STORED, **changed: bytes) -> None:
    """Writes a saved model again, with other content for some members, named without what is behind their dot."""
    members = members_of(path)
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in members.items():
            archive.writestr(name, changed.get(name.split(".")[0], content))


def with_sizes(path: Path, class_name: str, **sizes: object) -> None:
    """Changes numbers in the config of the first layer of a class."""
    config = json.loads(members_of(path)["config.json"])
    [part, *_] = [each for each in saved_model_check._dicts(config) if each.get("class_name") == class_name]
    part["config"].update(sizes)
    rewrite(path, config=json.dumps(config).encode())


@pytest.fixture
def _keras_loads_nothing(monkeypatch):
    def load(*_arguments, **_options):
        raise AssertionError("Keras loads what should have been refused")

    monkeypatch.setattr(keras.saving, "load_model", load)
    monkeypatch.setattr(command_line, "_import_keras", load)


@pytest.mark.usefixtures("_keras_loads_nothing")
@pytest.mark.parametrize(
    ("class_name", "sizes", "reason"),
    [
        ("Embedding", {"input_dim": 10**12}, "(input_dim of 'embedding"),
        ("Embedding", {"input_dim": 10**6, "output_dim": 10**5}, "(input_dim x output_dim of 'embedding"),
        ("Embedding", {"input_dim": 1e300}, "(input_dim of 'embedding"),
        ("GRU", {"units": 10**9}, "(units of 'gru"),
        ("GRU", {"units": 10**5}, "(units x units of 'gru"),
        ("GRU", {"kernel_size": [10**4] * 1000, "filters": 2}, "(kernel_size x filters of 'gru"),
        ("InputLayer", {"batch_shape": [10**9, None], "stateful": True, "units": 100}, "(the states of a batch)"),
        ("Dense", {"units": 10**12}, "(units of 'topic')"),
    ],
)
def test_numbers_that_the_weights_do_not_explain_are_refused(folder, class_name, sizes, reason, capsys):
    with_sizes(folder / "plain.keras", class_name, **sizes)
    assert main(["plain.keras"]) == FAILED
    assert_one_line_of_error(capsys.readouterr().err, "plain.keras asks for ", reason, "Save the model again.")


@pytest.mark.usefixtures("_keras_loads_nothing")
@pytest.mark.parametrize("name", ["config", "metadata"])
@pytest.mark.parametrize("blank", ["alike", "mixed"])
def test_json_that_is_larger_than_the_file_is_refused_unread(folder, name, blank, capsys, monkeypatch):
    monkeypatch.setattr(saved_model_check, "SMALL", 1000)
    spaces = b" " * 2_000_000 if blank == "alike" else bytes(random.Random(0).choices(b" \n", k=200_000))
    content = members_of(folder / "plain.keras")[f"{name}.json"]
    rewrite(folder / "plain.keras", zipfile.ZIP_DEFLATED, **{name: content + spaces})
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it is read"))
    assert main(["plain.keras"]) == FAILED
    reason = "would unpack from" if blank == "alike" else "and the whole file"
    assert_one_line_of_error(capsys.readouterr().err, f"{name}.json ", reason, "take memory")


@pytest.mark.usefixtures("_keras_loads_nothing")
def test_four_gigabytes_in_a_small_zip_are_refused(folder, capsys):
    """The zip's directory says so; that nothing is unpacked shows in that it says more than there is."""
    path = folder / "plain.keras"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/vocabulary.txt", b" " * 1000)
        archive.getinfo("assets/vocabulary.txt").file_size = (4 << 30) - 2
    assert path.stat().st_size < 1 << 20
    assert main(["plain.keras"]) == FAILED
    assert_one_line_of_error(capsys.readouterr().err, "assets/vocabulary.txt would unpack", "to 4,294,967,294 bytes")


@pytest.mark.usefixtures("_keras_loads_nothing")
def test_many_members_that_are_small_each_are_added_up(folder, capsys):
    with zipfile.ZipFile(folder / "plain.keras", "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"assets/{number}", bytes(SMALL - 1))
    assert main(["plain.keras"]) == FAILED
    assert_one_line_of_error(capsys.readouterr().err, "all its members would unpack")


@pytest.mark.usefixtures("_keras_loads_nothing")
def test_arrays_with_a_shape_and_no_content_are_refused(folder, capsys):
    content = io.BytesIO(members_of(folder / "plain.keras")["model.weights.h5"])
    with h5py.File(content, "a") as file:
        file.create_dataset("layers/more", (10**9,), "float32", chunks=(10**6,))
    rewrite(folder / "plain.keras", model=content.getvalue())
    assert main(["plain.keras"]) == FAILED
    assert_one_line_of_error(capsys.readouterr().err, "arrays of model.weights.h5 would have 4,000,00", "take memory")


@pytest.mark.usefixtures("_keras_loads_nothing")
@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b'{"units": ' + b"9" * 5000 + b"}"])
def test_what_is_no_json_is_refused(folder, content, capsys):
    rewrite(folder / "plain.keras", config=content)
    assert main(["plain.keras"]) == FAILED
    assert_one_line_of_error(capsys.readouterr().err, "config.json is no JSON that can be read")


def stateful() -> keras.Model:
    ids = keras.Input(batch_shape=(4, 8), dtype="int32")
    x = keras.layers.Conv1D(3, 5)(keras.layers.Embedding(30_000, 2)(ids))
    return keras.Model(ids, keras.layers.GRU(3, stateful=True)(x))


def packed_two_to_a_byte() -> keras.Model:
    model = keras.Sequential([keras.layers.Dense(4096)])
    model.build((None, 64))
    model.quantize("int4")
    return model


HONEST = {
    "stateful": stateful,
    "int4": packed_two_to_a_byte,
    "a number without weights": lambda: keras.Sequential([keras.Input((4,)), keras.layers.RepeatVector(10**8)]),
    "many characters": lambda: TextGenerator(
        Vocabulary([chr(0x4E00 + number) for number in range(20_000)], level="char"), 2, embedding=2
    ),
    "translator": translator,
    "glove": lambda: keras.Sequential([keras.Input((None,)), GloveEmbedding(["[PAD]", "sun"], {"sun": [1.0] * 50})]),
}


@pytest.mark.parametrize("kind", HONEST)
@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "packed"])
def test_honest_files_pass_however_little_the_rule_leaves_to_small_ones(tmp_path, kind, packed, monkeypatch):
    monkeypatch.setattr(saved_model_check, "SMALL_NUMBERS", 1000)
    HONEST[kind]().save(tmp_path / "model.keras")
    rewrite(tmp_path / "model.keras", packed)
    check_saved_model(tmp_path / "model.keras")


@given(data=st.data())
def test_a_damaged_file_is_refused_or_as_good_as_before_and_never_a_traceback(saved, tmp_path_factory, data):
    content = bytearray((saved / "plain.keras").read_bytes())
    for _ in range(data.draw(st.integers(1, 3), "flips")):
        content[data.draw(st.integers(0, len(content) - 1), "place")] ^= 1 << data.draw(st.integers(0, 7), "bit")
    path = tmp_path_factory.getbasetemp() / "damaged.keras"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)), "length")])
    if not command_line._is_saved_model(path):
        return
    try:
        check_saved_model(path)
    except ValueError as error:
        assert re.search(r"damaged\.keras", str(error))  # noqa: PT017 - both ends are right

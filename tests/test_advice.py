"""Calls that messages advise are calls that exist, with arguments that they take."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pytest
import seqkit_onnx

import keras_seqkit

ROOT = Path(__file__).parents[1]
SOURCES = [*sorted((ROOT / "keras_seqkit").rglob("*.py")), *sorted((ROOT / "export" / "seqkit_onnx").rglob("*.py"))]
CALL = re.compile(r"\b(?:keras\.[\w.]+|[A-Z]\w+(?:\.\w+)*|(?:export|load|verify))\((?:[^()]|\([^()]*\))*\)")
PLACES = (
    keras_seqkit,
    seqkit_onnx,
    importlib.import_module("keras_seqkit.layers"),
    importlib.import_module("keras_seqkit.models"),
    importlib.import_module("keras_seqkit.samplers"),
    keras,
    keras.layers,
    keras.losses,
)


class Advice(NamedTuple):
    """A call in a message, and the file that it stands in."""

    file: str
    call: str


def _messages(tree: ast.Module) -> Iterator[str]:
    """Yields the strings of a module that are no docstrings; what is put into an f-string becomes `it`."""
    docstrings, parts = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            parts |= {id(each) for each in ast.walk(node) if each is not node}
    for node in ast.walk(tree):
        if id(node) in docstrings | parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "it" for each in node.values)


def _advice() -> list[Advice]:
    found = {
        Advice(str(path.relative_to(ROOT)), match[0])
        for path in SOURCES
        for message in _messages(ast.parse(path.read_text("utf-8")))
        for match in CALL.finditer(message)
    }
    return sorted(found)


def _called(name: str) -> Any:
    """Finds what a dotted name stands for; `None` where its first part is not ours or Keras's: `Scan(x)`."""
    first, *rest = name.removeprefix("keras.").split(".")
    homes = [place for place in ((keras,) if name.startswith("keras.") else PLACES) if hasattr(place, first)]
    if not homes:
        return None
    found = getattr(homes[0], first)
    for each in rest:
        found = getattr(found, each)
    return found


def _problem(call: str) -> str | None:
    """Says why a call could not be made; `None`: it could, or it is no Python (an operator's name, a signature)."""
    try:
        parsed = ast.parse(call, mode="eval").body
    except SyntaxError:
        return None
    assert isinstance(parsed, ast.Call)
    try:
        called = _called(ast.unparse(parsed.func))
    except AttributeError as error:
        return str(error)
    if called is None or any(isinstance(each, ast.Constant) and each.value is Ellipsis for each in parsed.args):
        return None
    try:
        inspect.signature(called).bind(*parsed.args, **{each.arg: each.value for each in parsed.keywords if each.arg})
    except TypeError as error:
        return str(error)
    return None


@pytest.mark.parametrize("advice", _advice(), ids=lambda each: f"{Path(each.file).stem}-{each.call}")
def test_the_calls_that_messages_advise_can_be_made(advice: Advice):
    assert _problem(advice.call) is None, f"{advice.file} advises {advice.call}"


@pytest.mark.parametrize("call", ["Vocabulary.from_tokens(tokens)", "Vocabulary.from_texts(texts, tongue='pt')"])
def test_a_call_that_cannot_be_made_is_found(call):
    assert _problem(call) is not None


def test_advice_is_found_in_many_files():
    assert len({advice.file for advice in _advice()}) > 15

"""Every opened file takes the same for texts: one string, lists, columns; and says which text is missing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow
import pytest
import seqkit_onnx

from tests.generators import generator

TEXTS = ["o gato", "the cat", "é 😀"]
CONTAINERS: dict[str, Callable] = {
    "tuple": tuple,
    "generator": lambda texts: (text for text in texts),
    "array": np.array,
    "array of objects": lambda texts: np.array(texts, object),
    "array of one column": lambda texts: np.array(texts, object)[:, None],
    "bytes": lambda texts: [text.encode() for text in texts],
    "pyarrow": pyarrow.array,
    "table": lambda texts: pyarrow.table({"review": texts}),
}


@pytest.fixture(scope="module", params=["classifier", "generator", "step", "translator"])
def answer(request, tmp_path_factory) -> Callable[[Any], list]:
    """Answers with a list of one thing for each text."""
    if request.param == "classifier":
        file = seqkit_onnx.load(request.getfixturevalue("classifier_path"))
        return lambda texts: file.predict(texts).probabilities.tolist()
    if request.param == "translator":
        file = seqkit_onnx.load(request.getfixturevalue("translator_path"))
        return lambda texts: file.translate(texts, max_length=3)
    path = tmp_path_factory.mktemp("generators") / "generator.onnx"
    seqkit_onnx.export(generator("simple_rnn", "word"), path, step=request.param == "step", verify=False)
    file = seqkit_onnx.load(path)
    return lambda texts: file.generate(texts, 3)


@pytest.mark.parametrize("one", ["the cat", b"the cat", np.str_("the cat"), np.array("the cat"), ("the cat",)])
def test_one_string_is_one_text(answer, one):
    assert answer(one) == answer(["the cat"])
    assert len(answer(one)) == 1


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_each_container_is_answered_as_a_list_is(answer, container):
    assert answer(container(TEXTS)) == answer(TEXTS)


@pytest.mark.parametrize("none", [[], (), iter([]), np.array([], str)])
def test_no_texts_have_no_answer(answer, none):
    assert answer(none) == []


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan")])
def test_a_missing_text_is_named_with_its_place(answer, missing):
    with pytest.raises(
        TypeError, match=r"^(predict|generate|translate): (texts|prompts)\[2\] is a missing text; received (None|nan)"
    ):
        answer(["a", "b", missing, "c"])


def test_a_table_of_two_columns_is_refused(answer):
    with pytest.raises(TypeError, match=r"one column of texts; .* 2 columns: 'text', 'label'\. Pass one of them"):
        answer(pyarrow.table({"text": ["a"], "label": ["b"]}))

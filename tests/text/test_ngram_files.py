"""NGramModel saved and loaded, and files that are refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seqkit.text import NGramModel
from tests.text.ngram_textbook import CORPUS, corpora, discount_choices, orders


@given(
    texts=corpora, order=orders, discount=discount_choices, level=st.sampled_from(["word", "char"]), plain=st.booleans()
)
def test_saved_and_loaded_is_the_same(tmp_path_factory, texts, order, discount, level, plain):
    path = tmp_path_factory.getbasetemp() / "ngrams"
    arguments: dict[str, Any] = {"smoothing": "none"} if plain else {"discount": discount}
    model = NGramModel(order, level=level, **arguments).fit(texts)
    model.save(path)
    loaded = NGramModel.load(path)
    assert loaded.vocabulary == model.vocabulary
    assert (loaded.order, loaded.discount, loaded.smoothing) == (model.order, model.discount, model.smoothing)
    np.testing.assert_array_equal(loaded.discounts, model.discounts)
    np.testing.assert_array_equal(loaded.log_prob([*texts, "abz"]), model.log_prob([*texts, "abz"]))
    assert loaded.generate(seed=3) == model.generate(seed=3)


def changed_file(tmp_path, header=None, **arrays) -> Path:
    """A model's file with some entries changed, or left out where the value is `None`."""
    path = tmp_path / "model.npz"
    NGramModel(2).fit(CORPUS).save(path)
    with np.load(path) as archive:
        content = {**archive, **arrays}
    fields = {**json.loads(content["header"].tobytes()), **(header or {})}
    fields = {name: value for name, value in fields.items() if value != "left out"}
    content["header"] = np.frombuffer(json.dumps(fields).encode(), np.uint8)
    with open(path, "wb") as file:
        np.savez(file, **{name: values for name, values in content.items() if values is not None})
    return path


def test_the_unchanged_file_is_loaded(tmp_path):
    model = NGramModel.load(changed_file(tmp_path))
    np.testing.assert_array_equal(model.log_prob(CORPUS), NGramModel(2).fit(CORPUS).log_prob(CORPUS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": {"format": "something"}}, "is not a file that NGramModel.save wrote"),
        ({"header": {"version": 2}}, "is of version 2, and version 1 is expected. Load it"),
        ({"header": {"discount": "left out"}}, "has the fields ['order', 'smoothing', 'vocabulary'], and"),
        ({"keys_2": None}, "has the arrays ['backoffs_1', "),
        ({"more": np.zeros(1)}, "has the arrays ['backoffs_1', "),
    ],
)
def test_a_file_of_other_content_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=r"NGramModel\.load: .*" + re.escape(message)):
        NGramModel.load(changed_file(tmp_path, **changes))


def test_a_file_cut_anywhere_or_of_another_kind_is_refused(tmp_path):
    path = changed_file(tmp_path)
    whole = path.read_bytes()
    for content in (*(whole[:size] for size in range(0, len(whole), 97)), b"text", b"[]"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a whole file that NGramModel\.save wrote"):
            NGramModel.load(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "pickle.npz", header=np.array([{"format": "pickled"}], dtype=object))
    for name in ("array.npy", "pickle.npz"):
        with pytest.raises(ValueError, match=r"is not a whole file that NGramModel\.save wrote"):
            NGramModel.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        NGramModel.load(tmp_path / "nowhere")

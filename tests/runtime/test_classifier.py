"""Classifier: strings in, labels out, whatever else is in the batch."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import seqkit_onnx
from hypothesis import given, settings
from seqkit_onnx.runtime.classifier import TEXTS_AT_ONCE

from tests.runtime.conftest import LABELS, TEXTS
from tests.text_strategies import few_texts

ALONE_OR_TOGETHER = 1e-6  # padding changes no term of any float32 sum, but the batch may change their order
SAME_AS_KERAS = 1e-5  # float32 sums in another order, probabilities at most 1


@pytest.fixture(scope="module")
def classifier(classifier_path):
    return seqkit_onnx.load(classifier_path, ["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def classifier_of_ids(ids_path):
    return seqkit_onnx.load(ids_path, ["CPUExecutionProvider"])


def many_texts(count: int) -> list[str]:
    random = np.random.default_rng(0)
    words = [*" ".join(TEXTS).split(), "unknown", "É", "😀", ""]
    return [" ".join(random.choice(words, size)) for size in random.integers(0, 30, count)]


def test_classes_and_metadata(classifier, model):
    assert classifier.classes == LABELS
    metadata = classifier.metadata
    assert metadata["kind"] == "classifier"
    assert json.loads(metadata["labels"]) == LABELS
    assert metadata["vocabulary_digest"] == model.vocabulary.digest
    assert metadata["vocabulary_size"] == str(len(model.vocabulary))
    assert (classifier.input_names, classifier.output_names) == (["text"], ["label", "probabilities"])
    assert classifier.providers == ["CPUExecutionProvider"]


def test_metadata_given_out_is_a_copy(classifier):
    classifier.metadata.clear()
    assert classifier.metadata["kind"] == "classifier"


@settings(max_examples=40)
@given(few_texts)
def test_answers_equal_those_of_keras(classifier, model, texts):
    labels, probabilities = classifier.predict(texts)
    ids = model.vocabulary.encode(texts)
    # Directly: model.predict would compile for every shape. A column of padding, as a time of 0 is none.
    expected = keras.ops.convert_to_numpy(model(np.pad(ids, ((0, 0), (0, 1))), training=False))
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=SAME_AS_KERAS)
    assert labels == [LABELS[index] for index in probabilities.argmax(axis=1)]


def test_a_batch_of_1000_equals_one_at_a_time_in_the_same_order(classifier):
    texts = many_texts(1000)
    labels, probabilities = classifier.predict(texts)
    alone = [classifier.predict([text]) for text in texts]
    np.testing.assert_allclose(
        probabilities, np.concatenate([each.probabilities for each in alone]), rtol=0, atol=ALONE_OR_TOGETHER
    )
    assert labels == [each.labels[0] for each in alone]
    assert len(set(labels)) == len(LABELS), "every class has to appear, or the order is not tested"
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("count", [1, TEXTS_AT_ONCE - 1, TEXTS_AT_ONCE, TEXTS_AT_ONCE + 1, 2 * TEXTS_AT_ONCE])
def test_every_batch_size_keeps_the_order(classifier, count):
    texts = many_texts(count)
    labels, probabilities = classifier.predict(texts)
    assert labels == [LABELS[index] for index in probabilities.argmax(axis=1)]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    for index in {0, count // 2, count - 1}:
        label, alone = classifier.predict([texts[index]])
        assert labels[index] == label[0]
        np.testing.assert_allclose(probabilities[index], alone[0], rtol=0, atol=ALONE_OR_TOGETHER)


def test_many_threads_at_once_give_the_same(classifier):
    batches = [many_texts(20 + number)[number:] for number in range(40)]
    expected = [classifier.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for given_back, alone in zip(pool.map(classifier.predict, batches), expected, strict=True):
            assert given_back.labels == alone.labels
            np.testing.assert_array_equal(given_back.probabilities, alone.probabilities)


@pytest.mark.parametrize("kind", [np.array, tuple, iter, lambda texts: np.array(texts, object)])
def test_any_iterable_of_strings_is_accepted(classifier, kind):
    expected = classifier.predict(TEXTS)
    given_back = classifier.predict(kind(TEXTS))
    assert given_back.labels == expected.labels
    np.testing.assert_array_equal(given_back.probabilities, expected.probabilities)
    assert all(type(label) is str for label in given_back.labels)


def test_texts_without_tokens_get_an_answer(classifier, model):
    _, probabilities = classifier.predict(["", " ", "\0\u200b"])
    expected = keras.ops.convert_to_numpy(model(np.zeros((1, 1), np.int32), training=False))
    np.testing.assert_allclose(probabilities, np.repeat(expected, 3, axis=0), rtol=0, atol=SAME_AS_KERAS)


@pytest.mark.parametrize("texts", [None, 5, {"a", "b"}])
def test_what_is_no_list_is_refused(classifier, texts):
    with pytest.raises(TypeError, match=r"predict: texts is a list of strings; received"):
        classifier.predict(texts)


@pytest.mark.parametrize("odd", [5, ["a"], np.array(["a", "b"])])
def test_what_is_no_string_is_named_with_its_place(classifier, odd):
    with pytest.raises(TypeError, match=rf"predict: texts\[1\] is a string; received {type(odd).__name__}"):
        classifier.predict(["a", odd])


def test_lists_of_lists_are_refused(classifier):
    with pytest.raises(TypeError, match=r"predict: texts\[0\] is a string; received list"):
        classifier.predict([["a", "b"], ["c", "d"]])


@pytest.mark.parametrize("position", [0, 3])
def test_a_lone_surrogate_is_refused_with_its_place(classifier, position):
    with pytest.raises(ValueError, match=rf"predict: texts\[1\] .* lone surrogate at character {position}"):
        classifier.predict(["a", "é" * position + "\udc80"])


def test_a_file_of_ids_answers_like_the_file_of_text(classifier, classifier_of_ids, model):
    texts = many_texts(TEXTS_AT_ONCE + 50)
    expected = classifier.predict(texts)
    labels, probabilities = classifier_of_ids.predict(model.vocabulary.encode(texts))
    assert labels == expected.labels
    np.testing.assert_allclose(probabilities, expected.probabilities, rtol=0, atol=ALONE_OR_TOGETHER)


@pytest.mark.parametrize("ids", [[], [1, 2], [[]], np.zeros((1, 2, 3), int)])
def test_ids_of_another_shape_are_refused(classifier_of_ids, ids):
    with pytest.raises(ValueError, match=r"predict: ids \(batch, time\) are expected, time not 0; received shape"):
        classifier_of_ids.predict(ids)


@pytest.mark.parametrize("ids", [["a"], [[1.5]], None, "text"])
def test_ids_that_are_no_integers_are_refused(classifier_of_ids, ids):
    with pytest.raises(TypeError, match="predict: input 'ids' is int32; received"):
        classifier_of_ids.predict(ids)


@pytest.mark.parametrize("top_k", [1, 2, np.int64(3), 100])
def test_the_most_probable_labels_come_in_order(classifier, top_k):
    texts = many_texts(TEXTS_AT_ONCE + 20)
    labels, probabilities = classifier.predict(texts)
    best, theirs = classifier.predict(texts, top_k=top_k)
    count = min(top_k, len(LABELS))
    assert theirs.dtype == np.float32
    np.testing.assert_array_equal(theirs, -np.sort(-probabilities, axis=1)[:, :count])
    assert [each[0] for each in best] == labels
    for row, names, values in zip(probabilities, best, theirs, strict=True):
        assert len(set(names)) == len(names) == count
        assert [row[LABELS.index(name)] for name in names] == values.tolist()


def test_the_most_probable_labels_of_ids_and_of_one_string(classifier, classifier_of_ids, model):
    best, probabilities = classifier.predict(TEXTS[0], top_k=2)
    assert np.shape(best) == probabilities.shape == (1, 2)
    assert classifier_of_ids.predict(model.vocabulary.encode(TEXTS[:1]), top_k=2).labels == best


def test_equally_probable_labels_keep_their_order(classifier):
    best = classifier._best(np.array([[0.2, 0.4, 0.4]], np.float32), 3)
    assert best.labels == [[LABELS[1], LABELS[2], LABELS[0]]]


@pytest.mark.parametrize(("top_k", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_number_of_labels_that_is_none_is_refused(classifier, top_k, error):
    with pytest.raises(error, match="predict: top_k is"):
        classifier.predict(TEXTS, top_k=top_k)


def test_texts_may_stand_under_the_name_of_the_input(classifier, classifier_of_ids):
    assert classifier.predict({"text": TEXTS}).labels == classifier.predict(TEXTS).labels
    for file, name in ((classifier, "text"), (classifier_of_ids, "ids")):
        with pytest.raises(ValueError, match=rf"predict: the input '{name}' is expected; received \['review'\]"):
            file.predict({"review": TEXTS})


def test_the_file_holds_no_path_of_this_machine(classifier_path):
    assert str(Path(__file__).parents[2]).encode() not in Path(classifier_path).read_bytes()

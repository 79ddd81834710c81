"""Texts, labels and weights of a single batch, a stream and arrays pair up, or are refused."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqkit import TextClassifier, TextGenerator, TextRegressor, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.eager import eagerly

TEXTS = ["a good film", "bad", "so bad a film", "good"]
WORDS = Vocabulary.from_texts(TEXTS)
IDS = WORDS.encode(TEXTS)


class Batches(keras.utils.PyDataset):
    """One batch."""

    def __init__(self, *batch: Any):
        super().__init__()
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return self.batch if len(self.batch) > 1 else self.batch[0]


def classifier(labels: Any = ("neg", "pos")) -> TextClassifier:
    keras.utils.set_random_seed(1)
    return TextClassifier(WORDS, labels, 4, MaskedMaxPooling())


def regressor() -> TextRegressor:
    keras.utils.set_random_seed(1)
    return TextRegressor(WORDS, embedding=4, encoder=MaskedMaxPooling())


def generated(*batch: Any) -> Any:
    return (each for each in [batch if len(batch) > 1 else batch[0]])


def as_dataset(*batch: Any) -> Any:
    return tf.data.Dataset.from_generator(
        lambda: iter([batch if len(batch) > 1 else batch[0]]),
        output_signature=tuple(tf.TensorSpec([None], np.asarray(part).dtype) for part in batch)
        if len(batch) > 1
        else tf.TensorSpec([None], tf.string),
    )


MODELS = [(classifier, ["pos", "neg", "neg", "pos"]), (regressor, [1.0, 2.0, 3.0, 4.0])]
WAYS: dict[str, Callable] = {
    "train_on_batch": lambda model, *batch: model.train_on_batch(*batch),
    "test_on_batch": lambda model, *batch: model.test_on_batch(*batch),
    "generator": lambda model, *batch: model.fit(generated(*batch), verbose=0),
    "PyDataset": lambda model, *batch: model.fit(Batches(*batch), verbose=0),
    "tf.data": lambda model, *batch: model.fit(as_dataset(*batch), verbose=0),
    "evaluate": lambda model, *batch: model.evaluate(generated(*batch), verbose=0),
    "validation_data": lambda model, *batch: model.fit(
        TEXTS, model.trained_on, validation_data=generated(*batch), verbose=0
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("make", "y"), MODELS)
@eagerly()
def test_labels_of_another_number_than_texts_are_refused(make, y, way):
    model = make()
    model.trained_on = y
    for wrong in (y[:1], y[:3], [*y, y[0]]):
        with pytest.raises(ValueError, match=f"{type(model).__name__}: received 4 texts and {len(wrong)} labels"):
            WAYS[way](model, TEXTS, wrong)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("make", "y"), MODELS)
@eagerly()
def test_weights_that_do_not_fit_are_refused(make, y, way):
    model = make()
    model.trained_on = y
    for wrong, message in (
        ([5.0], "received 1 weights and 4 texts"),
        ([1.0, 2.0], "received 2 weights and 4 texts"),
        ([1.0, float("nan"), 1.0, 1.0], "sample_weight 1 is nan"),
    ):
        with pytest.raises(ValueError, match=message):
            WAYS[way](model, TEXTS, y, np.array(wrong, np.float32))


@pytest.mark.parametrize(("make", "y"), MODELS)
def test_labels_and_weights_of_ids_pair_up_too(make, y):
    for call in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match="received 4 texts and 1 labels"):
            getattr(make(), call)(IDS, y[:1])
        with pytest.raises(ValueError, match="received 1 weights and 4 texts"):
            getattr(make(), call)(IDS, y, sample_weight=[5.0])


@pytest.mark.parametrize(("make", "y"), MODELS)
@eagerly()
def test_a_column_of_weights_weighs_as_a_list_does(make, y):
    expected, model = make(), make()
    expected.train_on_batch(TEXTS, y, [1.0, 2.0, 3.0, 4.0])
    model.train_on_batch(TEXTS, y, np.array([[1.0], [2.0], [3.0], [4.0]]))
    np.testing.assert_array_equal(model.predict(TEXTS, verbose=0), expected.predict(TEXTS, verbose=0))


@pytest.mark.parametrize("stream", [generated, Batches, as_dataset], ids=["generator", "PyDataset", "tf.data"])
def test_balanced_classes_are_counted_in_texts_and_not_in_the_batches_of_a_stream(stream):
    with pytest.raises(ValueError, match=r"TextClassifier.fit: class_weight='balanced' counts the labels"):
        classifier().fit(stream(TEXTS, ["pos", "neg", "neg", "pos"]), class_weight="balanced", verbose=0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("make", "y"), MODELS)
@eagerly()
def test_texts_without_labels_are_refused(make, y, way):
    model = make()
    model.trained_on = y
    with pytest.raises(ValueError, match=f"{type(model).__name__}: a label is expected for each text; received y=None"):
        WAYS[way](model, TEXTS)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_ids_without_labels_are_refused(make, call):
    with pytest.raises(ValueError, match="a label is expected for each text; received y=None"):
        getattr(make(), call)(IDS)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_ids_without_targets_are_refused_by_a_generator_too(call):
    model = TextGenerator(WORDS, 4, embedding=4)
    with pytest.raises(ValueError, match="TextGenerator: y is expected with arrays; received y=None"):
        getattr(model, call)(IDS)


@pytest.mark.parametrize("stream", [generated, Batches, as_dataset], ids=["generator", "PyDataset", "tf.data"])
@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_labels_are_not_found_in_a_stream(call, stream):
    with pytest.raises(ValueError, match="TextClassifier: the labels are not known yet"):
        getattr(classifier(None), call)(stream(TEXTS, ["pos", "neg", "neg", "pos"]), verbose=0)


@eagerly()
def test_a_classifier_without_labels_that_never_ran_gives_its_layers_to_one_with_labels():
    model = classifier(None).with_labels(["a", "b", "c"])
    assert model.predict(TEXTS, verbose=0).shape == (4, 3)
    first, second = classifier(), classifier(None)
    second = second.with_labels(["neg", "pos"])
    np.testing.assert_array_equal(second.embedding.get_weights()[0].shape, first.embedding.get_weights()[0].shape)

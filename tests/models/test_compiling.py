"""What a model is compiled with is checked where it is compiled."""

import keras
import pytest

from keras_seqkit import SkipGram, TextClassifier, TextRegressor, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling

WORDS = Vocabulary.from_texts(["a good film", "bad"])


def classifier(labels=("neg", "pos")) -> TextClassifier:
    return TextClassifier(WORDS, labels, 4, MaskedMaxPooling())


def regressor() -> TextRegressor:
    return TextRegressor(WORDS, embedding=4, encoder=MaskedMaxPooling())


@pytest.mark.parametrize("make", [classifier, regressor, lambda: SkipGram(WORDS, dim=4)])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"optimizer": keras.optimizers.Adam}, TypeError, r"received the class Adam. Make one: Adam\(\)"),
        ({"optimizer": 5}, TypeError, "optimizer is a keras.optimizers.Optimizer or its name; received 5"),
        ({"loss": {"output": "mse"}}, TypeError, "loss is one, .* received a dict, {'output': 'mse'}"),
        ({"loss": 5}, TypeError, "loss is a keras.losses.Loss, its name or a function; received 5"),
        ({"metrics": "accuracy"}, TypeError, "metrics is a list; received 'accuracy'. Put it in a list"),
        ({"weighted_metrics": "accuracy"}, TypeError, "weighted_metrics is a list; received 'accuracy'"),
        ({"steps_per_execution": 0}, ValueError, "steps_per_execution is at least 1; received 0"),
    ],
    ids=str,
)
def test_arguments_of_compile_are_checked(make, arguments, error, message):
    model = make()
    with pytest.raises(error, match=rf"^{type(model).__name__}.compile: .*{message}"):
        model.compile(**arguments)


def test_what_keras_takes_compiles():
    for optimizer in ("sgd", keras.optimizers.SGD(), {"class_name": "SGD", "config": {}}, None, "auto"):
        classifier().compile(optimizer)
    for loss in ("binary_crossentropy", keras.losses.BinaryCrossentropy, keras.losses.binary_crossentropy, ["mse"]):
        classifier().compile("sgd", loss, metrics=("accuracy",), steps_per_execution=2)
    for loss in ("mse", "huber", keras.losses.MeanAbsoluteError(), keras.losses.BinaryCrossentropy(from_logits=True)):
        regressor().compile("sgd", loss)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "binary_crossentropy",
        keras.losses.CategoricalCrossentropy(),
        keras.losses.binary_crossentropy,
        keras.losses.BinaryFocalCrossentropy,
    ],
)
def test_a_regressor_refuses_losses_of_probabilities(loss):
    with pytest.raises(ValueError, match=r"TextRegressor.compile: loss '\w+' is of probabilities"):
        regressor().compile("sgd", loss)

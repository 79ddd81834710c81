"""The exported files that the suites of the runtime share: random weights, nothing is trained."""

import keras
import pytest
import seqkit_onnx

from keras_seqkit import BidirectionalStack, TextClassifier, Vocabulary
from tests.generators import generator
from tests.shared_files import shared_file

TEXTS = ["A touching story, and it's GOOD!", "Dull and bad; não é bom", "so so 😀", "bad bad bad film", "an okay film"]
LABELS = ["neg", "pos", "é 😀"]


@pytest.fixture(scope="session")
def model() -> TextClassifier:
    keras.utils.set_random_seed(0)
    model = TextClassifier(Vocabulary.from_texts(TEXTS), LABELS, 8, BidirectionalStack(4))
    model.embedding.embeddings.assign(keras.random.normal(model.embedding.embeddings.shape, stddev=2.0, seed=1))
    model.head.kernel.assign(keras.random.normal(model.head.kernel.shape, stddev=2.0, seed=2))
    return model


@pytest.fixture(scope="session")
def classifier_path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("exported") / "text.onnx"
    seqkit_onnx.export(model, path, verify=False)
    return str(path)


@pytest.fixture(scope="session", params=[False, True], ids=["whole", "step"])
def generator_path(request, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("exported") / "generator.onnx"
    seqkit_onnx.export(generator(level="word"), path, step=request.param, verify=False)
    return str(path)


@pytest.fixture(scope="session")
def translator_path() -> str:
    return str(shared_file("translator"))


@pytest.fixture(scope="session")
def ids_path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("exported") / "ids.onnx"
    seqkit_onnx.export(model, path, text=False, verify=False)
    return str(path)

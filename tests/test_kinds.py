"""Kinds of files: found by the model, each with its own options, and compared with Keras in one way."""

import keras
import numpy as np
import pytest
import seqkit_onnx
from seqkit_onnx.kinds import FileKind, Options, kind_for, kinds_of
from seqkit_onnx.kinds.network import NetworkFile
from seqkit_onnx.runtime.loading import KINDS
from seqkit_onnx.verification import options_of

from keras_seqkit import CBOW, SkipGram, TextClassifier, TextGenerator, TextRegressor, Vocabulary
from keras_seqkit.samplers import RandomSampler
from tests.generators import generator
from tests.shared_files import shared, shared_file
from tests.translators import SENTENCES, translator

WORDS = Vocabulary.from_texts(["a good film", "a bad one"])


def plain() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def classifier(**arguments) -> TextClassifier:
    return TextClassifier(WORDS, ["bad", "good"], 3, **arguments)


@pytest.mark.parametrize(
    ("model", "options", "name"),
    [
        (plain, Options(), "model"),
        (plain, Options(labels=["a", "b"]), "classifier"),
        (classifier, Options(), "classifier"),
        (lambda: classifier(multi_label=True), Options(), "multi_label_classifier"),
        (lambda: TextRegressor(WORDS, 3), Options(), "model"),
        (generator, Options(), "generator"),
        (generator, Options(step=True), "generator_step"),
        (translator, Options(), "translator"),
    ],
)
def test_a_model_and_what_is_asked_for_make_a_kind_that_load_knows(model, options, name):
    kind = kind_for(model(), options)
    assert kind.name == name
    assert name in {*KINDS, "model"}


def test_a_subclass_is_exported_as_its_class_is():
    class Mine(TextGenerator):
        pass

    assert [each.name for each in kinds_of(Mine(WORDS, 3))] == ["generator", "generator_step"]


@pytest.mark.parametrize("model", [SkipGram, CBOW])
def test_word_vectors_are_no_file(model):
    with pytest.raises(ValueError, match=f"a {model.__name__} scores pairs of words"):
        kinds_of(model(WORDS, 3))


@pytest.mark.parametrize("model", [None, "model.keras", np.zeros(3)])
def test_what_is_no_model_is_refused_by_its_class(model, tmp_path):
    with pytest.raises(TypeError, match=f"a Keras model; received {type(model).__name__}"):
        seqkit_onnx.export(model, tmp_path / "model.onnx")


# What each kind is asked in vain; what a kind takes is tested where its files are.
IN_VAIN = {
    "labels": (["a"], [generator, translator, lambda: TextRegressor(WORDS, 3)]),
    "vocabulary": (Vocabulary(["other"]), [generator, translator, classifier]),
    "input_signature": ([keras.InputSpec(shape=(None, 3))], [generator, translator, classifier]),
    "padding": ("post", [generator, translator]),
    "dtype": ("float16", [generator, translator]),
    "quantize": ("int8", [generator, translator]),
    "recurrence": ("scan", [generator, translator]),
    "sampler": ("greedy", [plain, classifier, translator]),
    "step": (True, [plain, classifier, translator]),
    "stream": (True, [classifier, generator, translator]),
    "scores": ("logits", [classifier, generator, translator]),
    "opset": (18, [generator, translator]),
    "shapes": ({"batch": 1}, [generator, translator]),
    "text_layer": (keras.layers.TextVectorization(vocabulary=["a"]), [generator, translator, classifier]),
}


@pytest.mark.parametrize("name", IN_VAIN)
def test_an_argument_that_a_kind_does_not_know_is_refused_and_not_ignored(name, tmp_path):
    value, makers = IN_VAIN[name]
    for make in makers:
        with pytest.raises(ValueError, match=rf"export: a \w+ takes no {name}\..*Leave it out"):
            seqkit_onnx.export(make(), tmp_path / "model.onnx", **{name: value})


def test_all_options_are_tried_in_vain():
    assert {*IN_VAIN, "text", "settings"} == {*Options.__dataclass_fields__}


def test_a_model_may_be_given_the_vocabulary_that_it_has():
    model = generator()
    kind_for(model, Options(vocabulary=model.vocabulary)).refuse_what_it_does_not_take()


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("step", [True, False])
def test_generators_are_compared_on_prompts_of_the_users(step, text):
    path = shared_file("generator", text=text, step=step)
    found = seqkit_onnx.verify(shared("generator"), path, ["ab", "", "zZ"])
    assert (found.label_agreement, found.count, found.different) == (1.0, 3, ())
    other = seqkit_onnx.verify(shared("generator", seed=1), path, ["ab", "", "zZ"])
    assert other.label_agreement < 1
    assert all(ours != theirs for ours, theirs in other.different)


@pytest.mark.parametrize("text", [True, False])
def test_translators_are_compared_on_sentences_of_the_users(text):
    path = shared_file("translator", text=text)
    found = seqkit_onnx.verify(shared("translator"), path, SENTENCES)
    assert (found.label_agreement, found.different) == (1.0, ())
    assert found.largest_difference < 1e-5
    other = seqkit_onnx.verify(shared("translator", seed=1), path, SENTENCES)
    assert other.label_agreement < 1
    assert other.different
    assert other.largest_difference > 1e-3


def test_one_string_is_one_prompt_or_sentence():
    for name in ("generator", "translator"):
        one, several = (seqkit_onnx.verify(shared(name), shared_file(name), given) for given in ("ab", ["ab"]))
        assert one == several


class MySampler(RandomSampler):
    """A sampler of the user's own."""


def test_the_files_own_sampler_is_compared(tmp_path):
    model, path = shared("generator"), tmp_path / "writer.onnx"
    for sampler in ("beam", MySampler(repetition_penalty=1.5)):
        seqkit_onnx.export(model, path, sampler=sampler, verify=False)
        assert seqkit_onnx.verify(model, path, ["ab", ""]).different == ()
    options = options_of(seqkit_onnx.load(path))
    assert type(options.sampler) is MySampler
    assert options.sampler.repetition_penalty == 1.5


def test_a_kind_may_be_added_for_a_class_of_ones_own(tmp_path, monkeypatch):
    from seqkit_onnx.kinds import exports, file_kind

    class Doubler(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    class Doubling(keras.Sequential):
        pass

    monkeypatch.setattr(file_kind, "_KINDS", dict(file_kind._KINDS))

    @exports(Doubling)
    class DoublingFile(NetworkFile):
        def metadata(self):
            return super().metadata() | {"factor": "2"}

    model = Doubling([keras.Input((3,)), Doubler()])
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False)
    assert seqkit_onnx.load(tmp_path / "model.onnx").metadata["factor"] == "2"
    assert issubclass(DoublingFile, FileKind)


def test_a_file_of_another_kind_is_not_compared(tmp_path):
    seqkit_onnx.export(plain(), tmp_path / "plain.onnx", text=False, verify=False)
    with pytest.raises(ValueError, match=r"the file is a generator, and a TextClassifier is exported as a classifier"):
        seqkit_onnx.verify(classifier(), shared_file("generator"), ["a"])
    with pytest.raises(ValueError, match=r"the file is a model, and a TextGenerator is exported as a generator"):
        seqkit_onnx.verify(shared("generator"), tmp_path / "plain.onnx", ["a"])


@pytest.mark.parametrize("labels", [None, ["a", "b"]])
def test_an_input_of_ids_may_be_called_text(labels, tmp_path):
    ids = keras.Input((None,), dtype="int32", name="text")
    states = keras.layers.GRU(4)(keras.layers.Embedding(9, 3, mask_zero=True)(ids))
    model = keras.Model(ids, keras.layers.Dense(2, activation="softmax", name="topic")(states))
    seqkit_onnx.export(model, tmp_path / "model.onnx", text=False, labels=labels)
    rows = np.array([[1, 2, 0], [8, 1, 3]], np.int32)
    answer = seqkit_onnx.load(tmp_path / "model.onnx").predict(rows)
    ours = answer["topic"] if labels is None else answer.probabilities
    np.testing.assert_allclose(ours, model(rows), rtol=0, atol=1e-5)
    assert seqkit_onnx.verify(model, tmp_path / "model.onnx", rows).largest_difference < 1e-5

"""A config that comes with a file opens no other file, and asks for no memory without end."""

import json
import os
import resource
import zipfile

import keras
import pytest

from keras_seqkit import CBOW, Seq2SeqTranslator, SkipGram, TextClassifier, TextGenerator, Vocabulary
from keras_seqkit.layers import BidirectionalStack, ConvFront, GloveEmbedding, RecurrentAttention
from keras_seqkit.samplers import BeamSampler, RandomSampler
from keras_seqkit.text.limits import MAX_NUMBERS

BILLION = 10**9
MEMORY = 200 << 20  # bytes that an error may take: what Keras and TensorFlow load on their first use
WORDS = Vocabulary(["sun", "moon"])
CHARS = Vocabulary(["a"], level="char")
TOKENS = {"vocabulary_or_tokens": ["[PAD]", "sun"], "output_dim": 2}
ROWS = {"class_name": "Embedding", "module": "keras.layers", "config": {"input_dim": 10**12, "output_dim": 1}}


def classifier() -> TextClassifier:
    return TextClassifier(WORDS, ["neg", "pos"], 2, BidirectionalStack(2), conv=2)


def translator() -> Seq2SeqTranslator:
    return Seq2SeqTranslator(WORDS, WORDS, units=2, embedding=2)


SMALL = {
    "stack": lambda: BidirectionalStack(2),
    "conv": lambda: ConvFront(2),
    "glove": lambda: GloveEmbedding(**TOKENS),
    "attention": lambda: RecurrentAttention(),
    "classifier": classifier,
    "generator": lambda: TextGenerator(CHARS, 2, embedding=2),
    "translator": translator,
    "skip-gram": lambda: SkipGram(WORDS, 2),
    "cbow": lambda: CBOW(WORDS, 2),
    "beams": lambda: BeamSampler(),
    "random": lambda: RandomSampler(),
}


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [
        ("stack", "units", [BILLION]),
        ("stack", "units", [1] * 100_000),
        ("conv", "filters", BILLION),
        ("conv", "kernel_size", BILLION),
        ("conv", "pool_size", BILLION),
        ("glove", "output_dim", BILLION),
        ("attention", "units", BILLION),
        ("classifier", "embedding", BILLION),
        ("classifier", "embedding", ROWS),
        ("classifier", "conv", BILLION),
        ("generator", "units", [BILLION]),
        ("generator", "embedding", BILLION),
        ("generator", "embedding", ROWS),
        ("translator", "units", [BILLION]),
        ("translator", "embedding", BILLION),
        ("translator", "max_length", BILLION),
        ("skip-gram", "dim", BILLION),
        ("skip-gram", "window", BILLION),
        ("skip-gram", "negatives", BILLION),
        ("cbow", "dim", BILLION),
        ("beams", "num_beams", BILLION),
        ("random", "no_repeat_ngram_size", BILLION),
    ],
)
def test_a_huge_number_is_refused_before_it_takes_memory(kind, argument, value):
    model = SMALL[kind]()
    config = {**model.get_config(), argument: value}
    if kind == "stack":
        config["cell"] = "lstm"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((ValueError, TypeError), match=r"(at most|are allowed).*damaged or not to be trusted"):
        type(model).from_config(config)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


def test_a_wide_table_of_many_words_is_refused_although_neither_is_above_its_limit():
    words = Vocabulary([f"w{index}" for index in range(MAX_NUMBERS // 16_384)])
    with pytest.raises(ValueError, match=r"the embedding of shape \(131076, 16384\) would have 2,147,549,184 numbers"):
        TextClassifier(words, ["neg", "pos"], 16_384)


@pytest.mark.parametrize("kind", SMALL)
def test_configs_of_ordinary_models_are_accepted(kind):
    model = SMALL[kind]()
    assert type(type(model).from_config(model.get_config())) is type(model)


@pytest.mark.parametrize("vectors", ["pipe", ["pipe", "member"], {"sun": [1.0, 2.0]}], ids=["path", "pair", "mapping"])
def test_a_glove_embedding_of_a_config_reads_no_vectors(tmp_path, monkeypatch, vectors):
    """A pipe that nobody writes into: who opens it waits for ever."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(
        ValueError, match=r"a config has vectors=None.*received.*call GloveEmbedding\(vocabulary, vectors"
    ):
        GloveEmbedding.from_config({**TOKENS, "vectors": vectors})


def test_a_saved_model_whose_config_names_a_file_does_not_open_it(tmp_path):
    path, pipe = tmp_path / "model.keras", tmp_path / "pipe"
    TextClassifier(WORDS, ["neg", "pos"], GloveEmbedding(WORDS, {"sun": [1.0]}), BidirectionalStack(2)).save(path)
    os.mkfifo(pipe)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["embedding"]["config"]["vectors"] = str(pipe)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    with pytest.raises((TypeError, ValueError), match="a config has vectors=None"):
        keras.saving.load_model(path)

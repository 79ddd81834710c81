"""The generator's network: its cells, its states, how it is saved, and how probable it finds texts."""

import json

import keras
import numpy as np
import pytest

from keras_seqkit import GloveEmbedding, TextGenerator, Vocabulary
from keras_seqkit.models.generation.scoring import STEPS_AT_ONCE
from tests.eager import eagerly
from tests.generators import CELLS, generator, vocabulary_of
from tests.numpy_generator import NumpyNetwork

TEXTS = ["abc é", "", "dcb ZZ a", "a" * 9, "😀"]
TOLERANCE = 1e-5  # logits about 1, added up in float32 in another order, over a dozen steps
A_TOKEN = 1e-6  # of which there are hundreds in a long text


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    return generator()


def vectors_of(level: str = "char") -> dict:
    random = np.random.default_rng(0)
    return {token: random.normal(size=6).tolist() for token in vocabulary_of(level).tokens[4:-1]}


VARIANTS = {
    **{cell: lambda cell=cell: generator(cell) for cell in CELLS},
    "tied": lambda: generator(units=(12, 6), tie_weights=True),
    "tied with a projection": lambda: generator("gru", units=(5, 12), tie_weights=True),
    "vectors": lambda: generator(embedding=GloveEmbedding(vocabulary_of(), vectors_of())),
    "one layer": lambda: generator(units=7),
    "words": lambda: generator(level="word", cell="simple_rnn"),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
def test_logits_are_those_of_numpy_and_do_not_depend_on_padding(variant):
    model = VARIANTS[variant]()
    ids = np.array([[2, 4, 5, 6, 1], [2, 7, 0, 0, 0]], np.int32)
    logits = np.asarray(model(ids))
    assert logits.shape == (2, 5, len(model.vocabulary))
    assert logits.dtype == np.float32
    network = NumpyNetwork(model)
    for row, length in ((0, 5), (1, 2)):
        states = network.begin()
        for step in range(length):
            expected, _, states = network.read(int(ids[row, step]), states)
            np.testing.assert_allclose(logits[row, step], expected, rtol=0, atol=TOLERANCE)


@every_variant
def test_one_call_is_cells_step_by_step(variant):
    model = VARIANTS[variant]()
    ids = np.array([[2, 4, 5, 6], [2, 7, 4, 5]], np.int32)
    expected = np.asarray(model(ids))
    states = {name: np.zeros((2, size), np.float32) for name, size in model.state_sizes.items()}
    for step in range(ids.shape[1]):
        hidden, states = model.run_cells(ids[:, step], states)
        np.testing.assert_allclose(np.asarray(model.logits(hidden)), expected[:, step], rtol=0, atol=TOLERANCE)
    _, carried = model.run(ids)
    for name, state in carried.items():
        np.testing.assert_allclose(np.asarray(states[name]), np.asarray(state), rtol=0, atol=TOLERANCE)
    np.testing.assert_array_equal(np.asarray(hidden), np.asarray(states[model.output_state]))


def test_states_of_masked_steps_stay(model):
    ids = np.array([[2, 4, 5], [2, 4, 0]], np.int32)
    _, all_steps = model.run(ids[:1, :2])
    _, masked = model.run(ids, mask=ids != 0)
    for name in all_steps:
        np.testing.assert_allclose(np.asarray(masked[name])[1], np.asarray(all_steps[name])[0], rtol=0, atol=TOLERANCE)


def test_states_are_named_and_sized(model):
    assert model.state_sizes == {"lstm_0/h": 12, "lstm_0/c": 12, "lstm_1/h": 8, "lstm_1/c": 8}
    assert model.output_state == "lstm_1/h"
    assert generator("gru", units=3).state_sizes == {"gru_0/h": 3}


def test_a_tied_table_is_no_second_weight():
    tied, free = generator(units=(12, 6), tie_weights=True), generator(units=(12, 6))
    vocab = len(tied.vocabulary)
    assert free.count_params() - tied.count_params() == 6 * vocab
    assert tied.projection is None
    assert generator(units=(5, 12), tie_weights=True).projection.kernel.shape == (12, 6)


@eagerly()
def test_vectors_stay_as_they_were_given():
    embedding = GloveEmbedding(vocabulary_of(), vectors_of())
    model = TextGenerator(vocabulary_of(), units=8, embedding=embedding)
    model.fit("abcd abcd", epochs=1, batch_size=1, length=4, verbose=0)
    index = model.vocabulary.tokens.index("b")
    np.testing.assert_allclose(np.asarray(embedding.embeddings)[index], vectors_of()["b"], rtol=1e-6)


@pytest.mark.parametrize("variant", ["tied with a projection", "vectors"])
@eagerly()
def test_a_saved_model_writes_the_same_and_learns_on(variant, tmp_path):
    model = VARIANTS[variant]()
    model.fit(["abcd", "dcb"], epochs=1, batch_size=2, length=3, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, TextGenerator)
    assert loaded.vocabulary == model.vocabulary
    prompts = ["ab", "", "the cat"]
    assert loaded.generate(prompts, max_new_tokens=20, seed=3) == model.generate(prompts, max_new_tokens=20, seed=3)
    before = loaded.get_weights()
    loaded.fit(["abcd", "dcb"], epochs=1, batch_size=2, length=3, verbose=0)
    assert any(np.any(old != new) for old, new in zip(before, loaded.get_weights(), strict=True))


@every_variant
def test_a_config_survives_json(variant):
    text = json.dumps(VARIANTS[variant]().get_config(), sort_keys=True)
    made = TextGenerator.from_config(json.loads(text))
    assert json.dumps(made.get_config(), sort_keys=True) == text


@every_variant
def test_the_probability_of_a_text_is_that_of_its_tokens_and_of_its_end(variant):
    model = VARIANTS[variant]()
    found = model.log_prob(TEXTS)
    assert found.dtype == np.float64
    network = NumpyNetwork(model)
    expected = [network.log_prob(row) for row in model.vocabulary.encode_rows(TEXTS)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_the_probability_is_the_sum_of_the_logits_softmax(model):
    [row] = model.vocabulary.encode_rows(["abc é"])
    logits = np.float64(np.asarray(model(np.array([[2, *row]], np.int32))))[0]
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = sum(log_probabilities[step, target] for step, target in enumerate([*row, 3]))
    assert model.log_prob("abc é")[0] == pytest.approx(expected, abs=TOLERANCE)


def test_the_probability_does_not_depend_on_what_is_read_beside_a_text(model):
    alone = np.concatenate([model.log_prob([text]) for text in TEXTS])
    np.testing.assert_allclose(model.log_prob(TEXTS), alone, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(model.log_prob(TEXTS, batch_size=2), alone, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(model.log_prob([*TEXTS, "ab" * 40])[:-1], alone, rtol=0, atol=TOLERANCE)


def test_a_long_text_is_read_in_parts_whose_state_is_carried(model):
    texts = ["abcd é" * 100, "a", "dcba" * (STEPS_AT_ONCE // 4), "b" * (STEPS_AT_ONCE - 1)]
    assert len(texts[0]) > 2 * STEPS_AT_ONCE
    network = NumpyNetwork(model)
    expected = [network.log_prob(row) for row in model.vocabulary.encode_rows(texts)]
    np.testing.assert_allclose(model.log_prob(texts), expected, rtol=0, atol=A_TOKEN * len(texts[0]))


def test_the_probabilities_of_all_short_texts_and_of_longer_ones_add_up_to_one():
    model = generator(units=4)
    tokens = model.vocabulary.tokens[4:]
    short = np.exp(model.log_prob(["", *tokens, *(a + b for a in tokens for b in tokens)], batch_size=128)).sum()
    network = NumpyNetwork(model)

    def longer(states: list, token: int, left: int) -> float:
        """What is neither ended nor has a token that no text gives, after `left` tokens more."""
        logits, _, states = network.read(token, states)
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        rest = probabilities[:3].sum()
        for own in range(4, len(tokens) + 4):
            rest += probabilities[own] * (longer(states, own, left - 1) if left else 1.0)
        return rest

    assert short + longer(network.begin(), 2, 2) == pytest.approx(1.0, abs=TOLERANCE)


def test_evaluate_gives_figures_that_agree(model):
    found = model.evaluate(TEXTS)
    nats, tokens = -model.log_prob(TEXTS).sum(), sum(len(text) + 1 for text in TEXTS)
    assert list(found) == ["loss", "perplexity", "bits_per_character", "unknown"]
    assert all(type(value) is float for value in found.values())
    assert found["loss"] == pytest.approx(nats / tokens)
    assert found["perplexity"] == pytest.approx(np.exp(nats / tokens))
    unknown = [character for text in TEXTS for character in text if character not in model.vocabulary]
    spelled = sum((len(character.encode()) + 1) * np.log2(257) for character in unknown)
    assert found["bits_per_character"] == pytest.approx((nats / np.log(2) + spelled) / sum(map(len, TEXTS)))
    assert found["unknown"] == len(unknown) / tokens
    assert model.perplexity(TEXTS) == pytest.approx(found["perplexity"])
    assert model.evaluate("abc")["loss"] == pytest.approx(model.evaluate(["abc"])["loss"])


def test_words_have_characters_too():
    model = generator(level="word")
    text = "the cat sat."
    nats = -model.log_prob([text])[0]
    found = model.evaluate([text])
    assert found["loss"] == pytest.approx(nats / 5)  # four tokens, and the end
    assert found["bits_per_character"] == pytest.approx(nats / np.log(2) / len(text))


def test_unknown_words_are_spelled_so_that_a_vocabulary_does_not_gain_by_knowing_less():
    text = "the cat sat on the mat and the dog sat on the log"
    large = Vocabulary.from_texts([text])
    small = Vocabulary.from_texts([text], max_tokens=6)  # two words, "the" and "sat" or "on"
    with eagerly():
        known, unknown = (TextGenerator(each, 4, embedding=3).evaluate(text) for each in (large, small))
    assert known["unknown"] == 0.0
    words = [word for word in text.split() if word not in small]
    assert unknown["unknown"] == pytest.approx(len(words) / 14)  # 13 words, and the end
    spelled = sum(np.log2(257) * (len(word) + 1) for word in words)
    nats = unknown["loss"] * 14
    assert unknown["bits_per_character"] == pytest.approx((nats / np.log(2) + spelled) / len(text))
    assert unknown["bits_per_character"] > known["bits_per_character"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": ()}, "TextGenerator: units must be a positive int"),
        ({"units": 0}, "TextGenerator: units must be a positive int"),
        ({"cell": "rnn"}, "cell is one of"),
        ({"dropout": 1.0}, r"TextGenerator: dropout must be a fraction in \[0, 1\)"),
        ({"embedding": keras.layers.Embedding(3, 2)}, "the embedding has 3 rows and the vocabulary 11 tokens"),
        ({"embedding": keras.layers.Embedding(99, 2), "tie_weights": True}, "the embedding has 99 rows"),
        ({"embedding": keras.layers.Dense(4), "tie_weights": True}, "tie_weights=True needs a keras.layers.Embedding"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TextGenerator(vocabulary_of(), **arguments)


@pytest.mark.parametrize("method", ["log_prob", "perplexity", "evaluate", "fit"])
@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ([], ValueError, "empty list"),
        (None, TypeError, "list of strings"),
        ([b"\xff"], ValueError, "UTF-8"),
        (["good", None], TypeError, r"\[1\] is a missing text"),
        (["good", float("nan")], TypeError, r"\[1\] is a missing text"),
        (["good", 3], TypeError, "int"),
        (["\ud800"], ValueError, "surrogate"),
    ],
)
def test_what_is_no_text_is_refused_and_nothing_is_lost(model, method, texts, error, message):
    before = model.get_weights()
    with pytest.raises(error, match=message):
        getattr(model, method)(texts)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

"""A translator learns pairs, survives being saved and killed, and says what it cannot do."""

import json

import keras
import numpy as np
import pytest

from keras_seqkit import Seq2SeqTranslator, Vocabulary
from keras_seqkit.models.translation.sentence_pair_batches import SentencePairBatches
from keras_seqkit.models.translation.translation_training import SmoothedCrossentropy, default_optimizer
from tests.eager import eagerly
from tests.translators import SENTENCES, SOURCES, TARGETS, VARIANTS, translator

TOLERANCE = 1e-5  # float32
WORDS = {"um": "one", "dois": "two", "três": "three", "gato": "cat", "rato": "mouse", "mar": "sea"}
UNKNOWN = {"plugh": "xyzzy"}  # in no vocabulary of a toy


def toy_pairs(count: int, seed: int = 0, words: dict[str, str] = WORDS) -> tuple[list[str], list[str]]:
    """Sentences of one to four words, translated backwards, word for word."""
    random = np.random.default_rng(seed)
    rows = [random.choice(list(words), random.integers(1, 5)).tolist() for _ in range(count)]
    return [" ".join(row) for row in rows], [" ".join(words[word] for word in reversed(row)) for row in rows]


def toy_translator(**arguments) -> Seq2SeqTranslator:
    """A translator that is fresh and small; TensorFlow compiles a simple cell in half the time of an LSTM."""
    keras.utils.set_random_seed(0)
    sources, targets = toy_pairs(60)
    arguments = {"cell": "simple_rnn", "units": 24, "embedding": 12, "max_length": 8, "dropout": 0.0, **arguments}
    return Seq2SeqTranslator(Vocabulary.from_texts(sources), Vocabulary.from_texts(targets), **arguments)


@pytest.fixture(scope="module")
def learned() -> Seq2SeqTranslator:
    model = toy_translator(cell="lstm")
    model.fit(*toy_pairs(600, words=WORDS | UNKNOWN), epochs=12, batch_size=32, learning_rate=0.01, verbose=0)
    return model


def test_it_learns_to_translate(learned):
    sources, targets = toy_pairs(50, seed=9)
    measured = learned.evaluate(sources, targets, batch_size=50)
    assert measured["bleu"] > 90
    assert measured["chrf"] > 90
    assert measured["perplexity"] == pytest.approx(np.exp(measured["loss"]))
    beams = learned.evaluate(sources, targets, batch_size=50, num_beams=4)
    assert beams["loss"] == pytest.approx(measured["loss"])


def test_beam_search_scores_no_worse_than_greedy_on_the_mean(learned):
    sources, _ = toy_pairs(50, seed=9)
    greedy, beam = (learned.translate(sources, beams, return_scores=True, batch_size=50)[1].mean() for beams in (1, 4))
    assert beam >= greedy - TOLERANCE


def test_attention_follows_the_words(learned):
    [translation], [attention] = learned.translate("um gato dois", return_attention=True)
    assert translation == "Two cat one" or translation == "two cat one"
    assert attention.shape == (3, 3)
    assert attention.argmax(axis=1).tolist() == [2, 1, 0]
    np.testing.assert_allclose(attention.sum(axis=1), 1.0, atol=TOLERANCE)


def test_everything_can_be_returned_at_once(learned):
    texts, scores, attention = learned.translate(
        ["um", "", "dois dois"], num_beams=2, return_scores=True, return_attention=True
    )
    assert len(texts) == 3
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert [each.shape[1] for each in attention] == [1, 0, 2]
    assert attention[1].shape == (0, 0)


def test_unknown_words_are_copied_from_the_source(learned):
    assert learned.translate("um plugh dois")[0].lower() == "two [unk] one"
    assert learned.translate("um plugh dois", replace_unknown=True)[0].lower() == "two plugh one"
    assert learned.translate(["um frobozz", ""], replace_unknown=True) == ["frobozz one", ""]


@pytest.mark.parametrize("variant", VARIANTS)
def test_strange_sentences_are_translated(variant):
    model = translator(**VARIANTS[variant])
    long = " ".join(["gato", "zz", "rato", "casa", "."] * 100)
    for beams in (1, 3):
        found, scores = model.translate(["", "zz", long, "😀", *SENTENCES], beams, return_scores=True)
        assert found[0] == ""
        assert scores[0] == 0.0
        assert np.isfinite(scores).all()
        assert (scores <= 0).all()
    assert model.translate([]) == []
    with eagerly():
        assert model.translate("") == [""]


@pytest.mark.parametrize("variant", VARIANTS)
@eagerly()
def test_a_saved_translator_translates_the_same(variant, tmp_path):
    model = translator(**VARIANTS[variant])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    assert json.loads(json.dumps(model.get_config())) == model.get_config()
    assert loaded.translate(SENTENCES, num_beams=2) == model.translate(SENTENCES, num_beams=2)


@eagerly()
def test_teacher_forcing_gives_the_steps_of_the_search():
    model = translator()
    rows = model.source_vocabulary.encode_rows(["o gato viu o rato"])
    found = model.writer.search(rows, 1, 0.0, model.max_length, 1)
    target = [*found.rows[0][0], 3][: model.max_length]
    inputs = {"source": np.array(rows), "target": np.array([[2, *target[:-1]]])}
    logits = np.array(model(inputs))[0]
    logits[:, [0, 2]] = -np.inf
    assert logits.argmax(axis=1).tolist() == target
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.log(powers.max(axis=1) / powers.sum(axis=1)).sum() == pytest.approx(found.scores[0][0], abs=1e-4)


@pytest.mark.parametrize(("decoder", "cell"), [("attention", "gru"), ("repeat_vector", "simple_rnn")])
@eagerly()
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(decoder, cell, tmp_path):
    pairs, held_out = toy_pairs(14), toy_pairs(6, seed=1)
    settings = {"epochs": 3, "batch_size": 8, "validation_data": held_out, "verbose": 0, "seed": 3}

    def fresh(**arguments) -> Seq2SeqTranslator:
        return toy_translator(decoder=decoder, cell=cell, dropout=0.3, **arguments)

    class Killed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    whole = fresh()
    expected = whole.fit(*pairs, **settings)
    with pytest.raises(KeyboardInterrupt):
        fresh().fit(*pairs, checkpoint=tmp_path, callbacks=[Killed()], **settings)
    again = fresh()
    history = again.fit(*pairs, checkpoint=tmp_path, **settings)
    for ours, theirs in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
    assert history.epoch == [0, 1, 2]
    np.testing.assert_allclose(history.history["val_nats"], expected.history["val_nats"], rtol=1e-4)
    finished = fresh()
    finished.fit(*pairs, checkpoint=tmp_path, **settings)
    np.testing.assert_array_equal(finished.get_weights()[0], again.get_weights()[0])
    with pytest.raises(ValueError, match=r"another run: its model.* differ"):
        fresh(units=16).fit(*pairs, checkpoint=tmp_path, **settings)


@pytest.mark.parametrize("monitor", ["loss", "bleu"])
@eagerly()
def test_training_stops_when_nothing_gets_better_and_takes_the_best_weights(monitor):
    model = toy_translator()
    history = model.fit(
        *toy_pairs(30),
        epochs=30,
        learning_rate=0.3,  # too large to learn anything for long
        validation_data=toy_pairs(20, seed=1),
        monitor=monitor,
        patience=1,
        verbose=0,
    )
    name, pick = {"loss": ("val_nats", np.argmin), "bleu": ("val_bleu", np.argmax)}[monitor]
    values = history.history[name]
    assert len(values) < 30
    assert int(pick(values)) == len(values) - 2
    measured = model.evaluate(*toy_pairs(20, seed=1), batch_size=12)
    expected = {"loss": measured["loss"], "bleu": measured["bleu"]}[monitor]
    assert values[-2] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("loaded", [False, True])
@eagerly()
def test_a_second_fit_has_an_optimizer_of_its_own(loaded, tmp_path):
    model = toy_translator()
    model.compile(default_optimizer(0.0, 1), SmoothedCrossentropy())  # as a first fit leaves it: its rate has fallen
    if loaded:
        model.save(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
    before = model.get_weights()
    model.fit(*toy_pairs(60), epochs=1, learning_rate=0.01, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        assert (
            np.abs(ours - theirs).max() > 0.005
        )  # Adam's first step is as long as the rate, wherever there is a gradient


@eagerly()
def test_a_model_that_the_user_compiled_stays_so(tmp_path):
    model = toy_translator()
    model.compile(keras.optimizers.SGD(0.25), SmoothedCrossentropy(0.0))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    history = loaded.fit(*toy_pairs(60), epochs=3, validation_data=toy_pairs(20, seed=1), patience=1, verbose=0)
    assert isinstance(loaded.optimizer, keras.optimizers.SGD)
    assert float(loaded.optimizer.learning_rate) == 0.25
    measured = loaded.evaluate(*toy_pairs(20, seed=1))["loss"]
    assert min(history.history["val_loss"]) == pytest.approx(measured, rel=1e-3)


def test_the_loss_is_cross_entropy_with_smoothed_targets():
    random = np.random.default_rng(0)
    logits, target = random.normal(size=(2, 3, 5)).astype(np.float32), random.integers(0, 5, (2, 3))
    smoothed = np.full((2, 3, 5), 0.2 / 5)
    np.put_along_axis(smoothed, target[..., None], 0.8 + 0.2 / 5, axis=2)
    expected = keras.losses.CategoricalCrossentropy(from_logits=True)(smoothed, logits)
    assert float(SmoothedCrossentropy(0.2)(target, logits)) == pytest.approx(float(expected), abs=TOLERANCE)
    with pytest.raises(ValueError, match="label_smoothing"):
        SmoothedCrossentropy(1.0)


def test_batches_hold_every_pair_once_and_little_padding():
    random = np.random.default_rng(0)
    sources = [[4] * int(random.integers(1, 30)) for _ in range(500)]
    targets = [[5 + index % 90] * len(row) for index, row in enumerate(sources)]
    batches = SentencePairBatches(sources, targets, 32, seed=1)
    orders = []
    for _ in range(2):
        parts = [batches[index] for index in range(len(batches))]
        assert sum(len(inputs["source"]) for inputs, _, _ in parts) == 500
        seen = sorted(int(row[1]) for inputs, _, _ in parts for row in inputs["target"])
        assert seen == sorted(row[0] for row in targets)
        padding = np.concatenate([(weights == 0).ravel() for _, _, weights in parts])
        assert padding.mean() < 0.1
        for inputs, next_tokens, weights in parts:
            assert (inputs["target"][:, 0] == 2).all()
            np.testing.assert_array_equal(
                inputs["target"][:, 1:][weights[:, 1:] > 0], next_tokens[:, :-1][weights[:, 1:] > 0]
            )
            assert ((next_tokens == 3).sum(axis=1) == 1).all()
        orders.append([inputs["source"].shape for inputs, _, _ in parts])
        batches.on_epoch_end()
    assert orders[0] != orders[1]
    again = SentencePairBatches(sources, targets, 32, seed=1, epoch=1)
    np.testing.assert_array_equal(again[3][1], SentencePairBatches(sources, targets, 32, seed=1, epoch=1)[3][1])


def test_the_first_two_batches_differ_in_both_lengths_where_any_do():
    sources = [[4] * (3 if index < 8 else 5) for index in range(16)]
    targets = [[4] * (2 if index % 16 < 12 else 6) for index in range(16)]
    batches = SentencePairBatches(sources, targets, 4)
    (first, *_), (second, *_) = batches[0], batches[1]
    assert first["source"].shape[1] != second["source"].shape[1]
    assert first["target"].shape[1] != second["target"].shape[1]


def test_wrong_arguments_are_errors(learned):
    vocabulary = Vocabulary.from_texts(["a"])
    for arguments, message in (
        ({"decoder": "transformer"}, "decoder is one of"),
        ({"cell": "rnn"}, "cell is one of"),
        ({"attention": "flash"}, "attention is one of"),
        ({"embedding": 0}, "embedding is an integer"),
        ({"max_length": 0}, "max_length is an integer"),
        ({"units": 0}, "units must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"decoder": "repeat_vector", "tie_embeddings": True}, "no embedding to tie"),
    ):
        with pytest.raises(ValueError, match=message):
            Seq2SeqTranslator(vocabulary, vocabulary, **arguments)
    for arguments in ({"num_beams": 0}, {"max_length": 0}, {"batch_size": 0}, {"length_penalty": float("inf")}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            learned.translate("um", **arguments)
    with pytest.raises(TypeError, match="num_beams"):
        learned.translate("um", num_beams=1.5)
    with pytest.raises(ValueError, match="has no attention"):
        translator(decoder="repeat_vector").translate("gato", return_attention=True)
    with pytest.raises(ValueError, match="are pairs"):
        learned.fit(["um"], ["one", "two"])
    with pytest.raises(ValueError, match="none has tokens on both sides"):
        learned.fit(["um", ""], ["", "one"])
    with pytest.raises(ValueError, match="need validation_data"):
        learned.fit(["um"], ["one"], patience=2)
    with pytest.raises(ValueError, match="monitor is one of"):
        learned.fit(["um"], ["one"], monitor="accuracy")
    with pytest.raises(TypeError):
        learned.translate([3])


def test_words_get_their_capitals_and_spaces_back():
    model = translator()
    ids = model.target_vocabulary.encode_rows(TARGETS)
    assert [model.join(row) for row in ids] == TARGETS
    fresh = Seq2SeqTranslator(model.source_vocabulary, model.target_vocabulary, 4, "gru", 3, "repeat_vector")
    fresh.fit(SOURCES, TARGETS, epochs=1, verbose=0)
    assert [fresh.join(row) for row in ids] == TARGETS

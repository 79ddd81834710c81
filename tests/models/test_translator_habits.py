"""What users of Keras are used to works with a translator, or is refused with one sentence."""

import json
import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqkit import GloveEmbedding, Seq2SeqTranslator, Vocabulary
from keras_seqkit.models.translation.encoded_pairs import encoded_pairs
from keras_seqkit.models.translation.translation_training import SmoothedCrossentropy
from tests.eager import eagerly

TOLERANCE = 1e-5  # float32
# Lengths differ, so that a batch has padding, on both sides, and a stream has batches of several times.
SOURCES = ["um gato", "dois rato mar", "três", "um", "gato mar rato um", "mar " * 5] * 2
TARGETS = ["one cat", "two mouse", "three four five", "one", "cat sea", "sea " * 5] * 2
SOURCES, TARGETS = [text.strip() for text in SOURCES], [text.strip() for text in TARGETS]
WEIGHTS = np.arange(1.0, 13.0)


def make(**arguments) -> Seq2SeqTranslator:
    keras.utils.set_random_seed(0)
    arguments = {"cell": "simple_rnn", "units": 5, "embedding": 4, "max_length": 8, "dropout": 0.0, **arguments}
    return Seq2SeqTranslator(Vocabulary.from_texts(SOURCES), Vocabulary.from_texts(TARGETS), **arguments)


@pytest.fixture(scope="module")
def model() -> Seq2SeqTranslator:
    """A model that no test trains."""
    return make()


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return np.array(SOURCES[part], object), np.array(TARGETS[part], object)


class DataLoader:
    """As PyTorch's, whose name is what tells it."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([(SOURCES[first : first + 4], TARGETS[first : first + 4]) for first in (0, 4, 8)])


def batches():
    yield from DataLoader()


STREAMS = {
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)),
    "tf.data, batched": lambda: tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).batch(4),
    "tf.data of dicts": lambda: tf.data.Dataset.from_tensor_slices({"source": SOURCES, "target": TARGETS}).batch(4),
    "generator": lambda: batches(),
    "PyDataset": lambda: Batches(),
    "loader": lambda: DataLoader(),
}
COLUMNS = {
    "tuple": tuple,
    "NumPy objects": lambda texts: np.array(texts, object),
    "NumPy strings": np.array,
    "a column": lambda texts: np.array(texts)[:, np.newaxis],
    "tensor": tf.constant,
}


def nats(model: Seq2SeqTranslator) -> float:
    return model.evaluate(SOURCES, TARGETS)["loss"]


def array_batch(model: Seq2SeqTranslator) -> tuple:
    return model.encode_batch(SOURCES, TARGETS)


# Data


@pytest.mark.parametrize("kind", list(STREAMS)[::2])  # each is a habit too, which `make habits` tries
@eagerly()
def test_streams_of_pairs_are_trained_on_and_measured(kind):
    model = make()
    expected = nats(model)
    assert model.evaluate(STREAMS[kind]())["loss"] == pytest.approx(expected, rel=TOLERANCE)
    history = model.fit(STREAMS[kind](), epochs=1, validation_data=STREAMS[kind](), verbose=0)
    assert nats(model) < expected
    assert history.history["val_nats"] == [pytest.approx(nats(model), rel=1e-4)]


def test_batches_of_a_stream_may_have_any_two_times():
    """Compiled: Keras takes what the first two batches have in common for fixed."""
    sources, targets = ["um", "um", "gato", "um " * 20], ["one", "cat", "one", "one " * 11]
    pairs = tf.data.Dataset.from_tensor_slices((sources, targets)).batch(1)
    model = make(decoder="repeat_vector", max_length=30)
    assert len(model.fit(pairs, epochs=1, verbose=0).history["loss"]) == 1
    model.fit(sources, targets, batch_size=1, epochs=1, shuffle=False, verbose=0)


@pytest.mark.parametrize("kind", COLUMNS)
def test_any_column_of_texts_will_do(model, kind):
    pairs = encoded_pairs(model, COLUMNS[kind](SOURCES), COLUMNS[kind](TARGETS))
    assert pairs.digest() == encoded_pairs(model, SOURCES, TARGETS).digest()
    with eagerly():
        assert model.translate(COLUMNS[kind](SOURCES[:2])) == model.translate(SOURCES[:2])


def test_a_stream_gives_pairs_that_fit_leaves_out_no_weight(model):
    long = "one " * 12
    inputs, _, weights = model.encode_batch(
        ["um", "", "um", "gato"], ["one", "cat", long, ""], np.array([2.0, 1, 1, 1])
    )
    assert inputs["target"].shape[1] >= 8
    assert weights.sum(axis=1).tolist() == [4.0, 0.0, 0.0, 0.0]
    whole = ["um", "um", "gato", "mar"], ["one", long, "cat", "sea"]
    kept = [["um", "gato", "mar"], ["one", "cat", "sea"]]
    assert model.test_on_batch(*whole) == pytest.approx(model.test_on_batch(*kept), rel=TOLERANCE)


def test_missing_texts_and_columns_that_do_not_pair_are_one_sentence(model):
    for arguments, kind, message in (
        ((["um", None], ["one", "two"]), TypeError, r"sources\[1\] is a missing text; received None"),
        ((["um", "dois"], ["one", float("nan")]), TypeError, r"targets\[1\] is a missing text; received nan"),
        ((["um"], None), ValueError, "y is expected"),
        ((["um"], [1]), TypeError, "texts too; received list"),
        ((["um"], ["one", "two"]), ValueError, "are pairs; received 1 and 2"),
        (({"source": ["um"], "targets": ["one"]},), ValueError, "under 'source' and 'target'"),
        (({"source": ["um"], "target": ["one"]}, ["one"]), ValueError, "Leave y out"),
    ):
        with pytest.raises(kind, match=message):
            model.fit(*arguments, verbose=0)
    with pytest.raises(ValueError, match="needs all texts at hand"):
        model.fit(Batches(), validation_split=0.5)
    with pytest.raises(ValueError, match="the generator gives no batch"):
        model.fit(each for each in [])
    with pytest.raises(ValueError, match="the stream gives no batch"):
        model.evaluate(each for each in [])


# Arguments of fit


@eagerly()
def test_arguments_stand_in_kerass_order():
    model = make()
    sizes = []
    record = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: sizes.append(batch))
    history = model.fit(SOURCES, TARGETS, 5, 2, 0, record)
    assert sizes == [0, 1, 2, 0, 1, 2]  # 12 pairs, 5 at once
    assert history.epoch == [0, 1]
    with pytest.raises(TypeError, match="positional"):
        model.fit(SOURCES, TARGETS, 5, 2, 0, None, 0.0, None, True, None, None, 0.1)
    with pytest.raises(ValueError, match="batch_size is at least 1"):
        model.fit(SOURCES, TARGETS, 0)


@eagerly()
def test_pairs_can_be_held_out_and_epochs_measured_now_and_then():
    model = make()
    settings = {"validation_split": 0.25, "verbose": 0, "initial_epoch": 2, "batch_size": 4}
    history = model.fit(SOURCES, TARGETS, epochs=6, validation_freq=2, validation_batch_size=1, **settings)
    assert history.epoch == [2, 3, 4, 5]
    assert [len(history.history[name]) for name in ("loss", "val_nats")] == [4, 2]
    held_out = model.evaluate(SOURCES[-3:], TARGETS[-3:])["loss"]
    assert min(history.history["val_nats"]) == pytest.approx(held_out, rel=1e-4)
    history = model.fit(SOURCES, TARGETS, epochs=3, steps_per_epoch=1, validation_steps=1, **settings)
    assert history.epoch == [2]
    other = model.fit(SOURCES[:9], TARGETS[:9], epochs=1, validation_data=(["um"], ["one"]), verbose=0)
    both = model.fit(SOURCES, TARGETS, epochs=1, validation_split=0.5, validation_data=[["um"], ["one"]], verbose=0)
    assert both.history["val_nats"] == [pytest.approx(other.history["val_nats"][0], abs=0.5)]


@eagerly()
def test_epochs_without_a_measure_do_not_end_the_training():
    history = make().fit(
        SOURCES, TARGETS, epochs=4, patience=1, validation_split=0.5, validation_freq=2, learning_rate=1e-3, verbose=0
    )
    assert history.epoch == [0, 1, 2, 3]
    assert history.history["val_nats"][1] < history.history["val_nats"][0]


def test_without_shuffling_pairs_stay_in_their_order(model):
    pairs = encoded_pairs(model, SOURCES, TARGETS)
    rows = [row for index in range(3) for row in pairs.batches(4, shuffle=False)[index][0]["source"].tolist()]
    assert [[token for token in row if token] for row in rows] == pairs.sources


@eagerly()
def test_each_pair_weighs_what_it_is_given():
    whole, halves = make(), make()
    few = 4
    # As in Keras, a loss is divided by the number of tokens, also of those that weigh nothing.
    tokens = [len(text.split()) + 1 for text in TARGETS]
    weights = np.repeat([sum(tokens) / sum(tokens[:few]), 0.0], [few, len(SOURCES) - few])
    for model, arguments in ((whole, (SOURCES[:few], TARGETS[:few])), (halves, (SOURCES, TARGETS))):
        model.compile(keras.optimizers.SGD(0.5))
        model.fit(*arguments, 12, 1, 0, sample_weight=weights if model is halves else None)
    for ours, theirs in zip(whole.get_weights(), halves.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
    measured = halves.evaluate(SOURCES, TARGETS, sample_weight=weights)["loss"]
    assert measured == pytest.approx(halves.evaluate(SOURCES[:few], TARGETS[:few])["loss"], rel=TOLERANCE)
    logged = halves.fit(SOURCES, TARGETS, 12, 1, 0, validation_data=(SOURCES, TARGETS, weights)).history
    again = halves.evaluate(SOURCES[:few], TARGETS[:few])["loss"]
    assert logged["val_loss"] != pytest.approx(again)  # smoothed
    with pytest.raises(ValueError, match="received 13 weights and 12 texts"):
        halves.fit(SOURCES, TARGETS, sample_weight=[1.0] * 13)
    for call in (halves.fit, halves.train_on_batch):
        with pytest.raises(ValueError, match="class_weight weighs classes, and sentence pairs have none"):
            call(SOURCES, TARGETS, class_weight={0: 1.0})


@pytest.mark.parametrize("loss", ["auto", "sparse_categorical_crossentropy"])
@eagerly()
def test_a_weight_of_2_for_all_doubles_every_loss_and_no_metric(loss):
    twice, metrics = np.full(12, 2.0), ["accuracy"]
    held_out = (SOURCES, TARGETS, twice)
    inputs, next_tokens, _ = array_batch(make())

    def found(of: np.ndarray | None) -> dict[str, float]:
        model = make()
        model.compile(keras.optimizers.SGD(0.0), loss, metrics=metrics)
        pairs = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS, np.ones(12) if of is None else of)).batch(12)
        arguments = {"batch_size": 12, "epochs": 1, "verbose": 0}
        logged = model.fit(
            SOURCES, TARGETS, sample_weight=of, validation_data=held_out if of is twice else held_out[:2], **arguments
        )
        figures = model.test_on_batch(SOURCES, TARGETS, of, return_dict=True)
        return {
            "fit": logged.history["loss"][0],
            "validation": logged.history["val_loss"][0],
            "stream": model.fit(pairs, epochs=1, verbose=0).history["loss"][0],
            "arrays": model.fit(inputs, next_tokens, sample_weight=of, **arguments).history["loss"][0],
            "train_on_batch": model.train_on_batch(SOURCES, TARGETS, of, return_dict=True)["loss"],
            "test_on_batch": figures["loss"],
            "evaluate": model.evaluate(SOURCES, TARGETS, sample_weight=of)["loss"],
            "evaluate a stream": model.evaluate(pairs)["loss"],
            "evaluate arrays": model.evaluate(inputs, next_tokens, 12, 0, of, return_dict=True)["loss"],
            "metrics": [logged.history["accuracy"][0], logged.history["val_accuracy"][0], figures["accuracy"]],
        }

    plain, doubled = found(None), found(twice)
    assert doubled.pop("metrics") == pytest.approx(plain.pop("metrics"), rel=TOLERANCE)
    assert doubled == pytest.approx({name: 2 * value for name, value in plain.items()}, rel=TOLERANCE)


@eagerly()
def test_in_batches_of_one_a_weight_is_the_length_of_a_step():
    plain, weighed = make(), make()
    for model, weights in ((plain, None), (weighed, np.full(12, 0.5))):
        model.compile(keras.optimizers.SGD(0.1 if model is plain else 0.2))
        model.fit(SOURCES, TARGETS, sample_weight=weights, batch_size=1, epochs=1, shuffle=False, verbose=0)
    for one, other in zip(plain.get_weights(), weighed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)
    assert any(np.any(one != new) for one, new in zip(plain.get_weights(), make().get_weights(), strict=True))


@eagerly()
def test_pairs_without_any_weight_are_measured_as_keras_does():
    model = make()
    found = model.evaluate(SOURCES, TARGETS, sample_weight=np.zeros(12))
    assert (found["loss"], found["perplexity"]) == (0.0, 1.0)
    assert model.test_on_batch(SOURCES, TARGETS, np.zeros(12))[0] == 0.0
    assert found["bleu"] == model.evaluate(SOURCES, TARGETS)["bleu"]
    weighed = model.evaluate(SOURCES, TARGETS, sample_weight=3 * WEIGHTS)
    assert weighed["perplexity"] == pytest.approx(model.evaluate(SOURCES, TARGETS, sample_weight=WEIGHTS)["perplexity"])


@eagerly()
def test_arrays_of_ids_are_taken_and_their_padding_weighs_nothing():
    model = make()
    inputs, next_tokens, _ = array_batch(model)
    model.compile(keras.optimizers.SGD(0.0), SmoothedCrossentropy(0.0))
    history = model.fit(inputs, next_tokens, epochs=1, verbose=0, batch_size=4)
    expected = nats(model)
    assert model.evaluate(inputs, next_tokens, verbose=0, batch_size=12) == pytest.approx(expected, rel=TOLERANCE)
    assert len(history.history["loss"]) == 1
    weighed = model.evaluate(inputs, next_tokens, verbose=0, sample_weight=WEIGHTS, batch_size=12)
    assert weighed == pytest.approx(model.evaluate(SOURCES, TARGETS, sample_weight=WEIGHTS)["loss"], rel=TOLERANCE)
    with pytest.raises(ValueError, match="received 2 weights and 12 pairs"):
        model.evaluate(inputs, next_tokens, sample_weight=[1.0, 2.0])


# Calls


@eagerly()
def test_the_network_is_called_on_texts_of_both_languages(model):
    inputs, _, _ = array_batch(model)
    expected = np.array(model(inputs))
    texts = {"source": SOURCES, "target": TARGETS}
    found = [
        model(texts),
        model({name: tf.constant(side) for name, side in texts.items()}),
        model.predict_on_batch(texts),
        model.predict(texts, verbose=0, batch_size=12),
    ]
    for each in found:
        np.testing.assert_allclose(np.array(each), expected, atol=TOLERANCE)
    some = model.predict(tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).batch(12), verbose=0)
    np.testing.assert_allclose(some[:, : expected.shape[1]], expected[:, : some.shape[1]], atol=TOLERANCE)
    for call in (model, model.predict, model.predict_on_batch):
        for given in (SOURCES, tf.constant(SOURCES), "um"):
            with pytest.raises(ValueError, match=r"translate\(texts\) translates"):
                call(given)


def test_texts_in_a_graph_are_one_sentence(model):
    @tf.function
    def call(source, target):
        return model({"source": source, "target": target})

    with pytest.raises(TypeError, match="texts are encoded in Python, not in a graph"):
        call(tf.constant(SOURCES), tf.constant(TARGETS))


@eagerly()
def test_single_batches_of_texts_are_trained_on():
    model = make()
    before = nats(model)
    first = model.train_on_batch(SOURCES, TARGETS, return_dict=True)
    for _ in range(3):
        model.train_on_batch({"source": SOURCES, "target": TARGETS})
    assert nats(model) < before
    assert set(first) == {"loss", "nats"}
    measured = model.test_on_batch(SOURCES, TARGETS, return_dict=True)
    assert measured["nats"] == pytest.approx(nats(model), rel=TOLERANCE)


@eagerly()
def test_evaluate_gives_a_list_if_it_is_asked_for_one(model):
    found = model.evaluate(SOURCES, TARGETS, steps=1, batch_size=4)
    assert found == model.evaluate(SOURCES[:4], TARGETS[:4])
    assert model.evaluate(SOURCES[:4], TARGETS[:4], return_dict=False) == list(found.values())
    assert model.evaluate(STREAMS["generator"](), steps=1) == found
    with pytest.raises(ValueError, match="callbacks belong to arrays"):
        model.evaluate(SOURCES, TARGETS, callbacks=[])


# Compiling


@pytest.mark.parametrize("arguments", [{}, {"optimizer": "adam"}, {"optimizer": keras.optimizers.SGD(0.1)}])
@eagerly()
def test_compile_keeps_the_models_own_loss_and_metrics(arguments):
    model = make()
    model.compile(**arguments)
    history = model.fit(SOURCES, TARGETS, epochs=1, verbose=0, label_smoothing=0.2)
    assert set(history.history) == {"loss", "nats"}
    assert model.loss.label_smoothing == 0.2
    given = arguments.get("optimizer")
    assert model.optimizer is given or isinstance(model.optimizer, keras.optimizers.Adam)
    assert (model.optimizer.name == "adam_of_fit") == (given is None)


@eagerly()
def test_metrics_and_losses_leave_padding_out():
    model = make()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    found = model.test_on_batch(SOURCES, TARGETS, return_dict=True)
    assert found["loss"] == pytest.approx(nats(model), rel=TOLERANCE)
    inputs, next_tokens, weights = array_batch(model)
    hits = np.array(model(inputs)).argmax(axis=2) == next_tokens
    assert found["accuracy"] == pytest.approx((hits * weights).sum() / (weights > 0).sum(), abs=TOLERANCE)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert model.test_on_batch(SOURCES, TARGETS) == pytest.approx(nats(model), rel=TOLERANCE)
    model.compile(metrics=["accuracy"], run_eagerly=True)
    assert set(model.fit(SOURCES, TARGETS, epochs=1, verbose=0).history) == {"loss", "accuracy"}
    assert model.run_eagerly
    with pytest.raises(ValueError, match="from_logits=True"):
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
    with pytest.raises(ValueError, match="indices of tokens"):
        model.compile("sgd", "mse")


def test_arguments_that_would_have_no_effect_are_refused():
    model = make()
    model.compile(keras.optimizers.SGD(0.1), SmoothedCrossentropy(0.0))
    with pytest.raises(ValueError, match=r"learning_rate is for the model's own optimizer.*with SGD"):
        model.fit(SOURCES, TARGETS, learning_rate=0.1)
    with pytest.raises(ValueError, match="label_smoothing is for the model's own loss"):
        model.fit(SOURCES, TARGETS, label_smoothing=0.1)
    with pytest.raises(ValueError, match="monitor='bleu' translates the held-out sources"):
        model.fit(SOURCES, TARGETS, monitor="bleu", validation_data=Batches())


def test_xla_is_left_out_as_keras_does():
    model = make()
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile("sgd", jit_compile=True)
    assert not model.jit_compile
    with eagerly():
        model.fit(SOURCES, TARGETS, epochs=1, verbose=0)


# Checkpoints


class Killed(keras.callbacks.Callback):
    """Ends the process, as far as a test can, when an epoch begins."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@eagerly()
def test_a_killed_run_that_began_later_goes_on_at_its_epoch(tmp_path):
    settings = {"epochs": 6, "initial_epoch": 3, "validation_split": 0.25, "verbose": 0, "batch_size": 6}
    whole = make(dropout=0.3)
    expected = whole.fit(SOURCES, TARGETS, **settings)
    with pytest.raises(KeyboardInterrupt):
        make(dropout=0.3).fit(SOURCES, TARGETS, callbacks=Killed(4), checkpoint=tmp_path, **settings)
    again = make(dropout=0.3)
    history = again.fit(SOURCES, TARGETS, checkpoint=tmp_path, **settings)
    assert history.epoch == expected.epoch == [3, 4, 5]
    for ours, theirs in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


@eagerly()
def test_a_checkpoint_notices_another_run(tmp_path):
    settings = {"epochs": 1, "verbose": 0, "checkpoint": tmp_path, "seed": 1, "batch_size": 4}
    make().fit(SOURCES, TARGETS, **settings)
    for model, arguments, name in (
        (make(cell="gru"), {}, "model"),
        (make(), {"learning_rate": 0.1}, "optimizer"),
        (make(), {"label_smoothing": 0.2}, "loss"),
        (make(), {"seed": 2}, "seed"),
        (make(), {"batch_size": 5}, "batch_size"),
        (make(), {"sample_weight": WEIGHTS}, "sample_weight"),
        (make(), {"validation_data": (SOURCES[:1], TARGETS[:1])}, "held_out, monitored"),
    ):
        with pytest.raises(ValueError, match=f"holds another run: its {name} differ"):
            model.fit(SOURCES, TARGETS, **{**settings, **arguments})
    with pytest.raises(ValueError, match="its texts differ"):
        make().fit(SOURCES, [*TARGETS[:-1], "one"], **settings)
    with pytest.raises(ValueError, match="checkpoint needs the texts themselves"):
        make().fit(Batches(), **settings)
    longer = make().fit(SOURCES, TARGETS, **{**settings, "epochs": 2})  # its schedule is another, by default
    assert longer.epoch == [0, 1]
    (tmp_path / "progress.json").write_text(json.dumps({"model": [], "records": [], "best_epoch": -1, "seeds": []}))
    with pytest.raises(ValueError, match="holds another run"):
        make().fit(SOURCES, TARGETS, **settings)


# Embeddings


@eagerly()
def test_pretrained_layers_are_embeddings(tmp_path):
    of_source, of_target = (Vocabulary.from_texts(side) for side in (SOURCES, TARGETS))
    vectors = {"um": [1.0, 2.0, 3.0], "gato": [0.5, 0.0, 1.0]}
    pretrained = GloveEmbedding(of_source, vectors)
    own = keras.Sequential([keras.layers.Embedding(len(of_target), 3), keras.layers.Dense(5)])
    table = keras.layers.Embedding(len(of_target) + 2, 7)
    for arguments in (
        {"embedding": pretrained},
        {"embedding": pretrained, "decoder": "repeat_vector"},
        {"embedding": (pretrained, own)},
        {"embedding": (6, table), "tie_embeddings": True},
        {"embedding": (6, 9)},
    ):
        model = make(**arguments)
        frozen = np.array(pretrained.embeddings)
        before = model.get_weights()
        model.fit(SOURCES, TARGETS, epochs=1, verbose=0)
        np.testing.assert_array_equal(np.array(pretrained.embeddings), frozen)
        assert any(np.abs(ours - theirs).max() > 0 for ours, theirs in zip(model.get_weights(), before, strict=True))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.translate(SOURCES[:3], 2) == model.translate(SOURCES[:3], 2)


def test_one_layer_may_be_both_embeddings(tmp_path):
    texts = [*SOURCES, *TARGETS]
    both = Vocabulary.from_texts(texts)
    shared = keras.layers.Embedding(len(both), 4)
    arguments = {"cell": "simple_rnn", "units": 4, "tie_embeddings": True}
    model = Seq2SeqTranslator(both, both, embedding=(shared, shared), **arguments)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.encoder.embedding is loaded.decoder.embedding
    inputs = {"source": np.array([[4, 5]]), "target": np.array([[2, 6]])}
    np.testing.assert_allclose(np.array(loaded(inputs)), np.array(model(inputs)), atol=TOLERANCE)


def test_embeddings_that_do_not_fit_are_refused():
    of_target = Vocabulary.from_texts(TARGETS)
    other = GloveEmbedding(of_target, {"one": [1.0]})
    sequence = keras.Sequential([keras.layers.Embedding(len(of_target), 3)])
    for arguments, message in (
        ({"embedding": other}, "row 4 of .* is the vector of"),
        ({"embedding": keras.layers.Embedding(3, 2)}, "has 3 rows"),
        ({"embedding": (4, sequence), "tie_embeddings": True}, "tie_embeddings needs a table"),
        ({"embedding": (4, other), "decoder": "repeat_vector"}, "reads no tokens of the target"),
        ({"embedding": (1, 2, 3)}, "received 3 of them"),
        ({"embedding": "glove"}, "or a layer such as a GloveEmbedding; received 'glove'"),
    ):
        with pytest.raises(ValueError, match=message):
            make(**arguments)


# Precision, saving, translating


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("decoder", ["attention", "repeat_vector"])
@eagerly()
def test_mixed_precision_as_the_global_policy(policy, decoder):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make(decoder=decoder)
        assert model.compute_dtype == policy.removeprefix("mixed_")
        first = nats(model)
        history = model.fit(SOURCES, TARGETS, epochs=2, learning_rate=0.01, verbose=0)
        assert history.history["nats"][1] < history.history["nats"][0]
        assert nats(model) < first
        for beams in (1, 2):
            assert len(model.translate(SOURCES[:2], beams, return_attention=decoder == "attention")) == 2
        model.fit(SOURCES, TARGETS, epochs=1, verbose=0)  # an own optimizer, though Keras wrapped it
    finally:
        keras.config.set_dtype_policy(before)


def test_a_saved_model_goes_on_with_its_optimizer(tmp_path):
    with eagerly():
        model = make()
        model.compile(keras.optimizers.Adam(0.01), metrics=["accuracy"])
        model.fit(SOURCES, TARGETS, epochs=1, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for each in (model, loaded):
            each.fit(SOURCES, TARGETS, epochs=1, verbose=0)
        assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) == 2
        for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
        assert pickle.loads(pickle.dumps(model)).translate("um") == model.translate("um")
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        assert copy.translate("um gato") == model.translate("um gato")


@pytest.mark.parametrize("decoder", ["attention", "repeat_vector"])
def test_keras_exports_the_network(decoder, tmp_path):
    model = make(decoder=decoder)
    model.export(tmp_path / "network", verbose=False)
    inputs, _, _ = array_batch(model)
    found = tf.saved_model.load(tmp_path / "network")
    np.testing.assert_allclose(found.serve(inputs).numpy(), np.array(model(inputs)), atol=TOLERANCE)
    with pytest.raises(ValueError, match=r"use seqkit_onnx\.export"):
        model.export(tmp_path / "network.onnx", format="onnx")


def test_a_summary_shows_a_built_model(model, capsys):
    model.summary()
    shown = capsys.readouterr().out
    assert "unbuilt" not in shown
    assert f"Total params: {model.count_params():,}" in shown


@eagerly()
def test_quantized_weights_give_about_the_same():
    model = make(units=16, embedding=16)
    inputs, _, _ = array_batch(model)
    expected = np.array(model(inputs))
    model.translate("um")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Layer .* does not have a `quantize` method")
        model.quantize("int8")
    np.testing.assert_allclose(np.array(model(inputs)), expected, atol=0.1 * np.abs(expected).max())
    assert len(model.translate(["um", "gato"], 2)) == 2
    with pytest.raises(ValueError, match="with tie_embeddings, and is not quantized"):
        make(tie_embeddings=True).quantize("int8")


@eagerly()
def test_the_best_translations_of_each_sentence_can_be_returned():
    model = make(max_length=5)
    texts, scores, attention = model.translate(
        ["um gato", "", "mar"], 4, return_scores=True, return_attention=True, num_return_sequences=3
    )
    best, best_scores = model.translate(["um gato", "", "mar"], 4, return_scores=True)
    assert [len(each) for each in texts] == [len(each) for each in scores] == [3, 1, 3]
    assert [each[0] for each in texts] == best
    assert [each[0] for each in scores] == best_scores.tolist()
    assert all((np.diff(each) <= 0).all() for each in scores)
    assert len(set(texts[0])) == 3
    for each, row in zip(attention, texts, strict=True):
        assert [len(weights) for weights in each] == [len(text.split()) for text in row]
    assert model.translate("um gato", num_return_sequences=1) == [model.translate("um gato")]
    with pytest.raises(ValueError, match=r"num_return_sequences is num_beams=2 at most.*Pass num_beams=3"):
        model.translate("um", 2, num_return_sequences=3)


@eagerly()
def test_one_string_is_one_sentence_and_words_of_others_mean_ours(model):
    assert model.translate("um gato") == model.translate(["um gato"]) == model.translate(np.str_("um gato"))
    assert model.translate("um", max_new_tokens=2) == model.translate("um", max_length=2)
    with pytest.raises(ValueError, match="received both"):
        model.translate("um", max_new_tokens=2, max_length=2)
    with pytest.raises(ValueError, match="num_beams is from 1 to 1,024; received 1000000000"):
        model.translate("um", num_beams=10**9)
    with pytest.raises(ValueError, match="max_length is from 1 to 1,048,576"):
        model.translate("um", max_length=10**9)
    with pytest.raises(TypeError, match=r"translate: texts\[1\] is a missing text"):
        model.translate(["um", None])


@pytest.mark.parametrize("value", [None, "a", [1.0]])
def test_a_length_penalty_that_is_no_number_is_named(model, value):
    with pytest.raises(TypeError, match=r"Seq2SeqTranslator.translate: length_penalty is a number; received"):
        model.translate("um", length_penalty=value)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"learning_rate": np.nan}, ValueError, "fit: learning_rate is a finite number, at least 0; received nan"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate is a finite number, at least 0; received inf"),
        ({"learning_rate": -1}, ValueError, "learning_rate is a finite number, at least 0; received -1"),
        ({"learning_rate": "a"}, TypeError, "learning_rate is a number; received"),
        ({"label_smoothing": "a"}, TypeError, "fit: label_smoothing is a number; received str 'a'"),
        ({"label_smoothing": 1.0}, ValueError, "fit: label_smoothing is 0 up to 1; received 1.0"),
        ({"seed": "a"}, TypeError, "fit: seed is a whole number; received"),
        ({"seed": 1.5}, TypeError, "fit: seed is a whole number; received"),
        ({"seed": -1}, ValueError, "fit: seed is at least 0; received -1"),
        ({"validation_freq": 0, "validation_split": 0.5}, ValueError, "validation_freq is at least 1; received 0"),
        ({"validation_steps": "a", "validation_split": 0.5}, TypeError, "validation_steps is a whole number; received"),
    ],
)
def test_numbers_of_fit_that_are_out_of_range_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^Seq2SeqTranslator.*{message}"):
        make().fit(SOURCES, TARGETS, epochs=1, verbose=0, **arguments)


@eagerly()
def test_without_a_seed_the_order_is_another_one_each_time():
    def weights_after(drawn: int) -> list[np.ndarray]:
        model = make()
        model.compile(keras.optimizers.SGD(0.5))
        keras.utils.set_random_seed(drawn)
        model.fit(SOURCES, TARGETS, epochs=1, batch_size=2, verbose=0, seed=None)
        return model.get_weights()

    one, same, other = weights_after(1), weights_after(1), weights_after(2)
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_of_batches_to_read_is_at_least_1(model, size):
    with pytest.raises(ValueError, match=f"Seq2SeqTranslator.evaluate: batch_size is at least 1; received {size}"):
        model.evaluate(SOURCES, TARGETS, batch_size=size)


@pytest.mark.parametrize("wrong", [None, ["a", "b"], "a"])
def test_what_is_no_vocabulary_is_named(wrong):
    right = Vocabulary.from_texts(SOURCES)
    for pair in ((right, wrong), (wrong, right)):
        with pytest.raises(TypeError, match=r"Seq2SeqTranslator: a Vocabulary is expected; received"):
            Seq2SeqTranslator(*pair)


@pytest.mark.parametrize("given", [(SOURCES, TARGETS), [SOURCES, TARGETS], ([[4, 5]], [[2, 4]]), [[4, 5]]])
def test_a_call_on_columns_without_names_is_one_sentence(model, given):
    with pytest.raises(TypeError, match=r"Seq2SeqTranslator: a call takes \{'source': ..., 'target': ...\}"):
        model(given)


@eagerly()
def test_ids_without_targets_are_one_sentence():
    model = make()
    inputs = array_batch(model)[0]
    for call in (model.train_on_batch, model.test_on_batch, lambda x: model.evaluate(x, verbose=0)):
        with pytest.raises(ValueError, match="Seq2SeqTranslator: ids are trained on with their targets, y"):
            call(inputs)


@eagerly()
def test_a_checkpoint_tells_other_weights_from_other_texts(tmp_path):
    arguments = {"epochs": 1, "verbose": 0, "checkpoint": tmp_path}
    make().fit(SOURCES, TARGETS, sample_weight=WEIGHTS, **arguments)
    with pytest.raises(ValueError, match="another run: its sample_weight differ"):
        make().fit(SOURCES, TARGETS, sample_weight=2 * WEIGHTS, **arguments)
    with pytest.raises(ValueError, match="another run: its texts differ"):
        make().fit(SOURCES[::-1], TARGETS, sample_weight=WEIGHTS, **arguments)

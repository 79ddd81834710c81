"""`SkipGram` and `CBOW` take what Keras's models take, in Keras's order; what has no meaning for them is refused."""

import pickle

import keras
import numpy as np
import pandas as pd
import pyarrow
import pytest
import tensorflow as tf

from keras_seqkit import CBOW, GloveEmbedding, SkipGram, Vocabulary
from keras_seqkit.models.word_vectors.word_vector_model import WordVectorModel
from tests.eager import eagerly
from tests.models.word_vector_texts import grouped_texts

TEXTS = grouped_texts(40)
VOCABULARY = Vocabulary.from_texts(TEXTS)
SHORT = {"batch_size": 128, "epochs": 2, "verbose": 0}


def small(kind: type[WordVectorModel], **arguments) -> WordVectorModel:
    return kind(VOCABULARY, **{"dim": 4, "window": 2, "negatives": 2, "subsample": 0.2, **arguments})


def trained(kind: type[WordVectorModel], *given, **arguments) -> np.ndarray:
    model = small(kind)
    with eagerly():
        model.fit(*given, **{**SHORT, **arguments})
    return model.vectors


@pytest.fixture(scope="module", params=[SkipGram, CBOW])
def kind(request) -> type[WordVectorModel]:
    return request.param


@pytest.fixture(scope="module")
def expected(kind) -> np.ndarray:
    return trained(kind, TEXTS)


class Batches(keras.utils.PyDataset):
    """Texts in batches of seven, once or for ever."""

    def __init__(self, endless: bool = False):
        super().__init__()
        self.endless = endless

    @property
    def num_batches(self) -> int | None:
        return None if self.endless else len(range(0, len(TEXTS), 7))

    def __getitem__(self, index: int) -> list[str]:
        place = index * 7 % len(TEXTS)
        return TEXTS[place : place + 7]


def batches_for_ever():
    while True:
        yield from (TEXTS[:20], TEXTS[20:])


class DataLoader:
    """What PyTorch's gives of a dataset of texts, two at a time: a name and a way to go through it."""

    def __iter__(self):
        return (TEXTS[place : place + 2] for place in range(0, len(TEXTS), 2))


def in_tensorflow() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(TEXTS)


@pytest.mark.walk(every=3)
@pytest.mark.parametrize(
    "texts",
    [
        lambda: np.array(TEXTS, object)[:, np.newaxis],
        lambda: pd.Series(TEXTS, index=range(7, 47)),
        lambda: pd.DataFrame({"text": TEXTS}),
        lambda: pyarrow.array(TEXTS),
        lambda: tf.constant(TEXTS),
        in_tensorflow,
        lambda: in_tensorflow().batch(7),
        lambda: (text for text in TEXTS),
        lambda: (TEXTS[place : place + 8] for place in range(0, 40, 8)),
        Batches,
        DataLoader,
    ],
    ids=["matrix", "series", "frame", "arrow", "tensor", "dataset", "batched", "generator", "batches", "py", "loader"],
)
def test_texts_in_any_column_and_any_stream_are_learned_alike(kind, expected, texts):
    np.testing.assert_array_equal(trained(kind, texts()), expected)
    assert trained(kind, TEXTS[:5], validation_data=texts(), epochs=1).any()


@pytest.mark.parametrize(
    ("stream", "steps"),
    [(batches_for_ever, 2), (lambda: in_tensorflow().repeat(), 40), (lambda: in_tensorflow().batch(20).repeat(), 2)],
    ids=["generator", "dataset", "batched"],
)
def test_of_a_stream_without_end_as_many_batches_are_read_as_is_said(kind, expected, stream, steps):
    np.testing.assert_array_equal(trained(kind, stream(), steps_per_epoch=steps), expected)
    model = small(kind)
    with eagerly():
        found = model.fit(TEXTS, validation_data=stream(), validation_steps=steps, **SHORT).history
        again = small(kind).fit(TEXTS, validation_data=TEXTS, **SHORT).history
        assert found == again
        measured = model.evaluate(stream(), steps=steps, verbose=0)
        assert measured == model.evaluate(TEXTS, verbose=0)


@pytest.mark.parametrize("stream", [lambda: in_tensorflow().repeat(), lambda: Batches(endless=True)])
def test_a_stream_that_has_no_end_is_refused(kind, stream):
    for refused in (
        lambda: small(kind).fit(stream(), **SHORT),
        lambda: small(kind).fit(TEXTS, validation_data=stream(), **SHORT),
        lambda: small(kind).evaluate(stream(), verbose=0),
    ):
        with pytest.raises(ValueError, match=rf"^{kind.__name__}.* that has no end. Say with steps_per_epoch"):
            refused()


def test_a_stream_of_labelled_texts_is_refused(kind):
    labelled = in_tensorflow().map(lambda text: (text, 1)).batch(4)
    with pytest.raises(ValueError, match=r"batch 0 holds labels too\. Leave them out"):
        small(kind).fit(labelled, **SHORT)


def test_one_string_is_one_text(kind):
    text = " ".join(TEXTS)
    np.testing.assert_array_equal(trained(kind, text), trained(kind, [text]))


def test_texts_is_another_name_of_the_first_argument(kind, expected):
    np.testing.assert_array_equal(trained(kind, texts=TEXTS), expected)
    with pytest.raises(ValueError, match="texts is another name of x; received both"):
        small(kind).fit(TEXTS, texts=TEXTS)


def test_arguments_stand_in_the_order_of_keras(kind, expected):
    model = small(kind)
    ends = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(sorted(logs)))
    with eagerly():
        model.fit(TEXTS, None, 128, 2, 0, callback, 0.0, TEXTS[:9])
    np.testing.assert_array_equal(model.vectors, expected)
    assert ends == [["loss", "val_loss"]] * 2


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        ((TEXTS, 5), {}, r"order of arguments is Keras's.*received y=5. For epochs pass epochs=5"),
        ((TEXTS, [1] * 40), {}, "have no labels; received y. Leave it out"),
        ((TEXTS,), {"class_weight": {0: 1.0}}, "have no classes; received class_weight"),
        ((TEXTS,), {"sample_weight": [1.0] * 40}, "received sample_weight. Leave it out"),
        ((TEXTS,), {"validation_data": (TEXTS, [1] * 40)}, "have no labels; received y"),
        ((TEXTS,), {"validation_split": 0.01}, "leaves 40 to train on and 0 to measure"),
    ],
    ids=["epochs", "labels", "classes", "weights", "validation", "split"],
)
def test_what_texts_have_not_is_refused(kind, given, arguments, message):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}.fit: .*{message}"):
        small(kind).fit(*given, **arguments)


def test_validation_data_may_be_a_tuple(kind):
    histories = []
    for held_out in (TEXTS[:2], tuple(TEXTS[:2]), (TEXTS[:2],), (TEXTS[:2], None)):
        with eagerly():
            histories.append(small(kind).fit(TEXTS, validation_data=held_out, **SHORT).history)
    assert all(history == histories[0] for history in histories)


@eagerly()
def test_steps_and_epochs_count_as_in_keras(kind):
    model = small(kind)
    model.compile("sgd")
    history = model.fit(
        TEXTS,
        batch_size=16,
        epochs=4,
        initial_epoch=1,
        steps_per_epoch=3,
        validation_data=TEXTS,
        validation_freq=2,
        validation_steps=1,
        validation_batch_size=8,
        verbose=0,
    )
    assert history.epoch == [1, 2, 3]
    assert len(history.history["val_loss"]) == 2
    assert int(model.optimizer.iterations) == 9


def test_epochs_of_few_steps_go_on_in_the_texts_the_same_way_each_time(kind, expected, tmp_path, recwarn):
    steps = len(small(kind).examples(TEXTS).batches(128))
    np.testing.assert_array_equal(trained(kind, TEXTS, steps_per_epoch=steps), expected)
    if kind is SkipGram:
        np.testing.assert_array_equal(trained(kind, TEXTS, epochs=2 * steps, steps_per_epoch=1), expected)
    # Keras reads ahead: what it trained on depended on how far it had come, so once is not enough.
    found = [trained(kind, TEXTS, epochs=5, steps_per_epoch=steps, batch_size=64) for _ in range(3)]
    np.testing.assert_array_equal(found[1:], found[:1] * 2)
    parts = small(kind)
    with eagerly():
        for epochs in (2, 5):  # as if the process had ended in between
            parts = small(kind)
            parts.fit(TEXTS, batch_size=64, epochs=epochs, steps_per_epoch=steps, checkpoint=tmp_path, verbose=0)
    np.testing.assert_array_equal(parts.vectors, found[0])
    assert not [str(each.message) for each in recwarn if "ran out of data" in str(each.message)]


@eagerly()
def test_epochs_from_an_initial_one_on_are_those_of_a_whole_run(kind, expected):
    model = small(kind)
    model.fit(TEXTS, batch_size=128, epochs=1, verbose=0)
    model.fit(TEXTS, batch_size=128, epochs=2, initial_epoch=1, verbose=0)
    np.testing.assert_array_equal(model.vectors, expected)


@eagerly()
def test_without_shuffling_examples_stand_in_the_order_of_the_texts(kind):
    batches = []
    model = small(kind, subsample=0, window=1)
    for shuffle in (False, True):
        pairs = model.examples(["cat feeds", "dog nails", "saw purrs"]).batches(99, shuffle)
        batches.append(pairs[0][0][1][:, 0].tolist())
    words = [VOCABULARY.index(word) for word in ("feeds", "cat", "nails", "dog", "purrs", "saw")]
    assert batches[0] == (words if kind is SkipGram else [words[place] for place in (1, 0, 3, 2, 5, 4)])
    assert batches[1] != batches[0]
    assert sorted(batches[1]) == sorted(batches[0])
    assert (trained(kind, TEXTS, shuffle=False) != trained(kind, TEXTS)).any()


@eagerly()
def test_compiling_keeps_the_loss(kind):
    for arguments in ((), ("adam",), (keras.optimizers.SGD(0.5),)):
        model = small(kind)
        model.compile(*arguments)
        assert "loss" in model.fit(TEXTS, **SHORT).history
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    model.compile(keras.optimizers.SGD(0.5), metrics=["accuracy"])
    assert set(model.fit(TEXTS, **SHORT).history) == {"loss", "accuracy"}
    assert set(model.evaluate(TEXTS, verbose=0, return_dict=True)) == {"loss", "accuracy"}


@eagerly()
def test_evaluate_measures_the_pairs_of_texts(kind):
    model = small(kind, subsample=0)
    model.fit(TEXTS, **SHORT)
    loss = model.evaluate(TEXTS, verbose=0)
    assert loss == model.evaluate(TEXTS, batch_size=10**6, verbose=0) == model.evaluate(in_tensorflow(), verbose=0)
    inputs, signs = model.examples(TEXTS).batches(10**6, epoch=1)[0]  # Keras ends an epoch before it begins the first
    assert loss == pytest.approx(model.evaluate(inputs, signs, batch_size=10**6, verbose=0))
    with pytest.raises(ValueError, match=rf"^{kind.__name__}.evaluate: no text has two words"):
        model.evaluate(["cat"], verbose=0)


@pytest.mark.parametrize("method", ["__call__", "predict", "predict_on_batch", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    "given",
    [["cat"], "cat", ("cat", "dog"), tf.constant(["cat"]), np.array([4, 5]), [4, 5, 6]],
    ids=["list", "string", "tuple", "tensor", "ids", "numbers"],
)
def test_where_the_network_takes_pairs_the_error_says_what_gives_vectors(kind, method, given):
    message = rf"^{kind.__name__}: its network takes ids, \(words, candidates\).*vector\(word\), wv\[words\]"
    with pytest.raises(ValueError, match=message):
        getattr(small(kind), method)(given)


@eagerly()
def test_the_network_takes_pairs_of_arrays_lists_and_tensors(kind):
    model = small(kind)
    model.fit(TEXTS, **SHORT)
    (words, candidates), signs = model.examples(TEXTS).batches(8)[0]
    scores = np.asarray(model((words, candidates)))
    assert scores.shape == (8, 3)
    for given in (
        (words.tolist(), candidates.tolist()),
        [tf.constant(words), tf.constant(candidates)],
    ):
        np.testing.assert_array_equal(np.asarray(model(given)), scores)
    for given in ((words, candidates), (tf.constant(words), tf.constant(candidates))):
        np.testing.assert_array_equal(model.predict(given, verbose=0), scores)
        np.testing.assert_array_equal(np.asarray(model.predict_on_batch(given)), scores)
    before = model.test_on_batch((words, candidates), signs)
    model.train_on_batch((words, candidates), signs)
    assert model.test_on_batch((words, candidates), signs) < before
    (tf_words, tf_candidates) = (tf.constant(words), tf.constant(candidates))
    assert model.evaluate((tf_words, tf_candidates), signs, verbose=0) < before


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_computes_in_it_and_learns(kind, policy):
    model = small(kind, dtype=policy)
    with eagerly():
        history = model.fit(TEXTS, batch_size=64, epochs=6, learning_rate=0.03, verbose=0).history["loss"]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)
    with eagerly():
        assert model.predict_from(np.full((1, 2) if kind is CBOW else 1, 4)).dtype == policy.removeprefix("mixed_")
    assert history[-1] < history[0]
    assert model.vectors.dtype == np.float32
    assert len(model.most_similar("cat", top_n=3)) == 3


def test_it_compiles_with_xla(kind, expected):
    model = small(kind)
    model.compile("adam", jit_compile=True)
    model.optimizer.learning_rate = 0.01
    model.fit(TEXTS, **SHORT)
    np.testing.assert_allclose(model.vectors, expected, atol=1e-4)  # sums in another order, through 12 steps of Adam


def test_a_summary_knows_every_layer(kind):
    lines: list[str] = []
    model = small(kind)
    model.summary(print_fn=lambda text, **_: lines.append(text))
    text = "\n".join(lines)
    assert "unbuilt" not in text
    assert f"Total params: {2 * len(VOCABULARY) * 4}" in text


@eagerly()
def test_it_is_pickled_and_cloned_with_the_same_answers(kind):
    model = small(kind)
    model.fit(TEXTS, **SHORT)
    pickled = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(pickled.vectors, model.vectors)
    assert pickled.optimizer.iterations == model.optimizer.iterations
    cloned = keras.models.clone_model(model)
    assert cloned.get_config() == model.get_config()
    np.testing.assert_array_equal(cloned.vectors, small(kind).vectors)


@eagerly()
def test_a_loaded_model_trains_on_as_the_saved_one_does(kind, tmp_path):
    model = small(kind)
    model.fit(TEXTS, **SHORT)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(TEXTS, **SHORT)
    np.testing.assert_array_equal(loaded.vectors, model.vectors)


def test_keras_exports_the_network(kind, tmp_path):
    model = small(kind)
    with eagerly():
        model.fit(TEXTS, **SHORT)
    model.export(tmp_path / "saved", verbose=False)
    inputs, _ = model.examples(TEXTS).batches(8)[0]
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(saved.serve(inputs), model.predict(inputs, verbose=0), atol=1e-6)
    with pytest.raises(ValueError, match=r"GloveEmbedding\(model.vocabulary, model\)"):
        model.export(tmp_path / "model.onnx", format="onnx")


def test_eight_bits_hold_nearly_the_same_vectors_and_are_saved(kind, tmp_path):
    model = small(kind)
    with eagerly():
        model.fit(TEXTS, **SHORT)
        before = model.vectors
        model.quantize("int8")
    assert model.vectors.shape == before.shape
    np.testing.assert_allclose(model.vectors, before, atol=float(np.abs(before).max()) / 100)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras").vectors, model.vectors)
    with pytest.raises(ValueError, match=r"the vectors are quantized, 'int8', and train no more\. Train first"):
        model.fit(TEXTS, **SHORT)
    copied = keras.models.clone_model(small(kind))
    copied.quantize("int4")
    assert copied.vectors.shape == before.shape


@eagerly()
def test_a_run_goes_on_where_it_was_killed(kind, expected, tmp_path):
    def killed(epoch, logs):
        raise KeyboardInterrupt

    settings = {**SHORT, "checkpoint": tmp_path}
    stops = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: killed(epoch, logs) if epoch else None)
    with pytest.raises(KeyboardInterrupt):
        small(kind).fit(TEXTS, callbacks=stops, **settings)
    again = small(kind)
    history = again.fit(TEXTS, **settings)
    np.testing.assert_array_equal(again.vectors, expected)
    whole = small(kind).fit(TEXTS, **SHORT)
    assert history.epoch == whole.epoch == [0, 1]
    assert history.history == whole.history
    for other in (
        {"texts": TEXTS[1:]},
        {"texts": TEXTS, "seed": 1},
        {"texts": TEXTS, "learning_rate": 0.1},
        {"texts": TEXTS, "batch_size": 99},
        {"texts": TEXTS, "validation_data": TEXTS[:9]},
        {"texts": TEXTS, "steps_per_epoch": 1},
    ):
        with pytest.raises(ValueError, match="holds another run"):
            small(kind).fit(**{**settings, **other})
    with pytest.raises(ValueError, match="holds another run: its model"):
        small(kind, window=1).fit(TEXTS, **settings)


def test_a_learning_rate_beside_a_schedule_is_refused(kind):
    model = small(kind)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)))
    with pytest.raises(ValueError, match=r"has a schedule of learning rates; received learning_rate=0\.1"):
        model.fit(TEXTS, learning_rate=0.1, **SHORT)


def test_its_vectors_begin_another_model_in_half_precision_too(kind):
    model = small(kind, dtype="mixed_bfloat16")
    layer = GloveEmbedding(VOCABULARY, model)
    np.testing.assert_array_equal(layer.get_weights()[0], model.vectors)

"""BidirectionalStack as a Keras layer: configs, files, models, names, arguments."""

import doctest
import inspect
import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_seqkit.layers.bidirectional_stack import BidirectionalStack
from tests.layers.arrays import assert_same, flat, normal, randomize

SAME_GRAPH = 1e-6  # same float32 operations in the same order: only kernels chosen by shape may differ
COMPILED = 1e-5  # float32, traced into a graph: operations are fused, sums in another order

BATCH, TIME, DIM = 4, 4, 3


def made(units=(2, 3), shape=(BATCH, TIME, DIM), **arguments) -> BidirectionalStack:
    stack = BidirectionalStack(units, **arguments)
    stack.build(shape)
    randomize(stack)
    return stack


ARGUMENTS = [
    {"units": 3},
    {"units": (2, 3), "cell": ("gru", "lstm"), "merge_mode": "ave", "return_sequences": True, "residual": True},
    {"units": (2, 2), "return_state": True, "merge_mode": None, "dropout": 0.25, "recurrent_dropout": 0.5},
    {
        "units": (2, 3),
        "cell": ("gru", "lstm"),
        "layer_norm": True,
        "reset_after": False,
        "unit_forget_bias": False,
        "use_cudnn": False,
        "seed": 3,
        "activation": keras.activations.relu,
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.5),
        "recurrent_regularizer": keras.regularizers.L2(0.01),
        "bias_constraint": keras.constraints.MaxNorm(2),
        "name": "encoder",
        "dtype": "mixed_float16",
    },
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_the_config_survives_json(arguments):
    stack = BidirectionalStack(**arguments)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(stack)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == stack.get_config()
    named = set(inspect.signature(BidirectionalStack.__init__).parameters) - {"self", "kwargs"}
    assert named | set(arguments) <= set(stack.get_config())
    assert [getattr(again, name) for name in sorted(named)] == [getattr(stack, name) for name in sorted(named)]
    for layer, other in zip(stack.recurrent_layers, again.recurrent_layers, strict=True):
        mine, others = layer.forward_layer, other.forward_layer
        assert mine.get_config() == others.get_config()
        assert getattr(mine, "use_cudnn", None) == getattr(others, "use_cudnn", None)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_saved_model_gives_the_same_output(arguments, tmp_path):
    model = keras.Sequential([keras.Input((None, DIM)), keras.layers.Masking(), BidirectionalStack(**arguments)])
    randomize(model)
    x = np.where(np.tri(BATCH, TIME)[:, :, None], normal(BATCH, TIME, DIM), 0.0)  # lengths 1 to 4
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert_same(again(x), model(x), SAME_GRAPH)
    names = [[weight.path.partition(f"{one.layers[-1].name}/")[2] for weight in one.weights] for one in (model, again)]
    assert names[0] == names[1]


@keras.saving.register_keras_serializable(package="test_bidirectional_stack")
class Classifier(keras.Model):
    """A subclassed model, which Keras builds by its first call."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embed = keras.layers.Embedding(9, DIM, mask_zero=True)
        self.stack = BidirectionalStack(2, return_sequences=True, residual=True)
        self.pool = keras.layers.GlobalAveragePooling1D()
        self.head = keras.layers.Dense(2)

    def call(self, ids):
        return self.head(self.pool(self.stack(self.embed(ids))))


def translator() -> keras.Model:
    """A functional model where an encoder's states start a decoder."""
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    embed = keras.layers.Embedding(9, DIM, mask_zero=True)
    _, *states = BidirectionalStack((2, 2), return_state=True)(embed(source))
    output = BidirectionalStack((2, 2), return_sequences=True, residual=True)(embed(target), initial_state=states)
    return keras.Model([source, target], output)


IDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 7, 8]], "int32")


def test_a_subclassed_model_trains_compiled_and_comes_back_from_its_file(tmp_path):
    model = Classifier()
    model.compile("sgd", "mse", jit_compile="auto")
    model.fit(IDS, np.ones((3, 2)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(again(IDS), model(IDS), SAME_GRAPH)


def test_a_functional_model_with_states_is_cloned_and_comes_back_from_its_file(tmp_path):
    model = translator()
    randomize(model)
    expected = model([IDS, IDS[::-1]])
    assert np.all(flat(expected)[0][IDS[::-1] == 0] == 0)
    model.save(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for again in (keras.saving.load_model(tmp_path / "model.keras"), clone):
        assert_same(again([IDS, IDS[::-1]]), expected, SAME_GRAPH)


def test_one_model_serves_any_batch_and_length():
    model = keras.Sequential([keras.Input((None, DIM)), made(cell=("lstm", "gru"), return_sequences=True)])
    for shape in ((1, 1, DIM), (3, 7, DIM)):
        x = normal(*shape)
        assert_same(model.predict(x, verbose=0), model.layers[-1](x), COMPILED)


def test_cudnn_stays_possible_by_default_as_for_plain_keras_layers():
    stack = BidirectionalStack((2, 3), cell=("lstm", "gru"), residual=True, layer_norm=True)
    for layer, plain in zip(stack.recurrent_layers, (keras.layers.LSTM, keras.layers.GRU), strict=True):
        assert type(layer) is keras.layers.Bidirectional
        for direction in (layer.forward_layer, layer.backward_layer):
            assert type(direction) is plain
            assert direction.use_cudnn == "auto"
            assert direction.recurrent_dropout == 0
            assert direction.supports_jit == plain(2).supports_jit  # Keras's own answer to: may cuDNN run here?
    assert stack.recurrent_layers[1].forward_layer.reset_after


def test_children_and_weights_have_readable_stable_names():
    stack = made((2, 3), cell=("lstm", "gru"), layer_norm=True, residual=True, name="encoder")
    assert [layer.name for layer in stack.recurrent_layers] == ["lstm_0", "gru_1"]
    assert [layer.name for layer in stack.norms] == ["norm_0", "norm_1"]
    paths = [weight.path for weight in stack.trainable_weights]
    assert "encoder/lstm_0/forward_lstm_0/lstm_cell/kernel" in paths
    assert "encoder/gru_1/backward_gru_1/gru_cell/recurrent_kernel" in paths
    assert "encoder/projection_0/kernel" in paths


def test_every_recurrent_argument_reaches_each_layer_whose_cell_knows_it():
    stack = BidirectionalStack(
        (2, 2, 2),
        cell=("gru", "lstm", "simple_rnn"),
        reset_after=False,
        unit_forget_bias=False,
        use_bias=False,
        activation="relu",
        kernel_regularizer="l2",
        unroll=True,
        dropout=0.1,
        recurrent_dropout=0.2,
    )
    for layer in stack.recurrent_layers:
        for direction in (layer.forward_layer, layer.backward_layer):
            assert not direction.use_bias
            assert direction.activation is keras.activations.relu
            assert isinstance(direction.kernel_regularizer, keras.regularizers.L2)
            assert direction.unroll
            assert (direction.dropout, direction.recurrent_dropout) == (0.1, 0.2)
    gru, lstm, _ = (layer.backward_layer for layer in stack.recurrent_layers)
    assert not gru.reset_after
    assert not lstm.unit_forget_bias


def test_layers_of_one_shape_start_with_different_weights():
    stack = BidirectionalStack((2, 2), merge_mode="sum", kernel_initializer=keras.initializers.GlorotUniform())
    stack.build((None, None, 2))
    kernels = [weight.numpy() for weight in stack.weights if weight.path.endswith("/kernel")]
    assert len(kernels) == 4
    for a, b in itertools.combinations(kernels, 2):
        assert (a != b).all()


def test_a_frozen_stack_does_not_train():
    stack = BidirectionalStack((2, 2), residual=True, layer_norm=True, trainable=False)
    model = keras.Sequential([keras.Input((None, DIM)), stack])
    assert model.trainable_weights == []
    stack.trainable = True
    assert len(model.trainable_weights) == 17  # 2 layers x 2 directions x 3, 2 norms x 2, 1 projection


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cell": "lstm", "reset_after": False}, ["'reset_after'", "'lstm'", "belongs to 'gru'"]),
        ({"cell": "simple_rnn", "recurrent_activation": "tanh"}, ["'recurrent_activation'", "'simple_rnn'"]),
        ({"cell": ("gru", "simple_rnn"), "unit_forget_bias": True}, ["'unit_forget_bias'", "'gru' or 'simple_rnn'"]),
        ({"kernel_initialiser": "zeros"}, ["'kernel_initialiser'", "no cell", "'kernel_initializer'"]),
        ({"cell": "rnn"}, ["'rnn'", "'simple_rnn'"]),
        ({"cell": ("lstm",)}, ["('lstm',)", "2 of them"]),
        ({"cell": None}, ["None"]),
        ({"units": ()}, ["units", "()"]),
        ({"units": (4, 0)}, ["(4, 0)"]),
        ({"units": 2.5}, ["2.5"]),
        ({"units": (True, 2)}, ["(True, 2)"]),
        ({"merge_mode": "max"}, ["'max'", "'concat'"]),
        ({"merge_mode": None, "residual": True}, ["merge_mode", "residual"]),
        ({"merge_mode": None, "layer_norm": True}, ["merge_mode", "layer_norm"]),
        ({"units": 4, "residual": True}, ["residual", "return_sequences=True"]),
        ({"dropout": 1.0}, ["dropout", "1.0"]),
        ({"recurrent_dropout": -0.1}, ["recurrent_dropout", "-0.1"]),
        ({"stateful": True}, ["stateful", "initial_state"]),
        ({"go_backwards": True}, ["go_backwards"]),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_received(arguments, words):
    with pytest.raises(ValueError, match="BidirectionalStack") as error:
        BidirectionalStack(**arguments)
    assert [word for word in words if word not in str(error.value)] == []


@pytest.mark.parametrize("states", [[np.zeros((BATCH, 2), "float32")] * 3, np.zeros((8, BATCH, 2), "float32")])
def test_a_wrong_number_of_initial_states_is_named(states):
    with pytest.raises(ValueError, match=r"must list 8 tensors.*\[4, 4\].*'lstm_0'.*received (3|no list)"):
        made()(normal(BATCH, TIME, DIM), initial_state=states)


def test_the_examples_on_the_page_about_masking_are_true():
    page = Path(__file__).resolve().parents[2] / "docs" / "masking.md"
    failed, attempted = doctest.testfile(str(page), module_relative=False)
    assert attempted > 10
    assert failed == 0

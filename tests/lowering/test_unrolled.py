"""Layers that Keras unrolls: the same operators, and what Keras's unrolled loop gives on masked steps."""

import keras
import numpy as np
import pytest
from seqkit_onnx.conversion import convert
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import CELLS, MASKS, masked_ids, randomize_weights
from tests.lowering.test_native_recurrence import LOOPS, TOLERANCE, run

LAYERS = keras.layers
TIME = 6
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"return_sequences": True, "go_backwards": True},
    {"return_sequences": True, "go_backwards": True, "zero_output_for_mask": True},
    {"go_backwards": True, "zero_output_for_mask": True},
]


def assert_equal_under_every_mask(network, right_padded: bool) -> None:
    keras.utils.clear_session()
    ids = keras.Input((TIME,), dtype="int32", name="ids")
    model = keras.Model(ids, network(LAYERS.Embedding(9, 3, mask_zero=True)(ids)), name="model")
    randomize_weights(model)
    proto = convert(model, model_signature(model), right_padded_inputs=("ids",) if right_padded else ())
    assert not LOOPS.intersection(node.op_type for node in proto.graph.node)
    for mask in ("none", "right", "all_masked") if right_padded else MASKS:
        values = masked_ids(mask, 3, TIME)
        for ours, theirs in zip(run(proto, ids=values), keras.tree.flatten(model(values)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=f"{mask} {values.tolist()}")


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("right_padded", [False, True])
def test_an_unrolled_layer_gives_what_keras_gives(options: dict, right_padded: bool):
    layer, own = CELLS["gru"]
    assert_equal_under_every_mask(layer(4, unroll=True, **own, **options), right_padded)


@pytest.mark.walk(every=5)
@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("right_padded", [False, True])
def test_both_unrolled_directions_give_what_keras_gives(merge_mode, return_sequences: bool, right_padded: bool):
    layer = LAYERS.LSTM(4, unroll=True, return_sequences=return_sequences)
    assert_equal_under_every_mask(LAYERS.Bidirectional(layer, merge_mode=merge_mode), right_padded)

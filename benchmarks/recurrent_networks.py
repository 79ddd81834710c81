"""The same recurrent network four times, with the same weights, for `recurrent_export.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import seqkit_onnx
import tensorflow as tf
import torch

VOCAB = 1000
KERAS_LAYERS = {"LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU, "SimpleRNN": keras.layers.SimpleRNN}
TORCH_LAYERS = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "SimpleRNN": torch.nn.RNN}
KERAS_GATES = {"LSTM": "ifco", "GRU": "zrh", "SimpleRNN": "h"}
TORCH_GATES = {"LSTM": "ifco", "GRU": "rzh", "SimpleRNN": "h"}
Runner = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Network:
    """What varies from network to network.

    Args:
        cell: ``"LSTM"``, ``"GRU"`` or ``"SimpleRNN"``.
        masked: whether id 0 is padding.
        directions: 1 or 2.
        units: of each direction, and of the embedding.
        sequences: whether the outputs of all steps are wanted, or the last alone.
    """

    cell: str
    masked: bool
    directions: int
    units: int
    sequences: bool = False

    def keras_model(self) -> keras.Model:
        """Ids int32 (batch, time) -> Embedding -> the layer."""
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32", name="ids")
        layer = KERAS_LAYERS[self.cell](self.units, return_sequences=self.sequences)
        if self.directions == 2:
            layer = keras.layers.Bidirectional(layer)
        embedding = keras.layers.Embedding(VOCAB, self.units, mask_zero=self.masked)
        model = keras.Model(ids, layer(embedding(ids)))
        random = np.random.default_rng(0)
        scale = 1 / np.sqrt(self.units)
        model.set_weights([random.uniform(-scale, scale, weight.shape).astype(np.float32) for weight in model.weights])
        return model


def runners(network: Network, folder: Path) -> dict[str, Runner]:
    """Returns what is compared, by name; each takes ids (batch, time)."""
    model = network.keras_model()
    candidates = {
        "ours": _ours(model, folder / "ours.onnx"),
        "Keras's export": _keras_export(model, folder / "keras.onnx"),
        "tf.function": _tf_function(model),
        "PyTorch": _pytorch(model, network),
    }
    if network.cell != "LSTM":  # which stays an operator
        candidates["ours as Scan"] = _ours(model, folder / "scan.onnx", recurrence="scan")
    candidates["ours, auto"] = _ours(model, folder / "auto.onnx", recurrence="auto")
    return candidates


def _session(path: Path) -> Runner:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda ids: session.run(None, {name: ids})[0]


def _ours(model: keras.Model, path: Path, **options: str) -> Runner:
    seqkit_onnx.export(model, path, text=False, **options)
    return _session(path)


def _keras_export(model: keras.Model, path: Path) -> Runner:
    model.export(str(path), format="onnx", verbose=False)
    return _session(path)


def _tf_function(model: keras.Model) -> Runner:
    function = tf.function(
        lambda ids: model(ids, training=False), input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    return lambda ids: function(ids).numpy()


def _pytorch(model: keras.Model, network: Network) -> Runner:
    table, *weights = model.get_weights()
    embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(table))
    layer = TORCH_LAYERS[network.cell](
        network.units, network.units, batch_first=True, bidirectional=network.directions == 2
    )
    suffixes = ["l0", "l0_reverse"][: network.directions]
    for index, suffix in enumerate(suffixes):
        _copy_weights(layer, suffix, network.cell, weights[3 * index : 3 * index + 3])
    layer.eval()
    return lambda ids: _run_pytorch(network, embedding, layer, ids)


def _copy_weights(layer: Any, suffix: str, cell: str, weights: list[np.ndarray]) -> None:
    kernel, recurrent_kernel, bias = weights
    rows = np.atleast_2d(bias)
    for name, weight in (
        ("weight_ih", kernel),
        ("weight_hh", recurrent_kernel),
        ("bias_ih", rows[0]),
        ("bias_hh", rows[1] if len(rows) == 2 else np.zeros_like(rows[0])),
    ):
        by_gate = dict(zip(KERAS_GATES[cell], np.split(weight, len(KERAS_GATES[cell]), axis=-1), strict=True))
        gates = np.concatenate([by_gate[gate] for gate in TORCH_GATES[cell]], axis=-1)
        getattr(layer, f"{name}_{suffix}").data = torch.from_numpy(np.ascontiguousarray(gates.T))


def _run_pytorch(network: Network, embedding: Any, layer: Any, ids: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        tensor = torch.from_numpy(ids)
        x = embedding(tensor)  # (batch, time, units)
        if network.masked:
            lengths = (tensor != 0).sum(1)
            x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, states = layer(x)
        if network.sequences:
            if network.masked:
                y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=ids.shape[1])
            return y.numpy()
        final = states[0] if network.cell == "LSTM" else states  # (directions, batch, units)
        return final.transpose(0, 1).reshape(len(ids), -1).numpy()

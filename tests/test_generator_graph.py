"""The graph of a generator's file: native operators, each layer once a step, weights once, as many steps as needed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import seqkit_onnx

from keras_seqkit import TextGenerator
from tests.generators import biased, generator
from tests.onnx_graphs import count_of, graphs_of

PROMPTS = ["ab", "", "a" * 40, "zz Z\n"]
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}


@pytest.fixture(scope="module")
def model() -> TextGenerator:
    return generator()


@pytest.fixture(scope="module")
def path(model, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("generator") / "writer.onnx"
    seqkit_onnx.export(model, path, verify=False)
    return str(path)


def loop_bodies(graph: onnx.GraphProto, operator: str) -> list[onnx.GraphProto]:
    """The innermost bodies that run the network."""
    return [each for each in graphs_of(graph) if each is not graph and count_of(each, operator)]


@pytest.mark.parametrize("cell", OPERATORS)
def test_a_step_runs_each_layer_once_and_the_prompt_is_read_in_one_call(cell, tmp_path):
    model = generator(cell, units=(7, 6, 5))
    seqkit_onnx.export(model, tmp_path / "writer.onnx", verify=False)
    proto = onnx.load(tmp_path / "writer.onnx")
    onnx.checker.check_model(proto, full_check=True)
    assert count_of(proto.graph, OPERATORS[cell]) == 3
    bodies = loop_bodies(proto.graph, OPERATORS[cell])
    assert len(bodies) == 2  # with top-k and top-p, and without
    for body in bodies:
        assert count_of(body, OPERATORS[cell]) == 3
        assert not body.initializer
        assert not {"Constant", "Loop", "Scan"}.intersection(node.op_type for node in body.node)
    weights = [tensor.name for tensor in proto.graph.initializer if np.prod(tensor.dims) >= 20]
    per_layer = [f"writer/{cell}_{layer}/{weight}" for layer in range(3) for weight in "WR"]
    assert set(per_layer) <= set(weights)
    arrays = [
        onnx.numpy_helper.to_array(tensor).tobytes() for tensor in proto.graph.initializer if tensor.name in weights
    ]
    assert len(set(arrays)) == len(arrays)  # each weight once, the embedding too


def runs_of_layers(path: Path, feeds: dict[str, Any], folder: Path) -> int:
    """How often recurrent operators ran."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.enable_profiling = 3, True
    options.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    session.run(
        None, {"prompt": np.array(["ab", "ba"], object), **{name: np.array(value) for name, value in feeds.items()}}
    )
    events = json.loads(Path(session.end_profiling()).read_text())
    return sum(
        event.get("args", {}).get("op_name") == "LSTM" and event["name"].endswith("_kernel_time") for event in events
    )


def test_it_stops_when_all_texts_have_ended(tmp_path):
    ending = biased(generator(), "[END]", 50.0)
    seqkit_onnx.export(ending, tmp_path / "writer.onnx", verify=False)
    assert seqkit_onnx.load(tmp_path / "writer.onnx").generate(PROMPTS, max_new_tokens=100_000) == PROMPTS
    assert (
        runs_of_layers(tmp_path / "writer.onnx", {"max_new_tokens": 100_000}, tmp_path) == 2 + 2
    )  # two layers: the prompt, and a step


def test_it_writes_as_many_steps_as_the_longest_text(model, path, tmp_path):
    lengths = [len(text) for text in model.generate(["ab", "ba"], 60, seed=6, strip_prompt=True)]
    assert lengths[0] != lengths[1]
    runs = runs_of_layers(path, {"max_new_tokens": 60, "seed": 6}, tmp_path)
    assert runs == 2 + 2 * min(60, max(lengths) + 1)


def test_the_file_is_the_same_each_time(path, model, tmp_path):
    for number in range(3):  # tf2onnx's own order is another one about every third time
        again = str(tmp_path / f"again{number}.onnx")
        seqkit_onnx.export(model, again, verify=False)
        assert _operators(onnx.load(again).graph) == _operators(onnx.load(path).graph)
        assert _weights(again) == _weights(path)


def _operators(graph: onnx.GraphProto) -> list[list[str]]:
    return [[node.op_type for node in each.node] for each in graphs_of(graph)]


def _weights(path: str) -> list[str]:
    return [each.name for each in onnx.load(path).graph.initializer if each.name.startswith("writer/")]

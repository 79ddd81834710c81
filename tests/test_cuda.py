"""On a GPU: the same answers, and every recurrent node on it. Without one, these tests say so and are skipped."""

import json

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from seqkit_onnx.conversion import convert
from seqkit_onnx.passes.cuda_placement import nodes_kept_on_cpu
from seqkit_onnx.tracing.signature import model_signature

from tests.cases import CASES, MASKS, masked_ids

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
RECURRENT = {"LSTM", "GRU", "RNN"}
TOLERANCE = 1e-4  # cuDNN sums in another order, and may round products to TF32, which has 10 bits


def opens_on_a_gpu() -> bool:
    """Whether onnxruntime has the CUDA provider, and it opens a model."""
    if CUDA not in onnxruntime.get_available_providers():
        return False
    text = '<ir_version: 9, opset_import: ["": 20]> g (float[n] x) => (float[n] y) {y = Tanh(x)}'
    content = onnx.parser.parse_model(text).SerializeToString()
    return CUDA in onnxruntime.InferenceSession(content, providers=[CUDA, CPU]).get_providers()


needs_cuda = pytest.mark.skipif(
    not opens_on_a_gpu(), reason=f"onnxruntime {onnxruntime.__version__} has no {CUDA} that opens a model here"
)


def providers_of_nodes(session: onnxruntime.InferenceSession) -> dict[str, str]:
    """The provider that ran each node, from onnxruntime's profile."""
    with open(session.end_profiling()) as file:
        events = json.load(file)
    return {
        event["name"].removesuffix("_kernel_time"): event["args"]["provider"]
        for event in events
        if event.get("cat") == "Node" and "provider" in event.get("args", {})
    }


@needs_cuda
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_on_cuda_the_answers_are_the_same_and_recurrence_runs_there(case, tmp_path):
    model = case.model()
    proto = convert(model, model_signature(model))
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, [CUDA, CPU])
    for mask in MASKS:
        ids = masked_ids(mask, 3, 7)
        for ours, theirs in zip(session.run(None, {"ids": ids}), keras.tree.flatten(model(ids)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=mask)
    expected_on_cpu = {node.name for node in nodes_kept_on_cpu(proto)}
    ran = providers_of_nodes(session)
    for node in proto.graph.node:
        if node.op_type in RECURRENT:
            expected = CPU if node.name in expected_on_cpu else CUDA
            assert ran[node.name] == expected, f"{node.name} ran on {ran[node.name]}"

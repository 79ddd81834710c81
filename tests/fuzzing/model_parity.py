"""Compares a described model with its export: answers, operators, warnings."""

import traceback
import warnings
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from seqkit_onnx.conversion import convert
from seqkit_onnx.metadata import declare_operator_sets
from seqkit_onnx.recurrence.choice_by_rows import ScanFrom, never
from seqkit_onnx.tracing.signature import model_signature

from tests.fuzzing.described_models import build
from tests.fuzzing.model_descriptions import Description, MaskZeros, walk
from tests.fuzzing.operator_counts import expect_loops, node_bound, recurrent_operators
from tests.fuzzing.random_inputs import inputs_of

# float32 sums taken in another order: about 1e-7 a step, over 8 steps and 4 layers, some of which normalize.
TOLERANCE = 1e-5
LOOPS = {"Loop", "Scan", "If"}
RECURRENT = {"LSTM", "GRU", "RNN"}
REARRANGING = {"TopK", "GatherND"}  # not CumSum, which looks for missing values too


@dataclass(frozen=True)
class Verdict:
    """What came of a model.

    Args:
        kind: "equal"; "refused": with an error that names the layer; "different": other answers than Keras's, or
            not the operators that are due; "crashed": any other error of the export or of onnxruntime; "invalid":
            Keras itself cannot run the model, so it should not have been drawn.
        message: what there is to say.
        facts: figures of an export that succeeded.
    """

    kind: str
    message: str = ""
    facts: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether someone has to look into it."""
        return self.kind not in ("equal", "refused")


def check(description: Description) -> Verdict:
    """Builds a model, exports it, and runs both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, inputs = build(description)
            feeds = [inputs_of(description, inputs, run) for run in description.runs]
            expected = [_keras_answers(model, description, feed) for feed in feeds]
        except Exception:  # noqa: BLE001  # whatever Keras raises is reported
            return Verdict("invalid", _last_lines())
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            signature = model_signature(model, _signature(description, inputs))
            proto = convert(model, signature, "all" if description.right_padded else (), _scan_from(description))
        declare_operator_sets(proto)
        onnx.checker.check_model(proto, full_check=True)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        answers = _answers(session, feeds, len(expected[0]))
    except ValueError as error:
        return Verdict("refused" if str(error).startswith("export:") else "crashed", _last_lines())
    except Exception:  # noqa: BLE001  # a fuzzer goes on
        return Verdict("crashed", _last_lines())
    said = [str(each.message) for each in caught if str(each.message).startswith("export:")]
    problems = [
        *_differences(description, answers, expected),
        *_unexpected_operators(description, proto),
        *_unexpected_warnings(description, said),
    ]
    if problems:
        problems += _keras_against_itself(model, description, feeds, expected)
        problems += _distances_from_float64(model, description, feeds, expected, answers)
    return Verdict("different" if problems else "equal", "\n".join(problems), _facts(proto))


def _scan_from(description: Description) -> ScanFrom:
    """From how many rows on a `Scan` is run: in every other model that has one, two."""
    if not description.scanned:
        return never
    return lambda *_: 0 if len(description.nodes) % 2 else 2


def _signature(description: Description, inputs: dict[str, Any]) -> Any:
    if description.form != "subclassed":
        return None
    specs = {
        name: keras.layers.InputSpec(shape=tuple(each.shape), dtype=each.dtype, name=name)
        for name, each in inputs.items()
    }
    return specs if len(specs) > 1 else specs["x"]


def _keras_answers(call: Any, description: Description, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    values = feed["x"] if len(feed) == 1 else feed if description.form == "subclassed" else list(feed.values())
    answers = [np.asarray(keras.ops.convert_to_numpy(each)) for each in keras.tree.flatten(call(values))]
    if not all(np.isfinite(each).all() for each in answers):
        raise FloatingPointError("Keras's answers are not finite")
    return answers


def _keras_against_itself(model: keras.Model, description: Description, feeds: list, expected: list) -> list[str]:
    """Says where Keras answers otherwise in a traced graph: then there is no right answer to compare with."""
    if description.source.batch:
        return []  # what stateful layers keep has changed
    traced = [_keras_answers(tf.function(model), description, feed) for feed in feeds]
    return [f"Keras in a graph and Keras eager: {line}" for line in _differences(description, traced, expected)]


def _distances_from_float64(
    model: keras.Model, description: Description, feeds: list, expected: list, answers: list
) -> list[str]:
    """Says how far Keras and the file are from Keras in float64: some models multiply what float32 rounds off."""
    if description.source.batch:
        return []  # what stateful layers keep has changed
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        exact, _ = build(description)
        doubles = [{name: np.asarray(x, "float64" if x.dtype.kind == "f" else x.dtype) for name, x in feed.items()}
                   for feed in feeds]  # fmt: skip
        _keras_answers(exact, description, doubles[0])  # a subclassed model has its weights then
        exact.set_weights(model.get_weights())
        right = [_keras_answers(exact, description, feed) for feed in doubles]
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
    lines = []
    for name, given in (("Keras", expected), ("the file", answers)):
        pairs = [pair for run in zip(given, right, strict=True) for pair in zip(*run, strict=False)]
        same = [(mine, theirs) for mine, theirs in pairs if mine.shape == theirs.shape]  # other shapes are said already
        farthest = max((float(np.abs(mine - theirs).max(initial=0.0)) for mine, theirs in same), default=0.0)
        lines.append(f"from Keras in float64, {name} differs by {farthest:.3g} at most")
    return lines


def _answers(session: onnxruntime.InferenceSession, feeds: list[dict], count: int) -> list[list[np.ndarray]]:
    """Runs the file; what a stateful layer ends with in one run, it begins with in the next."""
    kept = [value.name for value in session.get_inputs() if value.name not in feeds[0]]
    sizes = [value.shape[1] for value in session.get_inputs() if value.name in kept]
    states = [np.zeros((len(feeds[0]["x"]), size), np.float32) for size in sizes]
    answers = []
    for feed in feeds:
        outputs = session.run(None, feed | dict(zip(kept, states, strict=True)))
        answers.append(outputs[:count])
        states = outputs[count:]
    return answers


def _differences(description: Description, answers: list, expected: list) -> list[str]:
    problems = []
    for run, ours, theirs in zip(description.runs, answers, expected, strict=True):
        if [each.shape for each in ours] != [each.shape for each in theirs]:
            problems.append(f"{run}: shapes {[e.shape for e in ours]}, Keras's {[e.shape for e in theirs]}")
            continue
        for index, (mine, right) in enumerate(zip(ours, theirs, strict=True)):
            largest = float(np.abs(right).max(initial=0.0))
            allowed = TOLERANCE * (largest if largest > 10 else 1.0)
            difference = float(np.abs(mine - right).max(initial=0.0))
            if not difference <= allowed:
                problems.append(f"{run}: output {index} differs by {difference:.3g}, of {largest:.3g} at most")
    return problems


def _unexpected_operators(description: Description, proto: onnx.ModelProto) -> list[str]:
    facts, problems = _facts(proto), []
    if description.scanned:
        return []
    if facts["loops"] and not expect_loops(description):
        problems.append(f"{facts['loops']} loops where every cell has an operator")
    due = recurrent_operators(description)
    if due is not None and facts["recurrent"] != due:
        problems.append(f"{facts['recurrent']} recurrent operators where {due} are due")
    if (description.right_padded or _has_masks_of_text_alone(description)) and facts["rearranging"]:
        problems.append(f"{facts['rearranging']} nodes rearrange steps that stand in front")
    if not expect_loops(description) and facts["nodes"] > node_bound(description):
        problems.append(f"{facts['nodes']} nodes, more than {node_bound(description)}")
    return problems


def _has_masks_of_text_alone(description: Description) -> bool:
    """Whether all masks come from texts, whose padding stands behind them."""
    others = any(isinstance(node, MaskZeros) or getattr(node, "explicit_mask", False)
                 for _, node in walk(description.nodes))  # fmt: skip
    return description.source.kind == "text" and not others


def _unexpected_warnings(description: Description, said: list[str]) -> list[str]:
    looping = [text for text in said if "is exported as a loop" in text]
    if expect_loops(description) != bool(looping):
        return [f"warnings {said} where {'some are' if expect_loops(description) else 'none is'} due"]
    return []


def _facts(proto: onnx.ModelProto) -> dict[str, int]:
    operators = list(_operators(proto.graph))
    return {
        "nodes": len(operators),
        "recurrent": sum(operator in RECURRENT for operator in operators),
        "loops": sum(operator in LOOPS for operator in operators),
        "rearranging": sum(operator in REARRANGING for operator in operators),
    }


def _operators(graph: onnx.GraphProto) -> Any:
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _operators(attribute.g)


def _last_lines(count: int = 12) -> str:
    """Returns the end of the traceback that is being handled."""
    return "\n".join(traceback.format_exc().strip().splitlines()[-count:])

"""Whatever way a sequence is cut into chunks, a stream answers as Keras does to the whole."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.cases import CASES, STEPS, StreamCase, stream_of, whole_answers

TOLERANCE = 1e-5
EXAMPLES = 12


def cuts() -> st.SearchStrategy:
    """Sizes of chunks that make up a sequence."""
    borders = st.sets(st.integers(1, STEPS - 1))
    return borders.map(lambda places: np.diff([0, *sorted(places), STEPS]).tolist())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=EXAMPLES)
@given(sizes=cuts(), batch=st.sampled_from([1, 3]), seed=st.integers(0, 1))
def test_chunks_are_answered_as_the_whole_is(case: StreamCase, sizes: list[int], batch: int, seed: int):
    _, network = stream_of(case)
    with_steps = json.loads(network.metadata["stream"])["outputs"]
    sequence, stream, start = case.sequence(batch, STEPS, seed), network.stream(batch), 0
    for size in sizes:
        answers = stream.run(sequence[:, start : start + size])
        whole = whole_answers(case, batch, seed)
        for (name, ours), theirs in zip(answers.items(), whole, strict=True):
            if name in with_steps:
                expected = theirs[:, start : start + size]
            elif start + size == STEPS:
                expected = theirs
            else:
                continue
            np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE, err_msg=f"{name} from {start}")
        start += size


@pytest.mark.parametrize("name", ["masked operators", "masked loops", "layers behind an answer"])
def test_an_answer_is_that_to_all_steps_so_far(name: str):
    [case] = [each for each in CASES if each.name == name]
    _, network = stream_of(case)
    with_steps = json.loads(network.metadata["stream"])["outputs"]
    sequence, stream = case.sequence(3, STEPS, 0), network.stream(3)
    for step in range(4):
        answers = stream.run(sequence[:, step : step + 1])
        for (output, ours), theirs in zip(answers.items(), whole_answers(case, 3, 0, step + 1), strict=True):
            if output not in with_steps:
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=f"{output} after {step}")

"""Random calls of `keras.ops` and layers answer in a file as in Keras, or are refused."""

import pytest

from tests.fuzzing_operations.exclusions import EXCLUDED, drawn_under_another_name, public_names
from tests.fuzzing_operations.parity import REFUSED, TABLE, Case, check
from tests.fuzzing_operations.rare_values import undrawn

CASES_OF_A_MODEL = 30
SEED = 7
NAMES = [name for name in TABLE if name not in REFUSED]


def test_every_public_function_and_layer_is_drawn_or_left_out_for_a_reason():
    table = list(TABLE)
    missing = [
        name
        for name in public_names()
        if name not in TABLE and name not in EXCLUDED and not drawn_under_another_name(name, table)
    ]
    assert missing == []


def test_the_table_and_its_exclusions_name_what_there_is():
    known = set(public_names())
    assert set(TABLE) | set(EXCLUDED) <= known
    assert not set(TABLE) & set(EXCLUDED)
    assert undrawn() == set()


@pytest.mark.walk(every=3)
@pytest.mark.parametrize("first", range(0, len(NAMES) // 3 + 1, CASES_OF_A_MODEL))
def test_random_calls_answer_as_keras_does(first: int):
    every_third = NAMES[SEED % 3 :: 3][first : first + CASES_OF_A_MODEL]
    verdicts = check([Case(name, SEED) for name in every_third])
    assert [verdict for verdict in verdicts if verdict.failed] == []


def test_what_is_refused_says_what_cannot_be_written():
    (verdict,) = check([Case("ops.cholesky", SEED)])
    assert verdict.kind == "refused"
    assert "Cholesky" in verdict.message

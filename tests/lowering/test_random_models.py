"""Random models, the same ones on every run: exported, each equals Keras. `make fuzz` tries others."""

import functools

import pytest

from tests.fuzzing.model_descriptions import Description
from tests.fuzzing.model_features import covering, everything, features
from tests.fuzzing.model_parity import check
from tests.fuzzing.random_models import drawn

COUNT = 40
ROUNDS = range(40)  # of about nine models each, of which those are taken that have most to try


@functools.cache
def models() -> list[Description]:
    return covering([description for number in ROUNDS for description in drawn(number)], COUNT)


@pytest.mark.walk(every=4)
@pytest.mark.parametrize("index", range(COUNT))
def test_a_random_model_answers_as_keras_does(index: int):
    description = models()[index]
    verdict = check(description)
    assert not verdict.failed, f"{verdict.kind}: {description!r}\n{verdict.message}"


def test_every_layer_and_argument_is_among_the_models():
    assert len(set(models())) == COUNT
    assert set.union(*map(features, models())) == everything()


def test_descriptions_read_as_the_python_that_makes_them():
    names = {each.__name__: each for each in Description.__mro__[1].__subclasses__()}
    for description in models():
        assert eval(repr(description), names) == description

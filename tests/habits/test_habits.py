"""The page of habits says what models do."""

import re
from pathlib import Path

import pytest

from tests.habits.all_habits import CASES, HABITS, SECTIONS, answers_on, page, tried
from tests.habits.cases import Case
from tests.habits.table import WORKS, Habit

PAGE = (Path(__file__).parents[2] / "docs" / "habits.md").read_text(encoding="utf-8")
NAMES = [case.name for case in CASES]
ANSWERS = answers_on(PAGE, NAMES)


# Each on one model, in turn; `make habits` tries all.
TRIED = [(each, CASES[0 if each.costly else place % len(CASES)]) for place, each in enumerate(HABITS)]


@pytest.mark.walk(every=5)
@pytest.mark.parametrize(("each", "case"), TRIED, ids=lambda part: getattr(part, "key", getattr(part, "name", None)))
def test_a_habit_works_or_is_refused_as_the_page_says(each: Habit, case: Case):
    assert tried(each, case) == ANSWERS[each.key, case.name]


def test_the_page_is_what_would_be_written():
    assert {each.section for each in HABITS} == set(SECTIONS)
    assert page(SECTIONS, NAMES, ANSWERS) == PAGE


def test_no_sentence_depends_on_the_run():
    assert not [answer for answer in ANSWERS.values() if re.search("0x[0-9a-f]+|/tmp|\\n", answer)]


def test_every_habit_has_a_name_and_a_row_of_its_own():
    assert len({each.key for each in HABITS}) == len({(each.section, each.shown) for each in HABITS}) == len(HABITS)


def _refuse(sentence: str, kind: type[Exception] = ValueError):
    def check(case: Case, folder: Path) -> None:
        raise kind(sentence)

    return check


def test_an_error_of_a_stranger_is_no_refusal():
    with pytest.raises(ValueError, match="from elsewhere"):
        tried(Habit("", "", _refuse("TextClassifier: from elsewhere.")), CASES[0])


def test_a_habit_without_effect_is_no_refusal():
    with pytest.raises(AssertionError):
        tried(Habit("", "", _refuse("TextClassifier: no effect.", AssertionError)), CASES[0])


def test_an_answer_survives_the_page():
    answers = {(each.key, name): WORKS for each in HABITS for name in NAMES}
    answers[HABITS[0].key, NAMES[1]] = "TextGenerator: `a` is [1, 2] or <b>_c_*; received |. Pass \\n."
    assert answers_on(page(SECTIONS, NAMES, answers), NAMES) == answers

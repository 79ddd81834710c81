"""The table of habits: how one is tried, and the page that shows them all."""

import re
import tempfile
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_seqkit
from tests.eager import eagerly

OURS = Path(keras_seqkit.__file__).parent
WORKS = "works"
REFUSALS = (TypeError, ValueError, NotImplementedError, RuntimeError, AttributeError, ImportError)


@dataclass(frozen=True)
class Habit:
    """What a Keras user would write.

    Args:
        section: where it stands on the page.
        shown: how it is shown: text, and code in backticks.
        check: does it to a case, and asserts that it had its effect.
        eager: whether Keras compiles nothing meanwhile.
        costly: whether the suite, which tries each habit on one model, takes the first one.
    """

    section: str
    shown: str
    check: Callable[..., None]
    eager: bool = True
    costly: bool = False

    @property
    def key(self) -> str:
        """The habit's name in tests."""
        return self.check.__name__


HABITS: list[Habit] = []


def habit(section: str, shown: str, **arguments: Any) -> Callable:
    """Puts a function into the table."""

    def put(check: Callable[..., None]) -> Callable[..., None]:
        HABITS.append(Habit(section, shown, check, **arguments))
        return check

    return put


def tried(each: Habit, case: Any) -> str:
    """Returns `WORKS`, or the sentence by which the model refuses.

    Raises:
        AssertionError: the habit was without its effect.
        Exception: an error that comes from elsewhere than this package, or is not one line that begins with the
            model.
    """
    with tempfile.TemporaryDirectory() as folder, eagerly() if each.eager else nullcontext():
        try:
            each.check(case, Path(folder))
        except REFUSALS as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            sentence = str(error).replace(f"{folder}/", "")
            if OURS not in Path(place.filename).parents or not re.match(rf"{case.name}\b.*: .+$", sentence):
                raise
            return sentence
    return WORKS


def page(sections: list[str], names: list[str], answers: dict[tuple[str, str], str]) -> str:
    """Returns the page.

    Args:
        sections: their titles, in order.
        names: the models.
        answers: for the key of each habit, and the name of each model, `WORKS` or a sentence.
    """
    parts = [INTRODUCTION]
    for section in sections:
        found = [each for each in HABITS if each.section == section]
        sentences: list[str] = []
        lines = [f"| | {' | '.join(f'`{name}`' for name in names)} |", "| --- |" + " --- |" * len(names)]
        for each in found:
            cells = [_cell(answers[each.key, name], sentences) for name in names]
            lines.append(f"| {each.shown} | {' | '.join(cells)} |")
        parts.append(f"## {section}\n\n" + "\n".join(lines) + "\n")
        parts.extend(
            ["\n".join(f"{place}. {_escaped(text)}" for place, text in enumerate(sentences, 1)) + "\n"]
            * bool(sentences)
        )
    return "\n".join(parts)


def answers_on(text: str, names: list[str]) -> dict[tuple[str, str], str]:
    """Returns what the page says of each habit and model."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        sentences = [_unescaped(line) for line in re.findall(r"^\d+\. (.*)$", body, re.MULTILINE)]
        for row in re.findall(r"^\| (.*) \|$", body, re.MULTILINE)[2:]:  # without its head
            shown, *cells = row.split(" | ")
            key = next((each.key for each in HABITS if (each.section, each.shown) == (title, shown)), shown)
            for name, cell in zip(names, cells, strict=True):
                place = re.fullmatch(r"refused \((\d+)\)", cell)
                found[key, name] = sentences[int(place[1]) - 1] if place else cell
    return found


def _cell(answer: str, sentences: list[str]) -> str:
    if answer == WORKS:
        return WORKS
    if answer not in sentences:
        sentences.append(answer)
    return f"refused ({sentences.index(answer) + 1})"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\`*_\[\]<>])", r"\1", text)


INTRODUCTION = """# Habits of Keras users

What works with `keras.Model` works with the models of this package, with strings in place of arrays; or they say why
not. `python -m tests.habits` makes this page: it does all that stands here to a small model of each class, and checks
that it had its effect: that the weights are those of the plain list, to the last bit; that the callback was called;
that the metric is in the history. The suite does each to one of the models, in turn, and compares with the page.
*refused* points at the sentence that the model raises, below each table.

`x` are texts in a list; `y` is what belongs to them: the labels of a `TextClassifier`, the translations of a
`Seq2SeqTranslator`. The texts of a `TextGenerator`, and of a `SkipGram` (`CBOW` is the same), are their own targets:
there `y` is left out, except in the rows on `y`.
"""

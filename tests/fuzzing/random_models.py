"""Hypothesis strategies that draw descriptions of recurrent models: small ones first, so that they shrink well."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzzing.model_descriptions import (
    Both,
    Convolution,
    Dense,
    Description,
    Drop,
    MaskZeros,
    Norm,
    PerStep,
    Pool,
    Recurrent,
    Repeat,
    Run,
    Source,
    Stack,
    walk,
)
from tests.fuzzing.random_inputs import PADDINGS, RIGHT_PADDINGS
from tests.fuzzing.random_nodes import FOREIGN, NATIVE, Drawer, Value, seldom, sizes

PLAIN = (Recurrent, Both, Stack, PerStep, Dense, Convolution, Repeat, Norm, Pool, Drop, MaskZeros)


@st.composite
def descriptions(draw: Any) -> Description:
    """Draws a model, and what it is run on."""
    axes = 2 if draw(st.integers(0, 7)) == 7 else 1
    steps = tuple(draw(st.none() | st.integers(1, 5 if axes == 2 else 8)) for _ in range(axes))
    batch = draw(st.sampled_from((None,) * 8 + (3, 1)))
    kinds = ("values", "ids", "words") if axes == 2 else ("values", "ids", "text", "words")
    source = Source(draw(st.sampled_from(kinds)), draw(sizes), draw(st.booleans()), steps, batch)
    foreign = () if batch else FOREIGN  # a stateful layer without an operator is refused
    chosen = draw(st.sampled_from((("tanh",), NATIVE, NATIVE, NATIVE + foreign)))
    drawer = Drawer(draw, chosen, stateful=batch is not None)
    nodes = drawer.model(Value(steps, source.dim, source.masked))
    forms = ["functional", "subclassed"] + ["sequential"] * (axes == 1 and all(map(_is_plain, nodes)))
    # What Masking masks within the network is anywhere.
    right = draw(seldom) and not any(isinstance(node, MaskZeros) for _, node in walk(nodes))
    runs = draw(st.lists(_runs(steps, batch, RIGHT_PADDINGS if right else PADDINGS), min_size=1, max_size=3))
    form, number = draw(st.sampled_from(forms)), draw(st.integers(0, 99))
    return Description(source, nodes, form, tuple(runs), number, draw(seldom), right)


def _runs(steps: tuple[int | None, ...], batch: int | None, paddings: tuple[str, ...]) -> Any:
    longest = 8 if len(steps) == 1 else 4
    sizes_of_axes = [st.just(size) if size else st.integers(1, longest) for size in steps]
    batches = st.just(batch) if batch else st.sampled_from((3, 1))
    return st.builds(Run, batches, st.tuples(*sizes_of_axes), st.sampled_from(paddings), st.integers(0, 9))


def _is_plain(node: Any) -> bool:
    """Whether a node is one layer with one input and one output, as `Sequential` wants them."""
    several = any(getattr(node, name, False) for name in ("return_state", "initial_state", "explicit_mask"))
    return isinstance(node, PLAIN) and not several and getattr(node, "merge_mode", "") is not None


def drawn(number: int) -> list[Description]:
    """Returns the few models of one round of Hypothesis: the same ones for the same number."""
    found: list[Description] = []
    _round(lambda description: found.append(description), number)()
    return found


def shrunk(number: int, failing: Description, fails: Callable[[Description], bool], tries: int) -> Description:
    """Returns the simplest model that Hypothesis finds for which `fails` is true still.

    Args:
        number: the round that the model was drawn in.
        failing: the model.
        fails: whether a model fails; not asked about `failing`.
        tries: how often it is asked at most.
    """
    answers = {failing: True}
    simplest = [failing]
    reached = []

    def test(description: Description) -> None:
        if description == failing:
            reached.append(True)
        if not reached:
            return  # drawn before it in that round
        if description not in answers:
            answers[description] = len(answers) <= tries and fails(description)
        if answers[description]:
            simplest[0] = description
            raise _StillFailsError

    with contextlib.suppress(_StillFailsError), contextlib.redirect_stdout(io.StringIO()):
        _round(test, number)()
    return simplest[0]


class _StillFailsError(Exception):
    """Tells Hypothesis that a model fails."""


def _round(test: Callable[[Description], None], number: int) -> Callable[[], None]:
    # After ten models Hypothesis begins to draw variants of models it has drawn.
    options = settings(
        max_examples=10,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    return seed(number)(options(given(descriptions())(test)))

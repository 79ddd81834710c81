"""What the tests of the demos share."""

import contextlib
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEMOS = Path(__file__).parents[1] / "docs" / "demos"
PNG = b"\x89PNG\r\n\x1a\n"


@contextlib.contextmanager
def imported(name: str) -> Iterator[Any]:
    """Imports a demo; the modules beside it can be imported too, as long as this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DEMOS)
        yield importlib.import_module(name)


def printed_by(demo: Any, *arguments: object) -> str:
    """Runs a demo; returns what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        demo.main([str(argument) for argument in arguments])
    return printed.getvalue()


def error_of(demo: Any, capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """Runs a demo that refuses its arguments; returns what it said."""
    with pytest.raises(SystemExit) as stopped:
        demo.main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    return capsys.readouterr().err

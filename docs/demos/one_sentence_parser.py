"""Options of a command, each error of which is one sentence."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn


class OneSentenceParser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that says what is wrong in one sentence, without the list of all options."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Returns the options; ends the process where one is not known."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown[0]))
        return options

    def _unknown(self, word: str) -> str:
        known = [name for name in self._option_string_actions if name.startswith("--")]
        if not word.startswith("-"):
            return f"{word!r} belongs to no option: put quotes around what has spaces; --help describes the options"
        name = word.partition("=")[0]
        likely = get_close_matches(name, known, n=1)
        meant = f"; did you mean {likely[0]}?" if likely else f": there are {', '.join(known)}"
        return f"unknown option {name}{meant}"

    def error(self, message: str) -> NoReturn:
        """Prints the sentence and ends the process."""
        self.exit(2, f"error: {message}\n")

"""Makes the package's docstrings fit for Markdown: mkdocs reads this while it builds the site."""

import re
from typing import Any

import griffe

_PROMPT = re.compile(r"( *)>>> ")
_FENCE = "```"


def fence_doctests(docstring: str) -> str:
    r"""Puts doctests into code blocks, since Markdown takes them for quotations, and below their "Example:".

    Example:
        >>> fence_doctests("Example:\n>>> 1 + 1\n2\n\nMore.").splitlines()
        ['Example:', '    ```pycon', '    >>> 1 + 1', '    2', '    ```', '', 'More.']
    """
    lines: list[str] = []
    indent, shift = None, ""  # of the doctest that the line belongs to
    for line in [*docstring.splitlines(), ""]:
        prompt = _PROMPT.match(line)
        if indent is not None and not line.strip():
            lines.append(f"{shift}{indent}{_FENCE}")
            indent, shift = None, ""
        elif indent is None and prompt:
            indent = prompt[1]
            shift = "    " if lines and lines[-1] == f"{indent}Example:" else ""
            lines.append(f"{shift}{indent}{_FENCE}pycon")
        lines.append(shift + line)
    return "\n".join(lines[:-1])


class DocstringExamples(griffe.Extension):
    """Applies `fence_doctests` to every docstring, and calls the arguments of a NamedTuple its attributes."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Changes an object's docstring, before it is parsed."""
        if obj.docstring is None:
            return
        obj.docstring.value = fence_doctests(obj.docstring.value)
        if isinstance(obj, griffe.Class) and "NamedTuple" in map(str, obj.bases):  # griffe sees no constructor
            obj.docstring.value = obj.docstring.value.replace("\nArgs:\n", "\nAttributes:\n")
